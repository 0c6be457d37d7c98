// SPDX-License-Identifier: Apache-2.0
#include "expr/literal.h"

#include <charconv>
#include <cmath>
#include <string_view>
#include <type_traits>
#include <variant>

#include "expr/civil_text.h"
#include "expr/number.h"

namespace firn::expr {
namespace {

std::weak_ordering Reverse(std::weak_ordering order) { return 0 <=> order; }

std::weak_ordering OrderOf(int comparison) { return comparison <=> 0; }

template <typename T>
constexpr bool kIsNumber = std::is_same_v<T, std::int64_t> || std::is_same_v<T, double> ||
                           std::is_same_v<T, Decimal>;

// CompareNumbers() for each two kinds of number.
template <typename X, typename Y>
std::weak_ordering OrderOfNumbers(const X& x, const Y& y) {
  if constexpr (std::is_same_v<X, std::int64_t> && std::is_same_v<Y, std::int64_t>) {
    return x <=> y;
  } else if constexpr (std::is_same_v<X, std::int64_t> && std::is_same_v<Y, Decimal>) {
    return CompareNumbers(Decimal{x, 0}, y);
  } else if constexpr (std::is_same_v<X, Decimal> && std::is_same_v<Y, std::int64_t>) {
    return CompareNumbers(x, Decimal{y, 0});
  } else if constexpr (std::is_same_v<X, double> && !std::is_same_v<Y, double>) {
    return Reverse(CompareNumbers(y, x));
  } else {
    return CompareNumbers(x, y);
  }
}

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

std::optional<std::weak_ordering> CompareLiterals(const Literal& a, const Literal& b) {
  return std::visit(
      [](const auto& x, const auto& y) -> std::optional<std::weak_ordering> {
        using X = std::decay_t<decltype(x)>;
        using Y = std::decay_t<decltype(y)>;
        if constexpr (kIsNumber<X> && kIsNumber<Y>) {
          return OrderOfNumbers(x, y);
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
      if (std::isnan(v)) return "DOUBLE 'NaN'";
      if (std::isinf(v)) return v < 0 ? "DOUBLE '-Infinity'" : "DOUBLE 'Infinity'";
      char buffer[32];
      const auto end = std::to_chars(buffer, buffer + sizeof buffer, v).ptr;
      std::string text(buffer, end);
      // Without an exponent it would be an integer or a decimal.
      if (text.find('e') == std::string::npos) text += "e0";
      return text;
    }
    std::string operator()(const std::string& v) const { return Quoted(v); }
    std::string operator()(Timestamp v) const {
      return "TIMESTAMP '" + FormatTimestamp(v) + "'";
    }
    std::string operator()(Date v) const { return "DATE '" + FormatDate(v) + "'"; }
    std::string operator()(const Binary& v) const { return Hex(v.bytes); }
    std::string operator()(const Decimal& v) const { return expr::ToString(v); }
    std::string operator()(TimeOfDay v) const { return "TIME '" + FormatTime(v) + "'"; }
  };
  return std::visit(Visitor(), literal);
}

}  // namespace firn::expr
