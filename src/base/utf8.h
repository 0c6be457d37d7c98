// SPDX-License-Identifier: Apache-2.0
// utf8.h: UTF-8 as Unicode defines it: no overlong forms, no surrogates, nothing above
// U+10FFFF. Pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace firn::base {

struct Utf8Rune {
  char32_t code_point = 0;
  std::size_t size_bytes = 0;  // 0 where the text does not start with a valid rune.
};

// The rune that `text` starts with. REQUIRES: !text.empty().
Utf8Rune DecodeUtf8(std::string_view text);

bool IsValidUtf8(std::string_view text);

// Append a rune. REQUIRES: it is at most U+10FFFF.
void AppendUtf8(char32_t rune, std::string& out);

}  // namespace firn::base
