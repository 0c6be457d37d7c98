// SPDX-License-Identifier: Apache-2.0
// text_table.h: columns of text side by side, for a person to read.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/quote.h"

namespace firn::cli {

// `text`, or between quotes and escaped where a line break, a tab or another control
// character of it would tear the line that it stands in.
inline std::string OnOneLine(std::string text) {
  const bool tears = std::any_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
  if (tears) return base::Quoted(text);
  return text;
}

// Thread-compatible.
class TextTable {
 public:
  // A heading of empty texts only is not printed.
  explicit TextTable(std::vector<std::string> heading) { AddRow(std::move(heading)); }

  // REQUIRES: as many cells as the heading has.
  void AddRow(std::vector<std::string> cells) {
    widths_.resize(cells.size());
    for (std::size_t i = 0; i < cells.size(); ++i) {
      cells[i] = OnOneLine(std::move(cells[i]));
      widths_[i] = std::max(widths_[i], cells[i].size());
    }
    rows_.push_back(std::move(cells));
  }

  std::string ToString() const {
    std::string out;
    for (const std::vector<std::string>& cells : rows_) {
      std::string line;
      for (std::size_t i = 0; i < cells.size(); ++i) {
        if (i > 0) line += "  ";
        line += cells[i] + std::string(widths_[i] - cells[i].size(), ' ');
      }
      line.erase(line.find_last_not_of(' ') + 1);
      if (line.empty()) continue;
      out += line + "\n";
    }
    return out;
  }

 private:
  std::vector<std::vector<std::string>> rows_;
  std::vector<std::size_t> widths_;
};

}  // namespace firn::cli
