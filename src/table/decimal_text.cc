// SPDX-License-Identifier: Apache-2.0
#include "table/decimal_text.h"

#include <arrow/array/array_binary.h>
#include <arrow/array/builder_decimal.h>
#include <arrow/type.h>
#include <arrow/util/decimal.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "base/quote.h"
#include "table/arrow_status.h"
#include "table/text_columns.h"

namespace firn::table {
namespace {

using TypePtr = std::shared_ptr<arrow::DataType>;

constexpr int kDigitsMax = arrow::Decimal128Type::kMaxPrecision;

std::optional<arrow::Decimal128> Parse(std::string_view text,
                                       const arrow::DecimalType& type) {
  if (IsTooFine(text)) return std::nullopt;
  arrow::Decimal256 value;
  std::int32_t precision = 0;
  std::int32_t scale = 0;
  if (!arrow::Decimal256::FromString(text, &value, &precision, &scale).ok() ||
      !value.FitsInPrecision(kDigitsMax)) {
    return std::nullopt;
  }
  if (scale != type.scale()) {
    const auto scaled = value.Rescale(scale, type.scale());
    if (!scaled.ok()) return std::nullopt;
    value = *scaled;
  }
  if (!value.FitsInPrecision(type.precision())) return std::nullopt;
  const auto& words = value.little_endian_array();
  return arrow::Decimal128(static_cast<std::int64_t>(words[1]), words[0]);
}

}  // namespace

TypePtr AsParsed(const TypePtr& type) {
  const auto inner = [&](int i) {
    return type->field(i)->WithType(AsParsed(type->field(i)->type()));
  };
  switch (type->id()) {
    case arrow::Type::DECIMAL128:
      return arrow::decimal256(kDigitsMax,
                               static_cast<const arrow::DecimalType&>(*type).scale());
    case arrow::Type::STRUCT: {
      arrow::FieldVector fields;
      for (int i = 0; i < type->num_fields(); ++i) fields.push_back(inner(i));
      return arrow::struct_(std::move(fields));
    }
    case arrow::Type::LIST:
      return arrow::list(inner(0));
    case arrow::Type::MAP:
      return std::make_shared<arrow::MapType>(
          inner(0), static_cast<const arrow::MapType&>(*type).keys_sorted());
    default:
      return type;
  }
}

bool IsTooFine(std::string_view number) {
  const std::size_t power = std::min(number.find_first_of("eE"), number.size());
  const std::size_t point = number.find('.');
  std::int64_t digits =
      point < power ? static_cast<std::int64_t>(power - point - 1) : std::int64_t{0};
  std::string_view exponent = number.substr(std::min(power + 1, number.size()));
  const bool is_negative = exponent.starts_with('-');
  if (is_negative || exponent.starts_with('+')) exponent.remove_prefix(1);
  std::int64_t value = 0;
  for (const char c : exponent) {
    if (c < '0' || c > '9') break;
    // Larger ones than any text is long are all alike.
    value = std::min(value * 10 + (c - '0'), std::int64_t{1} << 32);
  }
  digits += is_negative ? value : -value;
  return digits > kDigitsMax;
}

Result<std::shared_ptr<arrow::Array>> DecimalsFromText(const arrow::StringArray& text,
                                                       const TypePtr& type,
                                                       arrow::MemoryPool* pool) {
  const auto& decimal = static_cast<const arrow::DecimalType&>(*type);
  arrow::Decimal128Builder builder(type, pool);
  FIRN_RETURN_IF_ERROR(FromArrow(builder.Reserve(text.length())));
  for (std::int64_t i = 0; i < text.length(); ++i) {
    if (text.IsNull(i)) {
      builder.UnsafeAppendNull();
      continue;
    }
    const auto value = Parse(WithoutBlanks(text.GetView(i)), decimal);
    if (!value.has_value()) {
      return Status::InvalidArgument(base::Quoted(text.GetView(i).substr(0, 80)) +
                                     " is no decimal(" +
                                     std::to_string(decimal.precision()) + ", " +
                                     std::to_string(decimal.scale()) + ")");
    }
    builder.UnsafeAppend(*value);
  }
  return FromArrow(builder.Finish());
}

}  // namespace firn::table
