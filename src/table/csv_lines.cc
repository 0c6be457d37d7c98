// SPDX-License-Identifier: Apache-2.0
#include "table/csv_lines.h"

#include <cstddef>

namespace firn::table {

std::vector<std::int64_t> CsvLines::LinesOf(const std::vector<std::int64_t>& rows) {
  std::vector<std::int64_t> lines;
  lines.reserve(rows.size());
  for (const std::int64_t row : rows) {
    while (steps_.size() > 1 && steps_[1].row <= row) steps_.pop_front();
    lines.push_back(steps_.empty() ? row + 1
                                   : steps_.front().line + row - steps_.front().row);
  }
  return lines;
}

std::optional<std::int64_t> CsvLines::OpenQuoteLine() const {
  if (state_ != State::kQuoted) return std::nullopt;
  return quote_line_;
}

void CsvLines::See(std::string_view text) {
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

void CsvLines::BeginRow() {
  if (steps_.empty() || steps_.back().line + rows_ - steps_.back().row != line_) {
    steps_.push_back({rows_, line_});
  }
  ++rows_;
}

void CsvLines::SeePlain(char c) {
  const bool ends_line = c == '\n' || c == '\r';
  if (state_ == State::kLine && (!ends_line || blank_lines_count_)) {
    BeginRow();
    state_ = State::kValue;
  }
  if (ends_line) {
    ++line_;
    state_ = State::kLine;
  } else if (c == delimiter_) {
    state_ = State::kValue;
  } else if (c == '"' && state_ == State::kValue) {
    quote_line_ = line_;
    state_ = State::kQuoted;
  } else {
    state_ = State::kInValue;
  }
}

}  // namespace firn::table
