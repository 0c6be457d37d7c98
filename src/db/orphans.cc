// SPDX-License-Identifier: Apache-2.0
#include "db/orphans.h"

#include <string>

#include "base/duration.h"
#include "iceberg/location_scope.h"
#include "iceberg/open_catalog.h"
#include "iceberg/orphan_files.h"

namespace firn::db {
namespace {

using iceberg::LoadedTable;
using iceberg::LocationScope;

Status CheckAge(const OrphanOptions& options) {
  if (options.age_min_ms < 0) {
    return Status::InvalidArgument("files are not older than the future");
  }
  if (options.age_min_ms >= kOrphanAgeMsSafe || options.no_writers || options.dry_run) {
    return Status::OK();
  }
  return Status::InvalidArgument(
      "files younger than " + base::FormatDuration(kOrphanAgeMsSafe) +
      " may be those of a writer under way, whose commit would then name files that are "
      "gone");
}

// The warehouse, and the catalog where that is a file, are not in the table's place.
Status CheckWarehouse(const LocationScope& scope, const Warehouse& warehouse,
                      std::string_view catalog) {
  std::vector<std::string> locations;
  if (!iceberg::IsRestCatalog(catalog)) locations.push_back(warehouse.location());
  constexpr std::string_view kSqlite = "sqlite:///";
  if (catalog.starts_with(kSqlite) && catalog.size() > kSqlite.size()) {
    const std::string path(catalog.substr(kSqlite.size()));
    FIRN_ASSIGN_OR_RETURN(std::string location, io::ParseLocation(path));
    locations.push_back(std::move(location));
  }
  for (const std::string& location : locations) {
    FIRN_ASSIGN_OR_RETURN(const bool held, scope.Holds(location));
    if (!held) continue;
    return Status::InvalidArgument("its location " + scope.location() + " holds " +
                                   location +
                                   ", so that not all that lies there is the table's");
  }
  return Status::OK();
}

// No other table's files lie there, or may.
Status CheckOtherTables(const base::Context& context, Warehouse& warehouse,
                        const LocationScope& scope, const iceberg::TableIdentifier& own) {
  FIRN_ASSIGN_OR_RETURN(const std::vector<scan::TableName> names,
                        warehouse.ListTables(context));
  for (const scan::TableName& name : names) {
    if (name.ToString() == own.ToString()) continue;
    FIRN_ASSIGN_OR_RETURN(const iceberg::TableIdentifier identifier,
                          iceberg::TableIdentifier::Parse(name.ToString()));
    const auto other = warehouse.catalog().LoadTable(context, identifier);
    if (other.status().Is(StatusCode::kNotFound)) continue;  // Dropped just now.
    if (!other.ok()) {
      return other.status().With("whether the place is another table's cannot be told");
    }
    const iceberg::TableMetadata& metadata = *other->metadata;
    for (const std::string& location :
         {metadata.location, metadata.MetadataDirectory(), metadata.DataDirectory()}) {
      auto overlaps = scope.Overlaps(location);
      if (!overlaps.ok()) return overlaps.status().With("table " + name.ToString());
      if (!*overlaps) continue;
      return Status::InvalidArgument(
          "its location " + scope.location() + " and that of table " + name.ToString() +
          ", " + location + ", overlap, so that files may be the other's");
    }
  }
  return Status::OK();
}

}  // namespace

Result<OrphanReport> RemoveOrphans(const base::Context& context, Warehouse& warehouse,
                                   std::string_view catalog, std::string_view table,
                                   const OrphanOptions& options) {
  FIRN_RETURN_IF_ERROR(CheckAge(options));
  FIRN_ASSIGN_OR_RETURN(const LoadedTable loaded, warehouse.LoadTable(context, table));
  FIRN_ASSIGN_OR_RETURN(const LocationScope scope,
                        LocationScope::Of(loaded.metadata->location));
  FIRN_RETURN_IF_ERROR(CheckWarehouse(scope, warehouse, catalog));
  FIRN_RETURN_IF_ERROR(CheckOtherTables(context, warehouse, scope, loaded.identifier));

  iceberg::OrphanSearch search;
  search.age_min_ms = options.age_min_ms;
  search.read_only = options.dry_run;
  iceberg::OrphanRemoval removal;
  const Status status = iceberg::RemoveOrphans(
      context, warehouse.commit_environment(), loaded.identifier, search,
      [&](const io::ObjectInfo& object) {
        if (!options.on_file) return;
        options.on_file({object.location, static_cast<std::int64_t>(object.size_bytes),
                         object.modified_us / 1000});
      },
      &removal);
  if (!status.ok()) {
    return removal.files == 0 || options.dry_run
               ? status
               : status.With(std::to_string(removal.files) +
                             " files were removed, and others stay behind");
  }
  return OrphanReport{removal.files, removal.bytes, removal.failed_files,
                      std::move(removal.failures)};
}

}  // namespace firn::db
