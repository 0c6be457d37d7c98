// SPDX-License-Identifier: Apache-2.0
// catalog_internal.h: the provider's tables as a DuckDB catalog.
//
// DuckDB asks the catalog for a schema and then for a table whenever it binds a name, so
// nothing is registered ahead and nothing can be stale. The answers come from the
// statement that the connection is running: TableEntries, kept in the connection's state,
// lists the names once and opens only the tables that are mentioned. The catalog itself
// holds nothing, and refuses every change.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "duckdb.hpp"
#include "duckdb/catalog/catalog.hpp"
#include "duckdb/catalog/catalog_entry/schema_catalog_entry.hpp"
#include "duckdb/catalog/catalog_entry/table_catalog_entry.hpp"
#include "duckdb/catalog/entry_lookup_info.hpp"
#include "duckdb/catalog/similar_catalog_entry.hpp"
#include "duckdb/main/attached_database.hpp"
#include "duckdb/main/client_context.hpp"
#include "duckdb/main/client_context_state.hpp"
#include "duckdb/parser/constraints/not_null_constraint.hpp"
#include "duckdb/parser/parsed_data/create_schema_info.hpp"
#include "duckdb/parser/parsed_data/create_table_info.hpp"
#include "duckdb/parser/parsed_data/drop_info.hpp"
#include "duckdb/storage/database_size.hpp"
#include "duckdb/storage/statistics/base_statistics.hpp"
#include "duckdb/storage/storage_extension.hpp"
#include "duckdb/storage/table_storage_info.hpp"
#include "duckdb/transaction/transaction.hpp"
#include "duckdb/transaction/transaction_manager.hpp"

#include "sql/scan_internal.h"
#include "sql/statement.h"

namespace firn::sql {

// The catalog's name in DuckDB, and the schema that names without one are looked up in. A
// namespace called `firn` is reached as firn.firn.table.
inline constexpr char kCatalogName[] = "firn";
inline constexpr char kDefaultSchema[] = "main";

[[noreturn]] inline void ThrowReadOnly() {
  throw duckdb::PermissionException("firn's tables are only read by SQL");
}

// One table, as pinned by the statement.
class TableEntry final : public duckdb::TableCatalogEntry {
 public:
  TableEntry(duckdb::Catalog& catalog, duckdb::SchemaCatalogEntry& schema,
             duckdb::CreateTableInfo& info, std::shared_ptr<Statement> statement,
             std::shared_ptr<PinnedTable> table)
      : TableCatalogEntry(catalog, schema, info),
        statement_(std::move(statement)),
        table_(std::move(table)) {}

  duckdb::unique_ptr<duckdb::BaseStatistics> GetStatistics(duckdb::ClientContext&,
                                                           duckdb::column_t) override {
    return nullptr;
  }
  duckdb::TableFunction GetScanFunction(
      duckdb::ClientContext&,
      duckdb::unique_ptr<duckdb::FunctionData>& bind_data) override {
    bind_data = duckdb::make_uniq<ScanBinding>(statement_, table_, *this);
    return ScanFunction();
  }
  duckdb::TableStorageInfo GetStorageInfo(duckdb::ClientContext&) override { return {}; }

 private:
  const std::shared_ptr<Statement> statement_;
  const std::shared_ptr<PinnedTable> table_;
};

// One namespace.
class SchemaEntry final : public duckdb::SchemaCatalogEntry {
 public:
  using Entry = duckdb::optional_ptr<duckdb::CatalogEntry>;
  using Transaction = duckdb::CatalogTransaction;

  SchemaEntry(duckdb::Catalog& catalog, duckdb::CreateSchemaInfo& info)
      : SchemaCatalogEntry(catalog, info) {}

  void Scan(duckdb::ClientContext& client, duckdb::CatalogType type,
            const std::function<void(duckdb::CatalogEntry&)>& callback) override;
  void Scan(duckdb::CatalogType,
            const std::function<void(duckdb::CatalogEntry&)>&) override {}
  Entry LookupEntry(Transaction transaction,
                    const duckdb::EntryLookupInfo& lookup) override;
  duckdb::SimilarCatalogEntry GetSimilarEntry(
      Transaction transaction, const duckdb::EntryLookupInfo& lookup) override;

