// SPDX-License-Identifier: Apache-2.0
// open_catalog.h: the catalog that a URI names.
//
//   sqlite:///FILE                a database (sql_catalog.h)
//   fs                            the warehouse itself (fs_catalog.h)
//   rest+http[s]://HOST[/PREFIX]  a server (rest_catalog.h)
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/metrics.h"
#include "firn/rest_catalog.h"
#include "firn/status.h"
#include "firn/storage.h"
#include "iceberg/catalog.h"
#include "iceberg/random.h"
#include "io/environment.h"
#include "io/store.h"

namespace firn::iceberg {

struct OpenCatalogOptions {
  std::string uri;
  // Where tables are created: an absolute location. For a server, what it calls the
  // warehouse, or empty.
  std::string warehouse;
  // Create nothing by opening.
  bool read_only = false;
  RestCatalogOptions rest;
  // How a store is reached for which a server lends credentials.
  StorageOptions storage;
};

// What catalogs work with. All must outlive the catalog; `metrics` may be null.
struct CatalogEnvironment {
  io::Store& store;
  const base::Clock& clock;
  RandomSource& random;
  const io::Environment& environment;
  base::MetricRegistry* metrics = nullptr;
};

// Whether the URI names a server, which knows by itself where tables lie.
bool IsRestCatalog(std::string_view uri);

// InvalidArgument for a URI of none of these forms; errors are those of what is opened.
// Of a server the configuration is asked for at once.
Result<std::unique_ptr<Catalog>> OpenCatalog(const base::Context& context,
                                             OpenCatalogOptions options,
                                             const CatalogEnvironment& environment);

}  // namespace firn::iceberg
