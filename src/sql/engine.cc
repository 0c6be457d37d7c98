// SPDX-License-Identifier: Apache-2.0
// The only translation unit that knows DuckDB: its C++ interface is that of one exact
// version and costs a second of compile time a header.
#include "sql/engine.h"

#include <chrono>
#include <exception>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "arrow/c/bridge.h"
#include "arrow/record_batch.h"
#include "arrow/type.h"
#include "duckdb.hpp"
#include "duckdb/catalog/catalog_search_path.hpp"
#include "duckdb/common/arrow/arrow_appender.hpp"
#include "duckdb/common/arrow/arrow_converter.hpp"
#include "duckdb/main/client_data.hpp"
#include "duckdb/main/pending_query_result.hpp"
#include "duckdb/main/stream_query_result.hpp"
#include "duckdb/parser/keyword_helper.hpp"
#include "duckdb/parser/parser.hpp"
#include "duckdb/parser/query_node/select_node.hpp"
#include "duckdb/parser/statement/create_statement.hpp"
#include "duckdb/parser/statement/explain_statement.hpp"
#include "duckdb/parser/statement/multi_statement.hpp"
#include "duckdb/parser/statement/select_statement.hpp"
#include "duckdb/parser/tableref/showref.hpp"
#include "duckdb/parser/tableref/subqueryref.hpp"

#include "base/assert.h"
#include "sql/catalog_internal.h"
#include "sql/error_internal.h"
#include "sql/scan_internal.h"
#include "sql/statement.h"

namespace firn::sql {
namespace {

// What this file was compiled against. Another version's objects have another layout.
constexpr char kDuckDbVersion[] = "v1.5.6";

// Rows of a result batch: large enough that a batch costs nothing beside its rows, small
// enough that the first arrives soon.
constexpr duckdb::idx_t kBatchRows = 4 * STANDARD_VECTOR_SIZE;

// How long to wait where the query has no task for the calling thread. DuckDB has no call
// that waits for this, and a cancelled context must be seen.
constexpr std::chrono::microseconds kIdleWait{50};

using SqlStatements = duckdb::vector<duckdb::unique_ptr<duckdb::SQLStatement>>;

bool IsPivot(const duckdb::MultiStatement& multi) {
  // A PIVOT that does not list its values becomes a temporary enum of them and a SELECT.
  for (const auto& part : multi.statements) {
    if (part->type == duckdb::StatementType::SELECT_STATEMENT) continue;
    if (part->type != duckdb::StatementType::CREATE_STATEMENT) return false;
    const auto& create = part->Cast<duckdb::CreateStatement>();
    if (create.info->type != duckdb::CatalogType::TYPE_ENTRY) return false;
  }
  return !multi.statements.empty() &&
         multi.statements.back()->type == duckdb::StatementType::SELECT_STATEMENT;
}

// OK for a statement that only reads.
Status CheckReads(const duckdb::SQLStatement& statement) {
  switch (statement.type) {
    case duckdb::StatementType::SELECT_STATEMENT:
      return {};
    case duckdb::StatementType::EXPLAIN_STATEMENT:
      return CheckReads(*statement.Cast<duckdb::ExplainStatement>().stmt);
    case duckdb::StatementType::MULTI_STATEMENT:
      if (IsPivot(statement.Cast<duckdb::MultiStatement>())) return {};
      break;
    default:
      break;
  }
  return Status::InvalidArgument(
      duckdb::StatementTypeToString(statement.type) +
      " is refused: SQL here only reads (SELECT, WITH, VALUES, FROM, SHOW, DESCRIBE, "
      "SUMMARIZE, PIVOT, and EXPLAIN of these)");
}

// The SHOW TABLES reference of `statement`, or null.
duckdb::unique_ptr<duckdb::TableRef>* FindShowTables(duckdb::SQLStatement& statement) {
  if (statement.type != duckdb::StatementType::SELECT_STATEMENT) return nullptr;
  auto& node = *statement.Cast<duckdb::SelectStatement>().node;
  if (node.type != duckdb::QueryNodeType::SELECT_NODE) return nullptr;
  auto& from = node.Cast<duckdb::SelectNode>().from_table;
  if (!from || from->type != duckdb::TableReferenceType::SHOW_REF) return nullptr;
  return from->Cast<duckdb::ShowRef>().table_name == "\"tables\"" ? &from : nullptr;
}

// A query that returns the names of all tables, as they are written in SQL. DuckDB's SHOW
// TABLES knows only the schemas of the search path, and would open every table.
duckdb::unique_ptr<duckdb::TableRef> TableNamesRef(
    const std::vector<scan::TableName>& tables) {
  std::string names;
  for (const scan::TableName& table : tables) {
    if (!names.empty()) names += ", ";
    names += duckdb::KeywordHelper::WriteQuoted(
        duckdb::KeywordHelper::WriteOptionallyQuoted(table.name_space) + "." +
        duckdb::KeywordHelper::WriteOptionallyQuoted(table.table));
  }
  duckdb::Parser parser;
  parser.ParseQuery("SELECT unnest(CAST([" + names + "] AS VARCHAR[])) AS name");
  auto select = duckdb::unique_ptr_cast<duckdb::SQLStatement, duckdb::SelectStatement>(
      std::move(parser.statements[0]));
  return duckdb::make_uniq<duckdb::SubqueryRef>(std::move(select));
}

// One statement and the connection it runs on.
class Execution {
 public:
  // Connects. Throws what DuckDB throws.
  Execution(duckdb::DuckDB& database, const base::Context& context,
            scan::TableProvider& tables, scan::FileProvider* files)
      : statement_(std::make_shared<Statement>(context, tables, files)),
        connection_(database) {
    duckdb::ClientContext& client = *connection_.context;
    client.registered_state->Insert(TableEntries::kKey,
                                    duckdb::make_shared_ptr<TableEntries>(statement_));
    duckdb::ClientData::Get(client).catalog_search_path->Set(
        duckdb::CatalogSearchEntry(kCatalogName, kDefaultSchema),
        duckdb::CatalogSetPathType::SET_DIRECTLY);
  }

