// SPDX-License-Identifier: Apache-2.0
#include "table/decimal_text.h"

#include <arrow/type.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace firn::table {
namespace {

constexpr int kDigitsMax = arrow::Decimal128Type::kMaxPrecision;

}  // namespace

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

std::optional<arrow::Decimal128> ParseDecimal(std::string_view text,
                                              const arrow::DecimalType& type) {
  if (text.starts_with('+') || IsTooFine(text)) return std::nullopt;
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

}  // namespace firn::table
