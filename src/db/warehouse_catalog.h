// SPDX-License-Identifier: Apache-2.0
// warehouse_catalog.h: a warehouse's catalog as other engines are shown it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "db/warehouse.h"
#include "firn/catalog_reader.h"
#include "firn/storage.h"

namespace firn::db {

// Thread-safe. `warehouse` must outlive it.
class WarehouseCatalog final : public CatalogReader {
 public:
  WarehouseCatalog(Warehouse& warehouse, const StorageOptions& storage);

  Result<std::vector<NamespaceLevels>> ListNamespaces(
      const base::Context& context, const NamespaceLevels& parent) override;
  Result<std::map<std::string, std::string>> NamespaceProperties(
      const base::Context& context, const NamespaceLevels& name_space) override;
  Result<std::vector<std::string>> ListTables(const base::Context& context,
                                              const NamespaceLevels& name_space) override;
  Result<CatalogTable> LoadTable(const base::Context& context,
                                 const NamespaceLevels& name_space,
                                 const std::string& table,
                                 CatalogSnapshots snapshots) override;

 private:
  Warehouse& warehouse_;
  const std::map<std::string, std::string> s3_config_;
};

}  // namespace firn::db
