// SPDX-License-Identifier: Apache-2.0
// open_catalog.h: the catalog that a URI names.
//
//   sqlite:///FILE                a database (sql_catalog.h)
//   fs                            the warehouse itself (fs_catalog.h)
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "firn/status.h"
#include "iceberg/catalog.h"
#include "iceberg/random.h"
#include "io/store.h"

namespace firn::iceberg {

struct OpenCatalogOptions {
  std::string uri;
  // Where tables are created: an absolute location.
  std::string warehouse;
  // Create nothing by opening.
  bool read_only = false;
};

// What catalogs work with. All must outlive the catalog.
struct CatalogEnvironment {
  io::Store& store;
  const base::Clock& clock;
  RandomSource& random;
};

// InvalidArgument for a URI of none of these forms; errors are those of what is opened.
Result<std::unique_ptr<Catalog>> OpenCatalog(OpenCatalogOptions options,
                                             const CatalogEnvironment& environment);

}  // namespace firn::iceberg
