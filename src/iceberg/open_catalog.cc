// SPDX-License-Identifier: Apache-2.0
#include "iceberg/open_catalog.h"

#include <utility>

#include "iceberg/fs_catalog.h"
#include "iceberg/rest_catalog.h"
#include "iceberg/sql_catalog.h"

namespace firn::iceberg {

bool IsRestCatalog(std::string_view uri) { return uri.starts_with("rest+"); }

Result<std::unique_ptr<Catalog>> OpenCatalog(const base::Context& context,
                                             OpenCatalogOptions options,
                                             const CatalogEnvironment& environment) {
  if (options.uri.starts_with("sqlite:")) {
    SqlCatalogOptions sql;
    sql.uri = std::move(options.uri);
    sql.warehouse = std::move(options.warehouse);
    sql.read_only = options.read_only;
    return OpenSqlCatalog(std::move(sql), environment.store, environment.clock,
                          environment.random);
  }
  if (options.uri == "fs") {
    if (options.warehouse.empty()) {
      return Status::InvalidArgument(
          "catalog fs is the warehouse itself: name it, with --warehouse");
    }
    return MakeFsCatalog(std::move(options.warehouse), environment.store,
                         environment.clock, environment.random);
  }
  if (IsRestCatalog(options.uri)) {
    return OpenRestCatalog(context, std::move(options), environment);
  }
  return Status::InvalidArgument(
      "catalog " + options.uri +
      " is none of sqlite:///FILE, fs, rest+http://HOST and rest+https://HOST");
}

}  // namespace firn::iceberg
