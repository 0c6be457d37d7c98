// SPDX-License-Identifier: Apache-2.0
// name_list.h: several names as one text.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace firn::cli {

// `a,b` as its parts, without empty ones.
inline std::vector<std::string> SplitAtCommas(std::string_view text) {
  std::vector<std::string> items;
  while (!text.empty()) {
    const std::string_view item = text.substr(0, text.find(','));
    if (!item.empty()) items.emplace_back(item);
    text.remove_prefix(std::min(text.size(), item.size() + 1));
  }
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