  // Parse, check and start `text`. Its result is ready when this returns.
  Status Start(const std::string& text, const TableFilter& filter) {
    try {
      FIRN_RETURN_IF_ERROR(statement_->context().Check());
      FIRN_RETURN_IF_ERROR(statement_->SetFilter(filter));
      SqlStatements statements;
      FIRN_RETURN_IF_ERROR(Parse(text, statements));
      for (auto& part : statements) FIRN_RETURN_IF_ERROR(Run(std::move(part)));
      return statement_->CheckFilter();
    } catch (const std::exception& exception) {
      return StatusOf(*statement_, exception);
    }
  }

  Result<std::shared_ptr<arrow::Schema>> ReadSchema() {
    try {
      ArrowSchema c_schema;
      duckdb::ArrowConverter::ToArrowSchema(&c_schema, result_->types, result_->names,
                                            result_->client_properties);
      auto schema = arrow::ImportSchema(&c_schema);
      if (!schema.ok()) {
        return Status::Unimplemented("result type: " + schema.status().ToString());
      }
      return *schema;
    } catch (const std::exception& exception) {
      return StatusOf(*statement_, exception);
    }
  }

  // The next batch, or null at the end.
  Result<std::shared_ptr<arrow::RecordBatch>> ReadBatch(
      const std::shared_ptr<arrow::Schema>& schema) {
    try {
      std::optional<duckdb::ArrowAppender> rows;
      while (!rows || rows->RowCount() < kBatchRows) {
        FIRN_ASSIGN_OR_RETURN(const duckdb::unique_ptr<duckdb::DataChunk> chunk, Fetch());
        if (!chunk) break;
        if (!rows) {
          rows.emplace(result_->types, kBatchRows, result_->client_properties,
                       duckdb::ArrowTypeExtensionData::GetExtensionTypes(
                           *connection_.context, result_->types));
        }
        rows->Append(*chunk, 0, chunk->size(), chunk->size());
      }
      if (!rows) return std::shared_ptr<arrow::RecordBatch>();
      ArrowArray array = rows->Finalize();
      auto batch = arrow::ImportRecordBatch(&array, schema);
      if (!batch.ok()) {
        return Status::Internal("import result: " + batch.status().ToString());
      }
      return *batch;
    } catch (const std::exception& exception) {
      return StatusOf(*statement_, exception);
    }
  }

  scan::ScanStats stats() const { return statement_->stats(); }

