// SPDX-License-Identifier: Apache-2.0
#include "expr/column_text.h"

#include <algorithm>
#include <array>

namespace firn::expr {
namespace {

constexpr std::array<std::string_view, 11> kReservedWords = {
    "and", "between", "escape", "false", "in", "is", "like", "not", "null", "or", "true"};

bool IsName(std::string_view text) {
  return !text.empty() && IsNameStart(text[0]) &&
         std::all_of(text.begin(), text.end(), IsNameCharacter) &&
         !IsReservedWord(LowerCase(text));
}

}  // namespace

bool IsReservedWord(std::string_view lower_case) {
  return std::binary_search(kReservedWords.begin(), kReservedWords.end(), lower_case);
}

bool IsNameStart(char c) {
  return ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

bool IsNameCharacter(char c) { return IsNameStart(c) || ('0' <= c && c <= '9'); }

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if ('A' <= c && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

std::string ColumnText(std::string_view column) {
  std::string_view rest = column;
  while (true) {
    const std::size_t dot = rest.find('.');
    if (!IsName(rest.substr(0, dot))) break;
    if (dot == std::string_view::npos) return std::string(column);
    rest.remove_prefix(dot + 1);
  }
  std::string quoted = "\"";
  for (const char c : column) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + "\"";
}

}  // namespace firn::expr
