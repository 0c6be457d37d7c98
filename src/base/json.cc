// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"

#include <charconv>
#include <cmath>

#include "base/utf8.h"

namespace firn::base {
namespace {

template <typename T>
void AppendNumber(std::string& out, T v) {
  char buffer[32];
  out.append(buffer, std::to_chars(buffer, buffer + sizeof buffer, v).ptr);
}

void AppendEscape(std::string& out, char c) {
  constexpr char kHexDigits[] = "0123456789abcdef";
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      break;
  }
  out += "\\u00";
  out.push_back(kHexDigits[static_cast<unsigned char>(c) >> 4]);
  out.push_back(kHexDigits[c & 0xf]);
}

}  // namespace

void AppendJsonString(std::string& out, std::string_view text) {
  out.push_back('"');
  while (!text.empty()) {
    // Most text needs no escape: append it in runs.
    std::size_t plain = 0;
    while (plain < text.size()) {
      const auto c = static_cast<unsigned char>(text[plain]);
      if (c < ' ' || c >= 0x80 || c == '"' || c == '\\') break;
      ++plain;
    }
    out.append(text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty()) break;
    const Utf8Rune rune = DecodeUtf8(text);
    if (rune.size_bytes == 0) {
      out += "\xef\xbf\xbd";
      text.remove_prefix(1);
    } else if (rune.size_bytes == 1) {
      AppendEscape(out, text[0]);
      text.remove_prefix(1);
    } else {
      out.append(text.substr(0, rune.size_bytes));
      text.remove_prefix(rune.size_bytes);
    }
  }
  out.push_back('"');
}

std::string JsonString(std::string_view text) {
  std::string out;
  AppendJsonString(out, text);
  return out;
}

void AppendJsonInt(std::string& out, std::int64_t v) { AppendNumber(out, v); }
void AppendJsonUint(std::string& out, std::uint64_t v) { AppendNumber(out, v); }

void AppendJsonDouble(std::string& out, double v) {
  if (!std::isfinite(v)) {
    out += "null";
    return;
  }
  AppendNumber(out, v);
}

}  // namespace firn::base
