// SPDX-License-Identifier: Apache-2.0

// GCC 12 takes the string member of a variant that holds a number for uninitialized when
// it inlines the destructor.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#include "iceberg/value_json.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "base/hex.h"
#include "expr/civil_text.h"
#include "iceberg/json.h"

namespace firn::iceberg {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr int kDecimalDigitsMax = 38;
constexpr std::int64_t kUsPerDay = 86'400'000'000;
constexpr std::string_view kUtc = "+00:00";

std::optional<Value> BytesFromHex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = base::HexDigit(text[i]);
    const int low = base::HexDigit(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes.push_back(static_cast<char>(high * 16 + low));
  }
  return Value(Bytes{std::move(bytes)});
}

std::optional<Value> UuidFromText(std::string_view text) {
  if (text.size() != 36) return std::nullopt;
  std::string digits;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash != (text[i] == '-')) return std::nullopt;
    if (!dash) digits.push_back(text[i]);
  }
  return BytesFromHex(digits);
}

// Digits with exactly `scale` of them behind a point.
std::optional<Value> DecimalFromText(std::string_view text, int scale) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  Decimal::Unscaled unscaled = 0;
  int digits = 0;
  int behind_point = -1;  // No point yet.
  for (const char c : text) {
    if (c == '.' && behind_point < 0) {
      behind_point = 0;
      continue;
    }
    if (c < '0' || c > '9') return std::nullopt;
    if ((unscaled != 0 || c != '0') && ++digits > kDecimalDigitsMax) return std::nullopt;
    unscaled = unscaled * 10 + (c - '0');
    if (behind_point >= 0) ++behind_point;
  }
  if (text.empty() || text == "." || std::max(behind_point, 0) != scale) {
    return std::nullopt;
  }
  return Value(Decimal{negative ? -unscaled : unscaled});
}

std::optional<Value> TimestampFromText(std::string_view text, const PrimitiveType& type) {
  const bool zoned = type.kind == PrimitiveKind::kTimestamptz ||
                     type.kind == PrimitiveKind::kTimestamptzNs;
  const std::size_t time = text.find('T');
  if (time == std::string_view::npos) return std::nullopt;
  const std::size_t zone = text.find_first_of("Z+-", time);
  const std::string_view suffix =
      zone == std::string_view::npos ? std::string_view() : text.substr(zone);
  if (zoned ? suffix != kUtc && suffix != "Z" : !suffix.empty()) return std::nullopt;
  const auto timestamp = expr::ParseTimestamp(text);
  if (!timestamp) return std::nullopt;
  auto value = ValueFromLiteral(*timestamp, type);
  if (!value.ok()) return std::nullopt;
  return std::move(value).value();
}

std::optional<Value> FromText(const std::string& text, const PrimitiveType& type) {
  switch (type.kind) {
    case PrimitiveKind::kDate: {
      const auto date = expr::ParseDate(text);
      return date ? std::optional<Value>(date->days) : std::nullopt;
    }
    case PrimitiveKind::kTime: {
      const auto time = expr::ParseTime(text);
      if (!time) return std::nullopt;
      auto value = ValueFromLiteral(*time, type);
      if (!value.ok()) return std::nullopt;
      return std::move(value).value();
    }
    case PrimitiveKind::kTimestamp:
    case PrimitiveKind::kTimestamptz:
    case PrimitiveKind::kTimestampNs:
    case PrimitiveKind::kTimestamptzNs:
      return TimestampFromText(text, type);
    case PrimitiveKind::kDecimal:
      return DecimalFromText(text, type.scale);
    case PrimitiveKind::kString:
      return Value(text);
    case PrimitiveKind::kUuid:
      return UuidFromText(text);
    case PrimitiveKind::kFixed:
    case PrimitiveKind::kBinary:
      return BytesFromHex(text);
    default:
      return std::nullopt;
  }
}

std::optional<Value> FromNumber(const json& number, const PrimitiveType& type) {
  if (type.kind == PrimitiveKind::kDouble) return Value(number.get<double>());
  if (type.kind == PrimitiveKind::kFloat) {
    const double wide = number.get<double>();
    if (std::abs(wide) > double{std::numeric_limits<float>::max()}) return std::nullopt;
    return Value(static_cast<float>(wide));
  }
  if (!number.is_number_integer()) return std::nullopt;
  // What passes 63 bits is unsigned, and wraps to a negative number.
  const auto wide = number.get<std::int64_t>();
  if (number.is_number_unsigned() && wide < 0) return std::nullopt;
  if (type.kind == PrimitiveKind::kLong) return Value(wide);
  if (type.kind == PrimitiveKind::kInt && wide == static_cast<std::int32_t>(wide)) {
    return Value(static_cast<std::int32_t>(wide));
  }
  return std::nullopt;
}

// As people read it, but where a year has more than four digits: those have a sign, as
// ISO 8601 wants it.
std::string TimestampText(const Value& value, const PrimitiveType& type,
                          std::int64_t units_per_day) {
  const std::int64_t units = std::get<std::int64_t>(value);
  const std::int64_t days = units / units_per_day - (units % units_per_day < 0 ? 1 : 0);
  const std::string text = ValueToString(value, type);
  return expr::FormatDate({static_cast<std::int32_t>(days)}) +
         text.substr(text.find('T'));
}

}  // namespace

ordered_json ToJson(const Value& value, const PrimitiveType& type) {
  FIRN_ASSERT(Fits(value, type));
  switch (type.kind) {
    case PrimitiveKind::kBoolean:
      return std::get<bool>(value);
    case PrimitiveKind::kInt:
      return std::get<std::int32_t>(value);
    case PrimitiveKind::kLong:
      return std::get<std::int64_t>(value);
    case PrimitiveKind::kFloat:
      return std::get<float>(value);
    case PrimitiveKind::kDouble:
      return std::get<double>(value);
    case PrimitiveKind::kDate:
      return expr::FormatDate({std::get<std::int32_t>(value)});
    case PrimitiveKind::kTimestamp:
    case PrimitiveKind::kTimestamptz:
      return TimestampText(value, type, kUsPerDay);
    case PrimitiveKind::kTimestampNs:
    case PrimitiveKind::kTimestamptzNs:
      return TimestampText(value, type, kUsPerDay * 1000);
    default:
      return ValueToString(value, type);
  }
}

Result<Value> ValueFromJson(const json& value, const PrimitiveType& type) {
  if (type.kind == PrimitiveKind::kUnknown || type.kind == PrimitiveKind::kVariant) {
    return Status::Unimplemented("values of type " + ToString(type) + " are not read");
  }
  std::optional<Value> parsed;
  if (value.is_string()) {
    parsed = FromText(value.get_ref<const std::string&>(), type);
  } else if (value.is_number()) {
    parsed = FromNumber(value, type);
  } else if (value.is_boolean() && type.kind == PrimitiveKind::kBoolean) {
    parsed = Value(value.get<bool>());
  }
  if (!parsed || !Fits(*parsed, type)) {
    return Status::Corruption(JsonText(value).substr(0, 100) + " is no value of type " +
                              ToString(type));
  }
  return *std::move(parsed);
}

}  // namespace firn::iceberg
