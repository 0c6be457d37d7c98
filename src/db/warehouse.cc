// SPDX-License-Identifier: Apache-2.0
#include "db/warehouse.h"

#include <algorithm>
#include <utility>

#include "base/nearest_word.h"
#include "db/partition_text.h"
#include "iceberg/open_catalog.h"
#include "iceberg/partition_statistics.h"
#include "iceberg/plan.h"
#include "iceberg/relocate.h"
#include "io/environment.h"
#include "io/file.h"
#include "io/stores.h"

namespace firn::db {
namespace {

constexpr std::int64_t kFooterCacheBytes = 64 << 20;
// A remote store answers after tens of milliseconds: eight requests of a few megabytes
// under way at a time keep a fast network busy.
constexpr int kFetchThreads = 8;
constexpr std::int64_t kReadAheadBytes = 16 << 20;  // Of each split that is being read.
constexpr std::size_t kNamesInErrors = 10;

// Whether it says what is wrong with one table, and nothing of the others.
bool IsOfTable(const Status& status) {
  switch (status.code()) {
    case StatusCode::kNotFound:
    case StatusCode::kCorruption:
    case StatusCode::kUnimplemented:
    case StatusCode::kInvalidArgument:
      return true;
    default:
      return false;
  }
}

}  // namespace

TableSummary Warehouse::Summarize(const iceberg::LoadedTable& table) {
  return Summarize(table, table.metadata->current_snapshot());
}

TableSummary Warehouse::Summarize(const iceberg::LoadedTable& table,
                                  const iceberg::Snapshot* snapshot) {
  TableSummary summary;
  summary.table = table.identifier.ToString();
  summary.metadata_location = table.metadata_location;
  if (snapshot != nullptr) {
    summary.snapshot_id = snapshot->id.value;
    summary.rows = snapshot->SummaryCount(iceberg::kSummaryTotalRecords, 0);
    summary.files = snapshot->SummaryCount(iceberg::kSummaryTotalDataFiles, 0);
    summary.bytes = snapshot->SummaryCount(iceberg::kSummaryTotalFilesSize, 0);
  }
  return summary;
}

Warehouse::Warehouse(std::string location, const DbOptions& options,
                     const base::Clock& clock, base::MetricRegistry& metrics)
    : location_(std::move(location)),
      clock_(clock),
      store_(io::MakeStores(options.storage, io::ProcessEnvironment(), clock, &metrics)),
      manifests_(*store_),
      footers_(kFooterCacheBytes),
      budget_("memory of table scans", options.query_bytes_max),
      pool_(budget_),
      scan_threads_(std::max(options.query_threads, 1)),
      fetch_threads_(kFetchThreads) {}

table::ScanEnvironment Warehouse::scan_environment() {
  return {.store = *store_,
          .footers = footers_,
          .pool = &pool_,
          .fetch_threads = &fetch_threads_,
          .read_ahead_bytes = kReadAheadBytes,
          .threads = scan_threads_};
}

Result<std::unique_ptr<Warehouse>> Warehouse::Open(const std::string& location,
                                                   const DbOptions& options,
                                                   bool read_only,
                                                   const base::Clock& clock,
                                                   base::MetricRegistry& metrics) {
  std::string absolute = location;
  if (!iceberg::IsRestCatalog(options.catalog)) {
    FIRN_ASSIGN_OR_RETURN(absolute, io::ParseLocation(location));
  }
  iceberg::OpenCatalogOptions catalog;
  catalog.uri = options.catalog;
  catalog.warehouse = absolute;
  catalog.read_only = read_only;
  catalog.rest = options.rest_catalog;
  catalog.storage = options.storage;
  if (catalog.uri.empty()) {
    const Result<std::string> path = io::LocalPath(absolute);
    if (!path.ok()) {
      return Status::InvalidArgument(
          "the warehouse " + absolute +
          " is not on the local disk, so its catalog has to be "
          "named: --catalog fs, for one that lies there too, or sqlite:///FILE");
    }
    catalog.uri = "sqlite:///" + *path + "/catalog.db";
    FIRN_ASSIGN_OR_RETURN(const bool exists,
                          io::LocalFileSystem().Exists(*path + "/catalog.db"));
    if (read_only && !exists) {
      return Status::NotFound("no warehouse at " + absolute +
                              ": it has no catalog.db; --catalog names another");
    }
    if (!read_only) FIRN_RETURN_IF_ERROR(io::LocalFileSystem().CreateDirectories(*path));
  }
  std::unique_ptr<Warehouse> warehouse(
      new Warehouse(std::move(absolute), options, clock, metrics));
  const base::Context context;
  FIRN_ASSIGN_OR_RETURN(
      warehouse->catalog_,
      iceberg::OpenCatalog(context, std::move(catalog),
                           {*warehouse->store_, clock, warehouse->random_,
                            io::ProcessEnvironment(), &metrics}));
  return warehouse;
}

Result<std::unique_ptr<Warehouse>> Warehouse::OpenExisting(
    const DbOptions& options, const base::Clock& clock, base::MetricRegistry& metrics) {
  FIRN_RETURN_IF_ERROR(
      Open(options.warehouse, options, /*read_only=*/true, clock, metrics).status());
  return Open(options.warehouse, options, /*read_only=*/false, clock, metrics);
}

Result<std::vector<scan::TableName>> Warehouse::ListTables(const base::Context& context) {
  FIRN_ASSIGN_OR_RETURN(const std::vector<iceberg::Namespace> namespaces,
                        catalog_->ListNamespaces(context));
  std::vector<scan::TableName> names;
  for (const iceberg::Namespace& name_space : namespaces) {
    FIRN_ASSIGN_OR_RETURN(const std::vector<iceberg::TableIdentifier> tables,
                          catalog_->ListTables(context, name_space));
    for (const iceberg::TableIdentifier& table : tables) {
      names.push_back({name_space.ToString(), table.name});
    }
  }
  return names;
}

// Whether the table's files are where it says. Asks for one only where its metadata file
// is not.
Status Warehouse::CheckPlace(const base::Context& context,
                             const iceberg::LoadedTable& table) {
  const auto place = io::ParseLocation(table.metadata->location);
  if (!place.ok() || table.store != nullptr ||
      table.metadata_location.starts_with(*place + "/")) {
    return Status::OK();
  }
  FIRN_ASSIGN_OR_RETURN(
      const auto move,
      iceberg::FindMove(context, *store_, iceberg::FileOf(table), location_));
  if (!move) return Status::OK();
  const std::string name = table.identifier.ToString();
  return Status::Corruption(
      "table " + name + ": its files are in " + move->to + ", and were moved from " +
      move->from + ". `firn table relocate " + name + "` writes down where they are now");
}

Result<iceberg::LoadedTable> Warehouse::LoadTable(const base::Context& context,
                                                  std::string_view name) {
  FIRN_ASSIGN_OR_RETURN(const iceberg::TableIdentifier identifier,
                        iceberg::TableIdentifier::Parse(name));
  Result<iceberg::LoadedTable> loaded = catalog_->LoadTable(context, identifier);
  if (loaded.ok()) {
    FIRN_RETURN_IF_ERROR(CheckPlace(context, *loaded));
    return loaded;
  }
  if (!loaded.status().Is(StatusCode::kNotFound)) return loaded;
  FIRN_ASSIGN_OR_RETURN(const std::vector<scan::TableName> names, ListTables(context));
  const std::string where = location_.empty() ? "the catalog" : location_;
  const std::string what = "no table " + std::string(name) + " in " + where;
  if (names.empty()) return Status::NotFound(what + ", which has none");
  std::vector<std::string> known;
  for (const scan::TableName& table : names) known.push_back(table.ToString());
  if (known.size() > kNamesInErrors) {
    return Status::NotFound(what + ", which has " + std::to_string(known.size()) +
                            base::DidYouMean(name, std::vector<std::string_view>(
                                                       known.begin(), known.end())));
  }
  std::string list;
  for (const std::string& one : known) list += (list.empty() ? "" : ", ") + one;
  return Status::NotFound(what + "; there are: " + list);
}

Result<std::vector<TableSummary>> Warehouse::Summaries(const base::Context& context) {
  FIRN_ASSIGN_OR_RETURN(const std::vector<scan::TableName> names, ListTables(context));
  std::vector<TableSummary> summaries;
  for (const scan::TableName& name : names) {
    const Result<iceberg::LoadedTable> table = LoadTable(context, name.ToString());
    if (table.ok()) {
      summaries.push_back(Summarize(*table));
      continue;
    }
    if (!IsOfTable(table.status())) return table.status();
    FIRN_ASSIGN_OR_RETURN(const auto identifier,
                          iceberg::TableIdentifier::Parse(name.ToString()));
    const auto named = catalog_->CurrentMetadataLocation(context, identifier);
    if (named.status().Is(StatusCode::kNotFound)) continue;  // Dropped meanwhile.
    TableSummary& summary = summaries.emplace_back();
    summary.table = name.ToString();
    summary.problem = std::string(table.status().message());
  }
  return summaries;
}

Result<TableDescription> Warehouse::Describe(const base::Context& context,
                                             std::string_view name) {
  FIRN_ASSIGN_OR_RETURN(const iceberg::LoadedTable table, LoadTable(context, name));
  return Describe(table);
}

TableDescription Warehouse::Describe(const iceberg::LoadedTable& table) {
  const iceberg::TableMetadata& metadata = *table.metadata;
  TableDescription description;
  description.summary = Summarize(table);
  description.location = metadata.location;
  description.format_version = metadata.format_version;
  description.table_uuid = metadata.table_uuid;
  const iceberg::Schema& schema = metadata.current_schema();
  for (const iceberg::NestedField& field : schema.fields()) {
    description.columns.push_back(
        {field.id.value, field.name, field.type.ToString(), field.required, field.doc});
  }
  description.partition_spec = iceberg::ToString(metadata.default_spec(), schema);
  description.sort_order = iceberg::ToString(metadata.default_sort_order(), schema);
  description.properties.assign(metadata.properties.begin(), metadata.properties.end());
  return description;
}

Result<std::vector<SnapshotSummary>> Warehouse::Snapshots(const base::Context& context,
                                                          std::string_view name) {
  FIRN_ASSIGN_OR_RETURN(const iceberg::LoadedTable table, LoadTable(context, name));
  std::vector<SnapshotSummary> summaries;
  for (const iceberg::Snapshot& snapshot : table.metadata->snapshots) {
    SnapshotSummary summary;
    summary.snapshot_id = snapshot.id.value;
    if (snapshot.parent_id.has_value()) summary.parent_id = snapshot.parent_id->value;
    summary.timestamp_ms = snapshot.timestamp_ms;
    summary.operation = iceberg::ToString(snapshot.operation);
    summary.added_rows = snapshot.SummaryCount(iceberg::kSummaryAddedRecords, 0);
    summary.total_rows = snapshot.SummaryCount(iceberg::kSummaryTotalRecords, 0);
    summary.is_current = table.metadata->current_snapshot_id == snapshot.id;
    for (const auto& [name, ref] : table.metadata->refs) {
      if (ref.snapshot_id == snapshot.id) summary.refs.push_back(name);
    }
    summaries.push_back(std::move(summary));
  }
  return summaries;
}

Result<std::vector<FileSummary>> Warehouse::Files(const base::Context& context,
                                                  std::string_view name) {
  FIRN_ASSIGN_OR_RETURN(const iceberg::LoadedTable table, LoadTable(context, name));
  const iceberg::TableMetadata& metadata = *table.metadata;
  std::vector<FileSummary> files;
  const iceberg::Snapshot* snapshot = metadata.current_snapshot();
  if (snapshot == nullptr) return files;
  const iceberg::ManifestIo manifests(table.StoreOr(*store_));
  FIRN_ASSIGN_OR_RETURN(const iceberg::FilePlan plan,
                        iceberg::PlanFiles(context, manifests, metadata, *snapshot,
                                           metadata.current_schema(), nullptr));
  for (const iceberg::ScanTask& task : plan.tasks) {
    const iceberg::DataFile& file = task.file;
    const iceberg::PartitionSpec* spec = metadata.FindSpec(file.spec_id);
    files.push_back(
        {file.file_path,
         spec == nullptr ? "" : PartitionText(metadata, *spec, file.partition),
         file.record_count, file.file_size_bytes});
  }
  return files;
}

Result<std::vector<PartitionSummary>> Warehouse::Partitions(
    const base::Context& context, std::string_view name,
    const std::vector<std::string>& columns) {
  FIRN_ASSIGN_OR_RETURN(const iceberg::LoadedTable table, LoadTable(context, name));
  const iceberg::TableMetadata& metadata = *table.metadata;
  const iceberg::Schema& schema = metadata.current_schema();
  std::vector<iceberg::FieldId> ids;
  std::vector<iceberg::PrimitiveType> types;
  for (const std::string& column : columns) {
    const iceberg::NestedField* const field = schema.FindColumn(column);
    if (field == nullptr) {
      std::vector<std::string_view> names;
      for (const auto& each : schema.fields()) names.push_back(each.name);
      return Status::InvalidArgument("the table has no column " + column +
                                     base::DidYouMean(column, names));
    }
    if (field->type.primitive() == nullptr) {
      return Status::InvalidArgument(
          "column " + column + " is a " + field->type.ToString() +
          ", of which files have no bounds; name a part of it");
    }
    ids.push_back(field->id);
    types.push_back(*field->type.primitive());
  }
  std::vector<PartitionSummary> out;
  const iceberg::Snapshot* const snapshot = metadata.current_snapshot();
  if (snapshot == nullptr) return out;
  FIRN_ASSIGN_OR_RETURN(const std::vector<iceberg::PartitionStatistics> partitions,
                        iceberg::ComputePartitionStatistics(
                            context, iceberg::ManifestIo(table.StoreOr(*store_)),
                            metadata, *snapshot, ids));
  const auto text = [](const iceberg::OptionalValue& value,
                       const iceberg::PrimitiveType& type) {
    return value ? std::optional(iceberg::ValueToString(*value, type)) : std::nullopt;
  };
  for (const iceberg::PartitionStatistics& each : partitions) {
    PartitionSummary& summary = out.emplace_back();
    summary.spec_id = each.spec_id.value;
    if (const auto* spec = metadata.FindSpec(each.spec_id)) {
      summary.partition = PartitionText(metadata, *spec, each.partition);
    }
    summary.rows = each.data_record_count;
    summary.files = each.data_file_count;
    summary.bytes = each.total_data_file_size_bytes;
    summary.position_delete_rows = each.position_delete_record_count;
    summary.position_delete_files = each.position_delete_file_count;
    summary.equality_delete_rows = each.equality_delete_record_count;
    summary.equality_delete_files = each.equality_delete_file_count;
    summary.last_updated_ms = each.last_updated_ms;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const iceberg::ColumnStatistics& column = each.columns[i];
      summary.columns.push_back({columns[i], text(column.lower_bound, types[i]),
                                 text(column.upper_bound, types[i]), column.null_count,
                                 column.nan_count});
    }
  }
  return out;
}

}  // namespace firn::db
