// SPDX-License-Identifier: Apache-2.0
#include "iceberg/sql_catalog.h"

#include <algorithm>
#include <initializer_list>
#include <mutex>
#include <set>

#include "base/assert.h"
#include "iceberg/apply_updates.h"
#include "iceberg/committed_tables.h"
#include "iceberg/metadata_file.h"
#include "iceberg/relocate.h"
#include "iceberg/sqlite.h"
#include "iceberg/table_metadata_json.h"

namespace firn::iceberg {
namespace {

// Version V1 of the JDBC catalog's schema. Do not change: other programs read it.
constexpr char kCreateTables[] =
    "CREATE TABLE IF NOT EXISTS iceberg_tables ("
    "catalog_name VARCHAR(255) NOT NULL, table_namespace VARCHAR(255) NOT NULL, "
    "table_name VARCHAR(255) NOT NULL, metadata_location VARCHAR(1000), "
    "previous_metadata_location VARCHAR(1000), iceberg_type VARCHAR(5), "
    "PRIMARY KEY (catalog_name, table_namespace, table_name));"
    "CREATE TABLE IF NOT EXISTS iceberg_namespace_properties ("
    "catalog_name VARCHAR(255) NOT NULL, namespace VARCHAR(255) NOT NULL, "
    "property_key VARCHAR(255) NOT NULL, property_value VARCHAR(1000), "
    "PRIMARY KEY (catalog_name, namespace, property_key));";

// A row without a type was written by version V0 of the schema, which had tables only.
constexpr char kIsTable[] = " AND (iceberg_type = 'TABLE' OR iceberg_type IS NULL)";

// Present in every namespace, so that one without other properties exists.
constexpr char kExistsProperty[] = "exists";

using Texts = std::initializer_list<std::string_view>;

// A table's way from one metadata file to the next.
struct Step {
  LoadedTable base;
  LoadedTable next;
};

std::vector<std::string> NextLocations(const std::vector<Step>& steps) {
  std::vector<std::string> locations;
  for (const Step& step : steps) locations.push_back(step.next.metadata_location);
  return locations;
}

Result<std::string> DatabasePath(const std::string& uri) {
  constexpr std::string_view kScheme = "sqlite://";
  if (!uri.starts_with(kScheme)) {
    return Status::InvalidArgument("catalog " + uri +
                                   " is not of the form sqlite:///FILE");
  }
  std::string path = uri.substr(kScheme.size());
  if (path.empty() || path == "/:memory:") return std::string();
  if (!path.starts_with('/') || path.size() == 1) {
    return Status::InvalidArgument("catalog " + uri +
                                   " is not of the form sqlite:///FILE");
  }
  return path.substr(1);
}

class SqlCatalog final : public Catalog {
 public:
  SqlCatalog(SqlCatalogOptions options, std::unique_ptr<SqliteDatabase> db, bool has_type,
             io::Store& store, const base::Clock& clock, RandomSource& random)
      : options_(std::move(options)),
        table_filter_(has_type ? kIsTable : ""),
        store_(store),
        clock_(clock),
        random_(random),
        db_(std::move(db)) {}

  Status CreateNamespace(const base::Context& context, const Namespace& ns,
                         const std::map<std::string, std::string>& properties) override;
  Result<std::vector<Namespace>> ListNamespaces(const base::Context& context) override;
  Result<std::map<std::string, std::string>> NamespaceProperties(
      const base::Context& context, const Namespace& ns) override;
  Status UpdateNamespaceProperties(const base::Context& context, const Namespace& ns,
                                   const std::map<std::string, std::string>& set,
                                   const std::vector<std::string>& removed) override;
  Status DropNamespace(const base::Context& context, const Namespace& ns) override;
  Result<std::vector<TableIdentifier>> ListTables(const base::Context& context,
                                                  const Namespace& ns) override;
  Result<std::vector<TableIdentifier>> ListViews(const base::Context& context,
                                                 const Namespace& ns) override;
  Result<LoadedTable> CreateTable(const base::Context& context,
                                  const CreateTableRequest& request) override;
  Result<LoadedTable> RegisterTable(const base::Context& context,
                                    const TableIdentifier& identifier,
                                    const std::string& metadata_location) override;
  Result<LoadedTable> LoadTable(const base::Context& context,
                                const TableIdentifier& identifier) override;
  Result<LoadedTable> CommitTable(const base::Context& context,
                                  const TableIdentifier& identifier,
                                  const std::vector<Requirement>& requirements,
                                  const std::vector<Update>& updates) override;
  Result<std::string> CurrentMetadataLocation(const base::Context& context,
                                              const TableIdentifier& identifier) override;
  Result<std::string> ReplaceMetadata(const base::Context& context,
                                      const TableIdentifier& identifier,
                                      const std::string& expected,
                                      std::string_view json) override;
  Status CommitTables(const base::Context& context,
                      const std::vector<TableChange>& changes) override;
  Status DropTable(const base::Context& context,
                   const TableIdentifier& identifier) override;
  Status DropTableAt(const base::Context& context, const TableIdentifier& identifier,
                     const std::string& metadata_location) override;
  Status RenameTable(const base::Context& context, const TableIdentifier& from,
                     const TableIdentifier& to) override;

