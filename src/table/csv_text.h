// SPDX-License-Identifier: Apache-2.0
// csv_text.h: CSV as rows of text. Internal to row_file.h.
//
// Arrow's parser splits blocks of text. Its readers, which would do the rest, read ahead
// in threads that nobody can wait for.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "firn/status.h"
#include "table/csv_lines.h"
#include "table/row_bytes.h"

namespace arrow {
class MemoryPool;
class RecordBatch;
namespace csv {
class BlockParser;
}  // namespace csv
}  // namespace arrow

namespace firn::table {

// A row with another number of values than the heading.
struct LeftOutRow {
  std::int64_t row = 0;
  std::int32_t values = 0;
  std::string_view text;
};

// The heading is row 0. A blank line is no row, but one of NULL where there is one
// column. Thread-compatible.
class CsvText {
 public:
  // `pool` must outlive it and the batches.
  CsvText(std::shared_ptr<PeekableInput> input, char delimiter, arrow::MemoryPool* pool)
      : input_(std::move(input)), delimiter_(delimiter), pool_(pool), lines_(delimiter) {}

  // To be called once, first. InvalidArgument where the heading is no UTF-8.
  Status ReadHeading();
  // Of the columns. Empty: there is no heading, nor anything else.
  const std::vector<std::string>& names() const { return names_; }
  // The rows of about a block of text, as columns of text; null at the end.
  // InvalidArgument for a row that is longer than a block, and for a quote that is not
  // closed.
  Result<std::shared_ptr<arrow::RecordBatch>> Next();
  // Those among the rows that Next() gave last, in their order, until it is called again.
  const std::vector<LeftOutRow>& left_out() const { return left_out_; }
  // As CsvLines::LinesOf.
  std::vector<std::int64_t> LinesOf(const std::vector<std::int64_t>& rows) {
    return lines_.LinesOf(rows);
  }

 private:
  // What follows, up to `rows_max` rows. Null: nothing does.
  Result<std::unique_ptr<arrow::csv::BlockParser>> Parse(std::int32_t rows_max);
  void SkipBlankLines();
  // Reads on, behind what was not parsed.
  Status Fill();
  std::string_view Rest() const { return std::string_view(block_).substr(used_); }
  Status CheckQuotes() const;

  const std::shared_ptr<PeekableInput> input_;
  const char delimiter_;
  arrow::MemoryPool* const pool_;
  CsvLines lines_;  // Has seen what was parsed.
  std::vector<std::string> names_;
  std::vector<LeftOutRow> left_out_;
  std::string block_;  // Parsed up to used_.
  std::size_t used_ = 0;
  bool after_return_ = false;  // What was parsed ends with \r.
  bool at_end_ = false;        // Of the input, with the block.
  std::int64_t next_row_ = 0;
};

}  // namespace firn::table
