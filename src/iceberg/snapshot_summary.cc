// SPDX-License-Identifier: Apache-2.0
#include "iceberg/snapshot_summary.h"

#include "iceberg/partition_spec.h"

namespace firn::iceberg {

void SnapshotSummary::Counts::Count(const DataFile& file) {
  bytes += file.file_size_bytes;
  switch (file.content) {
    case FileContent::kData:
      ++data_files;
      records += file.record_count;
      break;
    case FileContent::kPositionDeletes:
      ++position_delete_files;
      position_deletes += file.record_count;
      break;
    case FileContent::kEqualityDeletes:
      ++equality_delete_files;
      equality_deletes += file.record_count;
      break;
  }
}

template <typename Visit>
void SnapshotSummary::Change::ForEach(const Visit& visit) const {
  const std::pair<const char*, std::int64_t> counts[] = {
      {kSummaryAddedDataFiles, added.data_files},
      {kSummaryDeletedDataFiles, removed.data_files},
      {"added-delete-files", added.position_delete_files + added.equality_delete_files},
      {"removed-delete-files",
       removed.position_delete_files + removed.equality_delete_files},
      {"added-position-delete-files", added.position_delete_files},
      {"removed-position-delete-files", removed.position_delete_files},
      {"added-equality-delete-files", added.equality_delete_files},
      {"removed-equality-delete-files", removed.equality_delete_files},
      {kSummaryAddedRecords, added.records},
      {kSummaryDeletedRecords, removed.records},
      {"added-position-deletes", added.position_deletes},
      {"removed-position-deletes", removed.position_deletes},
      {"added-equality-deletes", added.equality_deletes},
      {"removed-equality-deletes", removed.equality_deletes},
      {kSummaryAddedFilesSize, added.bytes},
      {kSummaryRemovedFilesSize, removed.bytes},
  };
  for (const auto& [key, count] : counts) {
    if (count != 0) visit(key, count);
  }
}

void SnapshotSummary::Add(const DataFile& file) {
  all_.added.Count(file);
  partitions_[{file.spec_id, file.partition}].added.Count(file);
}

void SnapshotSummary::Remove(const DataFile& file) {
  all_.removed.Count(file);
  partitions_[{file.spec_id, file.partition}].removed.Count(file);
}

std::map<std::string, std::string> SnapshotSummary::Finish(
    std::map<std::string, std::string> custom, const Snapshot* parent,
    const TableMetadata& metadata) const {
  std::map<std::string, std::string> summary = std::move(custom);
  summary.erase("operation");
  all_.ForEach(
      [&](const char* key, std::int64_t count) { summary[key] = std::to_string(count); });
  const Counts& in = all_.added;
  const Counts& out = all_.removed;
  const std::pair<const char*, std::int64_t> totals[] = {
      {kSummaryTotalDataFiles, in.data_files - out.data_files},
      {kSummaryTotalRecords, in.records - out.records},
      {kSummaryTotalFilesSize, in.bytes - out.bytes},
      {kSummaryTotalDeleteFiles, in.position_delete_files + in.equality_delete_files -
                                     out.position_delete_files -
                                     out.equality_delete_files},
      {kSummaryTotalPositionDeletes, in.position_deletes - out.position_deletes},
      {kSummaryTotalEqualityDeletes, in.equality_deletes - out.equality_deletes}};
  for (const auto& [key, change] : totals) {
    summary.erase(key);
    const std::int64_t before = parent == nullptr ? 0 : parent->SummaryCount(key, -1);
    // A total that would be below 0 was wrong before: no number is better than that one.
    if (before >= 0 && before + change >= 0) {
      summary[key] = std::to_string(before + change);
    }
  }
  summary[kSummaryChangedPartitions] = std::to_string(partitions_.size());
  const auto limit = metadata.PropertyCount(kPropertySummaryPartitionLimit, 0);
  if (partitions_.empty() || std::cmp_greater(partitions_.size(), limit)) return summary;
  summary["partition-summaries-included"] = "true";
  for (const auto& [partition, change] : partitions_) {
    const PartitionSpec* spec = metadata.FindSpec(partition.spec_id);
    if (spec == nullptr || spec->fields.empty()) continue;
    std::string text;
    change.ForEach([&](const char* key, std::int64_t count) {
      text += (text.empty() ? "" : ",") + std::string(key) + "=" + std::to_string(count);
    });
    summary["partitions." +
            PartitionPath(*spec, metadata.current_schema(), partition.values)] = text;
  }
  return summary;
}

}  // namespace firn::iceberg
