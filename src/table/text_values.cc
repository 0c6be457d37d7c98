// SPDX-License-Identifier: Apache-2.0
#include "table/text_values.h"

#include <arrow/array/array_binary.h>
#include <arrow/array/builder_base.h>
#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_decimal.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/array/builder_time.h>
#include <arrow/builder.h>
#include <arrow/type.h>
#include <arrow/util/value_parsing.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <optional>
#include <system_error>
#include <type_traits>
#include <utility>

#include "base/hex.h"
#include "base/quote.h"
#include "table/arrow_status.h"
#include "table/decimal_text.h"

namespace firn::table {
namespace {

using TypePtr = std::shared_ptr<arrow::DataType>;
using AppendText = Status (*)(std::string_view text, arrow::ArrayBuilder& builder);

constexpr std::size_t kUuidTextSize = 36;
constexpr std::size_t kShownBytesMax = 80;

std::string_view WithoutBlanks(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  return text.substr(0, text.find_last_not_of(" \t") + 1);
}

bool IsWord(std::string_view text, std::string_view lower) {
  return std::equal(
      text.begin(), text.end(), lower.begin(), lower.end(),
      [](char c, char of) { return std::tolower(static_cast<unsigned char>(c)) == of; });
}

Status IsNone(const arrow::DataType& type) {
  return Status::InvalidArgument("is no " + TableTypeName(type));
}
Status IsTooLarge(const arrow::DataType& type) {
  return Status::InvalidArgument("is out of range for " + TableTypeName(type));
}

Status AppendBool(std::string_view text, arrow::ArrayBuilder& builder) {
  text = WithoutBlanks(text);
  const bool is_true = text == "1" || IsWord(text, "true");
  if (!is_true && text != "0" && !IsWord(text, "false")) return IsNone(*builder.type());
  return FromArrow(static_cast<arrow::BooleanBuilder&>(builder).Append(is_true));
}

template <typename Builder>
Status AppendInteger(std::string_view text, arrow::ArrayBuilder& builder) {
  text = WithoutBlanks(text);
  typename Builder::value_type value = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  if (parsed.ec == std::errc::invalid_argument || parsed.ptr != end) {
    return IsNone(*builder.type());
  }
  if (parsed.ec != std::errc()) return IsTooLarge(*builder.type());
  return FromArrow(static_cast<Builder&>(builder).Append(value));
}

// NaN and the infinities.
template <typename T>
std::optional<T> NotFinite(std::string_view text) {
  const bool is_negative = text.starts_with('-');
  if (is_negative || text.starts_with('+')) text.remove_prefix(1);
  if (IsWord(text, "nan")) return std::numeric_limits<T>::quiet_NaN();
  if (!IsWord(text, "inf") && !IsWord(text, "infinity")) return std::nullopt;
  const T infinity = std::numeric_limits<T>::infinity();
  return is_negative ? -infinity : infinity;
}

template <typename Builder>
Status AppendReal(std::string_view text, arrow::ArrayBuilder& builder) {
  using Value = typename Builder::value_type;
  text = WithoutBlanks(text);
  auto& reals = static_cast<Builder&>(builder);
  const std::string_view digits = text.substr(text.starts_with('-') ? 1 : 0);
  if (digits.empty() || (digits[0] != '.' && (digits[0] < '0' || digits[0] > '9'))) {
    const auto word = NotFinite<Value>(text);
    return word.has_value() ? FromArrow(reals.Append(*word)) : IsNone(*builder.type());
  }
  Value value = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  if (parsed.ec == std::errc::invalid_argument || parsed.ptr != end) {
    return IsNone(*builder.type());
  }
  if (parsed.ec == std::errc::result_out_of_range) {
    // Too large, or too small: what is too small is the number next to it.
    const std::string copy(text);
    value = std::is_same_v<Value, float>
                ? static_cast<Value>(std::strtof(copy.c_str(), nullptr))
                : static_cast<Value>(std::strtod(copy.c_str(), nullptr));
    if (std::isinf(value)) return IsTooLarge(*builder.type());
  }
  return FromArrow(reals.Append(value));
}

Status AppendDecimal(std::string_view text, arrow::ArrayBuilder& builder) {
  const auto& type = static_cast<const arrow::DecimalType&>(*builder.type());
  const auto value = ParseDecimal(WithoutBlanks(text), type);
  if (!value.has_value()) return IsNone(type);
  return FromArrow(static_cast<arrow::Decimal128Builder&>(builder).Append(*value));
}

bool ParseDate(std::string_view text, std::int32_t* days) {
  return arrow::internal::ParseValue<arrow::Date32Type>(text.data(), text.size(), days);
}

Status AppendDate(std::string_view text, arrow::ArrayBuilder& builder) {
  text = WithoutBlanks(text);
  std::int32_t days = 0;
  if (!ParseDate(text, &days)) {
    return Status::InvalidArgument("is no date, such as 2024-01-02");
  }
  return FromArrow(static_cast<arrow::Date32Builder&>(builder).Append(days));
}

// `03:04`, `03:04:05`, or with up to six digits of a second, as microseconds of the day.
bool ParseTimeOfDay(std::string_view text, std::int64_t* us) {
  const auto two_digits = [&](std::size_t at, int below) -> int {
    if (at + 2 > text.size()) return -1;
    const int tens = text[at] - '0';
    const int ones = text[at + 1] - '0';
    if (tens < 0 || tens > 9 || ones < 0 || ones > 9) return -1;
    return tens * 10 + ones < below ? tens * 10 + ones : -1;
  };
  const int hours = two_digits(0, 24);
  const int minutes = text.size() >= 5 && text[2] == ':' ? two_digits(3, 60) : -1;
  if (hours < 0 || minutes < 0) return false;
  int seconds = 0;
  std::int64_t fraction_us = 0;
  if (text.size() > 5) {
    seconds = text[5] == ':' ? two_digits(6, 60) : -1;
    if (seconds < 0) return false;
  }
  if (text.size() > 8) {
    if (text[8] != '.' || text.size() < 10 || text.size() > 15) return false;
    std::int64_t scale = 100'000;
    for (const char digit : text.substr(9)) {
      if (digit < '0' || digit > '9') return false;
      fraction_us += (digit - '0') * scale;
      scale /= 10;
    }
  }
  *us = ((hours * 60 + minutes) * std::int64_t{60} + seconds) * 1'000'000 + fraction_us;
  return true;
}

Status AppendTime(std::string_view text, arrow::ArrayBuilder& builder) {
  std::int64_t us = 0;
  if (!ParseTimeOfDay(WithoutBlanks(text), &us)) {
    return Status::InvalidArgument("is no time of day, such as 03:04:05.678");
  }
  return FromArrow(static_cast<arrow::Time64Builder&>(builder).Append(us));
}

TimeText ParseTimestamp(std::string_view text, arrow::TimeUnit::type unit,
                        std::int64_t* count) {
  bool is_zoned = false;
  if (!arrow::internal::ParseTimestampISO8601(text.data(), text.size(), unit, count,
                                              &is_zoned)) {
    return TimeText::kNone;
  }
  return is_zoned ? TimeText::kZoned : TimeText::kLocal;
}

Status AppendTimestamp(std::string_view text, arrow::ArrayBuilder& builder) {
  text = WithoutBlanks(text);
  const auto& type = static_cast<const arrow::TimestampType&>(*builder.type());
  const bool is_zoned = !type.timezone().empty();
  std::int64_t count = 0;
  const TimeText found = ParseTimestamp(text, type.unit(), &count);
  if (found == (is_zoned ? TimeText::kZoned : TimeText::kLocal)) {
    return FromArrow(static_cast<arrow::TimestampBuilder&>(builder).Append(count));
  }
  if (found == TimeText::kNone &&
      ParseTimestamp(text, arrow::TimeUnit::NANO, &count) != TimeText::kNone) {
    return Status::InvalidArgument("is finer than a " + TableTypeName(type) +
                                   ", which has six digits of a second");
  }
  if (found == TimeText::kNone) {
    return Status::InvalidArgument(
        std::string("is no date and time, such as ") +
        (is_zoned ? "2024-01-02T03:04:05Z" : "2024-01-02T03:04:05"));
  }
  return Status::InvalidArgument(
      is_zoned ? "has no time zone, as a timestamptz has: 2024-01-02T03:04:05Z"
               : "has a time zone, which a timestamp has not: 2024-01-02T03:04:05");
}

// Whether `text` is hexadecimal, and then its bytes. Hyphens may stand where a UUID has
// them (RFC 9562, section 4).
bool ParseBytes(std::string_view text, std::string* bytes) {
  const bool is_uuid = text.size() == kUuidTextSize && text[8] == '-';
  int high = -1;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_uuid && (i == 8 || i == 13 || i == 18 || i == 23)) {
      if (text[i] != '-') return false;
      continue;
    }
    const int digit = base::HexDigit(text[i]);
    if (digit < 0) return false;
    if (high < 0) {
      high = digit;
    } else {
      bytes->push_back(static_cast<char>(high << 4 | digit));
      high = -1;
    }
  }
  return high < 0;
}

