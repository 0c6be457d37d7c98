// SPDX-License-Identifier: Apache-2.0
// lenient_rows.h: the rows of text that parse, and of those that do not, what is wrong.
// Internal to row_file.h.
//
// NDJSON is parsed many lines at a time, as one text. Where that fails, the lines are
// halved until what fails is a line alone. CSV is read as text, rows of the
// wrong number of values apart; each column is then converted as a whole, and where that
// fails its rows are halved likewise. A good file costs nothing but reading its CSV as
// text first.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "firn/status.h"
#include "table/rejected_row.h"
#include "table/row_bytes.h"
#include "table/row_stream.h"

namespace arrow {
class MemoryPool;
class RecordBatch;
class RecordBatchReader;
class Schema;
}  // namespace arrow

namespace firn::table {

using OnRejected = std::function<Status(const RejectedRow&)>;

// Rows as they were read, columns that are text there still text.
struct TextRows {
  std::shared_ptr<arrow::RecordBatch> batch;
  std::vector<std::int64_t> numbers;  // RejectedRow::row of each.
  // The row as RejectedRow::record has it. Usable until the next rows are read.
  std::function<std::string(std::int64_t row)> record;
};

class TextRowReader {
 public:
  virtual ~TextRowReader() = default;
  virtual const std::shared_ptr<arrow::Schema>& schema() const = 0;
  // Absent at the end. Rows that do not parse are told to `rejected`.
  virtual Result<std::optional<TextRows>> Next(const OnRejected& rejected) = 0;
};

// The objects of `bytes`, one a line, with the fields of `schema`: one of another name is
// an error of its line. Blank lines are none. InvalidArgument for a line that does not
// fit into `block_bytes` with its end.
std::unique_ptr<TextRowReader> MakeNdjsonReader(std::shared_ptr<PeekableInput> bytes,
                                                std::shared_ptr<arrow::Schema> schema,
                                                std::int64_t block_bytes,
                                                arrow::MemoryPool* pool);

// Rows of CSV with another number of values than the heading, as they are met: by Arrow's
// reader, perhaps in a thread of its own and ahead of the rows it gives out. Thread-safe.
class SkippedRows {
 public:
  // False where those that were not taken are too many together: reading is to end, since
  // a file of nothing else, such as one with another delimiter, must not be in memory.
  bool Add(RejectedRow row);
  // Those since the last call, in the order of the file.
  std::vector<RejectedRow> Take();

 private:
  static constexpr std::int64_t kBytesMax = std::int64_t{64} << 20;
  std::mutex mutex_;
  std::vector<RejectedRow> rows_;  // Guarded by mutex_.
  std::int64_t bytes_ = 0;         // Of those; guarded by mutex_.
};

// `reader` gives the rows of a CSV file other than those of `skipped`.
std::unique_ptr<TextRowReader> MakeCsvReader(
    std::shared_ptr<arrow::RecordBatchReader> reader,
    std::shared_ptr<SkippedRows> skipped);

// What of `reader` is good, its columns as those of `wanted` with the same name; others
// as they are. `bytes` is what it reads from in the end; `name` is put before errors.
// `context` and `pool` must outlive the stream.
std::unique_ptr<RowStream> MakeLenientStream(
    const base::Context& context, std::string name, std::shared_ptr<RowBytes> bytes,
    std::unique_ptr<TextRowReader> reader, const arrow::Schema& wanted,
    OnRejected rejected, arrow::MemoryPool* pool);

}  // namespace firn::table
