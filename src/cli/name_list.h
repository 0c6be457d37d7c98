// SPDX-License-Identifier: Apache-2.0
// name_list.h: several names as one text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace firn::cli {

// The parts of `a, b`, without spaces around them and without empty ones. One between
// double quotes is what is between them, `""` standing for a quote: `"a, ""b""",c`.
inline std::vector<std::string> SplitAtCommas(std::string_view text) {
  std::vector<std::string> items;
  std::string item;
  bool quoted = false;      // The next character is between quotes.
  bool was_quoted = false;  // The item's last characters were.
  const auto take = [&] {
    if (!was_quoted) item.erase(item.find_last_not_of(' ') + 1);
    if (!item.empty()) items.push_back(item);
    item.clear();
    was_quoted = false;
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"' && (quoted || item.empty())) {
      const bool doubled = quoted && i + 1 < text.size() && text[i + 1] == '"';
      if (doubled) {
        item += text[++i];
      } else {
        quoted = !quoted;
        was_quoted = true;
      }
    } else if (c == ',' && !quoted) {
      take();
    } else if (c != ' ' || quoted || (!item.empty() && !was_quoted)) {
      item += c;
    }
  }
  take();
  return items;
}

// `a, b`, for people.
inline std::string JoinedNames(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

// `["a","b"]`.
inline std::string JsonNames(const std::vector<std::string>& names) {
  std::string out = "[";
  for (const std::string& name : names) {
    out += (out.back() == '[' ? "" : ",") + base::JsonString(name);
  }
  return out + "]";
}

}  // namespace firn::cli
