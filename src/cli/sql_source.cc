// SPDX-License-Identifier: Apache-2.0
#include "cli/sql_source.h"

#include <arrow/record_batch.h>

#include <utility>

#include "cli/name_list.h"
#include "cli/server_answer.h"

#include "io/http_client.h"

namespace firn::cli {
namespace {

class ServerSource final : public SqlSource {
 public:
  explicit ServerSource(io::HttpAddress address) : client_(std::move(address)) {}
  Status Run(const base::Context& context, std::string_view statement,
             const TableFilter& filter, RowPrinter& printer) override {
    return SqlOverHttp(client_, context, statement, filter, printer);
  }
  std::optional<QueryStats> stats() const override { return std::nullopt; }
  bool has_tables() const override { return true; }
  Status CheckTable(const base::Context&, std::string_view) override {
    return Status::OK();
  }

 private:
  io::HttpClient client_;
};

class DbSource final : public SqlSource {
 public:
  DbSource(std::unique_ptr<Db> db, bool has_tables)
      : db_(std::move(db)), has_tables_(has_tables) {}
  Status Run(const base::Context& context, std::string_view statement,
             const TableFilter& filter, RowPrinter& printer) override {
    return PrintSql(*db_, context, statement, filter, printer, stats_);
  }
  std::optional<QueryStats> stats() const override { return stats_; }
  bool has_tables() const override { return has_tables_; }
  Status CheckTable(const base::Context& context, std::string_view name) override {
    return has_tables_ ? db_->DescribeTable(context, name).status() : Status::OK();
  }

