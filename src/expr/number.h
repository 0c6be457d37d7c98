// SPDX-License-Identifier: Apache-2.0
// number.h: exact relations between integers, doubles and decimals. Pure functions.
//
// Where a double meets a decimal neither is rounded: both are written out in digits,
// which every finite double has finitely many of.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include "expr/predicate.h"

namespace firn::expr {

using Int128 = Decimal::Unscaled;
__extension__ typedef unsigned __int128 Uint128;
inline constexpr Int128 kInt128Max = static_cast<Int128>(~Uint128{0} >> 1);
inline constexpr Int128 kInt128Min = -kInt128Max - 1;

// The exact order of an integer and a double, without rounding either: 2^53 + 1 is above
// 2^53 as a double. NaN is above every integer.
std::weak_ordering CompareNumbers(std::int64_t a, double b);
// NaN is above every other number and equal to itself; -0.0 equals 0.0.
std::weak_ordering CompareNumbers(double a, double b);
std::weak_ordering CompareNumbers(const Decimal& a, const Decimal& b);
std::weak_ordering CompareNumbers(const Decimal& a, double b);

// The greatest integer at or below a number, and whether it is the number. Numbers beyond
// 128 bits become the first or last integer, and are not it; NaN is above all.
struct Floored {
  Int128 floor = 0;
  bool exact = false;
  bool operator==(const Floored&) const = default;
};
// The floor of number * 10^scale; nothing where the literal is no number.
// REQUIRES: |scale| <= kDecimalScaleMax.
std::optional<Floored> FloorAtScale(const Literal& number, std::int32_t scale);

// number * 10^scale without its fraction, in digits of which the first is no zero, and
// whether there was no fraction. The digits of an infinity are more than any decimal has;
// NaN is as infinity. Nothing where the literal is no number. REQUIRES: as above.
struct Truncated {
  bool negative = false;
  std::string digits;
  bool exact = false;
};
std::optional<Truncated> TruncateAtScale(const Literal& number, std::int32_t scale);

// The nearest double or float; infinity beyond the greatest.
double NearestDouble(const Decimal& value);
float NearestFloat(const Decimal& value);

// As digits, with a point wherever the scale is not below zero: 1.50, and 7. for an
// integer.
std::string ToString(const Decimal& value);

}  // namespace firn::expr
