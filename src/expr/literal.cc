// SPDX-License-Identifier: Apache-2.0
#include "expr/literal.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <string_view>
#include <type_traits>
#include <variant>

namespace firn::expr {
namespace {

// 2^63, the first double above every int64.
constexpr double kInt64End = 9223372036854775808.0;

std::weak_ordering Reverse(std::weak_ordering order) { return 0 <=> order; }

std::weak_ordering OrderOf(int comparison) { return comparison <=> 0; }

std::string Quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') out += '\'';
    out += c;
  }
  return out + "'";
}

std::string Hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out = "X'";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out + "'";
}

}  // namespace

std::weak_ordering CompareNumbers(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) <=> std::isnan(b);
  return a < b   ? std::weak_ordering::less
         : a > b ? std::weak_ordering::greater
                 : std::weak_ordering::equivalent;
}

std::weak_ordering CompareNumbers(std::int64_t a, double b) {
  if (std::isnan(b) || b >= kInt64End) return std::weak_ordering::less;
  if (b < -kInt64End) return std::weak_ordering::greater;
  // The integral part fits now; it decides unless it is equal, and then the fraction
  // does.
  const double whole = std::trunc(b);
  const auto integer = static_cast<std::int64_t>(whole);
  if (a != integer) return a <=> integer;
  return CompareNumbers(0.0, b - whole);
}

std::optional<std::weak_ordering> CompareLiterals(const Literal& a, const Literal& b) {
  return std::visit(
      [](const auto& x, const auto& y) -> std::optional<std::weak_ordering> {
        using X = std::decay_t<decltype(x)>;
        using Y = std::decay_t<decltype(y)>;
        if constexpr (std::is_same_v<X, double> && std::is_same_v<Y, double>) {
          return CompareNumbers(x, y);
        } else if constexpr (std::is_same_v<X, std::int64_t> &&
                             std::is_same_v<Y, double>) {
          return CompareNumbers(x, y);
        } else if constexpr (std::is_same_v<X, double> &&
                             std::is_same_v<Y, std::int64_t>) {
          return Reverse(CompareNumbers(y, x));
        } else if constexpr (std::is_same_v<X, std::string> &&
                             std::is_same_v<Y, std::string>) {
          return OrderOf(x.compare(y));
        } else if constexpr (std::is_same_v<X, Y>) {
          return x <=> y;
        } else {
          return std::nullopt;
        }
      },
      a, b);
}

CompareOp Negate(CompareOp op) {
  switch (op) {
    case CompareOp::kEq:
      return CompareOp::kNotEq;
    case CompareOp::kNotEq:
      return CompareOp::kEq;
    case CompareOp::kLt:
      return CompareOp::kGtEq;
    case CompareOp::kLtEq:
      return CompareOp::kGt;
    case CompareOp::kGt:
      return CompareOp::kLtEq;
    case CompareOp::kGtEq:
      return CompareOp::kLt;
  }
  return op;
}

bool Holds(std::weak_ordering order, CompareOp op) {
  switch (op) {
    case CompareOp::kEq:
      return order == 0;
    case CompareOp::kNotEq:
      return order != 0;
    case CompareOp::kLt:
      return order < 0;
    case CompareOp::kLtEq:
      return order <= 0;
    case CompareOp::kGt:
      return order > 0;
    case CompareOp::kGtEq:
      return order >= 0;
  }
  return true;
}

std::string ToString(const Literal& literal) {
  struct Visitor {
    std::string operator()(bool v) const { return v ? "true" : "false"; }
    std::string operator()(std::int64_t v) const { return std::to_string(v); }
    std::string operator()(double v) const {
      if (std::isnan(v)) return "'NaN'";
      if (std::isinf(v)) return v < 0 ? "'-Infinity'" : "'Infinity'";
      char buffer[32];
      const auto end = std::to_chars(buffer, buffer + sizeof buffer, v).ptr;
      std::string text(buffer, end);
      // Keep it a floating-point literal when it is read back.
      if (text.find_first_of(".e") == std::string::npos) text += ".0";
      return text;
    }
    std::string operator()(const std::string& v) const { return Quoted(v); }
    std::string operator()(Timestamp v) const {
      return "TIMESTAMP_US " + std::to_string(v.us);
    }
    std::string operator()(Date v) const { return "DATE_DAYS " + std::to_string(v.days); }
    std::string operator()(const Binary& v) const { return Hex(v.bytes); }
  };
  return std::visit(Visitor(), literal);
}

}  // namespace firn::expr
