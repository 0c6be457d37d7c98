// SPDX-License-Identifier: Apache-2.0
// compression_report.h: what each column of a file takes, and in what form.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace parquet {
class FileMetaData;
}  // namespace parquet

namespace firn::parquet {

// One leaf column, over all row groups. Bytes are counted three times:
//
//   raw         values as PLAIN stores them, without NULLs, levels and page headers
//   encoded     pages before compression, with levels, headers and the dictionary
//   compressed  as they lie in the file
struct ColumnCompression {
  std::string path;                 // "labels.key_value.key"
  std::string type;                 // "BYTE_ARRAY"
  std::vector<std::string> codecs;  // As the options spell them; more than one is rare.
  std::vector<std::string> encodings;  // Of values: "RLE_DICTIONARY", "PLAIN".
  std::int64_t value_count = 0;        // With NULLs.
  std::int64_t raw_bytes = -1;         // -1: not known, the file does not say.
  std::int64_t encoded_bytes = 0;
  std::int64_t compressed_bytes = 0;
  bool encrypted = false;

  // How many bytes one byte of the file stands for: of raw ones, or of encoded ones where
  // those are not known. 0 where nothing is stored.
  double ratio() const;
};

struct CompressionReport {
  std::int64_t row_count = 0;
  int row_group_count = 0;
  std::vector<ColumnCompression> columns;  // Leaves in schema order.
  // Leaves whose keys are missing: nothing is known of them.
  std::vector<std::string> locked;
};

// A table, one column a line, and a last line for the file.
std::string ToText(const CompressionReport& report);
// {"rows":…,"row_groups":…,"columns":[{"path":…,"type":…,"codecs":[…],"encodings":[…],
// "values":…,"raw_bytes":…|null,"encoded_bytes":…,"compressed_bytes":…,"ratio":…,
// "encrypted":…},…],"locked":[…]}
std::string ToJson(const CompressionReport& report);

// `locked` says which leaves must not be looked at. Internal to this room; may throw
// Parquet's exceptions.
CompressionReport MakeCompressionReport(const ::parquet::FileMetaData& metadata,
                                        const std::vector<bool>& locked);

}  // namespace firn::parquet
