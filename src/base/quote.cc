// SPDX-License-Identifier: Apache-2.0
#include "base/quote.h"

#include "base/utf8.h"

namespace firn::base {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

void AppendHex(std::string& out, char32_t value, int digits) {
  for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) {
    out.push_back(kHexDigits[(value >> shift) & 0xf]);
  }
}

// Whether a code point from U+0080 up shows as something: neither a control or format
// character, nor a space other than ' ', nor a private or reserved one.
bool IsPrintable(char32_t rune) {
  const auto in = [rune](char32_t first, char32_t last) {
    return first <= rune && rune <= last;
  };
  return !(in(0x80, 0xa0) || rune == 0xad || in(0x600, 0x605) || rune == 0x61c ||
           rune == 0x6dd || rune == 0x70f || rune == 0x1680 || rune == 0x180e ||
           in(0x2000, 0x200f) || in(0x2028, 0x202f) || in(0x205f, 0x206f) ||
           rune == 0x3000 || in(0xe000, 0xf8ff) || rune == 0xfeff || in(0xfdd0, 0xfdef) ||
           in(0xfff0, 0xfffb) || (rune & 0xfffe) == 0xfffe || in(0xe0000, 0xe00ff) ||
           in(0xe01f0, 0x10ffff));
}

// Append the escape of an ASCII character that needs one, or return false.
bool AppendAsciiEscape(std::string& out, char c) {
  switch (c) {
    case '"':
      out += "\\\"";
      return true;
    case '\\':
      out += "\\\\";
      return true;
    case '\a':
      out += "\\a";
      return true;
    case '\b':
      out += "\\b";
      return true;
    case '\f':
      out += "\\f";
      return true;
    case '\n':
      out += "\\n";
      return true;
    case '\r':
      out += "\\r";
      return true;
    case '\t':
      out += "\\t";
      return true;
    case '\v':
      out += "\\v";
      return true;
    default:
      break;
  }
  if (c >= ' ' && c != 0x7f) return false;
  out += "\\x";
  AppendHex(out, static_cast<unsigned char>(c), 2);
  return true;
}

}  // namespace

void AppendQuoted(std::string& out, std::string_view text) {
  out.push_back('"');
  while (!text.empty()) {
    const Utf8Rune rune = DecodeUtf8(text);
    if (rune.size_bytes == 0) {
      out += "\\x";
      AppendHex(out, static_cast<unsigned char>(text[0]), 2);
      text.remove_prefix(1);
      continue;
    }
    if (rune.size_bytes == 1) {
      if (!AppendAsciiEscape(out, text[0])) out.push_back(text[0]);
    } else if (IsPrintable(rune.code_point)) {
      out.append(text.substr(0, rune.size_bytes));
    } else {
      const bool wide = rune.code_point > 0xffff;
      out += wide ? "\\U" : "\\u";
      AppendHex(out, rune.code_point, wide ? 8 : 4);
    }
    text.remove_prefix(rune.size_bytes);
  }
  out.push_back('"');
}

std::string Quoted(std::string_view text) {
  std::string out;
  AppendQuoted(out, text);
  return out;
}

}  // namespace firn::base
