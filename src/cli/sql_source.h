// SPDX-License-Identifier: Apache-2.0
// sql_source.h: what answers SQL for a command: a server, or a warehouse read directly.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "cli/commands.h"
#include "cli/program.h"
#include "cli/row_printer.h"

#include "base/context.h"
#include "firn/query_stats.h"
#include "firn/status.h"

namespace firn::cli {

// Thread-compatible.
class SqlSource {
 public:
  // The server where one is named, else the warehouse (also of FIRN_WAREHOUSE) and files
  // that statements name, else such files alone. InvalidArgument where both are named.
  static Result<std::unique_ptr<SqlSource>> Open(const World& world,
                                                 const SourceFlags& flags);
  virtual ~SqlSource() = default;

  // Print the rows of a statement, which sees of one table what the filter selects.
  virtual Status Run(const base::Context& context, std::string_view statement,
                     const TableFilter& filter, RowPrinter& printer) = 0;

  // What the statements so far have read; nothing where that is not known.
  virtual std::optional<QueryStats> stats() const = 0;
  // False where there are files only.
  virtual bool has_tables() const = 0;
  // NotFound where there are tables at hand, and none of this name is among them. A
  // server is not asked: its answer to the statement says so.
  virtual Status CheckTable(const base::Context& context, std::string_view name) = 0;
};

// A Db over a warehouse, as `table` and `promql` read it too; with `view`, statements see
// that table so. Errors as SqlSource::Open.
Result<std::unique_ptr<Db>> OpenWarehouse(const World& world, const SourceFlags& flags,
                                          std::optional<TableView> view = std::nullopt);

// The same warehouse, for changes of its tables.
Result<std::unique_ptr<TableChanges>> OpenTableChanges(const World& world,
                                                       const SourceFlags& flags);
// Likewise, for their upkeep.
Result<std::unique_ptr<TableMaintenance>> OpenTableMaintenance(const World& world,
                                                               const SourceFlags& flags);

// The same, for rows into its tables. A local warehouse that is not there is made.
Result<std::unique_ptr<TableRows>> OpenTableRows(const World& world,
                                                 const SourceFlags& flags);

// Print all rows of a statement, which sees of one table what the filter selects; add
// what it read to `stats`.
Status PrintSql(Db& db, const base::Context& context, std::string_view statement,
                const TableFilter& filter, RowPrinter& printer, QueryStats& stats);

// `a` as a name in SQL, and `a.b.c` as the name c in the name space a.b.
std::string QuotedName(std::string_view name);
std::string QuotedTable(std::string_view name);
// The names of name_list.h, quoted; `*` where there is none.
std::string QuotedColumns(std::string_view columns);

// Whether a statement failed for want of a table, where there are only files.
bool LacksTables(const SqlSource& source, const Status& status);

// Print why a source could not be opened, with what to do where that is known.
int PrintSourceError(World& world, std::string_view what, const Status& status);

}  // namespace firn::cli
