// SPDX-License-Identifier: Apache-2.0
// expire.h: which snapshots and refs a table no longer keeps. Pure.
//
// By Iceberg's rules:
//   1. A branch or tag goes when its snapshot is older than its max_ref_age_ms, or the
//      table's history.expire.max-ref-age-ms (by default none goes). Main stays.
//   2. Of each branch that stays, the newest min_snapshots_to_keep are kept, and those
//      after them that are not older than max_snapshot_age_ms, up to the first that is;
//      by the branch's own numbers, or the request's, or the properties
//      history.expire.min-snapshots-to-keep (1) and history.expire.max-snapshot-age-ms
//      (5 days). What a tag names is kept.
//   3. Snapshots that no ref leads to, such as staged ones, are kept while they are not
//      older than that age.
//   4. All others go, and those that are named, unless a ref still points at one.
//
// The files of what goes are left to unreachable_files.h.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "firn/status.h"
#include "firn/time.h"
#include "iceberg/table_metadata.h"
#include "iceberg/update.h"

namespace firn::iceberg {

inline constexpr DurationMs kMaxSnapshotAgeMsDefault = DurationMs{5} * 24 * 3'600'000;
inline constexpr std::int64_t kMinSnapshotsToKeepDefault = 1;

struct ExpireSnapshots {
  TimestampMs now_ms = 0;
  // In place of the table's own properties.
  std::optional<TimestampMs> older_than_ms = {};
  std::optional<std::int64_t> retain_last = {};
  // These go however young they are.
  std::vector<SnapshotId> snapshot_ids = {};
};

struct ExpiryPlan {
  std::vector<SnapshotId> snapshots;  // In the order of the metadata.
  std::vector<std::string> refs;
  bool operator==(const ExpiryPlan&) const = default;
};

// InvalidArgument where `gc.enabled` is false (another table uses the files), where a ref
// points at a snapshot that is named, or retain_last is below 1. NotFound where a
// snapshot that is named is not in the table.
Result<ExpiryPlan> PlanExpiry(const TableMetadata& metadata,
                              const ExpireSnapshots& request);

Result<std::vector<Update>> BuildUpdates(const TableMetadata& base,
                                         const ExpireSnapshots& action);

}  // namespace firn::iceberg
