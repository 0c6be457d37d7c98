// SPDX-License-Identifier: Apache-2.0
// ndjson_line.h: which lines of NDJSON Arrow may see. Internal to row_file.h.
#pragma once

#include <arrow/result.h>

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>

namespace arrow {
class RecordBatch;
class Schema;
namespace json {
struct ParseOptions;
}  // namespace json
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

// What Arrow makes of a line, or of several with their ends, that it may see.
arrow::Result<std::shared_ptr<arrow::RecordBatch>> ParseLines(
    std::string_view lines, const arrow::json::ParseOptions& options);

}  // namespace firn::table
