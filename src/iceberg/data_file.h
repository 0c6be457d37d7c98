// SPDX-License-Identifier: Apache-2.0
// data_file.h: what manifests say of one file of rows or of deletes.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "iceberg/ids.h"
#include "iceberg/value.h"

namespace firn::iceberg {

enum class FileContent : std::uint8_t {
  kData = 0,
  kPositionDeletes = 1,
  kEqualityDeletes = 2
};
enum class FileFormat : std::uint8_t { kParquet, kAvro, kOrc, kPuffin };

struct DataFile {
  FileContent content = FileContent::kData;
  std::string file_path;  // An absolute location.
  FileFormat file_format = FileFormat::kParquet;
  // The spec the partition values follow. Kept by the manifest, not in the entry.
  SpecId spec_id;
  PartitionValues partition;  // As many as the spec has fields.
  std::int64_t record_count = 0;
  std::int64_t file_size_bytes = 0;

  // Column metrics, by field id of leaf columns (list elements, map keys and values are
  // leaves too). A column left out has unknown metrics.
  std::map<FieldId, std::int64_t> column_sizes;  // Compressed bytes.
  std::map<FieldId, std::int64_t> value_counts;  // Including NULL and NaN.
  std::map<FieldId, std::int64_t> null_value_counts;
  std::map<FieldId, std::int64_t> nan_value_counts;  // Of float and double columns.
  std::map<FieldId, std::string> lower_bounds;       // SerializeValue of a bound.
  std::map<FieldId, std::string> upper_bounds;

  std::optional<std::string> key_metadata;
  std::vector<std::int64_t> split_offsets;  // Ascending; empty: not known.
  std::vector<FieldId> equality_ids;        // Of equality deletes only.
  std::optional<SortOrderId> sort_order_id;
  std::optional<std::string> referenced_data_file;  // Of position deletes only.
  // Of format version 3: of a data file the id of its first row, of a deletion vector
  // where its blob lies in the file.
  std::optional<std::int64_t> first_row_id{};
  std::optional<std::int64_t> content_offset{};
  std::optional<std::int64_t> content_size_bytes{};
  bool operator==(const DataFile&) const = default;
};

// About what it takes in memory, with what it refers to.
std::int64_t MemoryBytesOf(const DataFile& file);

}  // namespace firn::iceberg
