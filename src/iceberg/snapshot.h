// SPDX-License-Identifier: Apache-2.0
// snapshot.h: the state of a table after one commit, and names for such states.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "firn/time.h"
#include "iceberg/ids.h"

namespace firn::iceberg {

inline constexpr std::string_view kMainBranch = "main";

enum class Operation : std::uint8_t { kAppend, kReplace, kOverwrite, kDelete };
std::string_view ToString(Operation operation);

// Keys of a snapshot's summary. The counts of one commit are in snapshot_summary.cc.
inline constexpr char kSummaryAddedDataFiles[] = "added-data-files";
inline constexpr char kSummaryDeletedDataFiles[] = "deleted-data-files";
inline constexpr char kSummaryAddedRecords[] = "added-records";
inline constexpr char kSummaryDeletedRecords[] = "deleted-records";
inline constexpr char kSummaryAddedFilesSize[] = "added-files-size";
inline constexpr char kSummaryRemovedFilesSize[] = "removed-files-size";
inline constexpr char kSummaryChangedPartitions[] = "changed-partition-count";
inline constexpr char kSummaryTotalDataFiles[] = "total-data-files";
inline constexpr char kSummaryTotalRecords[] = "total-records";
inline constexpr char kSummaryTotalFilesSize[] = "total-files-size";
inline constexpr char kSummaryTotalDeleteFiles[] = "total-delete-files";
inline constexpr char kSummaryTotalPositionDeletes[] = "total-position-deletes";
inline constexpr char kSummaryTotalEqualityDeletes[] = "total-equality-deletes";
// Set on an overwrite that replaced whole partitions.
inline constexpr char kSummaryReplacePartitions[] = "replace-partitions";
// A staged snapshot has the first; the snapshot that publishes it has the other two.
inline constexpr char kSummaryWapId[] = "wap.id";
inline constexpr char kSummaryPublishedWapId[] = "published-wap-id";
inline constexpr char kSummarySourceSnapshotId[] = "source-snapshot-id";

struct Snapshot {
  SnapshotId id;
  std::optional<SnapshotId> parent_id;
  SequenceNumber sequence_number;
  TimestampMs timestamp_ms = 0;
  // Location. Empty in some snapshots of format version 1, which name their `manifests`.
  std::string manifest_list;
  Operation operation = Operation::kAppend;
  // The rest of the summary, without `operation`.
  std::map<std::string, std::string> summary;
  std::optional<SchemaId> schema_id;
  // Locations; of a snapshot without a manifest list.
  std::vector<std::string> manifests{};
  // Row lineage of format version 3: the table's next row id when the snapshot was made,
  // and how far the snapshot moved it.
  std::optional<std::int64_t> first_row_id{};
  std::optional<std::int64_t> added_rows{};
  // The key in the table's encryption_keys that the manifest list's key is encrypted
  // with.
  std::optional<std::string> key_id{};
  bool operator==(const Snapshot&) const = default;

  // The summary's number under `key`, or `otherwise` where there is none.
  std::int64_t SummaryCount(const std::string& key, std::int64_t otherwise) const;
};

enum class RefType : std::uint8_t { kBranch, kTag };

struct SnapshotRef {
  SnapshotId snapshot_id;
  RefType type = RefType::kBranch;
  std::optional<std::int32_t> min_snapshots_to_keep;
  std::optional<DurationMs> max_snapshot_age_ms;
  std::optional<DurationMs> max_ref_age_ms;
  bool operator==(const SnapshotRef&) const = default;
};

}  // namespace firn::iceberg
