// SPDX-License-Identifier: Apache-2.0

// GCC 12 takes the string member of a variant that holds a number for uninitialized when
// it inlines the destructor.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#include "iceberg/value.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>

#include "base/assert.h"
#include "base/civil_date.h"
#include "expr/literal.h"
#include "expr/number.h"
#include "iceberg/type.h"

namespace firn::iceberg {
namespace {

constexpr std::int64_t kNsPerUs = 1000;
constexpr std::int64_t kUsPerSecond = 1'000'000;
constexpr std::int64_t kUsPerDay = 86'400 * kUsPerSecond;

std::int64_t FloorDiv(std::int64_t a, std::int64_t b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

// In [0, b): a - FloorDiv(a, b) * b, of which the product need not fit.
std::int64_t FloorMod(std::int64_t a, std::int64_t b) {
  return a % b + (a % b < 0 ? b : 0);
}

Decimal::Unscaled PowerOfTen(int exponent) {
  Decimal::Unscaled power = 1;
  for (int i = 0; i < exponent; ++i) power *= 10;
  return power;
}

template <typename T>
int Order(const T& a, const T& b) {
  return a < b ? -1 : (b < a ? 1 : 0);
}

template <typename T>
int OrderFloats(T a, T b) {
  if (std::isnan(a) || std::isnan(b)) return Order(std::isnan(a), std::isnan(b));
  if (a == b) return Order(std::signbit(b), std::signbit(a));
  return a < b ? -1 : 1;
}

template <typename... Args>
std::string Format(const char* format, Args... args) {
  std::array<char, 96> buffer{};
  std::snprintf(buffer.data(), buffer.size(), format, args...);
  return buffer.data();
}

std::string DateToString(std::int64_t days) {
  const base::CivilDate date = base::CivilDateFromDays(days);
  return Format("%04lld-%02d-%02d", static_cast<long long>(date.year), date.month,
                date.day);
}

std::string TimeToString(std::int64_t us_of_day) {
  const auto seconds = static_cast<int>(us_of_day / kUsPerSecond);
  return Format("%02d:%02d:%02d.%06d", seconds / 3600, seconds / 60 % 60, seconds % 60,
                static_cast<int>(us_of_day % kUsPerSecond));
}

std::string TimestampToString(std::int64_t us) {
  return DateToString(FloorDiv(us, kUsPerDay)) + "T" +
         TimeToString(FloorMod(us, kUsPerDay));
}

std::string Hex(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const char byte : bytes) {
    out += kDigits[static_cast<unsigned char>(byte) >> 4];
    out += kDigits[static_cast<unsigned char>(byte) & 15];
  }
  return out;
}

std::string DecimalToString(Decimal decimal, int scale) {
  const bool negative = decimal.unscaled < 0;
  // Digits are taken from the negative side, which holds the smallest number as well.
  Decimal::Unscaled rest = negative ? decimal.unscaled : -decimal.unscaled;
  std::string digits;
  do {
    digits.push_back(static_cast<char>('0' - static_cast<int>(rest % 10)));
    rest /= 10;
  } while (rest != 0 || static_cast<int>(digits.size()) <= scale);
  std::reverse(digits.begin(), digits.end());
  if (scale > 0) digits.insert(digits.size() - static_cast<std::size_t>(scale), ".");
  return negative ? "-" + digits : digits;
}

bool IsTimestamp(PrimitiveKind kind) {
  return kind == PrimitiveKind::kTimestamp || kind == PrimitiveKind::kTimestamptz;
}
bool IsTimestampNs(PrimitiveKind kind) {
  return kind == PrimitiveKind::kTimestampNs || kind == PrimitiveKind::kTimestamptzNs;
}

// False where 64 bits do not hold the nanoseconds.
bool NsFromTimestamp(expr::Timestamp timestamp, std::int64_t* ns) {
  const expr::Int128 wide = expr::Int128{timestamp.us} * kNsPerUs + timestamp.ns;
  *ns = static_cast<std::int64_t>(wide);
  return *ns == wide;
}

Status DoesNotFit(const PrimitiveType& type) {
  return Status::InvalidArgument("literal does not fit type " + ToString(type));
}

// A number of any kind that `type` holds exactly.
Result<Value> FromNumber(const expr::Literal& number, const PrimitiveType& type) {
  const int scale = type.kind == PrimitiveKind::kDecimal ? type.scale : 0;
  const auto at = expr::FloorAtScale(number, scale);
  FIRN_ASSERT(at.has_value());
  const auto within = [&](std::int64_t first, std::int64_t last) {
    return at->exact && first <= at->floor && at->floor <= last;
  };
  switch (type.kind) {
    case PrimitiveKind::kInt:
      if (!within(std::numeric_limits<std::int32_t>::min(),
                  std::numeric_limits<std::int32_t>::max())) {
        return DoesNotFit(type);
      }
      return Value(static_cast<std::int32_t>(at->floor));
    case PrimitiveKind::kLong:
      if (!within(std::numeric_limits<std::int64_t>::min(),
                  std::numeric_limits<std::int64_t>::max())) {
        return DoesNotFit(type);
      }
      return Value(static_cast<std::int64_t>(at->floor));
    case PrimitiveKind::kTime:
      if (!within(0, kUsPerDay - 1)) return DoesNotFit(type);
      return Value(static_cast<std::int64_t>(at->floor));
    case PrimitiveKind::kDecimal: {
      const Value value(Decimal{at->floor});
      if (!at->exact || !Fits(value, type)) return DoesNotFit(type);
      return value;
    }
    default:
      return DoesNotFit(type);
  }
}

Result<Value> FromReal(const expr::Literal& number, const PrimitiveType& type) {
  double value = 0;
  if (const auto* real = std::get_if<double>(&number)) {
    value = *real;
  } else if (const auto* integer = std::get_if<std::int64_t>(&number)) {
    value = static_cast<double>(*integer);
  } else {
    value = expr::NearestDouble(std::get<expr::Decimal>(number));
  }
  const auto order = expr::CompareLiterals(number, value);
  if (!order.has_value() || *order != 0) return DoesNotFit(type);
  if (type.kind == PrimitiveKind::kDouble) return Value(value);
  const auto narrow = static_cast<float>(value);
  if (!std::isnan(value) && static_cast<double>(narrow) != value) return DoesNotFit(type);
  return Value(narrow);
}

}  // namespace

bool Fits(const Value& value, const PrimitiveType& type) {
  switch (type.kind) {
    case PrimitiveKind::kBoolean:
      return std::holds_alternative<bool>(value);
    case PrimitiveKind::kInt:
    case PrimitiveKind::kDate:
      return std::holds_alternative<std::int32_t>(value);
    case PrimitiveKind::kTime: {
      const auto* v = std::get_if<std::int64_t>(&value);
      return v != nullptr && *v >= 0 && *v < kUsPerDay;
    }
    case PrimitiveKind::kLong:
    case PrimitiveKind::kTimestamp:
    case PrimitiveKind::kTimestamptz:
    case PrimitiveKind::kTimestampNs:
    case PrimitiveKind::kTimestamptzNs:
      return std::holds_alternative<std::int64_t>(value);
    case PrimitiveKind::kFloat:
      return std::holds_alternative<float>(value);
    case PrimitiveKind::kDouble:
      return std::holds_alternative<double>(value);
    case PrimitiveKind::kDecimal: {
      const auto* v = std::get_if<Decimal>(&value);
      return v != nullptr && v->unscaled < PowerOfTen(type.precision) &&
             v->unscaled > -PowerOfTen(type.precision);
    }
    case PrimitiveKind::kString:
      return std::holds_alternative<std::string>(value);
    case PrimitiveKind::kUuid: {
      const auto* v = std::get_if<Bytes>(&value);
      return v != nullptr && v->bytes.size() == 16;
    }
    case PrimitiveKind::kFixed: {
      const auto* v = std::get_if<Bytes>(&value);
      return v != nullptr && static_cast<int>(v->bytes.size()) == type.length_bytes;
    }
    case PrimitiveKind::kBinary:
      return std::holds_alternative<Bytes>(value);
    case PrimitiveKind::kUnknown:
    case PrimitiveKind::kVariant:
      break;
  }
  return false;
}

int CompareValues(const Value& a, const Value& b) {
  FIRN_ASSERT(a.index() == b.index());
  return std::visit(
      [&b]<typename T>(const T& left) {
        const T& right = std::get<T>(b);
        if constexpr (std::is_floating_point_v<T>) {
          return OrderFloats(left, right);
        } else {
          // std::string compares as unsigned bytes.
          return Order(left, right);
        }
      },
      a);
}

OptionalValue Promote(const Value& value, const PrimitiveType& type) {
  if (Fits(value, type)) return value;
  if (const auto* v = std::get_if<std::int32_t>(&value)) {
    if (type.kind == PrimitiveKind::kLong) return Value(std::int64_t{*v});
    const bool to_us = type.kind == PrimitiveKind::kTimestamp;
    if (to_us || type.kind == PrimitiveKind::kTimestampNs) {
      const std::int64_t units_per_day = to_us ? kUsPerDay : kUsPerDay * kNsPerUs;
      std::int64_t midnight = 0;
      if (!__builtin_mul_overflow(*v, units_per_day, &midnight)) return Value(midnight);
    }
  } else if (const auto* v = std::get_if<float>(&value)) {
    if (type.kind == PrimitiveKind::kDouble) return Value(double{*v});
  }
  return std::nullopt;
}

Result<Value> ValueFromLiteral(const expr::Literal& literal, const PrimitiveType& type) {
  if (std::holds_alternative<std::int64_t>(literal) ||
      std::holds_alternative<double>(literal) ||
      std::holds_alternative<expr::Decimal>(literal)) {
    const bool real =
        type.kind == PrimitiveKind::kFloat || type.kind == PrimitiveKind::kDouble;
    return real ? FromReal(literal, type) : FromNumber(literal, type);
  }
  if (const auto* v = std::get_if<bool>(&literal)) {
    if (type.kind == PrimitiveKind::kBoolean) return Value(*v);
  } else if (const auto* v = std::get_if<std::string>(&literal)) {
    if (type.kind == PrimitiveKind::kString) return Value(*v);
  } else if (const auto* v = std::get_if<expr::Timestamp>(&literal)) {
    if (IsTimestamp(type.kind) && v->ns == 0) return Value(v->us);
    std::int64_t ns = 0;
    if (IsTimestampNs(type.kind) && NsFromTimestamp(*v, &ns)) return Value(ns);
  } else if (const auto* v = std::get_if<expr::Date>(&literal)) {
    if (type.kind == PrimitiveKind::kDate) return Value(v->days);
  } else if (const auto* v = std::get_if<expr::TimeOfDay>(&literal)) {
    const Value value(v->ns / kNsPerUs);
    if (type.kind == PrimitiveKind::kTime && v->ns % kNsPerUs == 0 && Fits(value, type)) {
      return value;
    }
  } else if (const auto* v = std::get_if<expr::Binary>(&literal)) {
    Value value(Bytes{v->bytes});
    const bool binary = type.kind == PrimitiveKind::kUuid ||
                        type.kind == PrimitiveKind::kFixed ||
                        type.kind == PrimitiveKind::kBinary;
    if (binary && Fits(value, type)) return value;
  }
  return DoesNotFit(type);
}

expr::Literal ValueToLiteral(const Value& value, const PrimitiveType& type) {
  FIRN_ASSERT(Fits(value, type));
  switch (type.kind) {
    case PrimitiveKind::kBoolean:
      return std::get<bool>(value);
    case PrimitiveKind::kInt:
      return std::int64_t{std::get<std::int32_t>(value)};
    case PrimitiveKind::kLong:
      return std::get<std::int64_t>(value);
    case PrimitiveKind::kFloat:
      return double{std::get<float>(value)};
    case PrimitiveKind::kDouble:
      return std::get<double>(value);
    case PrimitiveKind::kDecimal:
      return expr::Decimal{std::get<Decimal>(value).unscaled, type.scale};
    case PrimitiveKind::kDate:
      return expr::Date{std::get<std::int32_t>(value)};
    case PrimitiveKind::kTime:
      return expr::TimeOfDay{std::get<std::int64_t>(value) * kNsPerUs};
    case PrimitiveKind::kTimestamp:
    case PrimitiveKind::kTimestamptz:
      return expr::Timestamp{std::get<std::int64_t>(value)};
    case PrimitiveKind::kTimestampNs:
    case PrimitiveKind::kTimestamptzNs: {
      const std::int64_t ns = std::get<std::int64_t>(value);
      return expr::Timestamp{FloorDiv(ns, kNsPerUs),
                             static_cast<std::int16_t>(FloorMod(ns, kNsPerUs))};
    }
    case PrimitiveKind::kString:
      return std::get<std::string>(value);
    case PrimitiveKind::kUuid:
    case PrimitiveKind::kFixed:
    case PrimitiveKind::kBinary:
    case PrimitiveKind::kUnknown:
    case PrimitiveKind::kVariant:
      break;
  }
  return expr::Binary{std::get<Bytes>(value).bytes};
}

std::string ValueToString(const Value& value, const PrimitiveType& type) {
  switch (type.kind) {
    case PrimitiveKind::kBoolean:
      return std::get<bool>(value) ? "true" : "false";
    case PrimitiveKind::kInt:
      return std::to_string(std::get<std::int32_t>(value));
    case PrimitiveKind::kLong:
      return std::to_string(std::get<std::int64_t>(value));
    case PrimitiveKind::kFloat:
      return Format("%.9g", double{std::get<float>(value)});
    case PrimitiveKind::kDouble:
      return Format("%.17g", std::get<double>(value));
    case PrimitiveKind::kDecimal:
      return DecimalToString(std::get<Decimal>(value), type.scale);
    case PrimitiveKind::kDate:
      return DateToString(std::get<std::int32_t>(value));
    case PrimitiveKind::kTime:
      return TimeToString(std::get<std::int64_t>(value));
    case PrimitiveKind::kTimestamp:
      return TimestampToString(std::get<std::int64_t>(value));
    case PrimitiveKind::kTimestamptz:
      return TimestampToString(std::get<std::int64_t>(value)) + "+00:00";
    case PrimitiveKind::kTimestampNs:
    case PrimitiveKind::kTimestamptzNs: {
      const std::int64_t ns = std::get<std::int64_t>(value);
      return TimestampToString(FloorDiv(ns, kNsPerUs)) +
             Format("%03d", static_cast<int>(FloorMod(ns, kNsPerUs))) +
             (type.kind == PrimitiveKind::kTimestamptzNs ? "+00:00" : "");
    }
    case PrimitiveKind::kString:
      return std::get<std::string>(value);
    case PrimitiveKind::kUuid: {
      std::string text = Hex(std::get<Bytes>(value).bytes);
      for (const std::size_t at : {20, 16, 12, 8}) text.insert(at, "-");
      return text;
    }
    case PrimitiveKind::kFixed:
    case PrimitiveKind::kBinary:
      return Hex(std::get<Bytes>(value).bytes);
    case PrimitiveKind::kUnknown:
    case PrimitiveKind::kVariant:
      break;
  }
  return {};
}

}  // namespace firn::iceberg
