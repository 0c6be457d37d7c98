// SPDX-License-Identifier: Apache-2.0
#include "iceberg/expire.h"

#include <algorithm>
#include <limits>
#include <unordered_set>

#include "iceberg/history.h"

namespace firn::iceberg {
namespace {

// The table's rules, with what the request says in their place.
struct Rules {
  Rules(const TableMetadata& metadata, const ExpireSnapshots& request)
      : now_ms(request.now_ms),
        older_than_ms(request.older_than_ms.value_or(
            now_ms -
            metadata.PropertyCount(kPropertyMaxSnapshotAgeMs, kMaxSnapshotAgeMsDefault))),
        count_min(request.retain_last.value_or(metadata.PropertyCount(
            kPropertyMinSnapshotsToKeep, kMinSnapshotsToKeepDefault))),
        ref_age_max_ms(metadata.PropertyCount(kPropertyMaxRefAgeMs,
                                              std::numeric_limits<DurationMs>::max())) {}

  bool KeepsRef(const std::string& name, const SnapshotRef& ref,
                const Snapshot& snapshot) const {
    if (name == kMainBranch) return true;
    return now_ms - snapshot.timestamp_ms <= ref.max_ref_age_ms.value_or(ref_age_max_ms);
  }

  TimestampMs now_ms;
  TimestampMs older_than_ms;
  std::int64_t count_min;
  DurationMs ref_age_max_ms;
};

using SnapshotIds = std::unordered_set<SnapshotId>;

// Add what is kept of a branch to `kept`, and all of it to `reached`.
void KeepBranch(const TableMetadata& metadata, const SnapshotRef& ref, const Rules& rules,
                SnapshotIds* kept, SnapshotIds* reached) {
  const TimestampMs older_than_ms = ref.max_snapshot_age_ms
                                        ? rules.now_ms - *ref.max_snapshot_age_ms
                                        : rules.older_than_ms;
  const std::int64_t count_min = ref.min_snapshots_to_keep.value_or(rules.count_min);
  std::int64_t count = 0;
  bool keeps = true;
  for (const Snapshot* snapshot : AncestorsOf(metadata, ref.snapshot_id)) {
    reached->insert(snapshot->id);
    keeps = keeps && (count < count_min || snapshot->timestamp_ms >= older_than_ms);
    if (keeps) kept->insert(snapshot->id);
    ++count;
  }
}

Status CheckNamed(const TableMetadata& metadata, const std::vector<SnapshotId>& named,
                  const std::vector<std::string>& dropped_refs) {
  for (const SnapshotId id : named) {
    if (metadata.FindSnapshot(id) == nullptr) {
      return Status::NotFound("snapshot " + id.ToString() + " is not in the table");
    }
    for (const auto& [name, ref] : metadata.refs) {
      if (ref.snapshot_id != id ||
          std::ranges::find(dropped_refs, name) != dropped_refs.end()) {
        continue;
      }
      return Status::InvalidArgument("snapshot " + id.ToString() +
                                     " cannot expire: the branch or tag " + name +
                                     " points at it");
    }
  }
  return Status::OK();
}

}  // namespace

Result<ExpiryPlan> PlanExpiry(const TableMetadata& metadata,
                              const ExpireSnapshots& request) {
  if (!metadata.PropertyFlag(kPropertyGcEnabled, true)) {
    return Status::InvalidArgument(
        "snapshots are not expired: gc.enabled is false, so that another table may use "
        "the files");
  }
  if (request.retain_last.value_or(1) < 1) {
    return Status::InvalidArgument("at least one snapshot of a branch is kept");
  }
  const Rules rules(metadata, request);
  ExpiryPlan plan;
  SnapshotIds kept;
  SnapshotIds reached;
  for (const auto& [name, ref] : metadata.refs) {
    const Snapshot* snapshot = metadata.FindSnapshot(ref.snapshot_id);
    if (snapshot == nullptr || !rules.KeepsRef(name, ref, *snapshot)) {
      plan.refs.push_back(name);
      continue;
    }
    // A branch keeps its head whatever its numbers are.
    kept.insert(ref.snapshot_id);
    reached.insert(ref.snapshot_id);
    if (ref.type == RefType::kBranch) KeepBranch(metadata, ref, rules, &kept, &reached);
  }
  FIRN_RETURN_IF_ERROR(CheckNamed(metadata, request.snapshot_ids, plan.refs));
  const SnapshotIds named(request.snapshot_ids.begin(), request.snapshot_ids.end());
  for (const Snapshot& snapshot : metadata.snapshots) {
    const bool loose =
        !reached.contains(snapshot.id) && snapshot.timestamp_ms >= rules.older_than_ms;
    const bool keeps = kept.contains(snapshot.id) || loose;
    if (!keeps || named.contains(snapshot.id)) plan.snapshots.push_back(snapshot.id);
  }
  return plan;
}

Result<std::vector<Update>> BuildUpdates(const TableMetadata& base,
                                         const ExpireSnapshots& action) {
  FIRN_ASSIGN_OR_RETURN(ExpiryPlan plan, PlanExpiry(base, action));
  std::vector<Update> updates;
  for (std::string& name : plan.refs) {
    updates.push_back(RemoveSnapshotRef{std::move(name)});
  }
  if (!plan.snapshots.empty()) {
    updates.push_back(RemoveSnapshots{std::move(plan.snapshots)});
  }
  return updates;
}

}  // namespace firn::iceberg
