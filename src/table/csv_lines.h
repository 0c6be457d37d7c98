// SPDX-License-Identifier: Apache-2.0
// csv_lines.h: on which line of a file of CSV each row begins. Internal to row_file.h.
//
// Arrow's reader counts rows, which are not lines where lines are blank or values hold
// newlines. So what it reads passes through here, and is split as it does: quotes stand
// at the beginning of a value, a line ends with \n, \r\n or \r, and blank lines are no
// rows.
#pragma once

#include <arrow/io/interfaces.h>
#include <arrow/result.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

namespace firn::table {

// Thread-safe: Arrow reads ahead in a thread of its own.
class CsvLines final : public arrow::io::InputStream {
 public:
  CsvLines(std::shared_ptr<arrow::io::InputStream> inner, char delimiter)
      : inner_(std::move(inner)), delimiter_(delimiter) {}

  // The lines of rows, from 1; the heading is row 0. REQUIRES: they ascend, also from
  // call to call, and were read.
  std::vector<std::int64_t> LinesOf(const std::vector<std::int64_t>& rows);

  arrow::Result<std::int64_t> Read(std::int64_t size, void* out) override;
  arrow::Result<std::shared_ptr<arrow::Buffer>> Read(std::int64_t size) override;
  arrow::Result<std::int64_t> Tell() const override { return inner_->Tell(); }
  arrow::Status Close() override { return inner_->Close(); }
  bool closed() const override { return inner_->closed(); }

 private:
  enum class State : std::uint8_t { kLine, kValue, kInValue, kQuoted, kQuoteInQuoted };

  void See(std::string_view text);
  // A character outside of quotes.
  void SeePlain(char c);

  const std::shared_ptr<arrow::io::InputStream> inner_;
  const char delimiter_;
  std::mutex mutex_;  // Guards all that follows.
  State state_ = State::kLine;
  bool is_begun_ = false;
  bool after_return_ = false;
  std::int64_t line_ = 1;
  std::int64_t rows_ = 0;  // Begun.
  // From this row on, the line goes up with the row.
  struct Step {
    std::int64_t row;
    std::int64_t line;
  };
  std::deque<Step> steps_;
};

}  // namespace firn::table
