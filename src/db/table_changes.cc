// SPDX-License-Identifier: Apache-2.0
#include "firn/table_changes.h"

#include <memory>
#include <utility>

#include "base/clock.h"
#include "base/context.h"
#include "base/metrics.h"
#include "base/ulid.h"
#include "db/alter_text.h"
#include "db/expire.h"
#include "db/warehouse.h"
#include "iceberg/action.h"
#include "iceberg/alteration.h"
#include "iceberg/apply_updates.h"
#include "iceberg/commit.h"
#include "iceberg/history.h"
#include "table/position.h"
#include "table/table_properties.h"
#include "tsdb/tables.h"

namespace firn {
namespace {

using db::Warehouse;
using iceberg::Action;
using iceberg::LoadedTable;
using iceberg::SnapshotId;
using iceberg::TableMetadata;

// Makes the action of the table as it was loaded.
using ActionOf = std::function<Result<Action>(const TableMetadata&)>;

iceberg::SnapshotRef RefOf(const NewRef& ref, SnapshotId snapshot_id) {
  iceberg::SnapshotRef out;
  out.snapshot_id = snapshot_id;
  out.type =
      ref.kind == RefKind::kBranch ? iceberg::RefType::kBranch : iceberg::RefType::kTag;
  out.max_ref_age_ms = ref.retention.ref_age_max_ms;
  out.min_snapshots_to_keep = ref.retention.snapshots_min;
  out.max_snapshot_age_ms = ref.retention.snapshot_age_max_ms;
  return out;
}

Status CheckKind(const TableMetadata& metadata, const std::string& name, RefKind kind) {
  const auto found = metadata.refs.find(name);
  if (found == metadata.refs.end()) return Status::OK();
  const bool is_branch = found->second.type == iceberg::RefType::kBranch;
  if (is_branch == (kind == RefKind::kBranch)) return Status::OK();
  return Status::InvalidArgument(name + " is a " + (is_branch ? "branch" : "tag"));
}

Result<Action> ActionOfRef(const TableMetadata& metadata, const NewRef& ref) {
  FIRN_RETURN_IF_ERROR(CheckKind(metadata, ref.name, ref.kind));
  SnapshotId snapshot_id;
  if (ref.snapshot_id.has_value()) {
    snapshot_id = SnapshotId(*ref.snapshot_id);
  } else if (metadata.current_snapshot_id.has_value()) {
    snapshot_id = *metadata.current_snapshot_id;
  } else {
    return Status::InvalidArgument("the table has no snapshot yet, so nothing to name");
  }
  const iceberg::SnapshotRef made = RefOf(ref, snapshot_id);
  if (ref.replace && metadata.refs.contains(ref.name)) {
    return Action(iceberg::ReplaceRef{ref.name, made});
  }
  return Action(iceberg::CreateRef{ref.name, made});
}

Result<Action> ActionOfProperties(const TableMetadata& metadata,
                                  const PropertyChange& change) {
  FIRN_RETURN_IF_ERROR(
      table::CheckPropertyChanges({change.set, change.removed}, metadata));
  iceberg::ChangeMetadata action;
  if (!change.set.empty()) action.updates.push_back(iceberg::SetProperties{change.set});
  if (!change.removed.empty()) {
    action.updates.push_back(iceberg::RemoveProperties{change.removed});
  }
  return Action(std::move(action));
}

// OK unless a server settles into the table.
Status CheckIsSettledNoMore(const TableMetadata& metadata) {
  const auto position = metadata.properties.lower_bound(table::kPositionPrefix);
  if (position == metadata.properties.end() ||
      !position->first.starts_with(table::kPositionPrefix)) {
    return Status::OK();
  }
  return Status::InvalidArgument(
      "a server settles into the table (" + position->first +
      "); once that is gone for good, `firn table retire` forgets it");
}

// What a server needs of its tables is asked of each version that the table has become.
Status AddAlteration(const LoadedTable& table, const iceberg::Alteration& alteration,
                     iceberg::Transaction* transaction) {
  FIRN_ASSIGN_OR_RETURN(std::vector<Action> actions,
                        iceberg::ActionsOf(*table.metadata, alteration));
  for (Action& action : actions) {
    if (const auto* change = std::get_if<iceberg::ReplaceSchema>(&action)) {
      const Status kept = tsdb::CheckKeepsColumns(
          table.identifier, table.metadata->current_schema(), change->schema);
      const Status settled = CheckIsSettledNoMore(*table.metadata);
      if (!kept.ok() && !settled.ok()) return settled.With(kept.message());
    }
    transaction->Add(std::move(action));
  }
  return Status::OK();
}

class WarehouseChanges final : public TableChanges {
 public:
  static Result<std::unique_ptr<TableChanges>> Open(const DbOptions& options) {
    auto changes = std::make_unique<WarehouseChanges>();
    FIRN_ASSIGN_OR_RETURN(
        changes->warehouse_,
        Warehouse::OpenExisting(options, base::SystemClock(), changes->metrics_));
    return std::unique_ptr<TableChanges>(std::move(changes));
  }

