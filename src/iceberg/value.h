// SPDX-License-Identifier: Apache-2.0
// value.h: one value of a primitive type.
//
// A Value holds the representation; the PrimitiveType it goes with gives it meaning:
//
//   bool          boolean
//   int32_t       int, date
//   int64_t       long, time, timestamp, timestamptz, timestamp_ns, timestamptz_ns
//   float, double
//   Decimal       decimal, unscaled
//   std::string   string
//   Bytes         uuid (16, big-endian), fixed, binary
//
// Of the types unknown and variant there is no Value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "expr/predicate.h"
#include "firn/status.h"

namespace firn::iceberg {

struct PrimitiveType;  // type.h, whose fields hold values.

struct Decimal {
  __extension__ typedef __int128 Unscaled;
  Unscaled unscaled = 0;
  auto operator<=>(const Decimal&) const = default;
};

struct Bytes {
  std::string bytes;
  auto operator<=>(const Bytes&) const = default;
};

using Value = std::variant<bool, std::int32_t, std::int64_t, float, double, Decimal,
                           std::string, Bytes>;
// Absent: NULL.
using OptionalValue = std::optional<Value>;

// The values of one file's partition, in the order of its spec's fields.
using PartitionValues = std::vector<OptionalValue>;

// Whether `value` is in the representation of `type`, with the right length and within
// the type's range.
bool Fits(const Value& value, const PrimitiveType& type);

// -1, 0 or 1. Floating-point numbers: -0.0 before 0.0, NaN above all else. Strings and
// bytes by unsigned byte.
// REQUIRES: both have the same representation.
int CompareValues(const Value& a, const Value& b);

// `value` in the representation of `type`: itself where it has that already, or widened
// as a promoted column's older values are: int to long, float to double, date to its
// midnight as a timestamp without a zone. Absent where it does not go.
OptionalValue Promote(const Value& value, const PrimitiveType& type);

// The literal as a value of `type`. A number goes into any numeric type that holds it
// exactly, a timestamp into the timestamp types, and so on. InvalidArgument where it does
// not fit.
Result<Value> ValueFromLiteral(const expr::Literal& literal, const PrimitiveType& type);
// REQUIRES: Fits(value, type).
expr::Literal ValueToLiteral(const Value& value, const PrimitiveType& type);

// For people and partition paths: `2026-01-02` for a date, hexadecimal for bytes, and so
// on.
std::string ValueToString(const Value& value, const PrimitiveType& type);

}  // namespace firn::iceberg
