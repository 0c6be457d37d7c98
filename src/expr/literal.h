// SPDX-License-Identifier: Apache-2.0
// literal.h: the order of literals.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>

#include "expr/predicate.h"

namespace firn::expr {

// The exact order of an integer and a double, without rounding either: 2^53 + 1 is above
// 2^53 as a double. NaN is above every integer.
std::weak_ordering CompareNumbers(std::int64_t a, double b);
// NaN is above every other number and equal to itself; -0.0 equals 0.0.
std::weak_ordering CompareNumbers(double a, double b);

// The order of two literals, or nothing where their types have none in common. int64 and
// double are compared by value; text and bytes as unsigned bytes.
std::optional<std::weak_ordering> CompareLiterals(const Literal& a, const Literal& b);

// The operator that holds exactly where `op` does not, on values that are not NULL.
CompareOp Negate(CompareOp op);
// Whether `a op b` holds, given the order of a and b.
bool Holds(std::weak_ordering order, CompareOp op);

// As SQL writes it: 42, 1.5, 'it''s', X'00ff'. Times are counts: TIMESTAMP_US 1000000.
std::string ToString(const Literal& literal);

}  // namespace firn::expr
