// SPDX-License-Identifier: Apache-2.0
// statement.h: cuts a text into SQL statements at its semicolons.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace firn::cli {

// Takes text as it comes and gives statements back. A semicolon inside quotes ('…', "…",
// $tag$…$tag$) or a comment (-- …, /* … */) ends nothing. Thread-compatible.
class StatementSplitter {
 public:
  void Add(std::string_view text) { text_ += text; }
  // The next whole statement, without its semicolon and the white space around it; those
  // of comments only are passed over. nullopt where there is none yet.
  std::optional<std::string> Next();
  // What is left, trimmed: a last statement without a semicolon.
  std::string Rest();
  // Whether anything but white space and comments waits for its semicolon.
  bool has_partial() const;
  void Clear() { text_.clear(); }

 private:
  std::string text_;
};

}  // namespace firn::cli
