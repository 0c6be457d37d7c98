// SPDX-License-Identifier: Apache-2.0
// history.h: which snapshots a table went through, and which one was meant.
//
// Snapshots form a tree by their parents; a branch is the chain from its head to the
// root, as far as expiry has kept it. Pure; what is returned points into the metadata.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "firn/status.h"
#include "firn/time.h"
#include "iceberg/table_metadata.h"

namespace firn::iceberg {

// `id` and its parents, newest first, as far as they are kept; empty where `id` is not.
std::vector<const Snapshot*> AncestorsOf(const TableMetadata& metadata, SnapshotId id);

// The head of a branch, or what a tag names; null where there is no such ref. Main of an
// empty table is null as well.
const Snapshot* FindRef(const TableMetadata& metadata, const std::string& name);

// The same, where it has to be there. NotFound that lists the refs there are.
Result<const Snapshot*> ResolveRef(const TableMetadata& metadata,
                                   const std::string& name);

// What was current in `branch` at `at_ms`: the newest snapshot that was made current then
// or before. Main answers by the snapshot log, which knows of rollbacks; other branches
// by the times of their snapshots. NotFound where all that is kept is newer.
Result<const Snapshot*> SnapshotAsOf(
    const TableMetadata& metadata, TimestampMs at_ms,
    const std::string& branch = std::string(kMainBranch));

// The snapshots after `after` up to and with `until`, newest first. Absent `after`: from
// the table's first one on. NotFound where `until` is not kept; InvalidArgument where
// `after` is no ancestor of it, or where snapshots in between were expired.
Result<std::vector<const Snapshot*>> SnapshotsBetween(const TableMetadata& metadata,
                                                      std::optional<SnapshotId> after,
                                                      SnapshotId until);

enum class RewritesInRange : std::uint8_t { kRefuse, kSkip };

// Of SnapshotsBetween those that appended, oldest first: what an incremental scan of
// added rows reads. A replace moves rows and adds none: it is passed over. A snapshot
// that deletes or overwrites rows is InvalidArgument, or passed over with kSkip.
Result<std::vector<const Snapshot*>> AppendsBetween(const TableMetadata& metadata,
                                                    std::optional<SnapshotId> after,
                                                    SnapshotId until,
                                                    RewritesInRange rewrites);

}  // namespace firn::iceberg