  Entry CreateIndex(Transaction, duckdb::CreateIndexInfo&,
                    duckdb::TableCatalogEntry&) override {
    ThrowReadOnly();
  }
  Entry CreateFunction(Transaction, duckdb::CreateFunctionInfo&) override {
    ThrowReadOnly();
  }
  Entry CreateTable(Transaction, duckdb::BoundCreateTableInfo&) override {
    ThrowReadOnly();
  }
  Entry CreateView(Transaction, duckdb::CreateViewInfo&) override { ThrowReadOnly(); }
  Entry CreateSequence(Transaction, duckdb::CreateSequenceInfo&) override {
    ThrowReadOnly();
  }
  Entry CreateTableFunction(Transaction, duckdb::CreateTableFunctionInfo&) override {
    ThrowReadOnly();
  }
  Entry CreateCopyFunction(Transaction, duckdb::CreateCopyFunctionInfo&) override {
    ThrowReadOnly();
  }
  Entry CreatePragmaFunction(Transaction, duckdb::CreatePragmaFunctionInfo&) override {
    ThrowReadOnly();
  }
  Entry CreateCollation(Transaction, duckdb::CreateCollationInfo&) override {
    ThrowReadOnly();
  }
  Entry CreateType(Transaction, duckdb::CreateTypeInfo&) override { ThrowReadOnly(); }
  void DropEntry(duckdb::ClientContext&, duckdb::DropInfo&) override { ThrowReadOnly(); }
  void Alter(Transaction, duckdb::AlterInfo&) override { ThrowReadOnly(); }
};

// The schemas and tables that the statement of one connection has asked for. Thread-safe.
// Entries live until the connection goes, and so longer than any plan of the statement.
class TableEntries final : public duckdb::ClientContextState {
 public:
  static constexpr char kKey[] = "firn_tables";

  explicit TableEntries(std::shared_ptr<Statement> statement)
      : statement_(std::move(statement)) {}

  // The state of `client`'s statement, or null while DuckDB works for itself.
  static duckdb::shared_ptr<TableEntries> Of(duckdb::ClientContext& client) {
    return client.registered_state->Get<TableEntries>(kKey);
  }

  // The schema, or null. Names are matched as SQL does, without regard to case.
  duckdb::optional_ptr<SchemaEntry> FindSchema(duckdb::Catalog& catalog,
                                               const std::string& name) {
    // The default schema is always there, and asked for again and again as functions are
    // looked up: it must not cost a listing.
    if (duckdb::StringUtil::CIEquals(name, kDefaultSchema)) {
      return Schema(catalog, kDefaultSchema);
    }
    const std::string match = BestMatch(SchemaNames(), name);
    if (match.empty()) return nullptr;
    return Schema(catalog, match);
  }

  std::vector<std::string> SchemaNames() {
    std::vector<std::string> names = {kDefaultSchema};
    for (const scan::TableName& table : Names()) {
      if (table.name_space != names.back() && table.name_space != kDefaultSchema) {
        names.push_back(table.name_space);
      }
    }
    return names;
  }

  std::vector<std::string> TableNames(const std::string& name_space) {
    std::vector<std::string> names;
    for (const scan::TableName& table : Names()) {
      if (table.name_space == name_space) names.push_back(table.table);
    }
    return names;
  }

  // The schema `name`, which exists.
  duckdb::optional_ptr<SchemaEntry> Schema(duckdb::Catalog& catalog,
                                           const std::string& name) {
    std::lock_guard lock(mutex_);
    auto& schema = schemas_[name];
    if (!schema) {
      duckdb::CreateSchemaInfo info;
      info.schema = name;
      schema = duckdb::make_uniq<SchemaEntry>(catalog, info);
    }
    return schema.get();
  }

  // The table, or null where there is none of this name.
  duckdb::optional_ptr<duckdb::CatalogEntry> FindTable(duckdb::ClientContext& client,
                                                       SchemaEntry& schema,
                                                       const std::string& name) {
    if (statement_->takes_files() && schema.name == kDefaultSchema && IsLocation(name)) {
      std::lock_guard lock(mutex_);
      auto& entry = tables_[{"", name}];
      if (!entry) entry = OpenFiles(client, schema, name);
      return entry.get();
    }
    const std::string match = BestMatch(TableNames(schema.name), name);
    if (match.empty()) return nullptr;
    const scan::TableName full{schema.name, match};
    std::lock_guard lock(mutex_);
    auto& entry = tables_[full];
    if (!entry) entry = Open(client, schema, full);
    return entry.get();
  }

 private:
  // A name that stands alone and has what a location has and a table's name does not.
  static bool IsLocation(const std::string& name) {
    return name.find_first_of("/.*") != std::string::npos;
  }

  std::vector<scan::TableName> Names() {
    Result<std::vector<scan::TableName>> names = statement_->ListTables();
    if (!names.ok()) Throw(*statement_, names.status().With("list tables"));
    return std::move(*names);
  }

  // `name` itself where it is among `names`, else one that differs in case only, else "".
  static std::string BestMatch(const std::vector<std::string>& names,
                               const std::string& name) {
    std::string match;
    for (const std::string& candidate : names) {
      if (candidate == name) return candidate;
      if (duckdb::StringUtil::CIEquals(candidate, name)) match = candidate;
    }
    return match;
  }

