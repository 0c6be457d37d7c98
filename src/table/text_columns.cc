// SPDX-License-Identifier: Apache-2.0
#include "table/text_columns.h"

#include <arrow/array/array_binary.h>
#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_time.h>
#include <arrow/compute/cast.h>
#include <arrow/compute/exec.h>
#include <arrow/type.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "base/quote.h"
#include "table/arrow_status.h"
#include "table/decimal_text.h"

namespace firn::table {
namespace {

using ArrayPtr = std::shared_ptr<arrow::Array>;
using TypePtr = std::shared_ptr<arrow::DataType>;

constexpr std::size_t kUuidTextSize = 36;

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Whether `text` is hexadecimal, and then its bytes. Hyphens may stand where a UUID has
// them (RFC 9562, section 4).
bool ParseBytes(std::string_view text, std::string* bytes) {
  bytes->clear();
  const bool is_uuid = text.size() == kUuidTextSize && text[8] == '-';
  int high = -1;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_uuid && (i == 8 || i == 13 || i == 18 || i == 23)) {
      if (text[i] != '-') return false;
      continue;
    }
    const int digit = HexDigit(text[i]);
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

Result<ArrayPtr> BytesFromText(const arrow::StringArray& text, const TypePtr& type,
                               arrow::MemoryPool* pool) {
  arrow::BinaryBuilder builder(pool);
  std::string bytes;
  for (std::int64_t i = 0; i < text.length(); ++i) {
    if (text.IsNull(i)) {
      FIRN_RETURN_IF_ERROR(FromArrow(builder.AppendNull()));
      continue;
    }
    if (!ParseBytes(text.GetView(i), &bytes)) {
      return Status::InvalidArgument(base::Quoted(text.GetView(i).substr(0, 80)) +
                                     " is no hexadecimal text, as bytes are written");
    }
    FIRN_RETURN_IF_ERROR(FromArrow(builder.Append(bytes)));
  }
  FIRN_ASSIGN_OR_RETURN(ArrayPtr binary, FromArrow(builder.Finish()));
  if (type->id() == arrow::Type::BINARY) return binary;
  const int width = static_cast<const arrow::FixedSizeBinaryType&>(*type).byte_width();
  arrow::FixedSizeBinaryBuilder fixed(type, pool);
  const auto& values = static_cast<const arrow::BinaryArray&>(*binary);
  for (std::int64_t i = 0; i < values.length(); ++i) {
    if (values.IsNull(i)) {
      FIRN_RETURN_IF_ERROR(FromArrow(fixed.AppendNull()));
      continue;
    }
    if (values.GetView(i).size() != static_cast<std::size_t>(width)) {
      return Status::InvalidArgument(base::Quoted(text.GetView(i).substr(0, 80)) +
                                     " has " + std::to_string(values.GetView(i).size()) +
                                     " bytes, not " + std::to_string(width));
    }
    FIRN_RETURN_IF_ERROR(FromArrow(fixed.Append(values.GetView(i))));
  }
  return FromArrow(fixed.Finish());
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

Result<ArrayPtr> TimesFromText(const arrow::StringArray& text, const TypePtr& type,
                               arrow::MemoryPool* pool) {
  arrow::Time64Builder builder(type, pool);
  for (std::int64_t i = 0; i < text.length(); ++i) {
    std::int64_t us = 0;
    if (text.IsNull(i)) {
      FIRN_RETURN_IF_ERROR(FromArrow(builder.AppendNull()));
    } else if (ParseTimeOfDay(text.GetView(i), &us)) {
      FIRN_RETURN_IF_ERROR(FromArrow(builder.Append(us)));
    } else {
      return Status::InvalidArgument(base::Quoted(text.GetView(i).substr(0, 80)) +
                                     " is no time of day, such as 03:04:05.678");
    }
  }
  return FromArrow(builder.Finish());
}

bool Casts(const ArrayPtr& text, const TypePtr& type, arrow::MemoryPool* pool) {
  return FromText(text, type, pool).ok();
}

}  // namespace

std::string_view WithoutBlanks(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  return text.substr(0, text.find_last_not_of(" \t") + 1);
}

Result<ArrayPtr> FromText(const ArrayPtr& values, const TypePtr& type,
                          arrow::MemoryPool* pool) {
  if (type->Equals(*values->type())) return values;
  if (type->id() == arrow::Type::BINARY || type->id() == arrow::Type::FIXED_SIZE_BINARY) {
    return BytesFromText(static_cast<const arrow::StringArray&>(*values), type, pool);
  }
  if (type->Equals(arrow::time64(arrow::TimeUnit::MICRO))) {
    return TimesFromText(static_cast<const arrow::StringArray&>(*values), type, pool);
  }
  if (type->id() == arrow::Type::DECIMAL128 && values->type_id() == arrow::Type::STRING) {
    return DecimalsFromText(static_cast<const arrow::StringArray&>(*values), type, pool);
  }
  arrow::compute::ExecContext context(pool);
  return FromArrow(
      arrow::compute::Cast(*values, type, arrow::compute::CastOptions::Safe(), &context));
}

TypePtr TypeOfText(const ArrayPtr& sample, arrow::MemoryPool* pool) {
  if (sample->null_count() == sample->length()) return arrow::utf8();
  for (const TypePtr& type : {arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"),
                              arrow::timestamp(arrow::TimeUnit::MICRO)}) {
    if (Casts(sample, type, pool)) return type;
  }
  return arrow::utf8();
}

TypePtr AsTableType(const TypePtr& type) {
  switch (type->id()) {
    case arrow::Type::NA:
      return arrow::utf8();
    case arrow::Type::TIMESTAMP:
      return arrow::timestamp(
          arrow::TimeUnit::MICRO,
          static_cast<const arrow::TimestampType&>(*type).timezone().empty() ? ""
                                                                             : "UTC");
    case arrow::Type::TIME32:
    case arrow::Type::TIME64:
      return arrow::time64(arrow::TimeUnit::MICRO);
    case arrow::Type::LIST:
      return arrow::list(type->field(0)->WithType(AsTableType(type->field(0)->type())));
    case arrow::Type::STRUCT: {
      arrow::FieldVector fields;
      for (const auto& field : type->fields()) {
        fields.push_back(field->WithType(AsTableType(field->type())));
      }
      return arrow::struct_(std::move(fields));
    }
    default:
      return type;
  }
}

}  // namespace firn::table
