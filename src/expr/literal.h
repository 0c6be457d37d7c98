// SPDX-License-Identifier: Apache-2.0
// literal.h: the order of literals.
#pragma once

#include <compare>
#include <optional>
#include <string>

#include "expr/predicate.h"

namespace firn::expr {

// The order of two literals, or nothing where their types have none in common. int64,
// double and decimals are compared by value, without rounding; text and bytes as unsigned
// bytes.
std::optional<std::weak_ordering> CompareLiterals(const Literal& a, const Literal& b);

// The operator that holds exactly where `op` does not, on values that are not NULL.
CompareOp Negate(CompareOp op);
// Whether `a op b` holds, given the order of a and b.
bool Holds(std::weak_ordering order, CompareOp op);

// As ParseFilter() reads it: 42, 1.50 (a decimal), 1.5e0 (a double), 'it''s', X'00ff',
// DATE '2026-01-02', TIME '03:04:05', TIMESTAMP '2026-01-02T03:04:05.678Z'.
std::string ToString(const Literal& literal);

}  // namespace firn::expr
