// SPDX-License-Identifier: Apache-2.0
// ndjson_line.h: which lines of NDJSON Arrow may see. Internal to row_file.h.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <string_view>

namespace arrow {
class Schema;
}  // namespace arrow

namespace firn::table {

using FieldNames = std::set<std::string, std::less<>>;

// The fields of `schema`, at any depth, that are decimals or lists of them.
FieldNames DecimalFields(const arrow::Schema& schema);

// Why Arrow must not see the line. Empty where it may; whether the line parses is another
// question.
//
//   no object        Arrow's parser makes a row of NULLs of it, or nothing at all
//   not one object   parsed with others as one text, its end is that of another line's
//   deep nesting     Arrow's recursion would not end well
//   fine decimals    decimal_text.h; as a value of one of `decimals`
std::string FaultOfLine(std::string_view line, const FieldNames& decimals = {});

}  // namespace firn::table