Status IsNotHexadecimal() {
  return Status::InvalidArgument("is no hexadecimal text, as bytes are written");
}

Status AppendBytes(std::string_view text, arrow::ArrayBuilder& builder) {
  std::string bytes;
  if (!ParseBytes(WithoutBlanks(text), &bytes)) return IsNotHexadecimal();
  return FromArrow(static_cast<arrow::BinaryBuilder&>(builder).Append(bytes));
}

Status AppendFixed(std::string_view text, arrow::ArrayBuilder& builder) {
  auto& fixed = static_cast<arrow::FixedSizeBinaryBuilder&>(builder);
  std::string bytes;
  if (!ParseBytes(WithoutBlanks(text), &bytes)) return IsNotHexadecimal();
  if (bytes.size() != static_cast<std::size_t>(fixed.byte_width())) {
    return Status::InvalidArgument("has " + std::to_string(bytes.size()) +
                                   " bytes, not " + std::to_string(fixed.byte_width()));
  }
  return FromArrow(fixed.Append(bytes));
}

Status AppendString(std::string_view text, arrow::ArrayBuilder& builder) {
  return FromArrow(static_cast<arrow::StringBuilder&>(builder).Append(text));
}

Status AppendUnknown(std::string_view, arrow::ArrayBuilder& builder) {
  return IsNone(*builder.type());
}

