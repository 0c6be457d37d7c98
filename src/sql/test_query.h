// SPDX-License-Identifier: Apache-2.0
// test_query.h: results as text, for tests of this room.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "arrow/array/array_base.h"
#include "arrow/array/array_binary.h"
#include "arrow/record_batch.h"
#include "arrow/scalar.h"

#include "sql/engine.h"
#include "sql/test_tables.h"

namespace firn::sql {

using TextRow = std::vector<std::string>;

// Every batch of a cursor.
inline Result<Batches> Drain(SqlCursor& cursor) {
  Batches batches;
  while (true) {
    FIRN_ASSIGN_OR_RETURN(std::shared_ptr<arrow::RecordBatch> batch, cursor.Next());
    if (!batch) return batches;
    batches.push_back(std::move(batch));
  }
}

inline Result<Batches> RunQuery(Engine& engine, std::string_view sql) {
  const base::Context context;
  FIRN_ASSIGN_OR_RETURN(const std::unique_ptr<SqlCursor> cursor,
                        engine.Query(context, sql));
  return Drain(*cursor);
}

// The rows of a query, each value as Arrow prints it.
inline Result<std::vector<TextRow>> RunText(Engine& engine, std::string_view sql) {
  FIRN_ASSIGN_OR_RETURN(const Batches batches, RunQuery(engine, sql));
  std::vector<TextRow> rows;
  for (const auto& batch : batches) {
    for (std::int64_t r = 0; r < batch->num_rows(); ++r) {
      TextRow row;
      for (int c = 0; c < batch->num_columns(); ++c) {
        const arrow::Array& column = *batch->column(c);
        if (column.IsNull(r)) {
          row.push_back("NULL");
        } else if (column.type_id() == arrow::Type::STRING) {
          row.push_back(static_cast<const arrow::StringArray&>(column).GetString(r));
        } else {
          row.push_back(column.GetScalar(r).ValueOrDie()->ToString());
        }
      }
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

// The only value of a query's only row, or the error's text.
inline std::string RunValue(Engine& engine, std::string_view sql) {
  const Result<std::vector<TextRow>> rows = RunText(engine, sql);
  if (!rows.ok()) return rows.status().ToString();
  if (rows->size() != 1 || (*rows)[0].size() != 1) return "not one value";
  return (*rows)[0][0];
}

}  // namespace firn::sql
