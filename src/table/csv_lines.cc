// SPDX-License-Identifier: Apache-2.0
#include "table/csv_lines.h"

#include <arrow/buffer.h>

namespace firn::table {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

}  // namespace

std::vector<std::int64_t> CsvLines::LinesOf(const std::vector<std::int64_t>& rows) {
  std::vector<std::int64_t> lines;
  lines.reserve(rows.size());
  const std::lock_guard lock(mutex_);
  for (const std::int64_t row : rows) {
    while (steps_.size() > 1 && steps_[1].row <= row) steps_.pop_front();
    lines.push_back(steps_.empty() ? row + 1
                                   : steps_.front().line + row - steps_.front().row);
  }
  return lines;
}

arrow::Result<std::int64_t> CsvLines::Read(std::int64_t size, void* out) {
  ARROW_ASSIGN_OR_RAISE(const std::int64_t read, inner_->Read(size, out));
  See(std::string_view(static_cast<const char*>(out), static_cast<std::size_t>(read)));
  return read;
}

arrow::Result<std::shared_ptr<arrow::Buffer>> CsvLines::Read(std::int64_t size) {
  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> read, inner_->Read(size));
  See(std::string_view(*read));
  return read;
}

void CsvLines::See(std::string_view text) {
  const std::lock_guard lock(mutex_);
  if (!is_begun_ && text.starts_with(kByteOrderMark)) {
    text.remove_prefix(kByteOrderMark.size());
  }
  is_begun_ = true;
  const char delimiter = delimiter_;
  const auto ends_value = [&](char c) {
    return c == delimiter || c == '\n' || c == '\r';
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (state_ == State::kInValue) {
      // Most characters: they change nothing.
      while (i < text.size() && !ends_value(text[i])) ++i;
      if (i == text.size()) break;
    }
    const char c = text[i];
    const bool ends_return = after_return_ && c == '\n';
    after_return_ = c == '\r';
    if (ends_return) continue;
    if (state_ == State::kQuoted) {
      if (c == '"') {
        state_ = State::kQuoteInQuoted;
      } else if (c == '\n' || c == '\r') {
        ++line_;
      }
    } else if (state_ == State::kQuoteInQuoted && c == '"') {
      state_ = State::kQuoted;
    } else {
      SeePlain(c);
    }
  }
}

void CsvLines::SeePlain(char c) {
  const bool ends_line = c == '\n' || c == '\r';
  if (state_ == State::kLine && !ends_line) {
    if (steps_.empty() || steps_.back().line + rows_ - steps_.back().row != line_) {
      steps_.push_back({rows_, line_});
    }
    ++rows_;
    state_ = State::kValue;
  }
  if (ends_line) {
    ++line_;
    state_ = State::kLine;
  } else if (c == delimiter_) {
    state_ = State::kValue;
  } else {
    state_ = c == '"' && state_ == State::kValue ? State::kQuoted : State::kInValue;
  }
}

}  // namespace firn::table
