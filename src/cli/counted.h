// SPDX-License-Identifier: Apache-2.0
// counted.h: numbers with their nouns.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace firn::cli {

// `1 row`, `2 rows`.
inline std::string Counted(std::int64_t n, std::string_view one, std::string_view many) {
  return std::to_string(n) + " " + std::string(n == 1 ? one : many);
}

}  // namespace firn::cli
