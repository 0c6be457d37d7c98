// SPDX-License-Identifier: Apache-2.0
// key_range.h: what of a column a comparison with a literal selects. Internal to this
// room.
//
// The values of a column are mapped to 128-bit keys of the same order: an integer, a
// count of days or of units of time, the unscaled integer of a decimal, or what RealKey()
// makes of a double. A comparison then selects one range of keys, or all but one range.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "expr/number.h"
#include "expr/predicate.h"

namespace arrow {
class DataType;
}  // namespace arrow

namespace firn::expr {

// Keys of doubles ascend as CompareNumbers() orders them; NaN has the greatest of 64
// bits.
std::int64_t RealKey(double value);
// The double of a key. REQUIRES: RealKey() of some double.
double RealOfKey(std::int64_t key);

enum class ValueFamily : std::uint8_t {
  kNone,  // No literal compares with it.
  kNull,  // Every value is NULL.
  kBool,
  kInteger,
  kReal,
  kDecimal,
  kWideDecimal,  // Of 256 bits: beyond the keys.
  kDate,
  kTime,
  kTimestamp,
  kText,
  kBytes
};

// How the values of an Arrow type are counted.
struct ValueMeaning {
  ValueFamily family = ValueFamily::kNone;
  std::int32_t scale = 0;  // Of decimals.
  // kDate: units in a day. kTime, kTimestamp: nanoseconds in a unit.
  std::int64_t unit = 1;
};
ValueMeaning MeaningOf(const arrow::DataType& type);

// Keys [first, last]; empty where first > last. `outside` asks for the rest instead.
struct KeyRange {
  Int128 first = kInt128Min;
  Int128 last = kInt128Max;
  bool outside = false;
  bool Contains(Int128 key) const { return (first <= key && key <= last) != outside; }
};

// The keys that `op literal` selects; nothing where column and literal have no order.
std::optional<KeyRange> KeysOf(const ValueMeaning& meaning, CompareOp op,
                               const Literal& literal);
// The keys that equal one of the literals, ascending; nothing where one has no order with
// the column.
std::optional<std::vector<Int128>> KeysOf(const ValueMeaning& meaning, const In& in);

// The literal's bytes, where it compares with a column of text or bytes.
std::optional<std::string_view> BytesOf(const ValueMeaning& meaning,
                                        const Literal& literal);

}  // namespace firn::expr
