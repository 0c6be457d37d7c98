// SPDX-License-Identifier: Apache-2.0
// ndjson_columns.h: the columns of a table out of objects of JSON, row by row. Internal
// to row_file.h.
//
//   boolean               true, false
//   numbers, decimal      numbers; of a decimal as text, too, and "NaN", "+Inf" and
//   "-Inf"
//                         of a float or double, as firn writes them (wire/arrow_json.h)
//   list                  an array
//   struct                an object; a name that is absent is NULL
//   map                   an object; its names are the keys, whatever their type
//   others                text (text_values.h)
//
// A column gets its NULLs together, before its next value: a row costs what is in it, not
// what the table has columns.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "firn/status.h"

namespace arrow {
class MemoryPool;
class RecordBatch;
class Schema;
}  // namespace arrow

namespace firn::table {

struct JsonFault {
  std::string column;  // `labels.key`. Empty: the row as a whole.
  std::string reason;  // With the value, where there is one.
};

// Thread-compatible.
class NdjsonColumns {
 public:
  // `pool` must outlive it. That a column of `schema` is required is not looked at, but
  // inside of columns it is. REQUIRES: the types are those of a table.
  NdjsonColumns(std::shared_ptr<arrow::Schema> schema, arrow::MemoryPool* pool);
  ~NdjsonColumns();

  // One row more, whatever is wrong with it: then what, the first of it. REQUIRES: `line`
  // is an object (ndjson_line.h).
  Result<std::optional<JsonFault>> Append(std::string_view line);

  std::int64_t rows() const { return rows_; }
  // The values of the rows, NULLs among them: what they take memory by.
  std::int64_t cells() const;
  // The rows, of which none are left.
  Result<std::shared_ptr<arrow::RecordBatch>> Finish();

 private:
  class Root;
  const std::shared_ptr<arrow::Schema> schema_;
  const std::unique_ptr<Root> root_;
  std::int64_t rows_ = 0;
};

}  // namespace firn::table
