// SPDX-License-Identifier: Apache-2.0
#include "expr/key_range.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "arrow/type.h"

namespace firn::expr {
namespace {

constexpr std::int64_t kKeyMin = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kKeyMax = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kMsPerDay = 86'400'000;

Floored FloorDivide(Int128 value, std::int64_t unit) {
  const Int128 quotient = value / unit;
  const Int128 rest = value % unit;
  return {rest < 0 ? quotient - 1 : quotient, rest == 0};
}

// The key of the greatest double at or below the number.
std::optional<Floored> FloorReal(const Literal& literal) {
  if (const auto* real = std::get_if<double>(&literal)) {
    return Floored{RealKey(*real), true};
  }
  double nearest = 0;
  std::weak_ordering order = std::weak_ordering::equivalent;
  if (const auto* integer = std::get_if<std::int64_t>(&literal)) {
    nearest = static_cast<double>(*integer);
    order = CompareNumbers(*integer, nearest);
  } else if (const auto* decimal = std::get_if<Decimal>(&literal)) {
    nearest = NearestDouble(*decimal);
    order = CompareNumbers(*decimal, nearest);
  } else {
    return std::nullopt;
  }
  const std::int64_t key = RealKey(nearest);
  return Floored{order < 0 ? key - 1 : key, order == 0};
}

std::optional<Floored> FloorIn(const ValueMeaning& meaning, const Literal& literal) {
  switch (meaning.family) {
    case ValueFamily::kBool:
      if (const auto* v = std::get_if<bool>(&literal)) return Floored{*v ? 1 : 0, true};
      return std::nullopt;
    case ValueFamily::kInteger:
      return FloorAtScale(literal, 0);
    case ValueFamily::kDecimal:
      return FloorAtScale(literal, meaning.scale);
    case ValueFamily::kReal:
      return FloorReal(literal);
    case ValueFamily::kDate:
      if (const auto* v = std::get_if<Date>(&literal)) {
        return Floored{Int128{v->days} * meaning.unit, true};
      }
      return std::nullopt;
    case ValueFamily::kTime:
      if (const auto* v = std::get_if<TimeOfDay>(&literal)) {
        return FloorDivide(v->ns, meaning.unit);
      }
      return std::nullopt;
    case ValueFamily::kTimestamp:
      if (const auto* v = std::get_if<Timestamp>(&literal)) {
        return FloorDivide(Int128{v->us} * 1000 + v->ns, meaning.unit);
      }
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

// A literal that lies above key `at.floor`, and below the next, is equal to none.
KeyRange RangeOf(CompareOp op, Floored at) {
  const KeyRange nothing = {0, -1, false};
  const KeyRange above =
      at.floor == kInt128Max ? nothing : KeyRange{at.floor + 1, kInt128Max, false};
  const KeyRange below =
      at.floor == kInt128Min ? nothing : KeyRange{kInt128Min, at.floor - 1, false};
  switch (op) {
    case CompareOp::kEq:
      return at.exact ? KeyRange{at.floor, at.floor, false} : nothing;
    case CompareOp::kNotEq:
      return at.exact ? KeyRange{at.floor, at.floor, true} : KeyRange();
    case CompareOp::kLt:
      return at.exact ? below : KeyRange{kInt128Min, at.floor, false};
    case CompareOp::kLtEq:
      return {kInt128Min, at.floor, false};
    case CompareOp::kGt:
      return above;
    case CompareOp::kGtEq:
      return at.exact ? KeyRange{at.floor, kInt128Max, false} : above;
  }
  return {};
}

std::int64_t NsPerUnit(arrow::TimeUnit::type unit) {
  switch (unit) {
    case arrow::TimeUnit::SECOND:
      return 1'000'000'000;
    case arrow::TimeUnit::MILLI:
      return 1'000'000;
    case arrow::TimeUnit::MICRO:
      return 1000;
    case arrow::TimeUnit::NANO:
      return 1;
  }
  return 1;
}

}  // namespace

std::int64_t RealKey(double value) {
  if (std::isnan(value)) return kKeyMax;
  if (value == 0) return 0;
  const auto bits = std::bit_cast<std::int64_t>(value);
  return bits >= 0 ? bits : kKeyMin - bits;
}

double RealOfKey(std::int64_t key) {
  return std::bit_cast<double>(key >= 0 ? key : kKeyMin - key);
}

ValueMeaning MeaningOf(const arrow::DataType& type) {
  using arrow::Type;
  switch (type.id()) {
    case Type::NA:
      return {ValueFamily::kNull};
    case Type::BOOL:
      return {ValueFamily::kBool};
    case Type::INT8:
    case Type::INT16:
    case Type::INT32:
    case Type::INT64:
    case Type::UINT8:
    case Type::UINT16:
    case Type::UINT32:
    case Type::UINT64:
      return {ValueFamily::kInteger};
    case Type::HALF_FLOAT:
    case Type::FLOAT:
    case Type::DOUBLE:
      return {ValueFamily::kReal};
    case Type::DECIMAL32:
    case Type::DECIMAL64:
    case Type::DECIMAL128:
    case Type::DECIMAL256: {
      const std::int32_t scale = static_cast<const arrow::DecimalType&>(type).scale();
      if (std::abs(scale) > kDecimalScaleMax) return {};
      return {type.id() == Type::DECIMAL256 ? ValueFamily::kWideDecimal
                                            : ValueFamily::kDecimal,
              scale};
    }
    case Type::DATE32:
      return {ValueFamily::kDate, 0, 1};
    case Type::DATE64:
      return {ValueFamily::kDate, 0, kMsPerDay};
    case Type::TIME32:
    case Type::TIME64:
      return {ValueFamily::kTime, 0,
              NsPerUnit(static_cast<const arrow::TimeType&>(type).unit())};
    case Type::TIMESTAMP:
      return {ValueFamily::kTimestamp, 0,
              NsPerUnit(static_cast<const arrow::TimestampType&>(type).unit())};
    case Type::STRING:
    case Type::LARGE_STRING:
    case Type::STRING_VIEW:
      return {ValueFamily::kText};
    case Type::BINARY:
    case Type::LARGE_BINARY:
    case Type::BINARY_VIEW:
    case Type::FIXED_SIZE_BINARY:
      return {ValueFamily::kBytes};
    default:
      return {};
  }
}

std::optional<KeyRange> KeysOf(const ValueMeaning& meaning, CompareOp op,
                               const Literal& literal) {
  const auto at = FloorIn(meaning, literal);
  if (!at.has_value()) return std::nullopt;
  return RangeOf(op, *at);
}

std::optional<std::vector<Int128>> KeysOf(const ValueMeaning& meaning, const In& in) {
  std::vector<Int128> keys;
  keys.reserve(in.literals.size());
  for (const Literal& literal : in.literals) {
    const auto at = FloorIn(meaning, literal);
    if (!at.has_value()) return std::nullopt;
    if (at->exact) keys.push_back(at->floor);
  }
  std::sort(keys.begin(), keys.end());
  return keys;
}

std::optional<std::string_view> BytesOf(const ValueMeaning& meaning,
                                        const Literal& literal) {
  if (meaning.family == ValueFamily::kText) {
    if (const auto* text = std::get_if<std::string>(&literal)) return *text;
  } else if (meaning.family == ValueFamily::kBytes) {
    if (const auto* binary = std::get_if<Binary>(&literal)) return binary->bytes;
  }
  return std::nullopt;
}

}  // namespace firn::expr
