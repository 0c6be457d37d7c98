// SPDX-License-Identifier: Apache-2.0
#include "cli/sql_source.h"

#include <arrow/record_batch.h>

#include <utility>

#include "cli/server_answer.h"

#include "io/http_client.h"

namespace firn::cli {
namespace {

class ServerSource final : public SqlSource {
 public:
  explicit ServerSource(io::HttpAddress address) : client_(std::move(address)) {}
  Status Run(const base::Context& context, std::string_view statement,
             RowPrinter& printer) override {
    return SqlOverHttp(client_, context, statement, printer);
  }

 private:
  io::HttpClient client_;
};

class WarehouseSource final : public SqlSource {
 public:
  explicit WarehouseSource(std::unique_ptr<Db> db) : db_(std::move(db)) {}
  Status Run(const base::Context& context, std::string_view statement,
             RowPrinter& printer) override {
    return PrintSql(*db_, context, statement, printer);
  }

 private:
  std::unique_ptr<Db> db_;
};

}  // namespace

Result<std::unique_ptr<SqlSource>> SqlSource::Open(const World& world,
                                                   const SourceFlags& flags) {
  if (flags.server.empty()) {
    FIRN_ASSIGN_OR_RETURN(std::unique_ptr<Db> db, OpenWarehouse(world, flags));
    return std::unique_ptr<SqlSource>(std::make_unique<WarehouseSource>(std::move(db)));
  }
  if (!flags.warehouse.empty() || !flags.catalog.empty()) {
    return Status::InvalidArgument("--server and --warehouse exclude each other");
  }
  FIRN_ASSIGN_OR_RETURN(io::HttpAddress address, io::HttpAddress::Parse(flags.server));
  return std::unique_ptr<SqlSource>(std::make_unique<ServerSource>(std::move(address)));
}

Result<std::unique_ptr<Db>> OpenWarehouse(const World& world, const SourceFlags& flags) {
  FIRN_ASSIGN_OR_RETURN(const Config config, ReaderConfig(world, flags));
  if (config.db.warehouse.empty()) {
    return Status::InvalidArgument("neither a server nor a warehouse is named");
  }
  return world.open_reader(config.db);
}

Status PrintSql(Db& db, const base::Context& context, std::string_view statement,
                RowPrinter& printer) {
  FIRN_ASSIGN_OR_RETURN(const std::unique_ptr<SqlCursor> cursor,
                        db.Sql(context, statement));
  FIRN_RETURN_IF_ERROR(printer.Begin(cursor->schema()));
  for (;;) {
    FIRN_ASSIGN_OR_RETURN(const std::shared_ptr<arrow::RecordBatch> batch,
                          cursor->Next());
    if (batch == nullptr) return printer.End();
    FIRN_RETURN_IF_ERROR(printer.Add(*batch));
  }
}

int PrintSourceError(World& world, std::string_view what, const Status& status) {
  if (status.Is(StatusCode::kInvalidArgument)) {
    return PrintBadUsage(world, what, status,
                         "Say --warehouse URI for tables as committed, or --server URL "
                         "for a running server.");
  }
  return PrintError(world, what, status);
}

}  // namespace firn::cli