  // Null where the table was dropped after it was listed.
  duckdb::unique_ptr<TableEntry> Open(duckdb::ClientContext& client, SchemaEntry& schema,
                                      const scan::TableName& name) {
    Result<std::shared_ptr<PinnedTable>> table = statement_->Pin(name);
    if (table.status().Is(StatusCode::kNotFound)) return nullptr;
    if (!table.ok()) {
      Throw(*statement_, table.status().With("open table " + name.ToString()));
    }
    return Enter(client, schema, std::move(*table));
  }

  // Files that are not there are an error of their own, with its code, rather than a
  // table that DuckDB does not know.
  duckdb::unique_ptr<TableEntry> OpenFiles(duckdb::ClientContext& client,
                                           SchemaEntry& schema,
                                           const std::string& location) {
    Result<std::shared_ptr<PinnedTable>> files = statement_->PinFiles(location);
    if (!files.ok()) Throw(*statement_, files.status());
    return Enter(client, schema, std::move(*files));
  }

  duckdb::unique_ptr<TableEntry> Enter(duckdb::ClientContext& client, SchemaEntry& schema,
                                       std::shared_ptr<PinnedTable> table) {
    const std::string what = "open table " + table->ToString();
    const arrow::Schema& columns = *table->source().schema();
    ArrowColumns exported;
    const Status status = ArrowColumns::ExportInto(columns, client, exported);
    if (!status.ok()) Throw(*statement_, status.With(what));

    duckdb::CreateTableInfo info(schema, table->name().table);
    const auto& names = exported.table.GetNames();
    const auto& types = exported.table.GetTypes();
    for (duckdb::idx_t i = 0; i < names.size(); ++i) {
      info.columns.AddColumn(duckdb::ColumnDefinition(names[i], types[i]));
      if (!columns.field(static_cast<int>(i))->nullable()) {
        info.constraints.push_back(
            duckdb::make_uniq<duckdb::NotNullConstraint>(duckdb::LogicalIndex(i)));
      }
    }
    return duckdb::make_uniq<TableEntry>(schema.catalog, schema, info, statement_,
                                         std::move(table));
  }

  const std::shared_ptr<Statement> statement_;
  std::mutex mutex_;
  // Both guarded by mutex_; entries are never removed.
  std::map<std::string, duckdb::unique_ptr<SchemaEntry>> schemas_;
  std::map<scan::TableName, duckdb::unique_ptr<TableEntry>> tables_;
};

inline void SchemaEntry::Scan(
    duckdb::ClientContext& client, duckdb::CatalogType type,
    const std::function<void(duckdb::CatalogEntry&)>& callback) {
  if (type != duckdb::CatalogType::TABLE_ENTRY) return;
  const auto entries = TableEntries::Of(client);
  if (!entries) return;
  for (const std::string& table : entries->TableNames(name)) {
    Entry entry = entries->FindTable(client, *this, table);
    if (entry) callback(*entry);
  }
}

inline SchemaEntry::Entry SchemaEntry::LookupEntry(
    Transaction transaction, const duckdb::EntryLookupInfo& lookup) {
  if (lookup.GetCatalogType() != duckdb::CatalogType::TABLE_ENTRY) return nullptr;
  const auto entries = TableEntries::Of(transaction.GetContext());
  if (!entries) return nullptr;
  return entries->FindTable(transaction.GetContext(), *this, lookup.GetEntryName());
}

// By names alone: a mistyped name must not open every table.
inline duckdb::SimilarCatalogEntry SchemaEntry::GetSimilarEntry(
    Transaction transaction, const duckdb::EntryLookupInfo& lookup) {
  duckdb::SimilarCatalogEntry best;
  if (lookup.GetCatalogType() != duckdb::CatalogType::TABLE_ENTRY) return best;
  const auto entries = TableEntries::Of(transaction.GetContext());
  if (!entries) return best;
  for (const std::string& table : entries->TableNames(name)) {
    const double score =
        duckdb::StringUtil::SimilarityRating(table, lookup.GetEntryName());
    if (score <= best.score) continue;
    best.score = score;
    best.name = table;
  }
  return best;
}

class TableCatalog final : public duckdb::Catalog {
 public:
  using Plan = duckdb::PhysicalOperator;
  using Planner = duckdb::PhysicalPlanGenerator;

  explicit TableCatalog(duckdb::AttachedDatabase& database) : Catalog(database) {}

  void Initialize(bool) override {}
  std::string GetCatalogType() override { return kCatalogName; }
  std::string GetDefaultSchema() const override { return kDefaultSchema; }
  bool InMemory() override { return true; }
  std::string GetDBPath() override { return {}; }
  duckdb::DatabaseSize GetDatabaseSize(duckdb::ClientContext&) override { return {}; }
  // A namespace that is also DuckDB's name for a database would be ambiguous: the
  // database wins, and the table is reached with the catalog's name before it.
  bool CheckAmbiguousCatalogOrSchema(duckdb::ClientContext&,
                                     const std::string&) override {
    return false;
  }
  duckdb::CatalogLookupBehavior CatalogTypeLookupRule(
      duckdb::CatalogType type) const override {
    return type == duckdb::CatalogType::TABLE_ENTRY
               ? duckdb::CatalogLookupBehavior::STANDARD
               : duckdb::CatalogLookupBehavior::NEVER_LOOKUP;
  }

