// SPDX-License-Identifier: Apache-2.0
#include "iceberg/transform.h"

#include <charconv>
#include <limits>

#include "base/assert.h"
#include "base/civil_date.h"
#include "iceberg/murmur3.h"
#include "iceberg/single_value.h"

namespace firn::iceberg {
namespace {

constexpr std::int64_t kUsPerHour = 3'600'000'000;
constexpr std::int64_t kHoursPerDay = 24;

constexpr std::pair<TransformKind, std::string_view> kNames[] = {
    {TransformKind::kIdentity, "identity"}, {TransformKind::kYear, "year"},
    {TransformKind::kMonth, "month"},       {TransformKind::kDay, "day"},
    {TransformKind::kHour, "hour"},         {TransformKind::kVoid, "void"},
};

std::int64_t FloorDiv(std::int64_t a, std::int64_t b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

bool IsTimestamp(PrimitiveKind kind) {
  return kind == PrimitiveKind::kTimestamp || kind == PrimitiveKind::kTimestamptz ||
         kind == PrimitiveKind::kTimestampNs || kind == PrimitiveKind::kTimestamptzNs;
}

bool IsNanoseconds(PrimitiveKind kind) {
  return kind == PrimitiveKind::kTimestampNs || kind == PrimitiveKind::kTimestamptzNs;
}

bool BucketTakes(PrimitiveKind kind) {
  switch (kind) {
    case PrimitiveKind::kBoolean:
    case PrimitiveKind::kFloat:
    case PrimitiveKind::kDouble:
    case PrimitiveKind::kUnknown:
    case PrimitiveKind::kVariant:
      return false;
    default:
      return true;
  }
}

bool TruncateTakes(PrimitiveKind kind) {
  switch (kind) {
    case PrimitiveKind::kInt:
    case PrimitiveKind::kLong:
    case PrimitiveKind::kDecimal:
    case PrimitiveKind::kString:
    case PrimitiveKind::kBinary:
      return true;
    default:
      return false;
  }
}

// Whole hours since the epoch.
std::int64_t Hours(const Value& value, const PrimitiveType& type) {
  if (type.kind == PrimitiveKind::kDate) {
    return std::int64_t{std::get<std::int32_t>(value)} * kHoursPerDay;
  }
  const std::int64_t units = std::get<std::int64_t>(value);
  return FloorDiv(units, IsNanoseconds(type.kind) ? kUsPerHour * 1000 : kUsPerHour);
}

// Months since January 1970 of a day count.
std::int64_t Months(std::int64_t days) {
  const base::CivilDate date = base::CivilDateFromDays(days);
  return (date.year - 1970) * 12 + date.month - 1;
}

// Days from the epoch to the first of a month, counted in months since January 1970.
std::int64_t FirstDayOfMonth(std::int64_t months) {
  const std::int64_t years = FloorDiv(months, 12);
  return base::DaysFromCivilDate(
      {years + 1970, static_cast<int>(months - years * 12) + 1, 1});
}

Value Truncate(std::int32_t width, const PrimitiveType& type, const Value& value) {
  switch (type.kind) {
    case PrimitiveKind::kInt: {
      // Computed wide: the lowest multiple may lie below the type, and wraps as the
      // reference implementation has it.
      const std::int64_t v = std::get<std::int32_t>(value);
      return static_cast<std::int32_t>(
          static_cast<std::uint32_t>(FloorDiv(v, width) * width));
    }
    case PrimitiveKind::kLong: {
      const std::int64_t v = std::get<std::int64_t>(value);
      const std::int64_t remainder = ((v % width) + width) % width;
      return static_cast<std::int64_t>(static_cast<std::uint64_t>(v) -
                                       static_cast<std::uint64_t>(remainder));
    }
    case PrimitiveKind::kDecimal: {
      const auto v = std::get<Decimal>(value).unscaled;
      const auto remainder = ((v % width) + width) % width;
      return Decimal{v - remainder};
    }
    default:
      return TruncateLowerBound(value, type, static_cast<std::size_t>(width));
  }
}

}  // namespace

Transform Transform::Bucket(std::int32_t buckets) {
  FIRN_ASSERT(buckets > 0);
  return {TransformKind::kBucket, buckets, {}};
}

Transform Transform::Truncate(std::int32_t width) {
  FIRN_ASSERT(width > 0);
  return {TransformKind::kTruncate, width, {}};
}

std::string ToString(const Transform& transform) {
  switch (transform.kind) {
    case TransformKind::kBucket:
      return "bucket[" + std::to_string(transform.parameter) + "]";
    case TransformKind::kTruncate:
      return "truncate[" + std::to_string(transform.parameter) + "]";
    case TransformKind::kUnknown:
      return transform.unknown_text;
    default:
      break;
  }
  for (const auto& [kind, name] : kNames) {
    if (kind == transform.kind) return std::string(name);
  }
  return {};
}

Transform ParseTransform(std::string_view text) {
  for (const auto& [kind, name] : kNames) {
    if (text == name) return {kind, 0, {}};
  }
  const std::pair<TransformKind, std::string_view> with_parameter[] = {
      {TransformKind::kBucket, "bucket["}, {TransformKind::kTruncate, "truncate["}};
  for (const auto& [kind, prefix] : with_parameter) {
    if (!text.starts_with(prefix) || !text.ends_with(']')) continue;
    const std::string_view digits =
        text.substr(prefix.size(), text.size() - prefix.size() - 1);
    std::int32_t parameter = 0;
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), parameter);
    if (error == std::errc() && end == digits.data() + digits.size() && parameter > 0) {
      return {kind, parameter, {}};
    }
  }
  return {TransformKind::kUnknown, 0, std::string(text)};
}

