// SPDX-License-Identifier: Apache-2.0
// file_check.h: what a check of one Parquet file found. Values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace firn {

enum class FaultKind : std::uint8_t {
  kFooter,       // The file is none, or says things of itself that exclude each other.
  kLayout,       // Chunks, indexes or filters lie outside the file, or on one another.
  kRowCount,     // Pages hold other numbers of rows or values than the footer says.
  kPage,         // A page does not decode, or its checksum is another's.
  kStatistics,   // Of a row group: the data has values that they exclude.
  kPageIndex,    // The same of a page, or pages that are not where the index says.
  kBloomFilter,  // A value is there that the filter says is not.
  kUnreadable,   // Stored in a way that this reader does not have: nothing is known.
};
// "footer", "layout", "row count", "page", "statistics", "page index", "bloom filter",
// "unreadable".
std::string_view FaultKindName(FaultKind kind);

struct FileFault {
  FaultKind kind = FaultKind::kFooter;
  std::string file;
  int row_group = -1;      // -1: of the whole file.
  std::string column;      // Path of the leaf, "labels.key_value.key"; or empty.
  std::int64_t page = -1;  // The column chunk's data pages from 0; -1: of the chunk.
  std::string found;       // What is there.
  std::string expected;    // What ought to be, where that can be said.
  bool operator==(const FileFault&) const = default;
};
// One line: `FILE: row group 0: column a.b: page 3: page index: FOUND, expected
// EXPECTED`.
std::string ToString(const FileFault& fault);

struct FileCheck {
  std::string file;
  std::int64_t rows = 0;  // As the footer says.
  int row_groups = 0;
  int columns = 0;         // Leaves.
  std::int64_t pages = 0;  // Data pages decoded.
  // Column chunks whose statistics, page index and bloom filter were compared with data.
  std::int64_t statistics = 0;
  std::int64_t page_indexes = 0;
  std::int64_t bloom_filters = 0;
  std::int64_t bytes_read = 0;
  std::int64_t requests = 0;
  std::vector<FileFault> faults;    // In the order of the file.
  bool more_faults = false;         // There were more than are kept.
  std::vector<std::string> locked;  // Leaves not looked at: their keys are missing.

  bool sound() const { return faults.empty(); }
};

}  // namespace firn
