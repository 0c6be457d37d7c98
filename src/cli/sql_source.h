// SPDX-License-Identifier: Apache-2.0
// sql_source.h: what answers SQL for a command: a server, or a warehouse read directly.
#pragma once

#include <memory>
#include <string_view>

#include "cli/commands.h"
#include "cli/program.h"
#include "cli/row_printer.h"

#include "base/context.h"
#include "firn/status.h"

namespace firn::cli {

// Thread-compatible.
class SqlSource {
 public:
  // The server where one is named, else the warehouse (also of FIRN_WAREHOUSE).
  // InvalidArgument where neither is, or both.
  static Result<std::unique_ptr<SqlSource>> Open(const World& world,
                                                 const SourceFlags& flags);
  virtual ~SqlSource() = default;

  virtual Status Run(const base::Context& context, std::string_view statement,
                     RowPrinter& printer) = 0;
};

// A Db over a warehouse, as `table` and `promql` read it too. Errors as SqlSource::Open.
Result<std::unique_ptr<Db>> OpenWarehouse(const World& world, const SourceFlags& flags);

// Print all rows of a statement.
Status PrintSql(Db& db, const base::Context& context, std::string_view statement,
                RowPrinter& printer);

// Print why a source could not be opened, with what to do where that is known.
int PrintSourceError(World& world, std::string_view what, const Status& status);

}  // namespace firn::cli
