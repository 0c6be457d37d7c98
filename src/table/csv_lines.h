// SPDX-License-Identifier: Apache-2.0
// csv_lines.h: on which line of a file of CSV each row begins. Internal to row_file.h.
//
// Arrow's parser counts rows, which are not lines where lines are blank or values hold
// newlines. So what it was given is looked at here as well, and is split as it does:
// quotes stand at the beginning of a value, and a line ends with \n, \r\n or \r.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>
#include <vector>

namespace firn::table {

// Thread-compatible.
class CsvLines {
 public:
  explicit CsvLines(char delimiter) : delimiter_(delimiter) {}

  // The next of the text, from its beginning, without a mark of the order of bytes.
  void See(std::string_view text);
  // From here on a blank line is a row, as in files of one column.
  void CountBlankLines() { blank_lines_count_ = true; }
  // The lines of rows, from 1; the heading is row 0. REQUIRES: they ascend, also from
  // call to call, and were seen.
  std::vector<std::int64_t> LinesOf(const std::vector<std::int64_t>& rows);
  // The line of what follows.
  std::int64_t line() const { return line_; }
  // Of the quote that was not closed yet. Absent: none is open.
  std::optional<std::int64_t> OpenQuoteLine() const;

 private:
  enum class State : std::uint8_t { kLine, kValue, kInValue, kQuoted, kQuoteInQuoted };

  // A character outside of quotes.
  void SeePlain(char c);
  void BeginRow();

  const char delimiter_;
  State state_ = State::kLine;
  bool blank_lines_count_ = false;
  bool after_return_ = false;
  std::int64_t line_ = 1;
  std::int64_t quote_line_ = 0;  // Where the last quote began.
  std::int64_t rows_ = 0;        // Begun.
  // From this row on, the line goes up with the row.
  struct Step {
    std::int64_t row;
    std::int64_t line;
  };
  std::deque<Step> steps_;
};

}  // namespace firn::table
