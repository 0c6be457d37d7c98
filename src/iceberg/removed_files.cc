// SPDX-License-Identifier: Apache-2.0
#include "iceberg/removed_files.h"

#include "iceberg/single_value.h"

namespace firn::iceberg {
namespace {

ManifestContent ManifestContentOf(FileContent content) {
  return content == FileContent::kData ? ManifestContent::kData
                                       : ManifestContent::kDeletes;
}

// Whether a summary's bound is there, parses, and lies on the far side of `value`.
bool Excludes(const std::optional<std::string>& bound, const PrimitiveType& type,
              const Value& value, int excluding_side) {
  if (!bound) return false;
  const auto parsed = ParseValue(*bound, type);
  return parsed.ok() && CompareValues(*parsed, value) == excluding_side;
}

}  // namespace

RemovedFiles::RemovedFiles(const TableMetadata& base, const FileChange& change) {
  for (const PartitionSpec& spec : base.partition_specs) {
    auto type = PartitionType(spec, base.current_schema());
    if (type.ok()) partition_types_[spec.id] = std::move(type).value();
  }
  for (const DataFile& file : change.removed) {
    if (!sought_.emplace(file.file_path, &file).second) continue;
    ++partitions_[{ManifestContentOf(file.content), {file.spec_id, file.partition}}]
          .sought;
  }
  for (const PartitionKey& partition : change.removed_partitions) {
    partitions_[{ManifestContent::kData, partition}].whole = true;
  }
}

bool RemovedFiles::MayBeIn(const ManifestFile& manifest) const {
  const auto type = partition_types_.find(manifest.spec_id);
  for (const auto& [key, count] : partitions_) {
    const auto& [content, partition] = key;
    if (content != manifest.content || partition.spec_id != manifest.spec_id) continue;
    if (count.sought == 0 && !count.whole) continue;
    if (type == partition_types_.end()) return true;
    if (SummaryAdmits(manifest, type->second, partition.values)) return true;
  }
  return false;
}

bool RemovedFiles::SummaryAdmits(const ManifestFile& manifest, const StructType& type,
                                 const PartitionValues& partition) {
  if (manifest.partitions.size() != partition.size()) return true;
  for (std::size_t i = 0; i < partition.size() && i < type.fields.size(); ++i) {
    const FieldSummary& summary = manifest.partitions[i];
    if (!partition[i]) {
      if (!summary.contains_null) return false;
      continue;
    }
    const PrimitiveType& field = *type.fields[i].type.primitive();
    const OptionalValue value = Promote(*partition[i], field);
    if (!value || summary.contains_nan.value_or(true)) continue;
    if (Excludes(summary.lower_bound, field, *value, 1) ||
        Excludes(summary.upper_bound, field, *value, -1)) {
      return false;
    }
  }
  return true;
}

bool RemovedFiles::Take(const DataFile& file) {
  const auto named = sought_.find(file.file_path);
  const bool found = named != sought_.end() && named->second->content == file.content;
  if (found) {
    const DataFile& wanted = *named->second;
    --partitions_[{ManifestContentOf(wanted.content), {wanted.spec_id, wanted.partition}}]
          .sought;
    sought_.erase(named);
    return true;
  }
  const auto partition =
      partitions_.find({ManifestContentOf(file.content), {file.spec_id, file.partition}});
  return partition != partitions_.end() && partition->second.whole;
}

Status RemovedFiles::CheckAllFound() const {
  if (sought_.empty()) return Status::OK();
  const std::string others =
      sought_.size() == 1 ? ""
                          : " (and " + std::to_string(sought_.size() - 1) + " others)";
  return Status::Conflict("file " + std::string(sought_.begin()->first) + others +
                          " is not in the table any more");
}

}  // namespace firn::iceberg