 private:
  const std::unique_ptr<Db> db_;
  const bool has_tables_;
  QueryStats stats_;
};

constexpr std::string_view kNoWarehouse = "no warehouse is named";
constexpr std::string_view kNoSource = "neither a server nor a warehouse is named";

// Whether the options say where tables are: a warehouse, or a server that knows its own.
bool NamesTables(const DbOptions& options) {
  return !options.warehouse.empty() || options.catalog.starts_with("rest+");
}

Result<DbOptions> WarehouseOptions(const World& world, const SourceFlags& flags) {
  FIRN_ASSIGN_OR_RETURN(Config config, ReaderConfig(world, flags));
  if (!NamesTables(config.db)) return Status::InvalidArgument(std::string(kNoWarehouse));
  return std::move(config.db);
}

void Add(const QueryStats& from, QueryStats& to) {
  to.files_planned += from.files_planned;
  to.files_pruned += from.files_pruned;
  to.row_groups_read += from.row_groups_read;
  to.row_groups_pruned += from.row_groups_pruned;
  to.row_groups_pruned_by_statistics += from.row_groups_pruned_by_statistics;
  to.row_groups_pruned_by_bloom += from.row_groups_pruned_by_bloom;
  to.row_groups_pruned_by_page_index += from.row_groups_pruned_by_page_index;
  to.row_groups_pruned_by_dictionary += from.row_groups_pruned_by_dictionary;
  to.pages_pruned += from.pages_pruned;
  to.delete_files_planned += from.delete_files_planned;
  to.rows_deleted += from.rows_deleted;
  to.bytes_read += from.bytes_read;
  to.requests += from.requests;
}

Status PrintRows(SqlCursor& cursor, RowPrinter& printer) {
  FIRN_RETURN_IF_ERROR(printer.Begin(cursor.schema()));
  for (;;) {
    FIRN_ASSIGN_OR_RETURN(const std::shared_ptr<arrow::RecordBatch> batch, cursor.Next());
    if (batch == nullptr) return printer.End();
    FIRN_RETURN_IF_ERROR(printer.Add(*batch));
  }
}

}  // namespace

Result<std::unique_ptr<SqlSource>> SqlSource::Open(const World& world,
                                                   const SourceFlags& flags) {
  if (flags.server.empty()) {
    FIRN_ASSIGN_OR_RETURN(Config config, ReaderConfig(world, flags));
    config.db.sql_files = true;
    const bool has_tables = NamesTables(config.db);
    FIRN_ASSIGN_OR_RETURN(std::unique_ptr<Db> db, has_tables
                                                      ? world.open_reader(config.db)
                                                      : world.open_file_db(config.db));
    return std::unique_ptr<SqlSource>(
        std::make_unique<DbSource>(std::move(db), has_tables));
  }
  if (!flags.warehouse.empty() || !flags.catalog.empty()) {
    return Status::InvalidArgument("--server and --warehouse exclude each other");
  }
  FIRN_ASSIGN_OR_RETURN(io::HttpAddress address, io::HttpAddress::Parse(flags.server));
  return std::unique_ptr<SqlSource>(std::make_unique<ServerSource>(std::move(address)));
}

Result<std::unique_ptr<Db>> OpenWarehouse(const World& world, const SourceFlags& flags,
                                          std::optional<TableView> view) {
  FIRN_ASSIGN_OR_RETURN(Config config, ReaderConfig(world, flags));
  config.db.view = std::move(view);
  if (!NamesTables(config.db)) {
    return Status::InvalidArgument(std::string(kNoSource));
  }
  return world.open_reader(config.db);
}

Result<std::unique_ptr<TableChanges>> OpenTableChanges(const World& world,
                                                       const SourceFlags& flags) {
  FIRN_ASSIGN_OR_RETURN(const DbOptions options, WarehouseOptions(world, flags));
  return world.open_table_changes(options);
}

Result<std::unique_ptr<TableMaintenance>> OpenTableMaintenance(const World& world,
                                                               const SourceFlags& flags) {
  FIRN_ASSIGN_OR_RETURN(const DbOptions options, WarehouseOptions(world, flags));
  return world.open_table_maintenance(options);
}

Result<std::unique_ptr<TableRows>> OpenTableRows(const World& world,
                                                 const SourceFlags& flags) {
  FIRN_ASSIGN_OR_RETURN(const Config config, ReaderConfig(world, flags));
  if (!NamesTables(config.db)) return Status::InvalidArgument(std::string(kNoWarehouse));
  return world.open_table_rows(config.db);
}

Status PrintSql(Db& db, const base::Context& context, std::string_view statement,
                const TableFilter& filter, RowPrinter& printer, QueryStats& stats) {
  FIRN_ASSIGN_OR_RETURN(const std::unique_ptr<SqlCursor> cursor,
                        db.Sql(context, statement, filter));
  const Status status = PrintRows(*cursor, printer);
  Add(cursor->stats(), stats);
  return status;
}

std::string QuotedName(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + "\"";
}

std::string QuotedTable(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos) return QuotedName(name);
  return QuotedName(name.substr(0, dot)) + "." + QuotedName(name.substr(dot + 1));
}

std::string QuotedColumns(std::string_view columns) {
  std::string out;
  for (const std::string& column : SplitAtCommas(columns)) {
    out += (out.empty() ? "" : ", ") + QuotedName(column);
  }
  return out.empty() ? "*" : out;
}

bool LacksTables(const SqlSource& source, const Status& status) {
  return !source.has_tables() && status.Is(StatusCode::kInvalidArgument) &&
         status.message().starts_with("Catalog Error");
}

int PrintSourceError(World& world, std::string_view what, const Status& status) {
  if (status.Is(StatusCode::kInvalidArgument)) {
    std::string_view remedy;
    if (status.message() == kNoSource) {
      remedy =
          "Say --warehouse URI for tables as committed, or --server URL for a running "
          "server.";
    } else if (status.message() == kNoWarehouse) {
      remedy = "Say --warehouse URI, and --catalog where it has one.";
    }
    return PrintBadUsage(world, what, status, remedy);
  }
  return PrintError(world, what, status);
}

}  // namespace firn::cli
