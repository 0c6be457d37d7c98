// SPDX-License-Identifier: Apache-2.0
#include "promql/literal.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <system_error>
#include <utility>

#include "base/duration.h"
#include "base/hex.h"
#include "base/quote.h"
#include "base/utf8.h"

namespace firn::promql {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

bool IsDigit(char c) { return '0' <= c && c <= '9'; }

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if ('A' <= c && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

// An escape without its backslash, at text[*at]. Octal and \x are bytes, \u and \U code
// points.
bool UnescapeOne(std::string_view text, std::size_t* at, char quote, std::string* out) {
  const char c = text[*at];
  ++*at;
  constexpr std::string_view kFrom = "abfnrtv\\";
  constexpr std::string_view kTo = "\a\b\f\n\r\t\v\\";
  if (const std::size_t i = kFrom.find(c); i != std::string_view::npos) {
    out->push_back(kTo[i]);
    return true;
  }
  if (c == quote) {
    out->push_back(c);
    return true;
  }
  int count = 0;
  int base = 16;
  if (c == 'x') {
    count = 2;
  } else if (c == 'u') {
    count = 4;
  } else if (c == 'U') {
    count = 8;
  } else if ('0' <= c && c <= '7') {
    count = 3;
    base = 8;
    --*at;
  } else {
    return false;
  }
  std::uint64_t value = 0;
  for (int i = 0; i < count; ++i, ++*at) {
    if (*at >= text.size()) return false;
    const int digit = base::HexDigit(text[*at]);
    if (digit < 0 || digit >= base) return false;
    value = value * static_cast<unsigned>(base) + static_cast<unsigned>(digit);
  }
  if (c == 'u' || c == 'U') {
    if (value > 0x10FFFF || (0xD800 <= value && value < 0xE000)) return false;
    base::AppendUtf8(static_cast<char32_t>(value), *out);
    return true;
  }
  if (value > 255) return false;
  out->push_back(static_cast<char>(value));
  return true;
}

// "1.5e+06" and the like from `digits` shortest or rounded scientific text.
std::string FromScientific(std::string_view text, int exponent_from) {
  const std::size_t e = text.find('e');
  std::string digits;
  const bool negative = text[0] == '-';
  for (char c : text.substr(0, e)) {
    if (IsDigit(c)) digits.push_back(c);
  }
  int exponent = 0;
  std::string_view exponent_text = text.substr(e + 1);
  if (exponent_text[0] == '+') exponent_text.remove_prefix(1);
  std::from_chars(exponent_text.data(), exponent_text.data() + exponent_text.size(),
                  exponent);
  while (digits.size() > 1 && digits.back() == '0') digits.pop_back();
  std::string out = negative ? "-" : "";
  if (exponent < -4 || exponent >= exponent_from) {
    out.push_back(digits[0]);
    if (digits.size() > 1) out += "." + digits.substr(1);
    std::array<char, 16> tail{};
    std::snprintf(tail.data(), tail.size(), "e%c%02d", exponent < 0 ? '-' : '+',
                  std::abs(exponent));
    return out + tail.data();
  }
  if (exponent < 0) {
    return out + "0." + std::string(static_cast<std::size_t>(-exponent - 1), '0') +
           digits;
  }
  const auto whole = static_cast<std::size_t>(exponent) + 1;
  if (digits.size() <= whole) {
    return out + digits + std::string(whole - digits.size(), '0');
  }
  return out + digits.substr(0, whole) + "." + digits.substr(whole);
}

std::string NotFinite(double value) {
  if (std::isnan(value)) return "NaN";
  return value > 0 ? "+Inf" : "-Inf";
}

std::string FormatWithExponentFrom(double value, int exponent_from, int digits) {
  if (!std::isfinite(value)) return NotFinite(value);
  std::array<char, 64> buffer{};
  const auto result =
      digits == 0 ? std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                  std::chars_format::scientific)
                  : std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                  std::chars_format::scientific, digits - 1);
  return FromScientific({buffer.data(), result.ptr}, exponent_from);
}

std::optional<double> ParseFinite(std::string_view text, std::chars_format format) {
  double value = 0;
  const auto result =
      std::from_chars(text.data(), text.data() + text.size(), value, format);
  if (result.ptr != text.data() + text.size()) return std::nullopt;
  if (result.ec == std::errc::result_out_of_range) {
    // from_chars leaves the value alone; the sign of the exponent says which end it is.
    const std::size_t e = text.find_first_of("eE");
    const bool tiny =
        e != std::string_view::npos && e + 1 < text.size() && text[e + 1] == '-';
    if (tiny) return 0.0;
    return std::nullopt;
  }
  if (result.ec != std::errc()) return std::nullopt;
  return value;
}

