// SPDX-License-Identifier: Apache-2.0
// name_list.h: several names as one text.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"

namespace firn::cli {

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
