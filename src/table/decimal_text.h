// SPDX-License-Identifier: Apache-2.0
// decimal_text.h: decimals out of text, where Arrow would make others of it. Internal to
// row_file.h.
//
// Arrow looks a power of ten up by the digits after the point, and not whether it has one
// for so many: 1e-100000000 ends the process. And a number that gets the digits after the
// point of its type may leave its 128 bits in silence: 41038131617600698983578434408680
// becomes 78166935520289895456752408.7536984064 in a decimal(38, 10). So what has more of
// these digits than a decimal may have is kept from it, and other numbers are parsed in
// 256 bits, where all of them fit.
#pragma once

#include <arrow/util/decimal.h>

#include <optional>
#include <string_view>

namespace arrow {
class DecimalType;
}  // namespace arrow

namespace firn::table {

// Whether a number has more digits after the point than a decimal may have. Of text that
// is no number, either.
bool IsTooFine(std::string_view number);

// `text` as a value of `type`, a decimal of 128 bits. Absent where it is none, or does
// not fit.
std::optional<arrow::Decimal128> ParseDecimal(std::string_view text,
                                              const arrow::DecimalType& type);

}  // namespace firn::table
