// SPDX-License-Identifier: Apache-2.0
// rest_catalog.h: a catalog behind the Iceberg REST protocol
// (docs/design/0022-catalogs.md).
//
// The server decides: it applies updates, writes metadata files and answers with what
// became of the table. Field ids of a new table are kept, since it is made by a commit of
// its own (a staged creation would number them anew). A table's metadata is kept, a
// bounded number of tables, and asked for with If-None-Match.
//
// What a server lends for a table's files (credentials, an endpoint) is in the store of
// the LoadedTable.
#pragma once

#include <memory>

#include "base/context.h"
#include "firn/status.h"
#include "iceberg/catalog.h"
#include "iceberg/open_catalog.h"

namespace firn::iceberg {

// Asks the server for its configuration. InvalidArgument for an address that is none, or
// at which no catalog answers; NotFound for a warehouse that the server does not have;
// otherwise by rest_error.h.
Result<std::unique_ptr<Catalog>> OpenRestCatalog(const base::Context& context,
                                                 OpenCatalogOptions options,
                                                 const CatalogEnvironment& environment);

}  // namespace firn::iceberg
