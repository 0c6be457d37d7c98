// SPDX-License-Identifier: Apache-2.0
#include "cli/statement.h"

namespace firn::cli {
namespace {

constexpr std::string_view kSpace = " \t\r\n";

std::string Trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(kSpace) - first + 1));
}

// One past `close`, looked for from `at`; the end of the text where it is not there.
std::size_t After(std::string_view text, std::string_view close, std::size_t at) {
  const std::size_t found = text.find(close, at);
  return found == std::string_view::npos ? text.size() : found + close.size();
}

// The `$tag$` that starts at `at`, or "".
std::string_view DollarTag(std::string_view text, std::size_t at) {
  std::size_t end = at + 1;
  const auto is_tag = [](char c) {
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9');
  };
  while (end < text.size() && is_tag(text[end])) ++end;
  if (end >= text.size() || text[end] != '$') return {};
  return text.substr(at, end - at + 1);
}

// Whether there is nothing but white space and comments.
bool IsBlank(std::string_view text) {
  for (;;) {
    const std::size_t first = text.find_first_not_of(kSpace);
    if (first == std::string_view::npos) return true;
    text.remove_prefix(first);
    if (text.starts_with("--")) {
      text.remove_prefix(After(text, "\n", 0));
    } else if (text.starts_with("/*")) {
      text.remove_prefix(After(text, "*/", 2));
    } else {
      return false;
    }
  }
}

// Place of the first semicolon that ends a statement, or npos.
std::size_t FindEnd(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    const char c = text[i];
    if (c == ';') return i;
    if (c == '\'' || c == '"') {
      i = After(text, text.substr(i, 1), i + 1);
    } else if (text.substr(i, 2) == "--") {
      i = After(text, "\n", i);
    } else if (text.substr(i, 2) == "/*") {
      i = After(text, "*/", i + 2);
    } else if (c == '$' && !DollarTag(text, i).empty()) {
      const std::string_view tag = DollarTag(text, i);
      i = After(text, tag, i + tag.size());
    } else {
      ++i;
    }
  }
  return std::string_view::npos;
}

}  // namespace

std::optional<std::string> StatementSplitter::Next() {
  for (;;) {
    const std::size_t end = FindEnd(text_);
    if (end == std::string::npos) return std::nullopt;
    std::string statement = Trim(std::string_view(text_).substr(0, end));
    text_.erase(0, end + 1);
    if (!IsBlank(statement)) return statement;
  }
}

std::string StatementSplitter::Rest() {
  std::string rest = IsBlank(text_) ? std::string() : Trim(text_);
  text_.clear();
  return rest;
}

bool StatementSplitter::has_partial() const { return !IsBlank(text_); }

}  // namespace firn::cli