 private:
  // The statements to run, of which the last one has the result.
  Status Parse(const std::string& text, SqlStatements& statements) {
    duckdb::ClientContext& client = *connection_.context;
    duckdb::Parser parser(client.GetParserOptions());
    try {
      parser.ParseQuery(text);
    } catch (const std::exception& exception) {
      duckdb::ErrorData error(exception);
      error.FinalizeError();
      error.AddErrorLocation(text);
      return StatusOf(*statement_, error);
    }
    if (parser.statements.empty()) return Status::InvalidArgument("no SQL statement");
    if (parser.statements.size() > 1) {
      return Status::InvalidArgument(
          std::to_string(parser.statements.size()) +
          " SQL statements where one is expected; the second begins: " +
          FirstWords(*parser.statements[1]));
    }
    duckdb::unique_ptr<duckdb::SQLStatement>& only = parser.statements[0];
    FIRN_RETURN_IF_ERROR(CheckReads(*only));
    if (only->type == duckdb::StatementType::MULTI_STATEMENT) {
      statements = client.ParseStatements(text);  // In its parts.
      return {};
    }
    if (duckdb::unique_ptr<duckdb::TableRef>* from = FindShowTables(*only)) {
      FIRN_ASSIGN_OR_RETURN(const std::vector<scan::TableName> tables,
                            statement_->ListTables());
      *from = TableNamesRef(tables);
    }
    statements.push_back(std::move(only));
    return {};
  }

  static std::string FirstWords(const duckdb::SQLStatement& statement) {
    constexpr std::size_t kBytes = 20;
    std::string text = statement.query.substr(
        std::min<std::size_t>(statement.stmt_location, statement.query.size()));
    duckdb::StringUtil::LTrim(text);
    return text.substr(0, kBytes);
  }

  // Run `part` until rows of its result can be taken.
  Status Run(duckdb::unique_ptr<duckdb::SQLStatement> part) {
    result_.reset();
    const duckdb::unique_ptr<duckdb::PendingQueryResult> pending =
        connection_.PendingQuery(std::move(part), /*allow_stream_result=*/true);
    while (!pending->HasError()) {
      FIRN_RETURN_IF_ERROR(CheckContext());
      const duckdb::PendingExecutionResult state = pending->ExecuteTask();
      if (duckdb::PendingQueryResult::IsResultReady(state)) break;
      if (state == duckdb::PendingExecutionResult::BLOCKED) {
        pending->WaitForTask();
      } else if (state == duckdb::PendingExecutionResult::NO_TASKS_AVAILABLE) {
        std::this_thread::sleep_for(kIdleWait);
      }
    }
    if (pending->HasError()) return StatusOf(*statement_, pending->GetErrorObject());
    result_ = pending->Execute();
    if (result_->HasError()) return StatusOf(*statement_, result_->GetErrorObject());
    return {};
  }

  // The next rows as DuckDB has them, or null at the end.
  Result<duckdb::unique_ptr<duckdb::DataChunk>> Fetch() {
    // DuckDB closes a stream at its end, and reading a closed one is an error.
    if (at_end_) return duckdb::unique_ptr<duckdb::DataChunk>();
    if (result_->type == duckdb::QueryResultType::STREAM_RESULT) {
      auto& stream = result_->Cast<duckdb::StreamQueryResult>();
      // Not by Fetch() alone: it runs the query without asking the context.
      while (stream.IsOpen()) {
        FIRN_RETURN_IF_ERROR(CheckContext());
        const duckdb::StreamExecutionResult state = stream.ExecuteTask();
        if (duckdb::StreamQueryResult::IsChunkReady(state)) break;
        if (state == duckdb::StreamExecutionResult::BLOCKED) {
          stream.WaitForTask();
        } else {
          std::this_thread::yield();
        }
      }
    }
    duckdb::unique_ptr<duckdb::DataChunk> chunk;
    if (!result_->HasError()) chunk = result_->Fetch();
    if (result_->HasError()) return StatusOf(*statement_, result_->GetErrorObject());
    if (chunk && chunk->size() == 0) chunk.reset();
    at_end_ = chunk == nullptr;
    return chunk;
  }

  // Stops the query's workers when the context says so.
  Status CheckContext() {
    Status status = statement_->context().Check();
    if (!status.ok()) connection_.Interrupt();
    return status;
  }