  Result<TableSummary> RollbackTo(const base::Context& context, std::string_view table,
                                  std::int64_t snapshot_id) override {
    return Commit(context, table, iceberg::RollbackTo{SnapshotId(snapshot_id)});
  }
  Result<TableSummary> RollbackToTime(const base::Context& context,
                                      std::string_view table,
                                      TimestampMs before_ms) override {
    return Commit(context, table, iceberg::RollbackToTime{before_ms});
  }
  Result<TableSummary> SetRef(const base::Context& context, std::string_view table,
                              const NewRef& ref) override {
    return CommitRef(context, table, ref.name, [&](const TableMetadata& metadata) {
      return ActionOfRef(metadata, ref);
    });
  }
  Result<TableSummary> DropRef(const base::Context& context, std::string_view table,
                               const std::string& name, RefKind kind) override {
    return Commit(context, table, [&](const TableMetadata& metadata) -> Result<Action> {
      FIRN_RETURN_IF_ERROR(CheckKind(metadata, name, kind));
      return Action(iceberg::DropRef{name});
    });
  }
  Result<TableSummary> FastForward(const base::Context& context, std::string_view table,
                                   const std::string& branch,
                                   const std::string& to) override {
    return CommitRef(context, table, branch, [&](const TableMetadata&) -> Result<Action> {
      return Action(iceberg::FastForward{branch, to});
    });
  }
  Result<TableSummary> CherryPick(const base::Context& context, std::string_view table,
                                  std::int64_t snapshot_id) override {
    return Commit(context, table, iceberg::CherryPick{SnapshotId(snapshot_id)});
  }
  Result<TableSummary> Retire(const base::Context& context, std::string_view table,
                              std::string_view writer) override {
    FIRN_ASSIGN_OR_RETURN(const base::Ulid ulid, base::Ulid::Parse(writer));
    const std::string key = table::PositionKey(ulid);
    return Commit(context, table, [&](const TableMetadata& metadata) -> Result<Action> {
      if (metadata.FindProperty(key) == nullptr) {
        return Status::NotFound("the table knows no writer " + ulid.ToString());
      }
      return Action(iceberg::ChangeMetadata{{iceberg::RemoveProperties{{key}}}});
    });
  }
  Result<PropertyMap> Properties(const base::Context& context,
                                 std::string_view table) override {
    FIRN_ASSIGN_OR_RETURN(const LoadedTable loaded,
                          warehouse_->LoadTable(context, table));
    return loaded.metadata->properties;
  }
  Result<PropertyMap> ChangeProperties(const base::Context& context,
                                       std::string_view table,
                                       const PropertyChange& change) override {
    if (change.set.empty() && change.removed.empty()) return Properties(context, table);
    FIRN_ASSIGN_OR_RETURN(
        const LoadedTable changed,
        CommitLoaded(context, table, [&](const TableMetadata& metadata) {
          return ActionOfProperties(metadata, change);
        }));
    return changed.metadata->properties;
  }
  Result<AlteredTable> Alter(const base::Context& context, std::string_view table,
                             const AlterTable& change) override {
    FIRN_ASSIGN_OR_RETURN(const iceberg::Alteration alteration,
                          db::ParseAlteration(change));
    // Loaded first for a NotFound that lists the tables there are.
    FIRN_ASSIGN_OR_RETURN(LoadedTable loaded, warehouse_->LoadTable(context, table));
    if (change.dry_run) {
      FIRN_ASSIGN_OR_RETURN(const bool changes, Try(context, &loaded, alteration));
      return AlteredTable{Warehouse::Describe(loaded), changes};
    }
    FIRN_ASSIGN_OR_RETURN(
        const iceberg::CommitOutcome outcome,
        iceberg::CommitWithRetry(
            context, warehouse_->commit_environment(), loaded.identifier,
            [&](const LoadedTable& now,
                iceberg::Transaction& transaction) -> Result<iceberg::BuildDecision> {
              FIRN_RETURN_IF_ERROR(AddAlteration(now, alteration, &transaction));
              return iceberg::BuildDecision::kCommit;
            }));
    return AlteredTable{Warehouse::Describe(outcome.table), outcome.committed};
  }
  Result<DroppedTable> Drop(const base::Context& context,
                            std::string_view table) override {
    FIRN_ASSIGN_OR_RETURN(const iceberg::TableIdentifier identifier,
                          iceberg::TableIdentifier::Parse(table));
    iceberg::Catalog& catalog = warehouse_->catalog();
    DroppedTable dropped;
    dropped.table = identifier.ToString();
    const auto loaded = warehouse_->LoadTable(context, table);
    if (loaded.ok()) {
      FIRN_RETURN_IF_ERROR(CheckIsSettledNoMore(*loaded->metadata));
      dropped.location = loaded->metadata->location;
      dropped.metadata_location = loaded->metadata_location;
    } else {
      // One whose files are damaged or gone can be dropped all the same.
      if (!loaded.status().Is(StatusCode::kCorruption)) return loaded.status();
      FIRN_ASSIGN_OR_RETURN(dropped.metadata_location,
                            catalog.CurrentMetadataLocation(context, identifier));
    }
    FIRN_RETURN_IF_ERROR(catalog.DropTable(context, identifier));
    io::Store& store =
        loaded.ok() ? loaded->StoreOr(warehouse_->store()) : warehouse_->store();
    if (store.OpenReader(context, dropped.metadata_location)
            .status()
            .Is(StatusCode::kNotFound)) {
      dropped.metadata_location.clear();
    }
    return dropped;
  }
  Result<ExpireReport> Expire(const base::Context& context, std::string_view table,
                              const ExpireOptions& options) override {
    return db::Expire(context, *warehouse_, table, options);
  }

