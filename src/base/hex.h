// SPDX-License-Identifier: Apache-2.0
// hex.h: hexadecimal digits.
#pragma once

namespace firn::base {

// What the digit, in either case, stands for; -1 for any other character.
constexpr int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace firn::base
