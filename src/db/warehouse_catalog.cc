// SPDX-License-Identifier: Apache-2.0
#include "db/warehouse_catalog.h"

#include <algorithm>
#include <set>
#include <utility>

#include "iceberg/table_metadata_json.h"

namespace firn::db {
namespace {

// How clients reach objects by S3 as this process does. Credentials are theirs to have.
std::map<std::string, std::string> S3Config(const S3Options& s3) {
  std::map<std::string, std::string> config;
  if (!s3.endpoint.empty()) config["s3.endpoint"] = s3.endpoint;
  if (!s3.region.empty()) {
    config["s3.region"] = s3.region;
    config["client.region"] = s3.region;
  }
  if (s3.path_style) config["s3.path-style-access"] = "true";
  return config;
}

// The current snapshot stays: main names it.
void KeepReferencedSnapshots(iceberg::TableMetadata* metadata) {
  std::set<iceberg::SnapshotId> named;
  for (const auto& [name, ref] : metadata->refs) named.insert(ref.snapshot_id);
  std::erase_if(metadata->snapshots, [&](const iceberg::Snapshot& snapshot) {
    return !named.contains(snapshot.id);
  });
}

}  // namespace

WarehouseCatalog::WarehouseCatalog(Warehouse& warehouse, const StorageOptions& storage)
    : warehouse_(warehouse), s3_config_(S3Config(storage.s3)) {}

Result<std::vector<NamespaceLevels>> WarehouseCatalog::ListNamespaces(
    const base::Context& context, const NamespaceLevels& parent) {
  FIRN_ASSIGN_OR_RETURN(const std::vector<iceberg::Namespace> all,
                        warehouse_.catalog().ListNamespaces(context));
  // A catalog may hold a.b and no a: a is there all the same, for it has something in it.
  std::set<NamespaceLevels> children;
  bool parent_exists = parent.empty();
  for (const iceberg::Namespace& name_space : all) {
    const NamespaceLevels& levels = name_space.levels;
    if (levels.size() < parent.size() ||
        !std::equal(parent.begin(), parent.end(), levels.begin())) {
      continue;
    }
    parent_exists = true;
    if (levels.size() == parent.size()) continue;
    children.emplace(levels.begin(),
                     levels.begin() + static_cast<std::ptrdiff_t>(parent.size()) + 1);
  }
  if (!parent_exists) {
    return Status::NotFound("no namespace " + iceberg::Namespace{parent}.ToString());
  }
  return std::vector<NamespaceLevels>(children.begin(), children.end());
}

Result<std::map<std::string, std::string>> WarehouseCatalog::NamespaceProperties(
    const base::Context& context, const NamespaceLevels& name_space) {
  return warehouse_.catalog().NamespaceProperties(context,
                                                  iceberg::Namespace{name_space});
}

Result<std::vector<std::string>> WarehouseCatalog::ListTables(
    const base::Context& context, const NamespaceLevels& name_space) {
  FIRN_ASSIGN_OR_RETURN(
      const std::vector<iceberg::TableIdentifier> tables,
      warehouse_.catalog().ListTables(context, iceberg::Namespace{name_space}));
  std::vector<std::string> names;
  for (const iceberg::TableIdentifier& table : tables) names.push_back(table.name);
  return names;
}

Result<CatalogTable> WarehouseCatalog::LoadTable(const base::Context& context,
                                                 const NamespaceLevels& name_space,
                                                 const std::string& table,
                                                 CatalogSnapshots snapshots) {
  FIRN_ASSIGN_OR_RETURN(
      const iceberg::LoadedTable loaded,
      warehouse_.catalog().LoadTable(
          context, iceberg::TableIdentifier{iceberg::Namespace{name_space}, table}));
  CatalogTable out;
  out.metadata_location = loaded.metadata_location;
  if (snapshots == CatalogSnapshots::kReferenced) {
    iceberg::TableMetadata metadata = *loaded.metadata;
    KeepReferencedSnapshots(&metadata);
    out.metadata_json = iceberg::TableMetadataToJson(metadata);
  } else {
    out.metadata_json = iceberg::TableMetadataToJson(*loaded.metadata);
  }
  if (loaded.metadata_location.starts_with("s3://")) out.config = s3_config_;
  return out;
}

}  // namespace firn::db
