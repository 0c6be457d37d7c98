// SPDX-License-Identifier: Apache-2.0
// key_value.h: properties as the command line names them.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "firn/status.h"

namespace firn::cli {

// Texts `KEY=VALUE` of `flag`, in their order. InvalidArgument for one without a key, and
// for a key that comes twice.
inline Result<std::vector<std::pair<std::string, std::string>>> ParseKeyValues(
    std::string_view flag, const std::vector<std::string>& texts) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const std::string& text : texts) {
    const std::size_t equals = text.find('=');
    const std::string what = std::string(flag) + " " + text;
    if (equals == 0 || equals == std::string::npos) {
      return Status::InvalidArgument(what + ": expected KEY=VALUE");
    }
    const std::string key = text.substr(0, equals);
    for (const auto& [other, value] : out) {
      if (other == key) return Status::InvalidArgument(what + ": the key comes twice");
    }
    out.emplace_back(key, text.substr(equals + 1));
  }
  return out;
}

}  // namespace firn::cli
