// SPDX-License-Identifier: Apache-2.0
#include "parquet/bounds.h"

#include <cmath>
#include <cstdint>
#include <cstring>

#include "parquet/schema.h"
#include "parquet/types.h"

namespace firn::parquet {
namespace {

using expr::Literal;
using ::parquet::LogicalType;
using ::parquet::Type;

// What a column's values mean, so far as literals can say it.
enum class Meaning : std::uint8_t {
  kNone,
  kBool,
  kInteger,
  kReal,
  kDate,
  kTimestampMs,
  kTimestampUs,
  kText,
  kBytes
};

Meaning MeaningOfInteger(const LogicalType& logical) {
  if (logical.is_none() || logical.is_invalid()) return Meaning::kInteger;
  if (logical.is_date()) return Meaning::kDate;
  if (logical.is_int()) {
    return static_cast<const ::parquet::IntLogicalType&>(logical).is_signed()
               ? Meaning::kInteger
               : Meaning::kNone;
  }
  if (logical.is_timestamp()) {
    switch (static_cast<const ::parquet::TimestampLogicalType&>(logical).time_unit()) {
      case LogicalType::TimeUnit::MILLIS:
        return Meaning::kTimestampMs;
      case LogicalType::TimeUnit::MICROS:
        return Meaning::kTimestampUs;
      default:
        return Meaning::kNone;
    }
  }
  return Meaning::kNone;
}

Meaning MeaningOf(const ::parquet::ColumnDescriptor& column) {
  if (column.sort_order() == ::parquet::SortOrder::UNKNOWN) return Meaning::kNone;
  const LogicalType& logical = *column.logical_type();
  const bool plain = logical.is_none() || logical.is_invalid();
  switch (column.physical_type()) {
    case Type::BOOLEAN:
      return Meaning::kBool;
    case Type::INT32:
    case Type::INT64:
      return MeaningOfInteger(logical);
    case Type::FLOAT:
    case Type::DOUBLE:
      return Meaning::kReal;
    case Type::BYTE_ARRAY:
      if (logical.is_string() || logical.is_enum() || logical.is_JSON()) {
        return Meaning::kText;
      }
      return plain ? Meaning::kBytes : Meaning::kNone;
    case Type::FIXED_LEN_BYTE_ARRAY:
      return plain || logical.is_UUID() ? Meaning::kBytes : Meaning::kNone;
    default:
      return Meaning::kNone;
  }
}

template <typename T>
std::optional<T> Fixed(const std::string& encoded) {
  T value;
  if (encoded.size() != sizeof value) return std::nullopt;
  std::memcpy(&value, encoded.data(), sizeof value);
  return value;
}

std::optional<std::int64_t> Integer(Type::type physical, const std::string& encoded) {
  if (physical == Type::INT32) return Fixed<std::int32_t>(encoded);
  return Fixed<std::int64_t>(encoded);
}

std::optional<double> Real(Type::type physical, const std::string& encoded) {
  std::optional<double> value;
  if (physical == Type::FLOAT) {
    value = Fixed<float>(encoded);
  } else {
    value = Fixed<double>(encoded);
  }
  if (value.has_value() && std::isnan(*value)) return std::nullopt;
  return value;
}

}  // namespace

bool HasBounds(const ::parquet::ColumnDescriptor& column) {
  return MeaningOf(column) != Meaning::kNone;
}

std::optional<Literal> DecodeBound(const ::parquet::ColumnDescriptor& column,
                                   const std::string& encoded) {
  const Meaning meaning = MeaningOf(column);
  switch (meaning) {
    case Meaning::kNone:
      return std::nullopt;
    case Meaning::kBool:
      if (encoded.size() != 1) return std::nullopt;
      return Literal(encoded[0] != 0);
    case Meaning::kText:
      return Literal(encoded);
    case Meaning::kBytes:
      return Literal(expr::Binary{encoded});
    case Meaning::kReal: {
      const auto value = Real(column.physical_type(), encoded);
      if (!value.has_value()) return std::nullopt;
      return Literal(*value);
    }
    default:
      break;
  }
  const auto value = Integer(column.physical_type(), encoded);
  if (!value.has_value()) return std::nullopt;
  switch (meaning) {
    case Meaning::kDate:
      return Literal(expr::Date{static_cast<std::int32_t>(*value)});
    case Meaning::kTimestampUs:
      return Literal(expr::Timestamp{*value});
    case Meaning::kTimestampMs: {
      std::int64_t us = 0;
      if (__builtin_mul_overflow(*value, 1000, &us)) return std::nullopt;
      return Literal(expr::Timestamp{us});
    }
    default:
      return Literal(*value);
  }
}

}  // namespace firn::parquet
