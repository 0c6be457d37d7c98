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

#include <memory>
#include <string_view>

#include "firn/status.h"

namespace arrow {
class Array;
class DataType;
class MemoryPool;
class StringArray;
}  // namespace arrow

namespace firn::table {

// `type` as Arrow may parse it: with decimals of 256 bits at every depth, and of as many
// digits as a decimal has at most. A cast to `type` sees what does not fit.
std::shared_ptr<arrow::DataType> AsParsed(const std::shared_ptr<arrow::DataType>& type);

// Whether a number has more digits after the point than a decimal may have. Of text that
// is no number, either.
bool IsTooFine(std::string_view number);

// `text` as values of `type`, a decimal of 128 bits. Blanks around a number are none of
// it. InvalidArgument names the value that is none, or does not fit.
Result<std::shared_ptr<arrow::Array>> DecimalsFromText(
    const arrow::StringArray& text, const std::shared_ptr<arrow::DataType>& type,
    arrow::MemoryPool* pool);

}  // namespace firn::table