  // Destroyed in reverse: the result ends the query, then the connection lets go of the
  // table entries, and the plan that refers to both is gone by then.
  const std::shared_ptr<Statement> statement_;
  duckdb::Connection connection_;
  duckdb::unique_ptr<duckdb::QueryResult> result_;
  bool at_end_ = false;
};

class ExecutionCursor final : public Cursor {
 public:
  ExecutionCursor(std::shared_ptr<duckdb::DuckDB> database,
                  std::unique_ptr<Execution> execution,
                  std::shared_ptr<arrow::Schema> schema)
      : database_(std::move(database)),
        execution_(std::move(execution)),
        schema_(std::move(schema)) {}

  const std::shared_ptr<arrow::Schema>& schema() const override { return schema_; }

  Result<std::shared_ptr<arrow::RecordBatch>> Next() override {
    if (!end_.ok()) return end_;
    if (at_end_) return std::shared_ptr<arrow::RecordBatch>();
    Result<std::shared_ptr<arrow::RecordBatch>> batch = execution_->ReadBatch(schema_);
    if (!batch.ok()) end_ = batch.status();
    at_end_ = batch.ok() && *batch == nullptr;
    return batch;
  }

  scan::ScanStats scan_stats() const override { return execution_->stats(); }

  QueryStats stats() const override {
    const scan::ScanStats scans = execution_->stats();
    QueryStats stats;
    stats.files_planned = scans.files_planned;
    stats.files_pruned = scans.files_pruned;
    stats.row_groups_read = scans.row_groups_read;
    stats.row_groups_pruned = scans.row_groups_pruned;
    stats.row_groups_pruned_by_statistics = scans.row_groups_pruned_by_statistics;
    stats.row_groups_pruned_by_bloom = scans.row_groups_pruned_by_bloom;
    stats.row_groups_pruned_by_page_index = scans.row_groups_pruned_by_page_index;
    stats.row_groups_pruned_by_dictionary = scans.row_groups_pruned_by_dictionary;
    stats.pages_pruned = scans.pages_pruned;
    stats.delete_files_planned = scans.delete_files_planned;
    stats.rows_deleted = scans.rows_deleted;
    stats.bytes_read = scans.bytes_read;
    stats.requests = scans.requests;
    return stats;
  }

 private:
  const std::shared_ptr<duckdb::DuckDB> database_;  // Outlives the connection.
  const std::unique_ptr<Execution> execution_;
  const std::shared_ptr<arrow::Schema> schema_;
  bool at_end_ = false;
  Status end_;  // The error that ended it.
};

class DuckDbEngine final : public Engine {
 public:
  DuckDbEngine(std::shared_ptr<duckdb::DuckDB> database, scan::TableProvider& tables,
               scan::FileProvider* files)
      : database_(std::move(database)), tables_(tables), files_(files) {}

  Result<std::unique_ptr<Cursor>> Start(const base::Context& context,
                                        std::string_view statement,
                                        const TableFilter& filter) override {
    std::unique_ptr<Execution> execution;
    try {
      // A new connection each time: it costs microseconds, and nothing that a statement
      // leaves in one can reach the next.
      execution = std::make_unique<Execution>(*database_, context, tables_, files_);
    } catch (const std::exception& exception) {
      const duckdb::ErrorData error(exception);
      return Status(CodeOf(error.Type()), "connect: " + error.Message());
    }
    FIRN_RETURN_IF_ERROR(execution->Start(std::string(statement), filter));
    FIRN_ASSIGN_OR_RETURN(std::shared_ptr<arrow::Schema> schema, execution->ReadSchema());
    return std::make_unique<ExecutionCursor>(database_, std::move(execution),
                                             std::move(schema));
  }