 private:
  using Point = SqlCatalogOptions::Point;

  // DropTableAt, or DropTable where nothing is expected.
  Status Drop(const base::Context& context, const TableIdentifier& identifier,
              const std::optional<std::string>& expected);

  // --- Database work. REQUIRES: mutex_ is held.

  // The rows of a query, each as its first `columns` columns; NULL reads as "".
  Result<std::vector<std::vector<std::string>>> Query(const std::string& sql, Texts texts,
                                                      int columns);
  // Run one statement; answers the number of rows it changed.
  Result<std::int64_t> Change(const std::string& sql, Texts texts);
  // Run `change` in a transaction and commit it. An error of `change` rolls back and is
  // returned; CommitUnknown where the COMMIT itself failed in a way that leaves it open.
  template <typename ChangeFunction>
  Status InTransaction(const ChangeFunction& change);
  Status Commit();
  void RollBack();
  Result<bool> NamespaceExists(const Namespace& ns);
  Status SetNamespaceProperty(const Namespace& ns, std::string_view key,
                              std::string_view value);
  // The names in `ns` that `filter`, the end of a WHERE clause, lets pass.
  Result<std::vector<TableIdentifier>> ListNames(const Namespace& ns,
                                                 const std::string& filter);
  Result<bool> NameIsTaken(const TableIdentifier& identifier);
  Result<std::string> MetadataLocation(const TableIdentifier& identifier);
  Status InsertTable(const TableIdentifier& identifier, const std::string& location);

  // --- No lock needed.
  // The error where the metadata file that the catalog names is not there.
  Status MissingMetadata(const base::Context& context, const TableIdentifier& identifier,
                         const std::string& location);
  Result<LoadedTable> ReadTable(const base::Context& context,
                                const TableIdentifier& identifier,
                                const std::string& location);
  Result<std::string> DefaultLocation(const TableIdentifier& identifier);
  // What the table is, and what `change` makes of it: its metadata file is written.
  Result<Step> Prepare(const base::Context& context, const TableChange& change);
  // Prepare all of them, or leave nothing behind.
  Result<std::vector<Step>> PrepareAll(const base::Context& context,
                                       const std::vector<TableChange>& changes);
  // Make the steps true in one transaction, and clean up after them: CommitTable's
  // errors.
  Status Take(const base::Context& context, const std::vector<Step>& steps);
  // REQUIRES: mutex_ is held.
  Status SwapLocation(const TableIdentifier& identifier, const std::string& from,
                      const std::string& to);
  Status WriteNew(const base::Context& context, const LoadedTable& table);
  void RemoveForgotten(const LoadedTable& before, const LoadedTable& after);

