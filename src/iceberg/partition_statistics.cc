// SPDX-License-Identifier: Apache-2.0
#include "iceberg/partition_statistics.h"

#include <map>
#include <utility>

#include "iceberg/partition_order.h"
#include "iceberg/single_value.h"

namespace firn::iceberg {
namespace {

struct Column {
  FieldId id;
  PrimitiveType type;
};

OptionalValue BoundOf(const std::map<FieldId, std::string>& bounds,
                      const Column& column) {
  const auto it = bounds.find(column.id);
  if (it == bounds.end()) return std::nullopt;
  auto value = ParseValue(it->second, column.type);
  return value.ok() ? OptionalValue(std::move(*value)) : std::nullopt;
}

// One column of one partition, file after file.
class ColumnSum {
 public:
  void Add(const DataFile& file, const Column& column) {
    AddCount(file.null_value_counts, column.id, &null_count_, &nulls_known_);
    AddCount(file.nan_value_counts, column.id, &nan_count_, &nans_known_);
    const auto values = file.value_counts.find(column.id);
    const auto nulls = file.null_value_counts.find(column.id);
    const bool all_null = values != file.value_counts.end() &&
                          nulls != file.null_value_counts.end() &&
                          values->second == nulls->second;
    if (all_null || file.record_count == 0) return;
    Take(BoundOf(file.lower_bounds, column), -1, &lower_, &lower_known_);
    Take(BoundOf(file.upper_bounds, column), 1, &upper_, &upper_known_);
  }

  ColumnStatistics Finish(const Column& column) && {
    ColumnStatistics out;
    if (lower_known_) out.lower_bound = std::move(lower_);
    if (upper_known_) out.upper_bound = std::move(upper_);
    if (nulls_known_) out.null_count = null_count_;
    const bool may_be_nan = column.type.kind == PrimitiveKind::kFloat ||
                            column.type.kind == PrimitiveKind::kDouble;
    if (may_be_nan && nans_known_) out.nan_count = nan_count_;
    return out;
  }

 private:
  static void AddCount(const std::map<FieldId, std::int64_t>& counts, FieldId id,
                       std::int64_t* sum, bool* known) {
    const auto it = counts.find(id);
    *known = *known && it != counts.end();
    if (it != counts.end()) *sum += it->second;
  }
  static void Take(OptionalValue bound, int sign, OptionalValue* widest, bool* known) {
    *known = *known && bound.has_value();
    if (bound.has_value() &&
        (!widest->has_value() || CompareValues(*bound, **widest) * sign > 0)) {
      *widest = std::move(bound);
    }
  }

  OptionalValue lower_;
  OptionalValue upper_;
  std::int64_t null_count_ = 0;
  std::int64_t nan_count_ = 0;
  bool lower_known_ = true;
  bool upper_known_ = true;
  bool nulls_known_ = true;
  bool nans_known_ = true;
};

struct PartitionSum {
  PartitionStatistics statistics;
  std::vector<ColumnSum> columns;
};

class Partitions {
 public:
  Partitions(const TableMetadata& metadata, std::vector<Column> columns)
      : metadata_(metadata), columns_(std::move(columns)) {}

  void Add(const ManifestEntry& entry) {
    const DataFile& file = entry.data_file;
    PartitionSum& sum = sums_[{file.spec_id, file.partition}];
    sum.columns.resize(columns_.size());
    PartitionStatistics& out = sum.statistics;
    switch (file.content) {
      case FileContent::kData:
        out.data_record_count += file.record_count;
        ++out.data_file_count;
        out.total_data_file_size_bytes += file.file_size_bytes;
        for (std::size_t i = 0; i < columns_.size(); ++i) {
          sum.columns[i].Add(file, columns_[i]);
        }
        break;
      case FileContent::kPositionDeletes:
        out.position_delete_record_count += file.record_count;
        ++out.position_delete_file_count;
        break;
      case FileContent::kEqualityDeletes:
        out.equality_delete_record_count += file.record_count;
        ++out.equality_delete_file_count;
        break;
    }
    if (!entry.snapshot_id.has_value()) return;
    const Snapshot* const added_by = metadata_.FindSnapshot(*entry.snapshot_id);
    if (added_by == nullptr || added_by->timestamp_ms <= out.last_updated_ms) return;
    out.last_updated_ms = added_by->timestamp_ms;
    out.last_updated_snapshot_id = added_by->id;
  }

  std::vector<PartitionStatistics> Finish() && {
    std::vector<PartitionStatistics> out;
    for (auto& [key, sum] : sums_) {
      sum.statistics.spec_id = key.spec_id;
      sum.statistics.partition = key.values;
      for (std::size_t i = 0; i < columns_.size(); ++i) {
        sum.statistics.columns.push_back(std::move(sum.columns[i]).Finish(columns_[i]));
      }
      out.push_back(std::move(sum.statistics));
    }
    return out;
  }

 private:
  const TableMetadata& metadata_;
  const std::vector<Column> columns_;
  std::map<PartitionKey, PartitionSum> sums_;
};

}  // namespace

Result<std::vector<PartitionStatistics>> ComputePartitionStatistics(
    const base::Context& context, const ManifestIo& manifests,
    const TableMetadata& metadata, const Snapshot& snapshot,
    const std::vector<FieldId>& columns) {
  std::vector<Column> wanted;
  for (const FieldId id : columns) {
    const Type* const type = metadata.current_schema().FindType(id);
    if (type == nullptr || type->primitive() == nullptr) {
      return Status::InvalidArgument("column " + std::to_string(id.value) +
                                     " is none of the table's, or has parts");
    }
    wanted.push_back({id, *type->primitive()});
  }
  FIRN_ASSIGN_OR_RETURN(const std::vector<ManifestFile> files,
                        manifests.ReadManifestList(context, snapshot));
  Partitions partitions(metadata, std::move(wanted));
  const MetricsOf metrics_of(columns.begin(), columns.end());
  for (const ManifestFile& file : files) {
    if (!file.has_live_files()) continue;
    FIRN_RETURN_IF_ERROR(manifests
                             .ReadManifest(
                                 context, file,
                                 [&](const ManifestHeader&, ManifestEntry&& entry) {
                                   if (entry.is_live()) partitions.Add(entry);
                                   return Status::OK();
                                 },
                                 &metrics_of)
                             .status());
  }
  return std::move(partitions).Finish();
}

}  // namespace firn::iceberg