 private:
  const std::shared_ptr<duckdb::DuckDB> database_;
  scan::TableProvider& tables_;
  scan::FileProvider* const files_;
};

void Configure(const EngineOptions& options, duckdb::DBConfig& config) {
  config.options.maximum_threads = static_cast<duckdb::idx_t>(options.threads);
  config.options.maximum_memory = static_cast<duckdb::idx_t>(options.memory_bytes_max);
  config.options.temporary_directory = options.temp_dir;
  config.options.use_temporary_directory = !options.temp_dir.empty();
  for (const char* off : {"autoinstall_known_extensions", "autoload_known_extensions",
                          "allow_community_extensions", "allow_persistent_secrets"}) {
    config.SetOptionByName(off, duckdb::Value::BOOLEAN(false));
  }
  duckdb::StorageExtension::Register(config, kCatalogName,
                                     duckdb::make_shared_ptr<TableStorage>());
}

// Take out of DuckDB the functions through which a SELECT would do more than read: change
// what other statements see (logging, profiling), run SQL that was not checked, follow a
// raw pointer, or hold a thread where it cannot be cancelled.
void DropFunctions(duckdb::DuckDB& database) {
  using duckdb::CatalogType;
  constexpr std::pair<CatalogType, const char*> kFunctions[] = {
      {CatalogType::TABLE_FUNCTION_ENTRY, "arrow_scan"},
      {CatalogType::TABLE_FUNCTION_ENTRY, "arrow_scan_dumb"},
      {CatalogType::TABLE_FUNCTION_ENTRY, "checkpoint"},
      {CatalogType::TABLE_FUNCTION_ENTRY, "force_checkpoint"},
      {CatalogType::TABLE_FUNCTION_ENTRY, "enable_logging"},
      {CatalogType::TABLE_FUNCTION_ENTRY, "disable_logging"},
      {CatalogType::TABLE_FUNCTION_ENTRY, "truncate_duckdb_logs"},
      {CatalogType::TABLE_FUNCTION_ENTRY, "enable_profiling"},
      {CatalogType::TABLE_FUNCTION_ENTRY, "disable_profiling"},
      {CatalogType::TABLE_FUNCTION_ENTRY, "json_execute_serialized_sql"},
      {CatalogType::SCALAR_FUNCTION_ENTRY, "sleep_ms"},
      {CatalogType::SCALAR_FUNCTION_ENTRY, "write_log"},
  };
  duckdb::Connection connection(database);
  connection.context->RunFunctionInTransaction([&] {
    duckdb::ClientContext& client = *connection.context;
    for (const auto& [type, name] : kFunctions) {
      duckdb::DropInfo info;
      info.type = type;
      info.catalog = SYSTEM_CATALOG;
      info.schema = DEFAULT_SCHEMA;
      info.name = name;
      info.if_not_found = duckdb::OnEntryNotFound::RETURN_NULL;
      info.allow_drop_internal = true;
      duckdb::Catalog::GetSystemCatalog(client).DropEntry(client, info);
    }
  });
}

// Settings that go in by SQL, in this order: attaching needs external access, and nothing
// can be set once the configuration is locked.
void SetUp(duckdb::DuckDB& database) {
  duckdb::Connection connection(database);
  const std::vector<std::string> statements = {
      std::string("ATTACH '' AS ") + kCatalogName + " (TYPE " + kCatalogName + ")",
      "SET GLOBAL TimeZone = 'UTC'",
      "SET enable_external_access = false",
      "SET lock_configuration = true",
  };
  for (const std::string& statement : statements) {
    const auto result = connection.Query(statement);
    if (result->HasError()) result->ThrowError(statement + ": ");
  }
}

}  // namespace

Result<std::unique_ptr<Engine>> Engine::Open(const EngineOptions& options,
                                             scan::TableProvider& tables) {
  FIRN_ASSERT(options.threads >= 1);
  FIRN_ASSERT(options.memory_bytes_max > 0);
  if (std::string_view(duckdb::DuckDB::LibraryVersion()) != kDuckDbVersion) {
    return Status::Internal(std::string("firn was built for DuckDB ") + kDuckDbVersion +
                            " and found " + duckdb::DuckDB::LibraryVersion());
  }
  try {
    duckdb::DBConfig config;
    Configure(options, config);
    auto database = std::make_shared<duckdb::DuckDB>(nullptr, &config);
    DropFunctions(*database);
    SetUp(*database);
    return std::make_unique<DuckDbEngine>(std::move(database), tables, options.files);
  } catch (const std::exception& exception) {
    const duckdb::ErrorData error(exception);
    return Status(CodeOf(error.Type()), "open DuckDB: " + error.Message());
  }
}

Result<std::unique_ptr<SqlCursor>> Engine::Query(const base::Context& context,
                                                 std::string_view statement,
                                                 const TableFilter& filter) {
  FIRN_ASSIGN_OR_RETURN(std::unique_ptr<Cursor> cursor,
                        Start(context, statement, filter));
  return std::unique_ptr<SqlCursor>(std::move(cursor));
}

}  // namespace firn::sql
