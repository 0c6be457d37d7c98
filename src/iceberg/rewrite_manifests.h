// SPDX-License-Identifier: Apache-2.0
// rewrite_manifests.h: puts the manifests of a branch in order, so that a scan of a few
// partitions reads a few of them.
//
//   1. The data manifests of each spec are read once, and the files of each partition
//      counted.
//   2. A spec whose manifests overlap in no partition, and are about as few as their size
//      asks for, is left alone.
//   3. Otherwise partitions are taken in order, as many at a time as memory holds. The
//      manifests are read again and the entries of these partitions written, in order
//      and cut at the target size: the second reading is repeated for the next ones.
//   4. Delete manifests, and what is encrypted, are carried along unread.
//
// No row changes: each entry is EXISTING with the snapshot and the sequence numbers it
// had, and the snapshot is a `replace`. So it holds whatever a rival committed first: it
// is built again on the newer table.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/context.h"
#include "firn/status.h"
#include "iceberg/file_change.h"
#include "iceberg/manifest_io.h"
#include "iceberg/snapshot_producer.h"
#include "iceberg/table_metadata.h"
#include "iceberg/update.h"

namespace firn::iceberg {

// Entries in memory at a time: some 200 MB where tables have few columns. A partition of
// more is written as it is read.
inline constexpr std::int64_t kRewriteEntriesMaxDefault = 100'000;

struct RewriteManifests {
  // Absent: commit.manifest.target-size-bytes.
  std::optional<std::int64_t> target_bytes = {};
  std::int64_t entries_max = kRewriteEntriesMaxDefault;
  std::string branch = std::string(kMainBranch);
};

// Keys of the snapshot's summary, as Java writes them.
inline constexpr char kSummaryManifestsCreated[] = "manifests-created";
inline constexpr char kSummaryManifestsKept[] = "manifests-kept";
inline constexpr char kSummaryManifestsReplaced[] = "manifests-replaced";
inline constexpr char kSummaryEntriesProcessed[] = "entries-processed";

struct ManifestCounts {
  std::int64_t kept = 0;
  std::int64_t replaced = 0;
  std::int64_t created = 0;
  std::int64_t entries = 0;  // In those that are replaced.
  bool operator==(const ManifestCounts&) const = default;
};

// What the action would do. `created` is exact but where partitions outgrow memory.
// Errors: those of reading manifests; Unimplemented for a table of another format version
// than 2.
Result<ManifestCounts> PlanRewrite(const base::Context& context,
                                   const ManifestIo& manifests, const TableMetadata& base,
                                   const RewriteManifests& action);

// None where all manifests are in order.
Result<std::vector<Update>> BuildUpdates(const base::Context& context,
                                         const SnapshotEnvironment& environment,
                                         const TableMetadata& base,
                                         const RewriteManifests& action);

}  // namespace firn::iceberg
