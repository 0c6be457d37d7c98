// SPDX-License-Identifier: Apache-2.0
// text_rows.h: what the readers of NDJSON and of CSV have in common. Internal to
// row_file.h.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "firn/status.h"
#include "table/rejected_row.h"
#include "table/row_bytes.h"
#include "table/row_stream.h"

namespace firn::table {

// Told of each row that is none, in the order of the file; an error ends the stream.
using OnRejected = std::function<Status(const RejectedRow&)>;

// Values, NULLs among them, of the rows that are given out at once: a line may be of two
// bytes, and a table of a thousand columns.
inline constexpr std::int64_t kCellsAtOnce = std::int64_t{1} << 21;

// Rows that have the lines on which they begin. Thread-compatible.
class TextRows : public RowStream {
 public:
  // The text comes from `bytes`; `name` is put before errors. `context` must outlive it.
  TextRows(const base::Context& context, std::string name,
           std::shared_ptr<RowBytes> bytes);
  ~TextRows() override;

  scan::ScanStats stats() const override { return stats_; }
  std::string_view RowWord() const override { return "line"; }
  std::int64_t RowNumber(std::int64_t row) const override {
    return numbers_[static_cast<std::size_t>(row)];
  }
  Result<std::shared_ptr<arrow::RecordBatch>> Next() override;

 protected:
  // The good ones of the next rows, perhaps none, and their numbers_; null at the end.
  virtual Result<std::shared_ptr<arrow::RecordBatch>> Read() = 0;

  std::vector<std::int64_t> numbers_;  // Of the rows given out last.

 private:
  const base::Context& context_;
  const std::string name_;
  const std::shared_ptr<RowBytes> bytes_;
  scan::ScanStats stats_;
};

}  // namespace firn::table