Result<PrimitiveType> ResultType(const Transform& transform,
                                 const PrimitiveType& source) {
  const bool has_date = source.kind == PrimitiveKind::kDate || IsTimestamp(source.kind);
  const bool has_values =
      source.kind != PrimitiveKind::kUnknown && source.kind != PrimitiveKind::kVariant;
  bool takes = true;
  PrimitiveType result = source;
  switch (transform.kind) {
    case TransformKind::kIdentity:
      takes = has_values;
      break;
    case TransformKind::kVoid:
      if (!has_values) result = kInt;
      break;
    case TransformKind::kBucket:
      takes = BucketTakes(source.kind);
      result = kInt;
      break;
    case TransformKind::kTruncate:
      takes = TruncateTakes(source.kind);
      break;
    case TransformKind::kYear:
    case TransformKind::kMonth:
      takes = has_date;
      result = kInt;
      break;
    case TransformKind::kDay:
      takes = has_date;
      result = kDate;
      break;
    case TransformKind::kHour:
      takes = IsTimestamp(source.kind);
      result = kInt;
      break;
    case TransformKind::kUnknown:
      return Status::Unimplemented("transform " + transform.unknown_text +
                                   " is not known");
  }
  if (!takes) {
    return Status::InvalidArgument("transform " + ToString(transform) +
                                   " does not take type " + ToString(source));
  }
  return result;
}

OptionalValue ApplyTransform(const Transform& transform, const PrimitiveType& source,
                             const OptionalValue& value) {
  FIRN_ASSERT(transform.kind != TransformKind::kUnknown);
  if (!value.has_value()) return std::nullopt;
  FIRN_ASSERT(Fits(*value, source));
  switch (transform.kind) {
    case TransformKind::kIdentity:
      return value;
    case TransformKind::kBucket:
      return Value(
          (BucketHash(source, *value) & std::numeric_limits<std::int32_t>::max()) %
          transform.parameter);
    case TransformKind::kTruncate:
      return Truncate(transform.parameter, source, *value);
    case TransformKind::kYear:
    case TransformKind::kMonth: {
      const std::int64_t months = Months(FloorDiv(Hours(*value, source), kHoursPerDay));
      return Value(static_cast<std::int32_t>(
          transform.kind == TransformKind::kMonth ? months : FloorDiv(months, 12)));
    }
    case TransformKind::kDay:
      return Value(
          static_cast<std::int32_t>(FloorDiv(Hours(*value, source), kHoursPerDay)));
    case TransformKind::kHour:
      // The hours of every 64-bit microsecond count exceed 32 bits at the far ends, where
      // the reference implementation wraps too; no timestamp of a year below 200,000
      // does.
      return Value(
          static_cast<std::int32_t>(static_cast<std::uint32_t>(Hours(*value, source))));
    case TransformKind::kVoid:
    case TransformKind::kUnknown:
      break;
  }
  return std::nullopt;
}

