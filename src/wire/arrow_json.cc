// SPDX-License-Identifier: Apache-2.0
#include "wire/arrow_json.h"

#include <arrow/array/array_binary.h>
#include <arrow/array/array_decimal.h>
#include <arrow/array/array_dict.h>
#include <arrow/array/array_nested.h>
#include <arrow/array/array_primitive.h>
#include <arrow/extension_type.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>
#include <arrow/type.h>

#include <charconv>
#include <cmath>
#include <cstdio>
#include <string_view>

#include "base/json.h"
#include "base/timestamp.h"

namespace firn::wire {
namespace {

using base::AppendJsonString;

constexpr std::int64_t kDayUs = 86'400'000'000;

template <typename ArrayType>
const ArrayType& As(const arrow::Array& array) {
  return static_cast<const ArrayType&>(array);
}

void AppendHex(std::string& out, std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  for (const char c : bytes) {
    out += kDigits[static_cast<unsigned char>(c) >> 4];
    out += kDigits[static_cast<unsigned char>(c) & 15];
  }
}

template <typename T>
void AppendNumber(std::string& out, T v) {
  char buffer[32];
  out.append(buffer, std::to_chars(buffer, buffer + sizeof buffer, v).ptr);
}

void AppendNotFinite(std::string& out, double v) {
  out += std::isnan(v) ? "NaN" : v > 0 ? "+Inf" : "-Inf";
}

// How many of the unit make a second.
std::int64_t PerSecond(arrow::TimeUnit::type unit) {
  switch (unit) {
    case arrow::TimeUnit::SECOND:
      return 1;
    case arrow::TimeUnit::MILLI:
      return 1'000;
    case arrow::TimeUnit::MICRO:
      return 1'000'000;
    case arrow::TimeUnit::NANO:
      return 1'000'000'000;
  }
  return 1;
}

// Split `count` into whole seconds, towards the past, and nanoseconds in [0, 10^9).
struct Instant {
  std::int64_t seconds;
  std::int64_t nanos;
};
Instant Split(std::int64_t count, arrow::TimeUnit::type unit) {
  const std::int64_t per = PerSecond(unit);
  std::int64_t seconds = count / per;
  std::int64_t rest = count % per;
  if (rest < 0) {
    rest += per;
    --seconds;
  }
  return {seconds, rest * (1'000'000'000 / per)};
}

// `.5`, `.000001`: groups of three digits, as few as are exact; nothing for zero.
void AppendFraction(std::string& out, std::int64_t nanos) {
  if (nanos == 0) return;
  char buffer[16];
  std::snprintf(buffer, sizeof buffer, ".%09d", static_cast<int>(nanos));
  std::string_view digits = buffer;
  while (digits.size() > 4 && digits.ends_with("000")) digits.remove_suffix(3);
  out += digits;
}

void AppendTimestamp(std::string& out, const arrow::TimestampArray& array,
                     std::int64_t row) {
  const auto& type = static_cast<const arrow::TimestampType&>(*array.type());
  const Instant at = Split(array.Value(row), type.unit());
  constexpr std::int64_t kSecondsMax = INT64_MAX / 1'000'000;
  if (at.seconds > kSecondsMax || at.seconds < -kSecondsMax) {
    AppendNumber(out, array.Value(row));  // Beyond any calendar: the count itself.
    return;
  }
  std::string text = base::FormatTimestamp(at.seconds * 1'000'000);
  if (!text.empty() && text.back() == 'Z') text.pop_back();
  out += text;
  AppendFraction(out, at.nanos);
  if (!type.timezone().empty()) out += 'Z';
}

void AppendDate(std::string& out, std::int64_t days) {
  constexpr std::int64_t kDaysMax = INT64_MAX / kDayUs - 1;
  if (days > kDaysMax || days < -kDaysMax) {
    AppendNumber(out, days);  // Beyond what has a name here: the count itself.
    return;
  }
  const std::string text = base::FormatTimestamp(days * kDayUs);
  out.append(text, 0, text.find('T'));
}

void AppendTime(std::string& out, std::int64_t count, arrow::TimeUnit::type unit) {
  const Instant at = Split(count, unit);
  char buffer[40];
  std::snprintf(
      buffer, sizeof buffer, "%02d:%02d:%02d", static_cast<int>(at.seconds / 3600),
      static_cast<int>(at.seconds / 60 % 60), static_cast<int>(at.seconds % 60));
  out += buffer;
  AppendFraction(out, at.nanos);
}

// What JSON writes without quotes. False, and nothing appended, for other types.
bool AppendBare(std::string& out, const arrow::Array& array, std::int64_t row) {
  using arrow::Type;
  switch (array.type_id()) {
    case Type::BOOL:
      out += As<arrow::BooleanArray>(array).Value(row) ? "true" : "false";
      return true;
    case Type::INT8:
      AppendNumber(out, int{As<arrow::Int8Array>(array).Value(row)});
      return true;
    case Type::INT16:
      AppendNumber(out, As<arrow::Int16Array>(array).Value(row));
      return true;
    case Type::INT32:
      AppendNumber(out, As<arrow::Int32Array>(array).Value(row));
      return true;
    case Type::INT64:
      AppendNumber(out, As<arrow::Int64Array>(array).Value(row));
      return true;
    case Type::UINT8:
      AppendNumber(out, unsigned{As<arrow::UInt8Array>(array).Value(row)});
      return true;
    case Type::UINT16:
      AppendNumber(out, As<arrow::UInt16Array>(array).Value(row));
      return true;
    case Type::UINT32:
      AppendNumber(out, As<arrow::UInt32Array>(array).Value(row));
      return true;
    case Type::UINT64:
      AppendNumber(out, As<arrow::UInt64Array>(array).Value(row));
      return true;
    case Type::DURATION:
      AppendNumber(out, As<arrow::DurationArray>(array).Value(row));
      return true;
    case Type::DECIMAL128:
      out += As<arrow::Decimal128Array>(array).FormatValue(row);
      return true;
    case Type::DECIMAL256:
      out += As<arrow::Decimal256Array>(array).FormatValue(row);
      return true;
    case Type::FLOAT:
      if (!std::isfinite(As<arrow::FloatArray>(array).Value(row))) return false;
      AppendNumber(out, As<arrow::FloatArray>(array).Value(row));
      return true;
    case Type::DOUBLE:
      if (!std::isfinite(As<arrow::DoubleArray>(array).Value(row))) return false;
      AppendNumber(out, As<arrow::DoubleArray>(array).Value(row));
      return true;
    default:
      return false;
  }
}

// Text of what JSON writes between quotes. False for lists, structs and maps.
bool AppendQuotable(std::string& out, const arrow::Array& array, std::int64_t row) {
  using arrow::Type;
  switch (array.type_id()) {
    case Type::STRING:
      out += As<arrow::StringArray>(array).GetView(row);
      return true;
    case Type::LARGE_STRING:
      out += As<arrow::LargeStringArray>(array).GetView(row);
      return true;
    case Type::STRING_VIEW:
      out += As<arrow::StringViewArray>(array).GetView(row);
      return true;
    case Type::BINARY:
      AppendHex(out, As<arrow::BinaryArray>(array).GetView(row));
      return true;
    case Type::LARGE_BINARY:
      AppendHex(out, As<arrow::LargeBinaryArray>(array).GetView(row));
      return true;
    case Type::BINARY_VIEW:
      AppendHex(out, As<arrow::BinaryViewArray>(array).GetView(row));
      return true;
    case Type::FIXED_SIZE_BINARY:
      AppendHex(out, As<arrow::FixedSizeBinaryArray>(array).GetView(row));
      return true;
    case Type::TIMESTAMP:
      AppendTimestamp(out, As<arrow::TimestampArray>(array), row);
      return true;
    case Type::DATE32:
      AppendDate(out, As<arrow::Date32Array>(array).Value(row));
      return true;
    case Type::DATE64:
      AppendDate(out, As<arrow::Date64Array>(array).Value(row) / 86'400'000);
      return true;
    case Type::TIME32:
      AppendTime(out, As<arrow::Time32Array>(array).Value(row),
                 static_cast<const arrow::Time32Type&>(*array.type()).unit());
      return true;
    case Type::TIME64:
      AppendTime(out, As<arrow::Time64Array>(array).Value(row),
                 static_cast<const arrow::Time64Type&>(*array.type()).unit());
      return true;
    case Type::FLOAT:  // NaN and the infinities; AppendBare writes the others.
      AppendNotFinite(out, As<arrow::FloatArray>(array).Value(row));
      return true;
    case Type::DOUBLE:
      AppendNotFinite(out, As<arrow::DoubleArray>(array).Value(row));
      return true;
    case Type::LIST:
    case Type::LARGE_LIST:
    case Type::FIXED_SIZE_LIST:
    case Type::STRUCT:
    case Type::MAP:
      return false;
    default: {
      const auto scalar = array.GetScalar(row);
      out += scalar.ok() ? (*scalar)->ToString() : scalar.status().ToString();
      return true;
    }
  }
}

void AppendElements(std::string& out, const arrow::Array& values, std::int64_t begin,
                    std::int64_t end) {
  out += '[';
  for (std::int64_t i = begin; i < end; ++i) {
    if (i > begin) out += ',';
    AppendCellJson(out, values, i);
  }
  out += ']';
}

void AppendMap(std::string& out, const arrow::MapArray& map, std::int64_t row) {
  out += '{';
  for (std::int64_t i = map.value_offset(row); i < map.value_offset(row + 1); ++i) {
    if (out.back() != '{') out += ',';
    std::string key;
    AppendCellText(key, *map.keys(), i);
    AppendJsonString(out, key);
    out += ':';
    AppendCellJson(out, *map.items(), i);
  }
  out += '}';
}

void AppendNested(std::string& out, const arrow::Array& array, std::int64_t row) {
  switch (array.type_id()) {
    case arrow::Type::LIST: {
      const auto& list = As<arrow::ListArray>(array);
      return AppendElements(out, *list.values(), list.value_offset(row),
                            list.value_offset(row + 1));
    }
    case arrow::Type::LARGE_LIST: {
      const auto& list = As<arrow::LargeListArray>(array);
      return AppendElements(out, *list.values(), list.value_offset(row),
                            list.value_offset(row + 1));
    }
    case arrow::Type::FIXED_SIZE_LIST: {
      const auto& list = As<arrow::FixedSizeListArray>(array);
      return AppendElements(out, *list.values(), list.value_offset(row),
                            list.value_offset(row + 1));
    }
    case arrow::Type::MAP:
      return AppendMap(out, As<arrow::MapArray>(array), row);
    default:
      break;
  }
  const auto& record = As<arrow::StructArray>(array);
  out += '{';
  for (int i = 0; i < record.num_fields(); ++i) {
    if (i > 0) out += ',';
    AppendJsonString(out, record.struct_type()->field(i)->name());
    out += ':';
    AppendCellJson(out, *record.field(i), row);
  }
  out += '}';
}

// A dictionary's or an extension's own values, where `array` is one of those.
struct Plain {
  const arrow::Array& array;
  std::int64_t row;
};
Plain Unwrap(const arrow::Array& array, std::int64_t row) {
  if (array.type_id() == arrow::Type::DICTIONARY) {
    const auto& dictionary = As<arrow::DictionaryArray>(array);
    return Unwrap(*dictionary.dictionary(), dictionary.GetValueIndex(row));
  }
  if (array.type_id() == arrow::Type::EXTENSION) {
    return Unwrap(*As<arrow::ExtensionArray>(array).storage(), row);
  }
  return {array, row};
}

}  // namespace

void AppendCellJson(std::string& out, const arrow::Array& array, std::int64_t row) {
  if (array.IsNull(row)) {
    out += "null";
    return;
  }
  const Plain plain = Unwrap(array, row);
  if (plain.array.IsNull(plain.row)) {
    out += "null";
    return;
  }
  if (AppendBare(out, plain.array, plain.row)) return;
  std::string text;
  if (AppendQuotable(text, plain.array, plain.row)) {
    AppendJsonString(out, text);
  } else {
    AppendNested(out, plain.array, plain.row);
  }
}

void AppendCellText(std::string& out, const arrow::Array& array, std::int64_t row) {
  if (array.IsNull(row)) return;
  const Plain plain = Unwrap(array, row);
  if (plain.array.IsNull(plain.row) || AppendBare(out, plain.array, plain.row) ||
      AppendQuotable(out, plain.array, plain.row)) {
    return;
  }
  AppendNested(out, plain.array, plain.row);
}

void AppendColumnsJson(std::string& out, const arrow::Schema& schema) {
  out += '[';
  for (const auto& field : schema.fields()) {
    if (out.back() != '[') out += ',';
    out += R"({"name":)";
    AppendJsonString(out, field->name());
    out += R"(,"type":)";
    AppendJsonString(out, field->type()->ToString());
    out += '}';
  }
  out += ']';
}

void AppendRowJson(std::string& out, const arrow::RecordBatch& batch, std::int64_t row) {
  out += '[';
  for (int i = 0; i < batch.num_columns(); ++i) {
    if (i > 0) out += ',';
    AppendCellJson(out, *batch.column(i), row);
  }
  out += ']';
}

void AppendRecordJson(std::string& out, const arrow::RecordBatch& batch,
                      std::int64_t row) {
  out += '{';
  for (int i = 0; i < batch.num_columns(); ++i) {
    if (i > 0) out += ',';
    AppendJsonString(out, batch.column_name(i));
    out += ':';
    AppendCellJson(out, *batch.column(i), row);
  }
  out += '}';
}

}  // namespace firn::wire
