// SPDX-License-Identifier: Apache-2.0
// sql_catalog.h: a catalog in an SQLite database, beside the tables it names.
//
// The database has the schema, version V1, that Iceberg's JDBC catalog and PyIceberg's
// SqlCatalog share, so each opens what another wrote (docs/design/0004-catalog.md). A
// commit writes a new metadata file, then moves the table's row from the old location to
// the new one in one statement: of rivals, one finds the old location there. A commit of
// several tables moves their rows in one transaction.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "firn/status.h"
#include "iceberg/catalog.h"
#include "iceberg/random.h"
#include "io/store.h"

namespace firn::iceberg {

struct SqlCatalogOptions {
  // `sqlite:///FILE` (four slashes make an absolute path), or `sqlite://` for a database
  // in memory that goes with the catalog.
  std::string uri;
  std::string name = "firn";
  // Where tables are created: an absolute location.
  std::string warehouse;
  // How long a statement waits for another process's lock.
  int busy_timeout_ms = 10'000;
  // Open the database for reading alone; it must exist.
  bool read_only = false;

  // For tests. Called around the SQLite COMMIT of a table's row; an error from it is
  // handled as one of SQLite's own at that point.
  enum class Point : std::uint8_t { kBeforeCommit, kAfterCommit };
  std::function<Status(Point)> fault;
};

// Open the database, creating it and its tables where absent. `store`, `clock` and
// `random` must outlive the catalog. Unavailable where the file cannot be opened,
// Corruption where it is no SQLite database.
Result<std::unique_ptr<Catalog>> OpenSqlCatalog(SqlCatalogOptions options,
                                                io::Store& store,
                                                const base::Clock& clock,
                                                RandomSource& random);

}  // namespace firn::iceberg