namespace {

// The source values of the hours [begin, end).
std::optional<SourceRange> RangeOfHours(std::int64_t begin, std::int64_t end,
                                        const PrimitiveType& source) {
  if (source.kind == PrimitiveKind::kDate) {
    const std::int64_t last = end / kHoursPerDay - 1;
    if (last > std::numeric_limits<std::int32_t>::max()) return std::nullopt;
    return SourceRange{Value(static_cast<std::int32_t>(FloorDiv(begin, kHoursPerDay))),
                       Value(static_cast<std::int32_t>(last))};
  }
  const std::int64_t unit = IsNanoseconds(source.kind) ? kUsPerHour * 1000 : kUsPerHour;
  const std::int64_t hours_max = std::numeric_limits<std::int64_t>::max() / unit;
  if (begin < -hours_max || end > hours_max) return std::nullopt;
  return SourceRange{Value(begin * unit), Value(end * unit - 1)};
}

std::optional<SourceRange> RangeOfTruncated(const Transform& transform,
                                            const PrimitiveType& source,
                                            const Value& value) {
  const auto width = static_cast<std::size_t>(transform.parameter);
  if (const auto* v = std::get_if<std::int32_t>(&value)) {
    const std::int64_t last = std::int64_t{*v} + transform.parameter - 1;
    if (last > std::numeric_limits<std::int32_t>::max()) return std::nullopt;
    return SourceRange{value, Value(static_cast<std::int32_t>(last))};
  }
  if (const auto* v = std::get_if<std::int64_t>(&value)) {
    if (*v > std::numeric_limits<std::int64_t>::max() - transform.parameter) {
      return std::nullopt;
    }
    return SourceRange{value, Value(*v + transform.parameter - 1)};
  }
  // Any text may follow what was cut off, so the bound is the next prefix. A suffix makes
  // the value one that is cut.
  if (const auto* v = std::get_if<std::string>(&value)) {
    return SourceRange{value, TruncateUpperBound(Value(*v + "\x01"), source, width)};
  }
  if (const auto* v = std::get_if<Bytes>(&value)) {
    return SourceRange{
        value, TruncateUpperBound(Value(Bytes{v->bytes + "\x01"}), source, width)};
  }
  return std::nullopt;
}

}  // namespace

std::optional<SourceRange> SourceRangeOf(const Transform& transform,
                                         const PrimitiveType& source,
                                         const Value& value) {
  switch (transform.kind) {
    case TransformKind::kIdentity:
      return SourceRange{value, value};
    case TransformKind::kTruncate:
      return RangeOfTruncated(transform, source, value);
    case TransformKind::kYear:
    case TransformKind::kMonth: {
      const std::int64_t factor = transform.kind == TransformKind::kYear ? 12 : 1;
      const std::int64_t months = std::get<std::int32_t>(value) * factor;
      return RangeOfHours(FirstDayOfMonth(months) * kHoursPerDay,
                          FirstDayOfMonth(months + factor) * kHoursPerDay, source);
    }
    case TransformKind::kDay: {
      const std::int64_t days = std::get<std::int32_t>(value);
      return RangeOfHours(days * kHoursPerDay, (days + 1) * kHoursPerDay, source);
    }
    case TransformKind::kHour: {
      const std::int64_t hours = std::get<std::int32_t>(value);
      return RangeOfHours(hours, hours + 1, source);
    }
    case TransformKind::kBucket:
    case TransformKind::kVoid:
    case TransformKind::kUnknown:
      break;
  }
  return std::nullopt;
}

std::int32_t BucketHash(const PrimitiveType& type, const Value& value) {
  FIRN_ASSERT(BucketTakes(type.kind));
  if (const auto* v = std::get_if<std::int32_t>(&value)) return Murmur3OfLong(*v);
  if (const auto* v = std::get_if<std::int64_t>(&value)) {
    // A nanosecond timestamp hashes as the microsecond one it rounds down to.
    return Murmur3OfLong(IsNanoseconds(type.kind) ? FloorDiv(*v, 1000) : *v);
  }
  return Murmur3(SerializeValue(value, type));
}

std::string TransformedToString(const Transform& transform, const PrimitiveType& source,
                                const OptionalValue& value) {
  if (!value.has_value()) return "null";
  const auto result_type = ResultType(transform, source);
  FIRN_ASSERT(result_type.ok() && Fits(*value, *result_type));
  const auto first_day_of_months = [](std::int64_t months) {
    return ValueToString(static_cast<std::int32_t>(FirstDayOfMonth(months)), kDate);
  };
  switch (transform.kind) {
    case TransformKind::kYear:
      return first_day_of_months(std::int64_t{std::get<std::int32_t>(*value)} * 12)
          .substr(0, 4);
    case TransformKind::kMonth:
      return first_day_of_months(std::get<std::int32_t>(*value)).substr(0, 7);
    case TransformKind::kHour: {
      const std::int64_t hours = std::get<std::int32_t>(*value);
      const std::int64_t days = FloorDiv(hours, kHoursPerDay);
      const std::string hour = std::to_string(100 + hours - days * kHoursPerDay);
      return ValueToString(static_cast<std::int32_t>(days), kDate) + "-" + hour.substr(1);
    }
    default:
      return ValueToString(*value, *result_type);
  }
}

}  // namespace firn::iceberg