 private:
  // Make `loaded` what it would become. Returns whether that is another than it is.
  Result<bool> Try(const base::Context& context, LoadedTable* loaded,
                   const iceberg::Alteration& alteration) {
    const iceberg::CommitEnvironment environment = warehouse_->commit_environment();
    iceberg::Transaction transaction(*loaded->metadata);
    FIRN_RETURN_IF_ERROR(AddAlteration(*loaded, alteration, &transaction));
    std::vector<std::string> written;  // None: there is no snapshot among the updates.
    FIRN_ASSIGN_OR_RETURN(
        const iceberg::TableCommit commit,
        transaction.BuildCommit(context, environment.manifests, environment.clock,
                                environment.random, &written));
    FIRN_ASSIGN_OR_RETURN(
        TableMetadata altered,
        iceberg::ApplyUpdates(*loaded->metadata, loaded->metadata_location,
                              commit.updates, environment.clock.NowMs()));
    loaded->metadata = std::make_shared<const TableMetadata>(std::move(altered));
    return !commit.updates.empty();
  }

  Result<iceberg::CommitOutcome> CommitAction(const base::Context& context,
                                              const iceberg::TableIdentifier& identifier,
                                              const ActionOf& action) {
    return iceberg::CommitWithRetry(
        context, warehouse_->commit_environment(), identifier,
        [&](const LoadedTable& loaded,
            iceberg::Transaction& transaction) -> Result<iceberg::BuildDecision> {
          FIRN_ASSIGN_OR_RETURN(Action made, action(*loaded.metadata));
          transaction.Add(std::move(made));
          return iceberg::BuildDecision::kCommit;
        });
  }

  Result<LoadedTable> CommitLoaded(const base::Context& context, std::string_view table,
                                   const ActionOf& action) {
    // Loaded first for a NotFound that lists the tables there are.
    FIRN_ASSIGN_OR_RETURN(const LoadedTable loaded,
                          warehouse_->LoadTable(context, table));
    FIRN_ASSIGN_OR_RETURN(iceberg::CommitOutcome outcome,
                          CommitAction(context, loaded.identifier, action));
    return std::move(outcome.table);
  }

  Result<TableSummary> Commit(const base::Context& context, std::string_view table,
                              const ActionOf& action) {
    FIRN_ASSIGN_OR_RETURN(const LoadedTable changed,
                          CommitLoaded(context, table, action));
    return Warehouse::Summarize(changed);
  }
  // Summarizes what the ref `name` is then.
  Result<TableSummary> CommitRef(const base::Context& context, std::string_view table,
                                 const std::string& name, const ActionOf& action) {
    FIRN_ASSIGN_OR_RETURN(const LoadedTable changed,
                          CommitLoaded(context, table, action));
    return Warehouse::Summarize(changed, iceberg::FindRef(*changed.metadata, name));
  }
  Result<TableSummary> Commit(const base::Context& context, std::string_view table,
                              Action action) {
    return Commit(context, table,
                  [&](const TableMetadata&) -> Result<Action> { return action; });
  }

  base::MetricRegistry metrics_;
  std::unique_ptr<Warehouse> warehouse_;
};

}  // namespace

Result<std::unique_ptr<TableChanges>> TableChanges::Open(const DbOptions& options) {
  return WarehouseChanges::Open(options);
}

}  // namespace firn
