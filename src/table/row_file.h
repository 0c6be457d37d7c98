// SPDX-License-Identifier: Apache-2.0
// row_file.h: the rows of CSV, NDJSON and Arrow IPC, one batch after the other.
//
//   CSV      a line of names first; an empty value without quotes is NULL; values may
//            hold newlines between quotes (RFC 4180)
//   NDJSON   one object a line; a name that is absent is NULL
//   Arrow    the streaming format, and the file format as its stream
//
// Arrow splits CSV and reads its own formats. What text stands for is said here
// (text_values.h, ndjson_columns.h). Where types are wanted, values are read as those and
// never guessed. Where they are not, the first few mebibytes decide, once for the whole
// file, and a later value that is none of its column's type is an error. Times of RFC
// 3339 with a zone are timestamps in UTC, those without are local ones, both of
// microseconds; a column of nothing but NULL is text.
//
// A row of CSV or NDJSON that does not parse is the end, or is told to who asked for it
// and left out. In Arrow's format there are none. A batch has a bounded number of values,
// NULLs among them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/context.h"
#include "firn/status.h"
#include "table/rejected_row.h"
#include "table/row_bytes.h"
#include "table/row_stream.h"

namespace arrow {
class MemoryPool;
class Schema;
}  // namespace arrow

namespace firn::table {

enum class RowFormat : std::uint8_t { kParquet, kCsv, kTsv, kNdjson, kArrow };

// `csv` and so on. InvalidArgument lists those there are.
Result<RowFormat> ParseRowFormat(std::string_view text);
// By the end of a name, in front of what says how it is compressed: `x.csv.gz` is CSV.
// Absent: the name says nothing.
std::optional<RowFormat> RowFormatOfName(std::string_view name);

struct RowFileOptions {
  RowFormat format = RowFormat::kCsv;  // Not Parquet, which is read from its end.
  // The columns that may come, by name: text is read as their types. Others are guessed,
  // and left to whoever checks the batches. Null: all are.
  std::shared_ptr<arrow::Schema> wanted;
  arrow::MemoryPool* pool = nullptr;  // Null: Arrow's default.
  // Told of each row that does not parse, in the thread that calls Next(); an error ends
  // the stream. Empty: the first such row does.
  std::function<Status(const RejectedRow&)> on_rejected = {};
};

// The rows of `bytes`, each batch of a few mebibytes of text. `name` names the file in
// errors, and where it ends with .gz, .bz2, .lz4 or .zst the bytes are decompressed.
// `context` must outlive the stream. InvalidArgument, naming the row or the value, for
// what does not parse; what the reading of the bytes returns.
Result<std::unique_ptr<RowStream>> OpenRowFile(const base::Context& context,
                                               std::shared_ptr<RowBytes> bytes,
                                               const std::string& name,
                                               const RowFileOptions& options);

}  // namespace firn::table