  duckdb::optional_ptr<duckdb::SchemaCatalogEntry> LookupSchema(
      duckdb::CatalogTransaction transaction, const duckdb::EntryLookupInfo& lookup,
      duckdb::OnEntryNotFound if_not_found) override {
    const std::string& name = lookup.GetEntryName();
    if (transaction.HasContext()) {
      const auto entries = TableEntries::Of(transaction.GetContext());
      if (entries) {
        auto schema = entries->FindSchema(*this, name);
        if (schema) return schema.get();
      }
    }
    if (if_not_found == duckdb::OnEntryNotFound::RETURN_NULL) return nullptr;
    throw duckdb::CatalogException(lookup.GetErrorContext(),
                                   "Schema with name \"%s\" does not exist!", name);
  }
  void ScanSchemas(duckdb::ClientContext& client,
                   std::function<void(duckdb::SchemaCatalogEntry&)> callback) override {
    const auto entries = TableEntries::Of(client);
    if (!entries) return;
    for (const std::string& name : entries->SchemaNames()) {
      callback(*entries->Schema(*this, name));
    }
  }

  duckdb::optional_ptr<duckdb::CatalogEntry> CreateSchema(
      duckdb::CatalogTransaction, duckdb::CreateSchemaInfo&) override {
    ThrowReadOnly();
  }
  Plan& PlanCreateTableAs(duckdb::ClientContext&, Planner&, duckdb::LogicalCreateTable&,
                          Plan&) override {
    ThrowReadOnly();
  }
  Plan& PlanInsert(duckdb::ClientContext&, Planner&, duckdb::LogicalInsert&,
                   duckdb::optional_ptr<Plan>) override {
    ThrowReadOnly();
  }
  Plan& PlanDelete(duckdb::ClientContext&, Planner&, duckdb::LogicalDelete&,
                   Plan&) override {
    ThrowReadOnly();
  }
  Plan& PlanUpdate(duckdb::ClientContext&, Planner&, duckdb::LogicalUpdate&,
                   Plan&) override {
    ThrowReadOnly();
  }

 private:
  void DropSchema(duckdb::ClientContext&, duckdb::DropInfo&) override { ThrowReadOnly(); }
};

// DuckDB opens a transaction in each catalog that a statement mentions. Here it stands
// for nothing: what a statement sees is pinned by its Statement. Thread-safe.
class TableTransactions final : public duckdb::TransactionManager {
 public:
  explicit TableTransactions(duckdb::AttachedDatabase& database)
      : TransactionManager(database) {}

  duckdb::Transaction& StartTransaction(duckdb::ClientContext& client) override {
    auto transaction = duckdb::make_uniq<duckdb::Transaction>(*this, client);
    duckdb::Transaction& started = *transaction;
    std::lock_guard lock(mutex_);
    active_.emplace(&started, std::move(transaction));
    return started;
  }
  duckdb::ErrorData CommitTransaction(duckdb::ClientContext&,
                                      duckdb::Transaction& transaction) override {
    RollbackTransaction(transaction);
    return {};
  }
  void RollbackTransaction(duckdb::Transaction& transaction) override {
    std::lock_guard lock(mutex_);
    active_.erase(&transaction);
  }
  void Checkpoint(duckdb::ClientContext&, bool) override {}

 private:
  std::mutex mutex_;
  std::map<duckdb::Transaction*, duckdb::unique_ptr<duckdb::Transaction>> active_;
};

// What makes `ATTACH '' AS firn (TYPE firn)` attach the catalog.
class TableStorage final : public duckdb::StorageExtension {
 public:
  TableStorage() {
    attach = [](duckdb::optional_ptr<duckdb::StorageExtensionInfo>,
                duckdb::ClientContext&, duckdb::AttachedDatabase& database,
                const std::string&, duckdb::AttachInfo&,
                duckdb::AttachOptions&) -> duckdb::unique_ptr<duckdb::Catalog> {
      return duckdb::make_uniq<TableCatalog>(database);
    };
    create_transaction_manager =
        [](duckdb::optional_ptr<duckdb::StorageExtensionInfo>,
           duckdb::AttachedDatabase& database,
           duckdb::Catalog&) -> duckdb::unique_ptr<duckdb::TransactionManager> {
      return duckdb::make_uniq<TableTransactions>(database);
    };
  }
};

}  // namespace firn::sql
