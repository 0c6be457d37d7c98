// SPDX-License-Identifier: Apache-2.0
#include "iceberg/transaction.h"

#include <algorithm>
#include <iterator>

#include "base/assert.h"
#include "iceberg/apply_updates.h"

namespace firn::iceberg {
namespace {

// Builds actions one after the other, each on the metadata that the former ones made.
class CommitBuilder {
 public:
  CommitBuilder(const base::Context& context, const SnapshotEnvironment& environment,
                const TableMetadata& base)
      : context_(context), env_(environment), current_(&base) {}

  Status Add(const Action& action) {
    if (!std::holds_alternative<ChangeMetadata>(action)) FIRN_RETURN_IF_ERROR(Settle());
    FIRN_ASSIGN_OR_RETURN(const std::vector<Update> updates, std::visit(*this, action));
    return Add(updates);
  }

  Status ExpireIfAsked() {
    if (!snapshot_ || !current_->PropertyFlag(kPropertyExpireAfterCommit, false)) {
      return Status::OK();
    }
    if (!current_->PropertyFlag(kPropertyGcEnabled, true)) return Status::OK();
    FIRN_RETURN_IF_ERROR(Settle());
    ExpireSnapshots expire;
    expire.now_ms = env_.clock.NowMs();
    FIRN_ASSIGN_OR_RETURN(const ExpiryPlan plan, PlanExpiry(*current_, expire));
    if (plan.snapshots.size() < kExpireAfterCommitMin) return Status::OK();
    return Add(expire);
  }

  // The actions.
  template <typename T>
  Result<std::vector<Update>> operator()(const T& action) const {
    if constexpr (requires { BuildUpdates(context_, env_, *current_, action); }) {
      return BuildUpdates(context_, env_, *current_, action);
    } else {
      return BuildUpdates(*current_, action);
    }
  }
  Result<std::vector<Update>> operator()(const ChangeMetadata& action) const {
    return action.updates;
  }

  std::vector<Update>& updates() { return updates_; }
  std::optional<Snapshot>& snapshot() { return snapshot_; }

 private:
  Status Add(const std::vector<Update>& updates) {
    for (const Update& update : updates) {
      if (const auto* added = std::get_if<AddSnapshot>(&update)) {
        snapshot_ = added->snapshot;
      }
    }
    updates_.insert(updates_.end(), updates.begin(), updates.end());
    unsettled_.insert(unsettled_.end(), updates.begin(), updates.end());
    return Status::OK();
  }

  // Apply what the last actions made. Put off until another one looks at it: a copy of
  // the metadata of many snapshots takes its time.
  Status Settle() {
    if (unsettled_.empty()) return Status::OK();
    FIRN_ASSIGN_OR_RETURN(
        copy_, ApplyUpdates(*current_, "", unsettled_, current_->last_updated_ms));
    unsettled_.clear();
    current_ = &copy_;
    return Status::OK();
  }

  const base::Context& context_;
  const SnapshotEnvironment& env_;
  const TableMetadata* current_;
  TableMetadata copy_;
  std::vector<Update> unsettled_;
  std::vector<Update> updates_;
  std::optional<Snapshot> snapshot_;
};

template <typename T>
T& LastOrNew(std::vector<Action>& actions) {
  const auto last = std::find_if(actions.rbegin(), actions.rend(), [](const Action& a) {
    return std::holds_alternative<T>(a);
  });
  if (last != actions.rend()) return std::get<T>(*last);
  return std::get<T>(actions.emplace_back(T{}));
}

}  // namespace

bool Transaction::empty() const {
  return std::ranges::all_of(actions_, [](const Action& action) {
    if (const auto* append = std::get_if<AppendFiles>(&action)) {
      return append->files.empty();
    }
    const auto* change = std::get_if<ChangeMetadata>(&action);
    return change != nullptr && change->updates.empty();
  });
}

void Transaction::Add(Action action) { actions_.push_back(std::move(action)); }

void Transaction::Append(std::vector<DataFile> files,
                         std::map<std::string, std::string> summary) {
  AppendFiles& append = LastOrNew<AppendFiles>(actions_);
  append.files.insert(append.files.end(), std::make_move_iterator(files.begin()),
                      std::make_move_iterator(files.end()));
  for (auto& [key, value] : summary) append.summary[key] = std::move(value);
}

void Transaction::SetProperties(std::map<std::string, std::string> properties) {
  if (properties.empty()) return;
  Add(ChangeMetadata{{iceberg::SetProperties{std::move(properties)}}});
}

void Transaction::RemoveProperties(std::vector<std::string> keys) {
  if (keys.empty()) return;
  Add(ChangeMetadata{{iceberg::RemoveProperties{std::move(keys)}}});
}

Status Transaction::AddColumn(const NestedField& column) {
  AddRegisteredColumn action{column};
  FIRN_ASSIGN_OR_RETURN(const auto updates, BuildUpdates(*base_, action));
  if (!updates.empty()) Add(std::move(action));
  return Status::OK();
}

Result<TableCommit> Transaction::BuildCommit(const base::Context& context,
                                             const ManifestIo& manifests,
                                             const base::Clock& clock,
                                             RandomSource& random,
                                             std::vector<std::string>* written) const {
  FIRN_ASSERT(!empty());
  const SnapshotEnvironment environment{manifests, clock, random, *written};
  CommitBuilder builder(context, environment, *base_);
  for (const Action& action : actions_) FIRN_RETURN_IF_ERROR(builder.Add(action));
  FIRN_RETURN_IF_ERROR(builder.ExpireIfAsked());
  TableCommit commit;
  commit.updates = std::move(builder.updates());
  commit.snapshot = std::move(builder.snapshot());
  commit.requirements = RequirementsOf(*base_, commit.updates);
  return commit;
}

}  // namespace firn::iceberg