  const SqlCatalogOptions options_;
  const std::string table_filter_;
  io::Store& store_;
  const base::Clock& clock_;
  RandomSource& random_;
  std::mutex mutex_;  // Guards db_.
  std::unique_ptr<SqliteDatabase> db_;
  CommittedTables committed_;
};

Result<std::vector<std::vector<std::string>>> SqlCatalog::Query(const std::string& sql,
                                                                Texts texts,
                                                                int columns) {
  FIRN_ASSIGN_OR_RETURN(SqliteStatement statement, db_->Prepare(sql));
  int parameter = 0;
  for (const std::string_view text : texts) {
    FIRN_RETURN_IF_ERROR(statement.Bind(++parameter, text));
  }
  std::vector<std::vector<std::string>> rows;
  while (true) {
    FIRN_ASSIGN_OR_RETURN(const bool has_row, statement.Step());
    if (!has_row) return rows;
    std::vector<std::string>& row = rows.emplace_back();
    for (int i = 0; i < columns; ++i) row.push_back(statement.Text(i).value_or(""));
  }
}

Result<std::int64_t> SqlCatalog::Change(const std::string& sql, Texts texts) {
  FIRN_RETURN_IF_ERROR(Query(sql, texts, 0).status());
  return db_->changes();
}

void SqlCatalog::RollBack() {
  // An error here leaves the connection in a transaction; the next BEGIN reports it.
  if (db_->in_transaction()) (void)db_->Execute("ROLLBACK").ok();
}

Status SqlCatalog::Commit() {
  Status status = options_.fault ? options_.fault(Point::kBeforeCommit) : Status::OK();
  const bool injected = !status.ok();
  if (status.ok()) status = db_->Execute("COMMIT");
  if (status.ok()) {
    status = options_.fault ? options_.fault(Point::kAfterCommit) : Status::OK();
    if (status.ok()) return status;
    return Status::CommitUnknown(std::string(status.message()));
  }
  // A transaction that is still open after a failed COMMIT was not committed: another
  // process's lock was in the way, and nothing of it reached the database.
  const bool still_open = db_->in_transaction() && !injected;
  RollBack();
  const bool definite = still_open || status.Is(StatusCode::kResourceExhausted);
  if (definite && !injected) return status;
  return Status::CommitUnknown(std::string(status.message()));
}

template <typename ChangeFunction>
Status SqlCatalog::InTransaction(const ChangeFunction& change) {
  // IMMEDIATE takes the write lock now, where waiting for it cannot deadlock.
  FIRN_RETURN_IF_ERROR(db_->Execute("BEGIN IMMEDIATE"));
  const Status status = change();
  if (!status.ok()) {
    RollBack();
    return status;
  }
  return Commit();
}

Result<bool> SqlCatalog::NamespaceExists(const Namespace& ns) {
  const std::string name = ns.ToString();
  // A namespace exists by its properties, by its tables, or by a namespace below it.
  for (const char* sql :
       {"SELECT 1 FROM iceberg_namespace_properties WHERE catalog_name = ?1 AND "
        "(namespace = ?2 OR substr(namespace, 1, length(?3)) = ?3) LIMIT 1",
        "SELECT 1 FROM iceberg_tables WHERE catalog_name = ?1 AND "
        "(table_namespace = ?2 OR substr(table_namespace, 1, length(?3)) = ?3) LIMIT "
        "1"}) {
    FIRN_ASSIGN_OR_RETURN(const auto rows,
                          Query(sql, {options_.name, name, name + "."}, 0));
    if (!rows.empty()) return true;
  }
  return false;
}

Result<bool> SqlCatalog::NameIsTaken(const TableIdentifier& identifier) {
  // Whatever its type: a view takes the name as well.
  FIRN_ASSIGN_OR_RETURN(
      const auto rows,
      Query("SELECT 1 FROM iceberg_tables WHERE catalog_name = ? AND table_namespace = ? "
            "AND table_name = ?",
            {options_.name, identifier.name_space.ToString(), identifier.name}, 0));
  return !rows.empty();
}

Result<std::string> SqlCatalog::MetadataLocation(const TableIdentifier& identifier) {
  FIRN_ASSIGN_OR_RETURN(
      const auto rows,
      Query("SELECT metadata_location FROM iceberg_tables WHERE catalog_name = ? AND "
            "table_namespace = ? AND table_name = ?" +
                table_filter_,
            {options_.name, identifier.name_space.ToString(), identifier.name}, 1));
  if (rows.empty()) {
    return Status::NotFound("table " + identifier.ToString() + " does not exist");
  }
  if (rows[0][0].empty()) {
    return Status::Corruption("table " + identifier.ToString() +
                              " has no metadata location in the catalog");
  }
  return rows[0][0];
}

Status SqlCatalog::InsertTable(const TableIdentifier& identifier,
                               const std::string& location) {
  return InTransaction([&]() -> Status {
    FIRN_ASSIGN_OR_RETURN(const bool has_namespace,
                          NamespaceExists(identifier.name_space));
    if (!has_namespace) {
      return Status::NotFound("namespace " + identifier.name_space.ToString() +
                              " does not exist");
    }
    FIRN_ASSIGN_OR_RETURN(const bool exists, NameIsTaken(identifier));
    if (exists) {
      return Status::AlreadyExists("table " + identifier.ToString() + " exists already");
    }
    return Change(
               "INSERT INTO iceberg_tables (catalog_name, table_namespace, table_name, "
               "metadata_location, previous_metadata_location, iceberg_type) "
               "VALUES (?, ?, ?, ?, NULL, 'TABLE')",
               {options_.name, identifier.name_space.ToString(), identifier.name,
                location})
        .status();
  });
}

Status SqlCatalog::CreateNamespace(const base::Context& context, const Namespace& ns,
                                   const std::map<std::string, std::string>& properties) {
  FIRN_RETURN_IF_ERROR(context.Check());
  if (ns.levels.empty()) return Status::InvalidArgument("namespace is empty");
  auto all = properties;
  all.try_emplace(kExistsProperty, "true");
  const std::lock_guard lock(mutex_);
  return InTransaction([&]() -> Status {
           FIRN_ASSIGN_OR_RETURN(const bool exists, NamespaceExists(ns));
           if (exists) return Status::AlreadyExists("it exists already");
           for (const auto& [key, value] : all) {
             FIRN_RETURN_IF_ERROR(SetNamespaceProperty(ns, key, value));
           }
           return Status::OK();
         })
      .With("create namespace " + ns.ToString());
}

Result<std::vector<Namespace>> SqlCatalog::ListNamespaces(const base::Context& context) {
  FIRN_RETURN_IF_ERROR(context.Check());
  const std::lock_guard lock(mutex_);
  FIRN_ASSIGN_OR_RETURN(
      const auto rows,
      Query("SELECT namespace FROM iceberg_namespace_properties WHERE catalog_name = ?1 "
            "UNION SELECT table_namespace FROM iceberg_tables WHERE catalog_name = ?1",
            {options_.name}, 1));
  std::set<Namespace> found;
  for (const auto& row : rows) {
    auto ns = Namespace::Parse(row[0]);
    // A name of another program's that has no place here is left out, not an error.
    if (!ns.ok()) continue;
    for (; !ns->levels.empty(); ns->levels.pop_back()) found.insert(*ns);
  }
  return std::vector<Namespace>(found.begin(), found.end());
}

Result<std::map<std::string, std::string>> SqlCatalog::NamespaceProperties(
    const base::Context& context, const Namespace& ns) {
  FIRN_RETURN_IF_ERROR(context.Check());
  const std::lock_guard lock(mutex_);
  FIRN_ASSIGN_OR_RETURN(const bool exists, NamespaceExists(ns));
  if (!exists) {
    return Status::NotFound("namespace " + ns.ToString() + " does not exist");
  }
  FIRN_ASSIGN_OR_RETURN(
      const auto rows,
      Query("SELECT property_key, property_value FROM iceberg_namespace_properties WHERE "
            "catalog_name = ? AND namespace = ?",
            {options_.name, ns.ToString()}, 2));
  std::map<std::string, std::string> properties;
  for (const auto& row : rows) properties[row[0]] = row[1];
  properties.erase(kExistsProperty);
  return properties;
}

Status SqlCatalog::SetNamespaceProperty(const Namespace& ns, std::string_view key,
                                        std::string_view value) {
  return Change(
             "INSERT OR REPLACE INTO iceberg_namespace_properties (catalog_name, "
             "namespace, property_key, property_value) VALUES (?, ?, ?, ?)",
             {options_.name, ns.ToString(), key, value})
      .status();
}

Status SqlCatalog::UpdateNamespaceProperties(
    const base::Context& context, const Namespace& ns,
    const std::map<std::string, std::string>& set,
    const std::vector<std::string>& removed) {
  FIRN_RETURN_IF_ERROR(context.Check());
  const std::lock_guard lock(mutex_);
  return InTransaction([&]() -> Status {
           FIRN_ASSIGN_OR_RETURN(const bool exists, NamespaceExists(ns));
           if (!exists) return Status::NotFound("it does not exist");
           for (const std::string& key : removed) {
             FIRN_RETURN_IF_ERROR(
                 Change("DELETE FROM iceberg_namespace_properties WHERE catalog_name = ? "
                        "AND namespace = ? AND property_key = ?",
                        {options_.name, ns.ToString(), key})
                     .status());
           }
           for (const auto& [key, value] : set) {
             FIRN_RETURN_IF_ERROR(SetNamespaceProperty(ns, key, value));
           }
           // It exists still, whatever was removed.
           return SetNamespaceProperty(ns, kExistsProperty, "true");
         })
      .With("update namespace " + ns.ToString());
}

Status SqlCatalog::DropNamespace(const base::Context& context, const Namespace& ns) {
  FIRN_RETURN_IF_ERROR(context.Check());
  const std::string name = ns.ToString();
  const std::lock_guard lock(mutex_);
  return InTransaction([&]() -> Status {
           FIRN_ASSIGN_OR_RETURN(const bool exists, NamespaceExists(ns));
           if (!exists) return Status::NotFound("it does not exist");
           FIRN_RETURN_IF_ERROR(
               Change("DELETE FROM iceberg_namespace_properties WHERE catalog_name = ? "
                      "AND namespace = ?",
                      {options_.name, name})
                   .status());
           // What is left makes it exist: tables, views, or namespaces below it.
           FIRN_ASSIGN_OR_RETURN(const bool left, NamespaceExists(ns));
           if (left) return Status::Conflict("it is not empty");
           return Status::OK();
         })
      .With("drop namespace " + name);
}

Result<std::vector<TableIdentifier>> SqlCatalog::ListNames(const Namespace& ns,
                                                           const std::string& filter) {
  FIRN_ASSIGN_OR_RETURN(const bool exists, NamespaceExists(ns));
  if (!exists) {
    return Status::NotFound("namespace " + ns.ToString() + " does not exist");
  }
  FIRN_ASSIGN_OR_RETURN(
      const auto rows,
      Query("SELECT table_name FROM iceberg_tables WHERE catalog_name = ? "
            "AND table_namespace = ?" +
                filter + " ORDER BY table_name",
            {options_.name, ns.ToString()}, 1));
  std::vector<TableIdentifier> names;
  for (const auto& row : rows) names.push_back({ns, row[0]});
  return names;
}

Result<std::vector<TableIdentifier>> SqlCatalog::ListTables(const base::Context& context,
                                                            const Namespace& ns) {
  FIRN_RETURN_IF_ERROR(context.Check());
  const std::lock_guard lock(mutex_);
  return ListNames(ns, table_filter_);
}

Result<std::vector<TableIdentifier>> SqlCatalog::ListViews(const base::Context& context,
                                                           const Namespace& ns) {
  FIRN_RETURN_IF_ERROR(context.Check());
  const std::lock_guard lock(mutex_);
  // Version V0 of the schema, which has no filter, has no views either.
  return ListNames(ns, table_filter_.empty() ? " AND 0" : " AND iceberg_type = 'VIEW'");
}

Result<LoadedTable> SqlCatalog::ReadTable(const base::Context& context,
                                          const TableIdentifier& identifier,
                                          const std::string& location) {
  if (auto known = committed_.Find(location)) {
    return LoadedTable{identifier, location, std::move(known)};
  }
  FIRN_ASSIGN_OR_RETURN(TableMetadata metadata,
                        ReadMetadataFile(context, store_, location));
  return LoadedTable{identifier, location,
                     std::make_shared<const TableMetadata>(std::move(metadata))};
}

Status SqlCatalog::MissingMetadata(const base::Context& context,
                                   const TableIdentifier& identifier,
                                   const std::string& location) {
  std::string what = "table " + identifier.ToString() + ": its metadata file " +
                     location + " is not there";
  if (!options_.warehouse.empty()) {
    FIRN_ASSIGN_OR_RETURN(const auto move,
                          FindMove(context, store_, location, options_.warehouse));
    if (move) {
      what += ", but in " + move->to + ": it was moved from " + move->from +
              ". `firn table relocate " + identifier.ToString() +
              "` writes down where it is now";
    }
  }
  return Status::Corruption(std::move(what));
}

Result<LoadedTable> SqlCatalog::LoadTable(const base::Context& context,
                                          const TableIdentifier& identifier) {
  std::string previous;
  while (true) {
    FIRN_RETURN_IF_ERROR(context.Check());
    std::string location;
    {
      const std::lock_guard lock(mutex_);
      FIRN_ASSIGN_OR_RETURN(location, MetadataLocation(identifier));
    }
    auto table = ReadTable(context, identifier, location);
    // A file may be cleaned away between the two steps, but then the row names another.
    if (!table.status().Is(StatusCode::kNotFound)) return table;
    if (location == previous) {
      return MissingMetadata(context, identifier, location);
    }
    previous = location;
  }
}

Result<std::string> SqlCatalog::DefaultLocation(const TableIdentifier& identifier) {
  if (options_.warehouse.empty()) {
    return Status::InvalidArgument("table " + identifier.ToString() +
                                   " needs a location: the catalog has no warehouse");
  }
  return io::JoinLocation(
      io::JoinLocation(options_.warehouse, identifier.name_space.ToString()),
      identifier.name);
}

// Write the metadata file of `table`, or leave nothing behind. A name that was taken
// holds another's file, which stays.
Status SqlCatalog::WriteNew(const base::Context& context, const LoadedTable& table) {
  const Status status =
      WriteMetadataFile(context, store_, table.metadata_location, *table.metadata);
  if (!status.ok() && !status.Is(StatusCode::kAlreadyExists)) {
    RemoveUnnamed(store_, {table.metadata_location});
  }
  return status;
}

Result<LoadedTable> SqlCatalog::CreateTable(const base::Context& context,
                                            const CreateTableRequest& request) {
  FIRN_RETURN_IF_ERROR(context.Check());
  const std::string what = "create table " + request.identifier.ToString();
  FIRN_RETURN_IF_ERROR(
      TableIdentifier::Parse(request.identifier.ToString()).status().With(what));
  std::string location;
  if (request.location) {
    location = *request.location;
  } else {
    FIRN_ASSIGN_OR_RETURN(location, DefaultLocation(request.identifier));
  }
  auto made = MakeTableMetadata(
      NewTableOf(request, std::move(location), random_.NextUuid(), clock_.NowMs()));
  if (!made.ok()) return made.status().With(what);

  LoadedTable loaded;
  loaded.identifier = request.identifier;
  loaded.metadata = std::make_shared<const TableMetadata>(std::move(made).value());
  loaded.metadata_location = NextMetadataLocation(*loaded.metadata, "", random_);
  Status status = WriteNew(context, loaded).With(what);
  FIRN_RETURN_IF_ERROR(status);
  {
    const std::lock_guard lock(mutex_);
    status = InsertTable(request.identifier, loaded.metadata_location);
  }
  if (status.ok()) return loaded;
  if (!status.Is(StatusCode::kCommitUnknown)) {
    RemoveUnnamed(store_, {loaded.metadata_location});
  }
  return status.With(what);
}

Result<LoadedTable> SqlCatalog::RegisterTable(const base::Context& context,
                                              const TableIdentifier& identifier,
                                              const std::string& metadata_location) {
  const std::string what = "register table " + identifier.ToString();
  FIRN_RETURN_IF_ERROR(TableIdentifier::Parse(identifier.ToString()).status().With(what));
  auto loaded = ReadTable(context, identifier, metadata_location);
  if (!loaded.ok()) return loaded.status().With(what);
  const std::lock_guard lock(mutex_);
  FIRN_RETURN_IF_ERROR(InsertTable(identifier, metadata_location).With(what));
  return loaded;
}

Status SqlCatalog::SwapLocation(const TableIdentifier& identifier,
                                const std::string& from, const std::string& to) {
  FIRN_ASSIGN_OR_RETURN(
      const std::int64_t changed,
      Change("UPDATE iceberg_tables SET metadata_location = ?, "
             "previous_metadata_location = ? WHERE catalog_name = ? AND "
             "table_namespace = ? AND table_name = ? AND metadata_location = ?" +
                 table_filter_,
             {to, from, options_.name, identifier.name_space.ToString(), identifier.name,
              from}));
  FIRN_ASSERT(changed <= 1);
  if (changed == 1) return Status::OK();
  FIRN_RETURN_IF_ERROR(MetadataLocation(identifier).status());
  return Status::Conflict("another commit came first (base " + from + ")");
}

void SqlCatalog::RemoveForgotten(const LoadedTable& before, const LoadedTable& after) {
  if (!after.metadata->PropertyFlag(kPropertyDeleteAfterCommit, false)) return;
  RemoveUnnamed(store_, ForgottenMetadataFiles(*before.metadata, before.metadata_location,
                                               *after.metadata));
}

Result<Step> SqlCatalog::Prepare(const base::Context& context,
                                 const TableChange& change) {
  Step step;
  FIRN_ASSIGN_OR_RETURN(step.base, LoadTable(context, change.identifier));
  FIRN_RETURN_IF_ERROR(CheckRequirements(change.requirements, step.base.metadata.get()));
  FIRN_ASSIGN_OR_RETURN(TableMetadata metadata,
                        ApplyUpdates(*step.base.metadata, step.base.metadata_location,
                                     change.updates, clock_.NowMs()));
  FIRN_ASSERT(metadata.last_updated_ms >= step.base.metadata->last_updated_ms);
  step.next.identifier = change.identifier;
  step.next.metadata = std::make_shared<const TableMetadata>(std::move(metadata));
  step.next.metadata_location =
      NextMetadataLocation(*step.next.metadata, step.base.metadata_location, random_);
  FIRN_RETURN_IF_ERROR(WriteNew(context, step.next));
  return step;
}

Result<std::vector<Step>> SqlCatalog::PrepareAll(
    const base::Context& context, const std::vector<TableChange>& changes) {
  std::vector<Step> steps;
  for (const TableChange& change : changes) {
    auto step = Prepare(context, change);
    if (!step.ok()) {
      RemoveUnnamed(store_, NextLocations(steps));
      return step.status().With("table " + change.identifier.ToString());
    }
    steps.push_back(std::move(*step));
  }
  return steps;
}

Status SqlCatalog::Take(const base::Context& context, const std::vector<Step>& steps) {
  Status status = context.Check();
  if (status.ok()) {
    const std::lock_guard lock(mutex_);
    status = InTransaction([&]() -> Status {
      for (const Step& step : steps) {
        FIRN_RETURN_IF_ERROR(SwapLocation(step.base.identifier,
                                          step.base.metadata_location,
                                          step.next.metadata_location));
      }
      return Status::OK();
    });
  }
  if (status.ok()) {
    for (const Step& step : steps) {
      committed_.Put(step.next);
      RemoveForgotten(step.base, step.next);
    }
  } else if (!status.Is(StatusCode::kCommitUnknown)) {
    RemoveUnnamed(store_, NextLocations(steps));
  }
  return status;
}

Result<LoadedTable> SqlCatalog::CommitTable(const base::Context& context,
                                            const TableIdentifier& identifier,
                                            const std::vector<Requirement>& requirements,
                                            const std::vector<Update>& updates) {
  FIRN_ASSIGN_OR_RETURN(Step step, Prepare(context, {identifier, requirements, updates}));
  FIRN_RETURN_IF_ERROR(Take(context, {step}));
  return std::move(step.next);
}

Status SqlCatalog::CommitTables(const base::Context& context,
                                const std::vector<TableChange>& changes) {
  FIRN_RETURN_IF_ERROR(context.Check());
  std::set<TableIdentifier> seen;
  for (const TableChange& change : changes) {
    if (seen.insert(change.identifier).second) continue;
    return Status::InvalidArgument("table " + change.identifier.ToString() +
                                   " is changed twice in one commit: make it one change");
  }
  FIRN_ASSIGN_OR_RETURN(const std::vector<Step> steps, PrepareAll(context, changes));
  return steps.empty() ? Status::OK() : Take(context, steps);
}

Result<std::string> SqlCatalog::CurrentMetadataLocation(
    const base::Context& context, const TableIdentifier& identifier) {
  FIRN_RETURN_IF_ERROR(context.Check());
  const std::lock_guard lock(mutex_);
  return MetadataLocation(identifier);
}

Result<std::string> SqlCatalog::ReplaceMetadata(const base::Context& context,
                                                const TableIdentifier& identifier,
                                                const std::string& expected,
                                                std::string_view json) {
  FIRN_ASSIGN_OR_RETURN(const TableMetadata metadata, TableMetadataFromJson(json));
  const std::string location = NextMetadataLocation(metadata, expected, random_);
  Status status = PutMetadataJson(context, store_, location, std::string(json));
  if (status.Is(StatusCode::kAlreadyExists)) return status;  // Another's, which stays.
  if (status.ok()) status = context.Check();
  if (status.ok()) {
    const std::lock_guard lock(mutex_);
    status = InTransaction([&] { return SwapLocation(identifier, expected, location); });
  }
  if (status.ok()) return location;
  if (!status.Is(StatusCode::kCommitUnknown)) RemoveUnnamed(store_, {location});
  return status;
}

Status SqlCatalog::DropTable(const base::Context& context,
                             const TableIdentifier& identifier) {
  return Drop(context, identifier, std::nullopt);
}

Status SqlCatalog::DropTableAt(const base::Context& context,
                               const TableIdentifier& identifier,
                               const std::string& metadata_location) {
  return Drop(context, identifier, metadata_location);
}

Status SqlCatalog::Drop(const base::Context& context, const TableIdentifier& identifier,
                        const std::optional<std::string>& expected) {
  FIRN_RETURN_IF_ERROR(context.Check());
  const std::lock_guard lock(mutex_);
  return InTransaction([&]() -> Status {
           FIRN_ASSIGN_OR_RETURN(const std::string is, MetadataLocation(identifier));
           if (expected.has_value() && is != *expected) {
             return Status::Conflict("it was changed meanwhile");
           }
           return Change(
                      "DELETE FROM iceberg_tables WHERE catalog_name = ? AND "
                      "table_namespace = ? AND table_name = ?" +
                          table_filter_,
                      {options_.name, identifier.name_space.ToString(), identifier.name})
               .status();
         })
      .With("drop table " + identifier.ToString());
}

Status SqlCatalog::RenameTable(const base::Context& context, const TableIdentifier& from,
                               const TableIdentifier& to) {
  FIRN_RETURN_IF_ERROR(context.Check());
  const std::string what = "rename table " + from.ToString() + " to " + to.ToString();
  FIRN_RETURN_IF_ERROR(TableIdentifier::Parse(to.ToString()).status().With(what));
  const std::lock_guard lock(mutex_);
  return InTransaction([&]() -> Status {
           FIRN_RETURN_IF_ERROR(MetadataLocation(from).status());
           FIRN_ASSIGN_OR_RETURN(const bool has_namespace,
                                 NamespaceExists(to.name_space));
           if (!has_namespace) {
             return Status::NotFound("namespace " + to.name_space.ToString() +
                                     " does not exist");
           }
           FIRN_ASSIGN_OR_RETURN(const bool taken, NameIsTaken(to));
           if (taken) return Status::AlreadyExists("the new name is taken");
           return Change(
                      "UPDATE iceberg_tables SET table_namespace = ?, table_name = ? "
                      "WHERE catalog_name = ? AND table_namespace = ? AND "
                      "table_name = ?" +
                          table_filter_,
                      {to.name_space.ToString(), to.name, options_.name,
                       from.name_space.ToString(), from.name})
               .status();
         })
      .With(what);
}

// Whether iceberg_tables has the column iceberg_type, which version V0 lacks.
Result<bool> HasTypeColumn(SqliteDatabase& db) {
  FIRN_ASSIGN_OR_RETURN(SqliteStatement statement,
                        db.Prepare("SELECT 1 FROM pragma_table_info('iceberg_tables') "
                                   "WHERE name = 'iceberg_type'"));
  return statement.Step();
}

// Make the tables, or bring those of version V0 to V1 as the JDBC catalog does.
Status Prepare(SqliteDatabase& db) {
  FIRN_RETURN_IF_ERROR(db.Execute("PRAGMA journal_mode = DELETE"));
  FIRN_RETURN_IF_ERROR(db.Execute("PRAGMA synchronous = FULL"));
  FIRN_RETURN_IF_ERROR(db.Execute("BEGIN IMMEDIATE"));
  Status status = db.Execute(kCreateTables);
  if (status.ok()) {
    const auto has_type = HasTypeColumn(db);
    status = has_type.status();
    if (has_type.ok() && !*has_type) {
      status =
          db.Execute("ALTER TABLE iceberg_tables ADD COLUMN iceberg_type VARCHAR(5)");
    }
  }
  if (status.ok()) return db.Execute("COMMIT");
  (void)db.Execute("ROLLBACK").ok();
  return status;
}

}  // namespace

Result<std::unique_ptr<Catalog>> OpenSqlCatalog(SqlCatalogOptions options,
                                                io::Store& store,
                                                const base::Clock& clock,
                                                RandomSource& random) {
  const std::string what = "catalog " + options.uri;
  FIRN_ASSIGN_OR_RETURN(const std::string path, DatabasePath(options.uri));
  auto db = SqliteDatabase::Open(path, {options.busy_timeout_ms, options.read_only});
  if (!db.ok()) return db.status().With(what);
  if (!options.read_only) FIRN_RETURN_IF_ERROR(Prepare(**db).With(what));
  const auto has_type = HasTypeColumn(**db);
  if (!has_type.ok()) return has_type.status().With(what);
  return std::unique_ptr<Catalog>(new SqlCatalog(
      std::move(options), std::move(db).value(), *has_type, store, clock, random));
}

}  // namespace firn::iceberg