AppendText AppendOf(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::NA:
      return AppendUnknown;
    case arrow::Type::BOOL:
      return AppendBool;
    case arrow::Type::INT32:
      return AppendInteger<arrow::Int32Builder>;
    case arrow::Type::INT64:
      return AppendInteger<arrow::Int64Builder>;
    case arrow::Type::FLOAT:
      return AppendReal<arrow::FloatBuilder>;
    case arrow::Type::DOUBLE:
      return AppendReal<arrow::DoubleBuilder>;
    case arrow::Type::DECIMAL128:
      return AppendDecimal;
    case arrow::Type::DATE32:
      return AppendDate;
    case arrow::Type::TIME64:
      return AppendTime;
    case arrow::Type::TIMESTAMP:
      return AppendTimestamp;
    case arrow::Type::STRING:
      return AppendString;
    case arrow::Type::BINARY:
      return AppendBytes;
    case arrow::Type::FIXED_SIZE_BINARY:
      return AppendFixed;
    default:
      return nullptr;
  }
}

std::unique_ptr<arrow::ArrayBuilder> BuilderOf(const TypePtr& type,
                                               arrow::MemoryPool* pool) {
  return arrow::MakeBuilder(type, pool).ValueOrDie();  // There is one for each of these.
}

}  // namespace

bool TextValues::Are(const arrow::DataType& type) { return AppendOf(type) != nullptr; }

TextValues::TextValues(const TypePtr& type, arrow::MemoryPool* pool)
    : builder_(BuilderOf(type, pool)), append_(AppendOf(*type)) {}

TextValues::~TextValues() = default;

TimeText TimeTextOf(std::string_view text) {
  text = WithoutBlanks(text);
  std::int32_t days = 0;
  if (ParseDate(text, &days)) return TimeText::kDate;
  std::int64_t us = 0;
  if (ParseTimeOfDay(text, &us)) return TimeText::kTimeOfDay;
  return ParseTimestamp(text, arrow::TimeUnit::MICRO, &us);
}

TimeText CommonTimeText(TimeText a, TimeText b) {
  if (a == b) return a;
  if (a > b) std::swap(a, b);
  return a == TimeText::kDate && b == TimeText::kLocal ? b : TimeText::kNone;
}

Result<TypePtr> TypeOfText(const arrow::StringArray& sample, arrow::MemoryPool* pool) {
  if (sample.null_count() == sample.length()) return arrow::utf8();
  const auto us = arrow::TimeUnit::MICRO;
  for (const TypePtr& type :
       {arrow::int64(), arrow::boolean(), arrow::date32(), arrow::time64(us),
        arrow::timestamp(us, "UTC"), arrow::timestamp(us), arrow::float64()}) {
    TextValues values(type, pool);
    Status status;
    for (std::int64_t i = 0; i < sample.length() && status.ok(); ++i) {
      if (sample.IsValid(i)) status = values.Append(sample.GetView(i));
    }
    if (status.ok()) return type;
    if (!status.Is(StatusCode::kInvalidArgument)) return status;
  }
  return arrow::utf8();
}

std::string TableTypeName(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::NA:
      return "value of a column whose type is unknown";
    case arrow::Type::BOOL:
      return "boolean";
    case arrow::Type::INT32:
      return "int";
    case arrow::Type::INT64:
      return "long";
    case arrow::Type::DECIMAL128: {
      const auto& decimal = static_cast<const arrow::DecimalType&>(type);
      return "decimal(" + std::to_string(decimal.precision()) + ", " +
             std::to_string(decimal.scale()) + ")";
    }
    case arrow::Type::DATE32:
      return "date";
    case arrow::Type::TIME64:
      return "time";
    case arrow::Type::TIMESTAMP:
      return static_cast<const arrow::TimestampType&>(type).timezone().empty()
                 ? "timestamp"
                 : "timestamptz";
    case arrow::Type::FIXED_SIZE_BINARY:
      return "fixed(" +
             std::to_string(
                 static_cast<const arrow::FixedSizeBinaryType&>(type).byte_width()) +
             ")";
    case arrow::Type::STRING:
      return "string";
    default:
      return type.name();  // float, double, binary, list, struct, map
  }
}

std::string ShownText(std::string_view text) {
  const bool is_cut = text.size() > kShownBytesMax;
  return base::Quoted(text.substr(0, kShownBytesMax)) + (is_cut ? "…" : "");
}

}  // namespace firn::table
