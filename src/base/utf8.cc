// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.h"

#include <cstring>

namespace firn::base {
namespace {

// The smallest code point that needs a sequence of so many bytes.
constexpr char32_t kSmallest[5] = {0, 0, 0x80, 0x800, 0x10000};

}  // namespace

Utf8Rune DecodeUtf8(std::string_view text) {
  const auto lead = static_cast<std::uint8_t>(text[0]);
  if (lead < 0x80) return {lead, 1};
  std::size_t size = 0;
  char32_t rune = 0;
  if ((lead & 0xe0) == 0xc0) {
    size = 2;
    rune = lead & 0x1f;
  } else if ((lead & 0xf0) == 0xe0) {
    size = 3;
    rune = lead & 0x0f;
  } else if ((lead & 0xf8) == 0xf0) {
    size = 4;
    rune = lead & 0x07;
  } else {
    return {};
  }
  if (text.size() < size) return {};
  for (std::size_t i = 1; i < size; ++i) {
    const auto byte = static_cast<std::uint8_t>(text[i]);
    if ((byte & 0xc0) != 0x80) return {};
    rune = (rune << 6) | (byte & 0x3f);
  }
  const bool surrogate = rune >= 0xd800 && rune <= 0xdfff;
  if (rune < kSmallest[size] || surrogate || rune > 0x10ffff) return {};
  return {rune, size};
}

bool IsValidUtf8(std::string_view text) {
  while (!text.empty()) {
    // Labels are nearly all ASCII: pass eight such bytes at a time.
    while (text.size() >= 8) {
      std::uint64_t word;
      std::memcpy(&word, text.data(), sizeof word);
      if ((word & 0x8080808080808080) != 0) break;
      text.remove_prefix(8);
    }
    if (text.empty()) break;
    const Utf8Rune rune = DecodeUtf8(text);
    if (rune.size_bytes == 0) return false;
    text.remove_prefix(rune.size_bytes);
  }
  return true;
}

void AppendUtf8(char32_t rune, std::string& out) {
  if (rune < 0x80) {
    out += static_cast<char>(rune);
    return;
  }
  int more = rune < 0x800 ? 1 : rune < 0x10000 ? 2 : 3;
  constexpr std::uint32_t kLead[] = {0, 0xc0, 0xe0, 0xf0};
  out += static_cast<char>(kLead[more] | rune >> (6 * more));
  while (more-- > 0) out += static_cast<char>(0x80 | (rune >> (6 * more) & 0x3f));
}

}  // namespace firn::base
