// SPDX-License-Identifier: Apache-2.0
// arrow_json.h: cells of Arrow batches as JSON and as plain text.
//
//   null                     null
//   bool, integers, decimal  true, 12, 12.50: a decimal keeps its digits
//   float, double            12.5; "NaN", "+Inf" and "-Inf" as text, which JSON has no
//                            numbers for
//   text                     "text"
//   binary, fixed binary     "00ff": two hexadecimal digits a byte
//   timestamp                "2026-01-02T03:04:05.678Z" (RFC 3339, as many digits as are
//                            exact); without the Z where the column has no time zone
//   date, time, duration     "2026-01-02", "03:04:05.5", and a duration as its count
//   list                     [1,2]
//   struct, map              {"name":value}; a map key that is no text becomes text
//   dictionary               the value
//   others                   as Arrow prints them, quoted
#pragma once

#include <cstdint>
#include <string>

namespace arrow {
class Array;
class RecordBatch;
class Schema;
}  // namespace arrow

namespace firn::wire {

// Append the value at `row`. REQUIRES: 0 <= row < array.length().
void AppendCellJson(std::string& out, const arrow::Array& array, std::int64_t row);

// As above without the quotes around a text, timestamp or binary; null is nothing.
void AppendCellText(std::string& out, const arrow::Array& array, std::int64_t row);

// [{"name":…,"type":…},…], with the types as Arrow writes them: `int64`, `string`.
void AppendColumnsJson(std::string& out, const arrow::Schema& schema);

// [value,…] of one row.
void AppendRowJson(std::string& out, const arrow::RecordBatch& batch, std::int64_t row);

// {"name":value,…} of one row.
void AppendRecordJson(std::string& out, const arrow::RecordBatch& batch,
                      std::int64_t row);

}  // namespace firn::wire
