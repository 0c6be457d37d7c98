// SPDX-License-Identifier: Apache-2.0
// new_table.h: a table made for rows that come, and dropped again where none came.
#pragma once

#include <map>
#include <string>

#include "base/context.h"
#include "firn/status.h"
#include "iceberg/catalog.h"
#include "io/store.h"

namespace firn::table {

// How a table is made: partition fields and sort order as iceberg/layout_text.h reads
// them, and its properties.
struct TableLayout {
  std::string partition;
  std::string sort;
  std::map<std::string, std::string> properties;
};

// The table that `layout` asks for with these columns. InvalidArgument says where a text
// is wrong, what a property may be (table_properties.h), and which two fields have one
// full name.
Result<iceberg::CreateTableRequest> NewTableRequest(
    const iceberg::TableIdentifier& identifier, iceberg::Schema schema,
    const TableLayout& layout);

// Whether a table that is there lies as `layout` asks, in what that says. InvalidArgument
// names the first difference, or where a text is wrong.
Status CheckLayout(const TableLayout& layout, const iceberg::TableMetadata& table);

// Make a table, and its namespace where that is not there. AlreadyExists.
Result<iceberg::LoadedTable> MakeTable(const base::Context& context,
                                       iceberg::Catalog& catalog,
                                       const iceberg::CreateTableRequest& request);

// Drop a table that was made for rows which did not come, unless it was changed since: so
// another has begun to use it. What fails is in the log: an empty table is left.
void DropUnusedTable(iceberg::Catalog& catalog, io::Store& store,
                     const iceberg::LoadedTable& made);

}  // namespace firn::table
