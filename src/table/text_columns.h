// SPDX-License-Identifier: Apache-2.0
// text_columns.h: columns that a file has as text and a table as something else. Internal
// to row_file.h.
#pragma once

#include <memory>
#include <string_view>

#include "firn/status.h"

namespace arrow {
class Array;
class DataType;
class MemoryPool;
class RecordBatch;
class Schema;
}  // namespace arrow

namespace firn::table {

// The text without blanks around it, as Arrow's reader of CSV has numbers.
std::string_view WithoutBlanks(std::string_view text);

// `values`, which are text (utf8) or as decimal_text.h has them parsed, as values of
// `type`: by Arrow's casts, decimals and times as this room reads them, and bytes from
// hexadecimal digits. InvalidArgument names the value, where it is text.
Result<std::shared_ptr<arrow::Array>> FromText(
    const std::shared_ptr<arrow::Array>& values,
    const std::shared_ptr<arrow::DataType>& type, arrow::MemoryPool* pool);

// What a column of text stands for, from a sample of it: timestamps with a zone or
// without, where every value is one, and else text.
std::shared_ptr<arrow::DataType> TypeOfText(const std::shared_ptr<arrow::Array>& sample,
                                            arrow::MemoryPool* pool);

// A guessed type as a table may have it: timestamps of microseconds, text where there was
// nothing but NULL, at every depth.
std::shared_ptr<arrow::DataType> AsTableType(
    const std::shared_ptr<arrow::DataType>& type);

}  // namespace firn::table
