// SPDX-License-Identifier: Apache-2.0
// engine.h: SQL over a set of tables, executed by DuckDB.
//
// Each table of the provider is `name_space.table` in SQL; a namespace of several levels
// is quoted: "a.b".table. A statement sees one version of each table. SQL here only
// reads: a statement that would change anything is refused. DuckDB stays behind this
// header; docs/design/0006-duckdb-bridge.md tells how the two meet.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/context.h"
#include "firn/db.h"
#include "firn/status.h"
#include "scan/batch.h"
#include "scan/file_provider.h"

namespace firn::sql {

struct EngineOptions {
  // Threads that execute queries, the caller's included: all queries together share
  // `threads - 1` workers. REQUIRES: threads >= 1.
  int threads = 2;
  // Bound on DuckDB's own memory: hash tables, sorts, results not yet taken. Batches of
  // the scans are not counted. REQUIRES: memory_bytes_max > 0.
  std::int64_t memory_bytes_max = std::int64_t{1} << 30;
  // Where queries spill what does not fit. Empty: nowhere, they fail at the bound.
  std::string temp_dir;
  // Reads files that statements name by location, as in `FROM 'x.parquet'`: names that
  // stand alone and hold a slash, a dot or a star. For a person at a command line only:
  // never for a statement that came over a network. Null: there are tables and nothing
  // else. Must outlive the engine and every cursor. DuckDB itself reads no file either
  // way.
  scan::FileProvider* files = nullptr;
};

// The rows of one statement. Thread-compatible. Dropping it early stops the query.
class Cursor : public SqlCursor {
 public:
  // What the statement's scans have read and pruned so far, summed over its tables; what
  // stats() says, and how many rows there were.
  virtual scan::ScanStats scan_stats() const = 0;
};

// Thread-safe: statements run concurrently.
class Engine {
 public:
  // `tables` must outlive the engine and every cursor.
  // Errors: Internal if the DuckDB library is not the version firn was built for;
  // InvalidArgument if DuckDB does not accept the options.
  static Result<std::unique_ptr<Engine>> Open(const EngineOptions& options,
                                              scan::TableProvider& tables);
  virtual ~Engine() = default;

  // Run one statement: SELECT, WITH, VALUES, FROM, SHOW, DESCRIBE, SUMMARIZE, PIVOT or
  // EXPLAIN of these. `context` must outlive the cursor; the engine need not.
  //
  // Errors: InvalidArgument for a text DuckDB does not accept, with DuckDB's message that
  // points at the place (`LINE 1: … ^`), for several statements, for one that is not in
  // the list, and for a filter that does not parse, does not go with its table's columns
  // or is of a table that the statement does not name; ResourceExhausted when memory is;
  // Cancelled and DeadlineExceeded; and whatever a table answered, with its own code.
  // Next() returns the same errors.
  virtual Result<std::unique_ptr<Cursor>> Start(const base::Context& context,
                                                std::string_view statement,
                                                const TableFilter& filter) = 0;
  Result<std::unique_ptr<Cursor>> Start(const base::Context& context,
                                        std::string_view statement) {
    return Start(context, statement, TableFilter());
  }

  // Start(), for those who do not need the statistics.
  Result<std::unique_ptr<SqlCursor>> Query(const base::Context& context,
                                           std::string_view statement,
                                           const TableFilter& filter = {});
};

}  // namespace firn::sql
