// SPDX-License-Identifier: Apache-2.0
// column_list.h: the columns of a table, for people and for scripts.
#pragma once

#include <string>
#include <vector>

#include "cli/text_table.h"

#include "base/json.h"
#include "firn/db.h"

namespace firn::cli {

using ColumnList = std::vector<TableDescription::Column>;

inline std::string ColumnsJson(const ColumnList& columns) {
  std::string out = "[";
  for (const TableDescription::Column& column : columns) {
    if (out.back() != '[') out += ',';
    out += R"({"id":)" + std::to_string(column.id) + R"(,"name":)" +
           base::JsonString(column.name) + R"(,"type":)" + base::JsonString(column.type) +
           R"(,"required":)" + (column.required ? "true" : "false") + R"(,"doc":)" +
           (column.doc.empty() ? "null" : base::JsonString(column.doc)) + "}";
  }
  return out + "]";
}

inline std::string ColumnsText(const ColumnList& columns) {
  TextTable text({"id", "column", "type", "required"});
  for (const TableDescription::Column& column : columns) {
    text.AddRow({std::to_string(column.id), column.name, column.type,
                 column.required ? "yes" : "no"});
  }
  return text.ToString();
}

}  // namespace firn::cli
