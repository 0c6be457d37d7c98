// SPDX-License-Identifier: Apache-2.0
#include "iceberg/manifest.h"

#include <algorithm>
#include <cmath>

#include "base/assert.h"
#include "iceberg/single_value.h"

namespace firn::iceberg {
namespace {

bool IsNan(const Value& value) {
  if (const auto* v = std::get_if<float>(&value)) return std::isnan(*v);
  if (const auto* v = std::get_if<double>(&value)) return std::isnan(*v);
  return false;
}

// The summary of one partition field over all entries.
class FieldSummarizer {
 public:
  explicit FieldSummarizer(const PrimitiveType& type) : type_(type) {}

  void Add(const OptionalValue& value) {
    if (!value) {
      summary_.contains_null = true;
    } else if (IsNan(*value)) {
      contains_nan_ = true;
    } else {
      if (!lower_ || CompareValues(*value, *lower_) < 0) lower_ = value;
      if (!upper_ || CompareValues(*value, *upper_) > 0) upper_ = value;
    }
  }

  FieldSummary Finish() && {
    summary_.contains_nan = contains_nan_;
    if (lower_) summary_.lower_bound = SerializeValue(*lower_, type_);
    if (upper_) summary_.upper_bound = SerializeValue(*upper_, type_);
    return std::move(summary_);
  }

 private:
  PrimitiveType type_;
  FieldSummary summary_;
  bool contains_nan_ = false;
  OptionalValue lower_;
  OptionalValue upper_;
};

void Count(const ManifestEntry& entry, ManifestFile* manifest) {
  const std::int64_t rows = entry.data_file.record_count;
  switch (entry.status) {
    case EntryStatus::kAdded:
      ++manifest->added_files_count;
      manifest->added_rows_count += rows;
      break;
    case EntryStatus::kExisting:
      ++manifest->existing_files_count;
      manifest->existing_rows_count += rows;
      break;
    case EntryStatus::kDeleted:
      ++manifest->deleted_files_count;
      manifest->deleted_rows_count += rows;
      break;
  }
}

}  // namespace

Status InheritFrom(const ManifestFile& manifest, ManifestEntry* entry) {
  if (!entry->snapshot_id) entry->snapshot_id = manifest.added_snapshot_id;
  // Manifests from before sequence numbers have the number 0, and so have their files.
  const bool inherits =
      entry->status == EntryStatus::kAdded || manifest.sequence_number.value == 0;
  for (auto* number : {&entry->sequence_number, &entry->file_sequence_number}) {
    if (number->has_value()) continue;
    if (!inherits) {
      return Status::Corruption("manifest " + manifest.manifest_path + ": entry of " +
                                entry->data_file.file_path + " has no sequence number");
    }
    *number = manifest.sequence_number;
  }
  entry->data_file.spec_id = manifest.spec_id;
  return Status::OK();
}

ManifestFile SummarizeManifest(const ManifestHeader& header,
                               const std::vector<ManifestEntry>& entries,
                               SnapshotId snapshot_id, SequenceNumber sequence_number) {
  const auto partition_type = PartitionType(header.spec, header.schema);
  FIRN_ASSERT(partition_type.ok());
  std::vector<FieldSummarizer> fields;
  for (const NestedField& field : partition_type->fields) {
    fields.emplace_back(*field.type.primitive());
  }
  ManifestFile manifest;
  manifest.spec_id = header.spec.id;
  manifest.content = header.content;
  manifest.added_snapshot_id = snapshot_id;
  manifest.sequence_number = sequence_number;
  manifest.min_sequence_number = sequence_number;
  for (const ManifestEntry& entry : entries) {
    FIRN_ASSERT(entry.data_file.partition.size() == fields.size());
    Count(entry, &manifest);
    for (std::size_t i = 0; i < fields.size(); ++i) {
      fields[i].Add(entry.data_file.partition[i]);
    }
    if (entry.is_live() && entry.sequence_number) {
      manifest.min_sequence_number =
          std::min(manifest.min_sequence_number, *entry.sequence_number);
    }
  }
  for (FieldSummarizer& field : fields) {
    manifest.partitions.push_back(std::move(field).Finish());
  }
  return manifest;
}

}  // namespace firn::iceberg
