// SPDX-License-Identifier: Apache-2.0
#include "parquet/bounds.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "arrow/util/float16.h"

#include "expr/literal.h"
#include "expr/number.h"
#include "parquet/schema.h"
#include "parquet/statistics.h"
#include "parquet/types.h"

namespace firn::parquet {
namespace {

using arrow::util::Float16;
using expr::Int128;
using expr::Literal;
using ::parquet::LogicalType;
using ::parquet::Type;

constexpr std::int64_t kNsPerUs = 1000;
constexpr std::int32_t kHalfBytes = 2;

enum class Family : std::uint8_t {
  kNone,
  kBool,
  kInteger,
  kUnsigned,
  kReal,
  kDecimal,
  kDate,
  kTime,
  kTimestamp,
  kText,
  kBytes
};

// What a column's values mean, so far as literals can say it.
struct Meaning {
  Family family = Family::kNone;
  std::int32_t scale = 0;    // kDecimal
  std::int64_t unit_ns = 1;  // kTime, kTimestamp
};

std::int64_t NsPerUnit(LogicalType::TimeUnit::unit unit) {
  switch (unit) {
    case LogicalType::TimeUnit::MILLIS:
      return 1'000'000;
    case LogicalType::TimeUnit::MICROS:
      return kNsPerUs;
    case LogicalType::TimeUnit::NANOS:
      return 1;
    default:
      return 0;
  }
}

Meaning MeaningOfDecimal(const LogicalType& logical) {
  const std::int32_t scale =
      static_cast<const ::parquet::DecimalLogicalType&>(logical).scale();
  if (scale < 0 || scale > expr::kDecimalScaleMax) return {};
  return {Family::kDecimal, scale};
}

Meaning MeaningOfInteger(const LogicalType& logical) {
  if (logical.is_none() || logical.is_invalid()) return {Family::kInteger};
  if (logical.is_date()) return {Family::kDate};
  if (logical.is_decimal()) return MeaningOfDecimal(logical);
  if (logical.is_int()) {
    return {static_cast<const ::parquet::IntLogicalType&>(logical).is_signed()
                ? Family::kInteger
                : Family::kUnsigned};
  }
  std::int64_t unit_ns = 0;
  if (logical.is_time()) {
    unit_ns =
        NsPerUnit(static_cast<const ::parquet::TimeLogicalType&>(logical).time_unit());
    if (unit_ns > 0) return {Family::kTime, 0, unit_ns};
  } else if (logical.is_timestamp()) {
    unit_ns = NsPerUnit(
        static_cast<const ::parquet::TimestampLogicalType&>(logical).time_unit());
    if (unit_ns > 0) return {Family::kTimestamp, 0, unit_ns};
  }
  return {};
}

Meaning MeaningOf(const ::parquet::ColumnDescriptor& column) {
  if (!column.can_use_min_max()) return {};
  const LogicalType& logical = *column.logical_type();
  const bool plain = logical.is_none() || logical.is_invalid();
  const bool ordered =
      column.column_order().get_order() == ::parquet::ColumnOrder::TYPE_DEFINED_ORDER;
  switch (column.physical_type()) {
    case Type::BOOLEAN:
      return {Family::kBool};
    case Type::INT32:
    case Type::INT64:
      return MeaningOfInteger(logical);
    case Type::FLOAT:
    case Type::DOUBLE:
      return {Family::kReal};
    case Type::BYTE_ARRAY:
      if (!ordered) return {};
      if (logical.is_decimal()) return MeaningOfDecimal(logical);
      if (logical.is_string() || logical.is_enum() || logical.is_JSON()) {
        return {Family::kText};
      }
      return {plain || logical.is_BSON() ? Family::kBytes : Family::kNone};
    case Type::FIXED_LEN_BYTE_ARRAY:
      if (!ordered) return {};
      if (logical.is_decimal()) return MeaningOfDecimal(logical);
      if (logical.is_float16() && column.type_length() == kHalfBytes) {
        return {Family::kReal};
      }
      return {plain || logical.is_UUID() ? Family::kBytes : Family::kNone};
    default:
      return {};
  }
}

template <typename T>
std::optional<T> Fixed(std::string_view encoded) {
  T value;
  if (encoded.size() != sizeof value) return std::nullopt;
  std::memcpy(&value, encoded.data(), sizeof value);
  return value;
}

std::optional<std::int64_t> Integer(Type::type physical, std::string_view encoded) {
  if (physical == Type::INT32) return Fixed<std::int32_t>(encoded);
  return Fixed<std::int64_t>(encoded);
}

std::optional<Literal> Unsigned(Type::type physical, std::string_view encoded) {
  if (physical == Type::INT32) {
    const auto value = Fixed<std::uint32_t>(encoded);
    if (!value.has_value()) return std::nullopt;
    return Literal(std::int64_t{*value});
  }
  const auto value = Fixed<std::uint64_t>(encoded);
  if (!value.has_value()) return std::nullopt;
  if (*value <= std::uint64_t{std::numeric_limits<std::int64_t>::max()}) {
    return Literal(static_cast<std::int64_t>(*value));
  }
  return Literal(expr::Decimal{*value, 0});
}

std::optional<double> Real(Type::type physical, std::string_view encoded) {
  std::optional<double> value;
  if (physical == Type::FLOAT) {
    value = Fixed<float>(encoded);
  } else if (physical == Type::DOUBLE) {
    value = Fixed<double>(encoded);
  } else if (const auto bits = Fixed<std::uint16_t>(encoded)) {
    value = Float16::FromBits(*bits).ToDouble();
  }
  if (value.has_value() && std::isnan(*value)) return std::nullopt;
  return value;
}

// A number in two's complement, the most significant byte first.
std::optional<Int128> BigEndian(std::string_view encoded) {
  if (encoded.empty()) return std::nullopt;
  const char fill = static_cast<signed char>(encoded[0]) < 0 ? '\xff' : '\0';
  while (encoded.size() > sizeof(Int128) && encoded[0] == fill) encoded.remove_prefix(1);
  if (encoded.size() > sizeof(Int128)) return std::nullopt;
  expr::Uint128 value = fill == '\0' ? 0 : ~expr::Uint128{0};
  for (const char byte : encoded) {
    value = value << 8 | static_cast<unsigned char>(byte);
  }
  // A sign that was dropped with a byte too many changes the number.
  const auto number = static_cast<Int128>(value);
  if ((number < 0) != (fill != '\0')) return std::nullopt;
  return number;
}

std::optional<Int128> Unscaled(const ::parquet::ColumnDescriptor& column,
                               std::string_view encoded) {
  switch (column.physical_type()) {
    case Type::INT32:
    case Type::INT64:
      return Integer(column.physical_type(), encoded);
    case Type::FIXED_LEN_BYTE_ARRAY:
      if (encoded.size() != static_cast<std::size_t>(column.type_length())) {
        return std::nullopt;  // Cut short, which means another number.
      }
      return BigEndian(encoded);
    default:
      return BigEndian(encoded);
  }
}

std::optional<Literal> TimeOrTimestamp(const Meaning& meaning, std::int64_t value) {
  const Int128 ns = Int128{value} * meaning.unit_ns;
  Int128 us = ns / kNsPerUs;
  auto rest = static_cast<std::int16_t>(ns % kNsPerUs);
  if (rest < 0) {
    --us;
    rest += kNsPerUs;
  }
  const bool time = meaning.family == Family::kTime;
  const Int128 count = time ? ns : us;
  if (count < std::numeric_limits<std::int64_t>::min() ||
      count > std::numeric_limits<std::int64_t>::max()) {
    return std::nullopt;
  }
  if (time) return Literal(expr::TimeOfDay{static_cast<std::int64_t>(ns)});
  return Literal(expr::Timestamp{static_cast<std::int64_t>(us), rest});
}

template <typename T>
PlainValue Stored(const T& value) {
  return {PlainValue::kStored,
          std::string(reinterpret_cast<const char*>(&value), sizeof value)};
}

// An integer in the 4 or 8 bytes of the column, which are read as unsigned if so.
PlainValue StoredInteger(Type::type physical, bool is_unsigned, Int128 value) {
  const int bits = physical == Type::INT32 ? 32 : 64;
  const Int128 end = Int128{1} << (is_unsigned ? bits : bits - 1);
  if (value >= end || value < (is_unsigned ? 0 : -end)) return {PlainValue::kNone, {}};
  if (physical == Type::INT32) return Stored(static_cast<std::uint32_t>(value));
  return Stored(static_cast<std::uint64_t>(value));
}

// `floor` of `value / unit`, if that is exact.
PlainValue StoredTime(Type::type physical, std::int64_t unit, Int128 ns) {
  if (ns % unit != 0) return {PlainValue::kNone, {}};
  return StoredInteger(physical, false, ns / unit);
}

PlainValue StoredDecimal(const ::parquet::ColumnDescriptor& column, Int128 unscaled) {
  switch (column.physical_type()) {
    case Type::INT32:
    case Type::INT64:
      return StoredInteger(column.physical_type(), false, unscaled);
    case Type::FIXED_LEN_BYTE_ARRAY:
      break;
    default:
      return {};  // With or without bytes of mere sign in front.
  }
  const auto size = static_cast<std::size_t>(column.type_length());
  std::string bytes(size, unscaled < 0 ? '\xff' : '\0');
  Int128 rest = unscaled;
  for (std::size_t i = 0; i < size && i < sizeof rest; ++i) {
    bytes[size - 1 - i] = static_cast<char>(rest & 0xff);
    rest >>= 8;
  }
  const bool negative = size > 0 && static_cast<signed char>(bytes[0]) < 0;
  const bool fits = size >= sizeof rest || (rest == (negative ? -1 : 0));
  if (!fits) return {PlainValue::kNone, {}};
  return {PlainValue::kStored, std::move(bytes)};
}

// The number as a double, if it is one. Nothing where the literal is no number.
PlainValue StoredReal(Type::type physical, const Literal& literal) {
  double value = 0;
  if (const auto* real = std::get_if<double>(&literal)) {
    value = *real;
  } else if (const auto* integer = std::get_if<std::int64_t>(&literal)) {
    value = static_cast<double>(*integer);
  } else if (const auto* decimal = std::get_if<expr::Decimal>(&literal)) {
    value = expr::NearestDouble(*decimal);
  } else {
    return {};
  }
  const auto order = expr::CompareLiterals(literal, Literal(value));
  if (!order.has_value() || *order != 0) return {PlainValue::kNone, {}};
  if (value == 0 || std::isnan(value)) return {};
  if (physical == Type::DOUBLE) return Stored(value);
  if (physical == Type::FLOAT) {
    const auto narrow = static_cast<float>(value);
    return narrow == value ? Stored(narrow) : PlainValue{PlainValue::kNone, {}};
  }
  const Float16 half = Float16::FromDouble(value);
  return half.ToDouble() == value ? Stored(half.bits())
                                  : PlainValue{PlainValue::kNone, {}};
}

}  // namespace

bool HasBounds(const ::parquet::ColumnDescriptor& column) {
  return MeaningOf(column).family != Family::kNone;
}

std::optional<Literal> DecodeBound(const ::parquet::ColumnDescriptor& column,
                                   std::string_view encoded) {
  const Meaning meaning = MeaningOf(column);
  switch (meaning.family) {
    case Family::kNone:
      return std::nullopt;
    case Family::kBool:
      if (encoded.size() != 1) return std::nullopt;
      return Literal(encoded[0] != 0);
    case Family::kText:
      return Literal(std::string(encoded));
    case Family::kBytes:
      return Literal(expr::Binary{std::string(encoded)});
    case Family::kReal: {
      const auto value = Real(column.physical_type(), encoded);
      if (!value.has_value()) return std::nullopt;
      return Literal(*value);
    }
    case Family::kUnsigned:
      return Unsigned(column.physical_type(), encoded);
    case Family::kDecimal: {
      const auto unscaled = Unscaled(column, encoded);
      if (!unscaled.has_value()) return std::nullopt;
      return Literal(expr::Decimal{*unscaled, meaning.scale});
    }
    default:
      break;
  }
  const auto value = Integer(column.physical_type(), encoded);
  if (!value.has_value()) return std::nullopt;
  if (meaning.family == Family::kInteger) return Literal(*value);
  if (meaning.family == Family::kDate) {
    return Literal(expr::Date{static_cast<std::int32_t>(*value)});
  }
  return TimeOrTimestamp(meaning, *value);
}

Bounds DecodeBounds(const ::parquet::ColumnDescriptor& column,
                    const ::parquet::EncodedStatistics& statistics) {
  // A decimal that was cut short is another number.
  if (MeaningOf(column).family == Family::kDecimal &&
      (statistics.is_min_value_exact == false ||
       statistics.is_max_value_exact == false)) {
    return {};
  }
  Bounds bounds;
  if (statistics.has_min) bounds.lower = DecodeBound(column, statistics.min());
  if (statistics.has_max) bounds.upper = DecodeBound(column, statistics.max());
  // Who wrote NaN for the one compared it with what became the other.
  if (statistics.has_min != bounds.lower.has_value() ||
      statistics.has_max != bounds.upper.has_value()) {
    return {};
  }
  return bounds;
}

PlainValue EncodePlain(const ::parquet::ColumnDescriptor& column,
                       const Literal& literal) {
  const Meaning meaning = MeaningOf(column);
  const Type::type physical = column.physical_type();
  switch (meaning.family) {
    case Family::kInteger:
    case Family::kUnsigned:
    case Family::kDecimal: {
      const auto at = expr::FloorAtScale(literal, meaning.scale);
      if (!at.has_value()) return {};
      if (!at->exact) return {PlainValue::kNone, {}};
      if (meaning.family == Family::kDecimal) return StoredDecimal(column, at->floor);
      return StoredInteger(physical, meaning.family == Family::kUnsigned, at->floor);
    }
    case Family::kReal:
      return StoredReal(physical, literal);
    case Family::kDate:
      if (const auto* date = std::get_if<expr::Date>(&literal)) {
        return StoredInteger(physical, false, date->days);
      }
      return {};
    case Family::kTime:
      if (const auto* time = std::get_if<expr::TimeOfDay>(&literal)) {
        return StoredTime(physical, meaning.unit_ns, time->ns);
      }
      return {};
    case Family::kTimestamp:
      if (const auto* ts = std::get_if<expr::Timestamp>(&literal)) {
        return StoredTime(physical, meaning.unit_ns, Int128{ts->us} * kNsPerUs + ts->ns);
      }
      return {};
    case Family::kText:
      if (const auto* text = std::get_if<std::string>(&literal)) {
        return {PlainValue::kStored, *text};
      }
      return {};
    case Family::kBytes: {
      const auto* binary = std::get_if<expr::Binary>(&literal);
      if (binary == nullptr) return {};
      if (physical == Type::FIXED_LEN_BYTE_ARRAY &&
          binary->bytes.size() != static_cast<std::size_t>(column.type_length())) {
        return {PlainValue::kNone, {}};
      }
      return {PlainValue::kStored, binary->bytes};
    }
    default:
      return {};
  }
}

}  // namespace firn::parquet