// Digits of `base` with `_` between them.
std::optional<double> ParseWhole(std::string_view digits, int base) {
  std::string plain;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (digits[i] != '_') {
      plain.push_back(digits[i]);
    } else if (i + 1 == digits.size() || digits[i + 1] == '_') {
      return std::nullopt;
    }
  }
  if (plain.empty()) return std::nullopt;
  std::uint64_t value = 0;
  const auto result =
      std::from_chars(plain.data(), plain.data() + plain.size(), value, base);
  if (result.ptr != plain.data() + plain.size() || result.ec != std::errc() ||
      value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    return std::nullopt;
  }
  return static_cast<double>(static_cast<std::int64_t>(value));
}

std::optional<double> ParseUnsigned(std::string_view text, bool literal) {
  if (text.empty()) return std::nullopt;
  const std::string lower = Lower(text);
  if (lower == "inf" || lower == "infinity") return kInf;
  if (lower == "nan") return std::numeric_limits<double>::quiet_NaN();
  if (!IsDigit(lower[0]) && lower[0] != '.') return std::nullopt;
  if (!literal) return ParseFinite(lower, std::chars_format::general);
  if (lower.starts_with("0x")) {
    std::string_view digits = std::string_view(lower).substr(2);
    if (digits.starts_with('_')) digits.remove_prefix(1);
    return ParseWhole(digits, 16);
  }
  if (lower.size() > 1 && lower[0] == '0') {
    if (const auto octal = ParseWhole(std::string_view(lower).substr(1), 8)) return octal;
  } else if (const auto whole = ParseWhole(lower, 10)) {
    return whole;
  }
  std::string plain;
  for (std::size_t i = 0; i < lower.size(); ++i) {
    if (lower[i] != '_') {
      plain.push_back(lower[i]);
    } else if (!IsDigit(lower[i - 1]) || i + 1 == lower.size() ||
               !IsDigit(lower[i + 1])) {
      return std::nullopt;
    }
  }
  return ParseFinite(plain, std::chars_format::general);
}

std::optional<double> ParseSigned(std::string_view text, bool literal) {
  double sign = 1;
  if (!text.empty() && (text[0] == '+' || text[0] == '-')) {
    sign = text[0] == '-' ? -1 : 1;
    text.remove_prefix(1);
  }
  const std::optional<double> value = ParseUnsigned(text, literal);
  if (!value) return std::nullopt;
  return sign < 0 ? -*value : *value;
}

}  // namespace

Result<std::string> Unquote(std::string_view quoted) {
  const Status invalid =
      Status::InvalidArgument("not a quoted string: " + std::string(quoted));
  if (quoted.size() < 2 || quoted.front() != quoted.back()) return invalid;
  const char quote = quoted.front();
  const std::string_view body = quoted.substr(1, quoted.size() - 2);
  if (quote == '`') {
    if (body.find('`') != std::string_view::npos) return invalid;
    return std::string(body);
  }
  if (quote != '"' && quote != '\'') return invalid;
  std::string out;
  for (std::size_t i = 0; i < body.size();) {
    if (body[i] == quote || body[i] == '\n') return invalid;
    if (body[i] != '\\') {
      out.push_back(body[i++]);
      continue;
    }
    if (++i >= body.size() || !UnescapeOne(body, &i, quote, &out)) return invalid;
  }
  return out;
}

std::string QuoteCharacter(char32_t character) {
  std::string text;
  base::AppendUtf8(character, text);
  if (character == U'\'') return R"('\'')";
  if (character == U'"') return R"('"')";
  const std::string quoted = base::Quoted(text);
  return "'" + quoted.substr(1, quoted.size() - 2) + "'";
}

std::optional<double> ParseNumber(std::string_view text) {
  return ParseSigned(text, true);
}
std::optional<double> ParseBound(std::string_view text) {
  return ParseSigned(text, false);
}

std::string FormatNumber(double value) {
  if (!std::isfinite(value)) return NotFinite(value);
  std::array<char, 400> buffer{};
  const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                    std::chars_format::fixed);
  return {buffer.data(), result.ptr};
}

std::string FormatGeneral(double value, int digits) {
  return FormatWithExponentFrom(value, digits == 0 ? 6 : digits, digits);
}

std::optional<DurationMs> SecondsToMs(double seconds) {
  if (!std::isfinite(seconds) ||
      std::fabs(seconds) > static_cast<double>(base::kDurationMsMax) / 1000) {
    return std::nullopt;
  }
  // Rounds to the nanosecond before it cuts to the millisecond, so that 0.3 s is 300 ms.
  return static_cast<DurationMs>(std::round(seconds * 1e9) / 1e6);
}

bool IsPlainName(std::string_view name, bool metric) {
  if (name.empty() || IsDigit(name[0])) return false;
  for (char c : name) {
    const bool alpha = ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z') || c == '_';
    if (!alpha && !IsDigit(c) && !(metric && c == ':')) return false;
  }
  return true;
}

}  // namespace firn::promql
