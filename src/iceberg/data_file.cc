// SPDX-License-Identifier: Apache-2.0
#include "iceberg/data_file.h"

namespace firn::iceberg {
namespace {

// Of a map's entry, besides what it holds elsewhere.
constexpr std::size_t kEntryBytes = 64;

std::size_t BytesOf(const std::map<FieldId, std::string>& bounds) {
  std::size_t bytes = 0;
  for (const auto& [id, bound] : bounds) bytes += kEntryBytes + bound.size();
  return bytes;
}

}  // namespace

std::int64_t MemoryBytesOf(const DataFile& file) {
  const std::size_t counts = file.column_sizes.size() + file.value_counts.size() +
                             file.null_value_counts.size() + file.nan_value_counts.size();
  std::size_t bytes = sizeof(DataFile) + file.file_path.size() + counts * kEntryBytes +
                      BytesOf(file.lower_bounds) + BytesOf(file.upper_bounds) +
                      file.split_offsets.size() * sizeof(file.split_offsets[0]) +
                      file.equality_ids.size() * sizeof(file.equality_ids[0]) +
                      file.partition.size() * sizeof(OptionalValue);
  if (file.referenced_data_file) bytes += file.referenced_data_file->size();
  return static_cast<std::int64_t>(bytes);
}

}  // namespace firn::iceberg
