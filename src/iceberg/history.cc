// SPDX-License-Identifier: Apache-2.0
#include "iceberg/history.h"

#include <algorithm>
#include <unordered_map>

namespace firn::iceberg {
namespace {

Status NotKept(SnapshotId id) {
  return Status::NotFound("snapshot " + id.ToString() +
                          " is not in the table: it was expired, or never was");
}

}  // namespace

std::vector<const Snapshot*> AncestorsOf(const TableMetadata& metadata, SnapshotId id) {
  std::unordered_map<SnapshotId, const Snapshot*> by_id;
  for (const Snapshot& snapshot : metadata.snapshots) by_id[snapshot.id] = &snapshot;
  std::vector<const Snapshot*> chain;
  std::optional<SnapshotId> at = id;
  // A chain longer than the list of snapshots has a cycle.
  while (at && chain.size() < metadata.snapshots.size()) {
    const auto found = by_id.find(*at);
    if (found == by_id.end()) break;
    chain.push_back(found->second);
    at = found->second->parent_id;
  }
  return chain;
}

const Snapshot* FindRef(const TableMetadata& metadata, const std::string& name) {
  const auto ref = metadata.refs.find(name);
  return ref == metadata.refs.end() ? nullptr
                                    : metadata.FindSnapshot(ref->second.snapshot_id);
}

Result<const Snapshot*> ResolveRef(const TableMetadata& metadata,
                                   const std::string& name) {
  if (const Snapshot* snapshot = FindRef(metadata, name)) return snapshot;
  std::string names;
  for (const auto& [known, ref] : metadata.refs) {
    names += (names.empty() ? "" : ", ") + known;
  }
  return Status::NotFound("the table has no branch or tag " + name + "; it has " +
                          (names.empty() ? "none" : names));
}

Result<const Snapshot*> SnapshotAsOf(const TableMetadata& metadata, TimestampMs at_ms,
                                     const std::string& branch) {
  if (branch == kMainBranch) {
    for (auto entry = metadata.snapshot_log.rbegin();
         entry != metadata.snapshot_log.rend(); ++entry) {
      if (entry->timestamp_ms > at_ms) continue;
      const Snapshot* snapshot = metadata.FindSnapshot(entry->snapshot_id);
      if (snapshot == nullptr) return NotKept(entry->snapshot_id);
      return snapshot;
    }
  } else {
    FIRN_ASSIGN_OR_RETURN(const Snapshot* head, ResolveRef(metadata, branch));
    for (const Snapshot* snapshot : AncestorsOf(metadata, head->id)) {
      if (snapshot->timestamp_ms <= at_ms) return snapshot;
    }
  }
  return Status::NotFound("branch " + branch + " has no snapshot as old as " +
                          std::to_string(at_ms) + " ms since 1970");
}

Result<std::vector<const Snapshot*>> SnapshotsBetween(const TableMetadata& metadata,
                                                      std::optional<SnapshotId> after,
                                                      SnapshotId until) {
  std::vector<const Snapshot*> chain = AncestorsOf(metadata, until);
  if (chain.empty()) return NotKept(until);
  const auto end =
      std::find_if(chain.begin(), chain.end(),
                   [&](const Snapshot* snapshot) { return snapshot->id == after; });
  const std::optional<SnapshotId> beyond = chain.back()->parent_id;
  // Expiry may have taken `after` itself, as long as it took nothing after it.
  if (end == chain.end() && beyond != after) {
    if (after && !beyond) {
      return Status::InvalidArgument("snapshot " + after->ToString() +
                                     " is no ancestor of snapshot " + until.ToString());
    }
    return Status::InvalidArgument("the history from snapshot " +
                                   (after ? after->ToString() : "none") + " to " +
                                   until.ToString() + " is not kept: snapshot " +
                                   beyond->ToString() + " was expired");
  }
  chain.erase(end, chain.end());
  return chain;
}

Result<std::vector<const Snapshot*>> AppendsBetween(const TableMetadata& metadata,
                                                    std::optional<SnapshotId> after,
                                                    SnapshotId until,
                                                    RewritesInRange rewrites) {
  FIRN_ASSIGN_OR_RETURN(std::vector<const Snapshot*> range,
                        SnapshotsBetween(metadata, after, until));
  std::vector<const Snapshot*> appends;
  for (auto it = range.rbegin(); it != range.rend(); ++it) {
    const Snapshot& snapshot = **it;
    if (snapshot.operation == Operation::kAppend) {
      appends.push_back(&snapshot);
    } else if (snapshot.operation != Operation::kReplace &&
               rewrites == RewritesInRange::kRefuse) {
      return Status::InvalidArgument(
          "snapshot " + snapshot.id.ToString() + " is of the operation " +
          std::string(ToString(snapshot.operation)) +
          ", which takes rows away: a scan of added rows would be wrong about them");
    }
  }
  return appends;
}

}  // namespace firn::iceberg
