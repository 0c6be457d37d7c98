// SPDX-License-Identifier: Apache-2.0
#include "firn/db.h"

#include <arrow/type.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

#include "base/clock.h"
#include "base/context.h"
#include "base/metrics.h"
#include "base/ulid.h"
#include "db/data_directory.h"
#include "db/settle_loop.h"
#include "db/upkeep_loop.h"
#include "db/upkeep_tasks.h"
#include "db/warehouse.h"
#include "db/warehouse_catalog.h"
#include "iceberg/open_catalog.h"
#include "io/file.h"
#include "promql/engine.h"
#include "promql/parser.h"
#include "sql/engine.h"
#include "table/file_source.h"
#include "table/verify_table.h"
#include "tsdb/engine.h"
#include "tsdb/head_appender.h"
#include "wal/log.h"

namespace firn {
namespace {

using db::DataDirectory;
using db::SettleLoop;
using db::Warehouse;

constexpr int kSettleRetriesMax = 20;
constexpr DurationMs kSettleRetryWaitMaxMs = 1000;

std::string WarehouseLocation(const DbOptions& options) {
  // A server knows by itself where its tables lie.
  const bool named =
      !options.warehouse.empty() || iceberg::IsRestCatalog(options.catalog);
  return named ? options.warehouse : options.data_dir + "/warehouse";
}

// The hot side: what a server has and a reader has not. Members are destroyed in reverse
// order: the loops stop first, the directory's lock goes last.
struct Hot {
  std::unique_ptr<DataDirectory> directory;
  std::unique_ptr<wal::Log> log;
  std::unique_ptr<tsdb::Engine> engine;
  std::unique_ptr<SettleLoop> loop;
  std::unique_ptr<db::UpkeepLoop> upkeep;
};

// Opens and mends the hot side.
class HotOpener {
 public:
  HotOpener(const DbOptions& options, Warehouse& warehouse, base::UlidSource& ulids,
            base::MetricRegistry& metrics, std::vector<std::string>& reports)
      : options_(options),
        warehouse_(warehouse),
        ulids_(ulids),
        metrics_(metrics),
        reports_(reports) {}

  Result<Hot> Open(std::unique_ptr<DataDirectory> directory) {
    hot_.directory = std::move(directory);
    // What a crash in the middle of a sort left: this process owns the directory.
    std::error_code nothing_to_remove;
    std::filesystem::remove_all(db::SpillPath(options_.data_dir), nothing_to_remove);
    FIRN_ASSIGN_OR_RETURN(const tsdb::MetricTables tables,
                          tsdb::OpenOrCreateTables(context_, warehouse_.catalog(),
                                                   options_.promoted_labels));
    FIRN_ASSIGN_OR_RETURN(const std::vector<base::Ulid> known,
                          tsdb::KnownLogs(tables, hot_.directory->writer()));
    for (const base::Ulid& log : known) ulids_.Follow(log);
    FIRN_ASSIGN_OR_RETURN(tsdb::LogAssessment assessment, FitLog(tables));
    FIRN_RETURN_IF_ERROR(OpenLog(tables));
    if (assessment.fit == tsdb::LogFit::kBehind) {
      FIRN_RETURN_IF_ERROR(BeginNewLog(&assessment, assessment.settled));
    } else if (assessment.fit == tsdb::LogFit::kSuperseded) {
      FIRN_RETURN_IF_ERROR(BeginNewLog(&assessment, hot_.log->appended_offset()));
    }
    tsdb::EngineOptions engine;
    engine.writer = hot_.directory->writer();
    engine.head.out_of_order_window_ms = options_.out_of_order_window_ms;
    engine.head.future_bound_ms = options_.future_bound_ms;
    engine.head.series_max = options_.series_max;
    engine.head.bytes_max = options_.head_bytes_max;
    engine.accept_gap = options_.accept_gap;
    // The rows are written by then: against rivals that commit all the time some more
    // attempts cost less than to write them again.
    engine.commit.retries_max = kSettleRetriesMax;
    engine.commit.wait_max_ms = kSettleRetryWaitMaxMs;
    // A small log is trimmed well before its bound, where it would stay shut.
    engine.trim_bytes = std::min(engine.trim_bytes, LogOptionsOf().log_bytes_max / 4);
    FIRN_ASSIGN_OR_RETURN(
        hot_.engine,
        tsdb::Engine::Open(
            context_,
            {*hot_.log, warehouse_.commit_environment(), warehouse_.scan_environment(),
             base::SystemClock(), ulids_, metrics_, io::LocalFileSystem(),
             db::SpillPath(options_.data_dir)},
            tables, assessment, std::move(engine)));
    return std::move(hot_);
  }

 private:
  wal::LogOptions LogOptionsOf() const {
    wal::LogOptions log;
    log.log_bytes_max = static_cast<std::uint64_t>(options_.log_bytes_max);
    // A request of the largest size that a server takes is one record.
    log.record_bytes_max = 256 << 20;
    return log;
  }

  // How log and tables go together, or the refusal to go on with them. Only reads: a
  // directory that is refused stays as it is, for whoever puts the right one back.
  Result<tsdb::LogAssessment> FitLog(const tsdb::MetricTables& tables) {
    FIRN_ASSIGN_OR_RETURN(const std::optional<wal::LogExtent> log,
                          wal::Log::Inspect(io::LocalFileSystem(),
                                            hot_.directory->log_path(), LogOptionsOf()));
    if (!log.has_value()) return tsdb::LogAssessment();
    FIRN_ASSIGN_OR_RETURN(tsdb::LogAssessment assessment,
                          tsdb::AssessLog(*log, tables, hot_.directory->writer()));
    if (assessment.fit == tsdb::LogFit::kSuperseded && !options_.accept_gap) {
      return Status::Corruption(
          assessment.report +
          ". Put the newer data directory back, use an empty one, or start with "
          "--accept-gap to go on with what the tables have");
    }
    if (assessment.fit == tsdb::LogFit::kGap && !options_.accept_gap) {
      return Status::Corruption(
          assessment.report +
          ". Put the newer warehouse back, or start with --accept-gap to go on with "
          "what is left: nothing more is lost by that");
    }
    if (!assessment.report.empty()) reports_.push_back(assessment.report);
    return assessment;
  }

  Status OpenLog(const tsdb::MetricTables& tables) {
    const DataDirectory& directory = *hot_.directory;
    FIRN_ASSIGN_OR_RETURN(hot_.log,
                          wal::Log::Open(io::LocalFileSystem(), directory.log_path(),
                                         LogOptionsOf(), ulids_));
    const wal::RecoveryReport& found = hot_.log->recovery();
    if (found.created && !directory.created()) {
      reports_.push_back("the log " + directory.log_path() +
                         " was not there and a new one is begun: what was not settled "
                         "from the old one is not here");
    } else if (!found.created && tables.created) {
      reports_.push_back(
          "the warehouse " + warehouse_.location() +
          " had no tables of this data directory: what the log still holds is settled "
          "into new ones");
    }
    if (found.bytes_cut > 0) {
      reports_.push_back("the log's torn tail of " + std::to_string(found.bytes_cut) +
                         " bytes was cut off (" + found.cut_reason +
                         "): nothing of it was acknowledged");
    }
    return Status::OK();
  }

  // Copy what is not settled into a log of a new name and use that: offsets of the old
  // one have been given to other rows before. `assessment` becomes that of the new log.
  Status BeginNewLog(tsdb::LogAssessment* assessment, wal::Offset settled) {
    const std::string name = hot_.directory->NewLogName(ulids_);
    FIRN_ASSIGN_OR_RETURN(
        std::unique_ptr<wal::Log> log,
        wal::Log::Open(io::LocalFileSystem(), hot_.directory->PathOf(name),
                       LogOptionsOf(), ulids_));
    FIRN_RETURN_IF_ERROR(hot_.log->Replay([&](const wal::Record& record) -> Status {
      if (record.kind == wal::RecordKind::kSamples && record.end <= settled) {
        return Status::OK();
      }
      return log->Append(record.kind, record.tenant, record.payload).status();
    }));
    FIRN_RETURN_IF_ERROR(log->WaitSynced(log->appended_offset()));
    const std::string before = hot_.directory->log_path();
    FIRN_RETURN_IF_ERROR(hot_.directory->UseLog(name));
    reports_.push_back("the old log stays at " + before + " and is not read any more");
    hot_.log = std::move(log);
    *assessment = tsdb::LogAssessment();
    return Status::OK();
  }

  const DbOptions& options_;
  Warehouse& warehouse_;
  base::UlidSource& ulids_;
  base::MetricRegistry& metrics_;
  std::vector<std::string>& reports_;
  const base::Context context_;
  Hot hot_;
};

// The tables that SQL sees: the warehouse's, with hot rows where there are any.
class Tables final : public scan::TableProvider {
 public:
  // `engine` may be null: nothing is hot. Both must outlive this.
  Tables(Warehouse& warehouse, const tsdb::Engine* engine, std::optional<TableView> view)
      : warehouse_(warehouse), engine_(engine), view_(std::move(view)) {}

  Result<std::vector<scan::TableName>> ListTables(const base::Context& context) override {
    return warehouse_.ListTables(context);
  }
  Result<std::shared_ptr<scan::BatchSource>> OpenTable(
      const base::Context& context, const scan::TableName& name) override {
    if (engine_ != nullptr) {
      FIRN_ASSIGN_OR_RETURN(const iceberg::TableIdentifier identifier,
                            iceberg::TableIdentifier::Parse(name.ToString()));
      FIRN_ASSIGN_OR_RETURN(std::shared_ptr<scan::BatchSource> hot,
                            engine_->OpenTable(identifier));
      if (hot != nullptr) return hot;
    }
    FIRN_ASSIGN_OR_RETURN(const iceberg::LoadedTable table,
                          warehouse_.LoadTable(context, name.ToString()));
    auto source =
        table::MakeTableSource(warehouse_.scan_environment(), table, ScanOf(name));
    // The table is there. To SQL, NotFound would say that it is not.
    if (source.status().Is(StatusCode::kNotFound)) {
      return Status::InvalidArgument(name.ToString() + ": " +
                                     std::string(source.status().message()));
    }
    return source;
  }

 private:
  table::ScanOf ScanOf(const scan::TableName& name) const {
    if (!view_ || view_->table != name.ToString()) return table::CurrentRows();
    const auto id = [](const std::optional<std::int64_t>& number) {
      return number ? std::optional(iceberg::SnapshotId(*number)) : std::nullopt;
    };
    if (view_->snapshot_id) return table::RowsOfSnapshot{*id(view_->snapshot_id)};
    if (view_->as_of_ms) return table::RowsAsOf{*view_->as_of_ms};
    if (!view_->ref.empty()) return table::RowsOfRef{view_->ref};
    if (view_->appended) return table::RowsAppended{id(view_->from_id), id(view_->to_id)};
    return table::CurrentRows();
  }

  Warehouse& warehouse_;
  const tsdb::Engine* const engine_;
  const std::optional<TableView> view_;
};

// What a query ends with that finds a file gone: the caller's next step is to ask again.
Status FileIsGone(const Status& why) {
  return Status::Unavailable("a file of the tables is gone (" +
                             std::string(why.message()) +
                             "): another engine has removed the snapshot that this query "
                             "was reading. Ask again; if it is gone then too, it is "
                             "missing from the table");
}

// Rows that were given out cannot be read anew from another snapshot. Where a file of
// theirs is gone, looks at the tables again, so that the next query finds what there is;
// before the first of them this is that query.
class WatchedCursor final : public SqlCursor {
 public:
  using Ask = std::function<Result<std::unique_ptr<SqlCursor>>()>;

  // `ask_again` runs the statement once more.
  WatchedCursor(std::unique_ptr<SqlCursor> rows, std::function<Status()> look_again,
                Ask ask_again)
      : rows_(std::move(rows)),
        schema_(rows_->schema()),
        look_again_(std::move(look_again)),
        ask_again_(std::move(ask_again)) {}

  const std::shared_ptr<arrow::Schema>& schema() const override { return schema_; }

  Result<std::shared_ptr<arrow::RecordBatch>> Next() override {
    Result<std::shared_ptr<arrow::RecordBatch>> batch = rows_->Next();
    if (batch.status().Is(StatusCode::kNotFound) && ask_again_) {
      const Ask ask = std::exchange(ask_again_, nullptr);
      FIRN_RETURN_IF_ERROR(look_again_());
      FIRN_ASSIGN_OR_RETURN(std::unique_ptr<SqlCursor> rows, ask());
      // Its columns are known already: rows of others are not for this cursor.
      if (!rows->schema()->Equals(*schema_)) return FileIsGone(batch.status());
      rows_ = std::move(rows);
      batch = rows_->Next();
    }
    ask_again_ = nullptr;
    if (!batch.status().Is(StatusCode::kNotFound)) return batch;
    FIRN_RETURN_IF_ERROR(look_again_());
    return FileIsGone(batch.status());
  }
  QueryStats stats() const override { return rows_->stats(); }

 private:
  std::unique_ptr<SqlCursor> rows_;
  const std::shared_ptr<arrow::Schema> schema_;
  const std::function<Status()> look_again_;
  Ask ask_again_;  // Null once rows were given out, or it was asked again.
};

class OpenDb final : public Db {
 public:
  enum class Mode { kWriter, kReader, kFilesOnly };

  static Result<std::unique_ptr<Db>> Open(const DbOptions& options, Mode mode) {
    const bool with_hot = mode == Mode::kWriter;
    if (with_hot && options.sql_files) {
      return Status::InvalidArgument(
          "a database that is open for writing reads no files by SQL");
    }
    if (with_hot && options.view) {
      return Status::InvalidArgument(
          "a database that is open for writing shows its tables as they are");
    }
    std::unique_ptr<OpenDb> db(new OpenDb(options));
    // The lock comes before anything is looked at or made.
    std::unique_ptr<DataDirectory> directory;
    if (with_hot) {
      FIRN_ASSIGN_OR_RETURN(
          directory, DataDirectory::Open(io::LocalFileSystem(), options.data_dir,
                                         options.holder, options.create, db->ulids_));
    }
    FIRN_ASSIGN_OR_RETURN(db->warehouse_,
                          Warehouse::Open(WarehouseLocation(options), options,
                                          /*read_only=*/mode == Mode::kReader,
                                          base::SystemClock(), db->metrics_));
    db->catalog_ =
        std::make_unique<db::WarehouseCatalog>(*db->warehouse_, options.storage);
    if (with_hot) {
      HotOpener opener(options, *db->warehouse_, db->ulids_, db->metrics_, db->reports_);
      FIRN_ASSIGN_OR_RETURN(db->hot_, opener.Open(std::move(directory)));
      db->StartLoop();
    } else {
      FIRN_RETURN_IF_ERROR(db->OpenColdReader());
    }
    sql::EngineOptions sql;
    sql.threads = options.query_threads;
    sql.memory_bytes_max = options.query_bytes_max;
    db->tables_ =
        std::make_unique<Tables>(*db->warehouse_, db->hot_.engine.get(), options.view);
    if (options.sql_files) {
      db->files_ = std::make_unique<table::Files>(db->warehouse_->scan_environment());
      sql.files = db->files_.get();
    }
    FIRN_ASSIGN_OR_RETURN(db->sql_, sql::Engine::Open(sql, *db->tables_));
    db->RegisterMetrics();
    return std::unique_ptr<Db>(std::move(db));
  }

  // --- Writing.

  Result<std::unique_ptr<Appender>> NewAppender(std::string tenant) override {
    FIRN_RETURN_IF_ERROR(CheckHot());
    return tsdb::MakeHeadAppender(hot_.engine->head(), std::move(tenant));
  }

  Status DescribeMetrics(std::string_view tenant,
                         const std::vector<MetricDescription>& metrics) override {
    FIRN_RETURN_IF_ERROR(CheckHot());
    return hot_.engine->head().Describe(tenant, metrics);
  }

  Result<std::vector<SettledTable>> Settle(const base::Context& context) override {
    FIRN_RETURN_IF_ERROR(CheckHot());
    Result<std::vector<SettledTable>> settled = hot_.engine->settler().Settle(context);
    StopWhereHarmful(settled.status());
    return settled;
  }

  // --- PromQL and the series API.

  Result<PromqlResult> Promql(const base::Context& context,
                              const PromqlRequest& request) override {
    return OnFreshCut(context,
                      [&] { return promql_.Execute(context, reader(), request); });
  }

  Result<std::vector<Labels>> Series(const base::Context& context,
                                     const SeriesQuery& query) override {
    std::set<Labels> all;
    FIRN_RETURN_IF_ERROR(
        ForEachSelector(query, [&](const scan::SeriesRequest& request) -> Status {
          FIRN_ASSIGN_OR_RETURN(std::vector<Labels> found, OnFreshCut(context, [&] {
                                  return reader().Find(context, request);
                                }));
          all.insert(std::make_move_iterator(found.begin()),
                     std::make_move_iterator(found.end()));
          return Status::OK();
        }));
    return Limited(all, query.limit);
  }

  Result<std::vector<std::string>> LabelNames(const base::Context& context,
                                              const SeriesQuery& query) override {
    std::set<std::string> all;
    FIRN_RETURN_IF_ERROR(
        ForEachSelector(query, [&](const scan::SeriesRequest& request) -> Status {
          FIRN_ASSIGN_OR_RETURN(
              const std::vector<std::string> found,
              OnFreshCut(context, [&] { return reader().LabelNames(context, request); }));
          all.insert(found.begin(), found.end());
          return Status::OK();
        }));
    return Limited(all, query.limit);
  }

  Result<std::vector<std::string>> LabelValues(const base::Context& context,
                                               std::string_view name,
                                               const SeriesQuery& query) override {
    std::set<std::string> all;
    FIRN_RETURN_IF_ERROR(
        ForEachSelector(query, [&](const scan::SeriesRequest& request) -> Status {
          FIRN_ASSIGN_OR_RETURN(const std::vector<std::string> found,
                                OnFreshCut(context, [&] {
                                  return reader().LabelValues(context, name, request);
                                }));
          all.insert(found.begin(), found.end());
          return Status::OK();
        }));
    return Limited(all, query.limit);
  }

  Result<std::vector<MetricDescription>> Metadata(const base::Context&,
                                                  std::string_view tenant,
                                                  std::string_view metric,
                                                  std::int64_t limit) override {
    if (hot_.engine == nullptr) return std::vector<MetricDescription>();
    std::vector<MetricDescription> found = hot_.engine->head().Metadata(tenant, metric);
    if (limit > 0 && static_cast<std::int64_t>(found.size()) > limit) {
      found.resize(static_cast<std::size_t>(limit));
    }
    return found;
  }

  // --- SQL and tables.

  Result<std::unique_ptr<SqlCursor>> Sql(const base::Context& context,
                                         std::string_view statement,
                                         const TableFilter& filter) override {
    const auto ask = [this, &context, text = std::string(statement), filter] {
      return OnFreshCut(context, [&] { return sql_->Query(context, text, filter); });
    };
    FIRN_ASSIGN_OR_RETURN(std::unique_ptr<SqlCursor> rows, ask());
    return std::make_unique<WatchedCursor>(
        std::move(rows), [this, &context] { return Refresh(context); }, ask);
  }

  Result<std::vector<TableSummary>> ListTables(const base::Context& context) override {
    return warehouse_->Summaries(context);
  }
  Result<TableDescription> DescribeTable(const base::Context& context,
                                         std::string_view table) override {
    return warehouse_->Describe(context, table);
  }
  Result<std::vector<SnapshotSummary>> Snapshots(const base::Context& context,
                                                 std::string_view table) override {
    return warehouse_->Snapshots(context, table);
  }
  Result<std::vector<FileSummary>> Files(const base::Context& context,
                                         std::string_view table) override {
    return warehouse_->Files(context, table);
  }
  Result<std::vector<PartitionSummary>> Partitions(
      const base::Context& context, std::string_view table,
      const std::vector<std::string>& columns) override {
    return warehouse_->Partitions(context, table, columns);
  }
  Result<TableCheck> CheckTable(const base::Context& context, std::string_view name,
                                const TableCheckOptions& options) override {
    FIRN_ASSIGN_OR_RETURN(const iceberg::LoadedTable table,
                          warehouse_->LoadTable(context, name));
    return table::VerifyTable(context, warehouse_->scan_environment(), table, options);
  }

  CatalogReader& catalog() override { return *catalog_; }

  const std::vector<std::string>& start_reports() const override { return reports_; }
  base::MetricRegistry& metrics() override { return metrics_; }

 private:
  explicit OpenDb(const DbOptions& options)
      : options_(options), ulids_(base::SystemClock()), promql_(PromqlOptions(options)) {}

  static promql::EngineOptions PromqlOptions(const DbOptions& options) {
    promql::EngineOptions engine;
    engine.lookback_ms = options.query_lookback_ms;
    engine.samples_max = options.query_samples_max;
    return engine;
  }

  Status CheckHot() const {
    if (hot_.engine != nullptr) return Status::OK();
    return Status::InvalidArgument("this warehouse is open for reading only");
  }

  tsdb::SeriesReader& reader() {
    return hot_.engine != nullptr ? hot_.engine->reader() : *cold_reader_;
  }

  void StartLoop() {
    if (options_.settle_interval_ms == 0) return;
    db::SettleLoopOptions options;
    options.settle_interval_ms = options_.settle_interval_ms;
    options.settle_head_bytes = options_.settle_head_bytes;
    tsdb::Engine& engine = *hot_.engine;
    hot_.loop = std::make_unique<SettleLoop>(
        options, base::SystemClock(),
        SettleLoop::Work{
            .hot_bytes = [&engine] { return engine.hot_bytes(); },
            .settle =
                [&engine](const base::Context& context) {
                  return engine.settler().Settle(context).status();
                },
            .refresh =
                [&engine](const base::Context& context) {
                  return engine.settler().Refresh(context);
                },
            .stop = [&engine](const Status& why) { engine.head().Stop(why); }});
    StartUpkeep();
  }

  void StartUpkeep() {
    if (options_.maintenance_interval_ms == 0) return;
    db::UpkeepLoopOptions options;
    options.interval_ms = options_.maintenance_interval_ms;
    options.first_ms = std::min(options.first_ms, options.interval_ms);
    tsdb::Engine& engine = *hot_.engine;
    hot_.upkeep = std::make_unique<db::UpkeepLoop>(
        options,
        db::UpkeepTasks(options_, *warehouse_, metrics_,
                        [&engine] { return engine.settler().HasUnresolved(); }),
        metrics_);
  }

  // The tables as they are now, for a Db without a hot side. A warehouse that firn did
  // not write has no metrics, and PromQL finds nothing there.
  Status OpenColdReader() {
    const base::Context context;
    tsdb::SettledTables tables;
    FIRN_ASSIGN_OR_RETURN(const std::vector<scan::TableName> names,
                          warehouse_->ListTables(context));
    const auto load = [&](const iceberg::TableIdentifier& name,
                          iceberg::LoadedTable* out) -> Status {
      const auto is_name = [&](const scan::TableName& table) {
        return table.ToString() == name.ToString();
      };
      if (std::none_of(names.begin(), names.end(), is_name)) return Status::OK();
      FIRN_ASSIGN_OR_RETURN(*out, warehouse_->LoadTable(context, name.ToString()));
      return Status::OK();
    };
    FIRN_RETURN_IF_ERROR(load(tsdb::SeriesTableName(), &tables.series));
    FIRN_RETURN_IF_ERROR(load(tsdb::SamplesTable(), &tables.samples));
    cold_ = std::make_unique<tsdb::ColdReader>(warehouse_->scan_environment());
    cuts_ = std::make_unique<tsdb::CutPublisher>(nullptr);
    cuts_->Publish(std::move(tables));
    cold_reader_ = std::make_unique<tsdb::SeriesReader>(nullptr, *cuts_, *cold_);
    return Status::OK();
  }

  void RegisterMetrics() {
    if (hot_.engine == nullptr) return;
    const tsdb::Engine* engine = hot_.engine.get();
    const wal::Log* log = hot_.log.get();
    metrics_.AddCallback("firn_head_series", "Series known to the head.", [this] {
      return static_cast<double>(hot_.engine->head().series().size());
    });
    metrics_.AddCallback("firn_head_bytes", "Memory of the head.", [this] {
      return static_cast<double>(hot_.engine->head().bytes());
    });
    metrics_.AddCallback("firn_head_hot_bytes", "Memory of samples not settled yet.",
                         [engine] { return static_cast<double>(engine->hot_bytes()); });
    metrics_.AddCallback("firn_log_bytes", "Bytes of the log on disk.",
                         [log] { return static_cast<double>(log->size_bytes()); });
    metrics_.AddCounterCallback("firn_log_syncs_total",
                                "Groups of records written and synced.",
                                [log] { return log->counts().writes; });
  }

  // Looks at the tables again. Without a hot side each query of SQL does so by itself.
  Status Refresh(const base::Context& context) {
    if (hot_.engine == nullptr) return Status::OK();
    const Status refreshed = hot_.engine->settler().Refresh(context);
    StopWhereHarmful(refreshed);
    return refreshed;
  }

  // The tables are not as this writer left them: what the background loop would find out
  // at its next look is known now. Without one, nobody else would stop the writing.
  void StopWhereHarmful(const Status& status) {
    if (status.Is(StatusCode::kCorruption)) hot_.engine->head().Stop(status);
  }

  // Runs `read`; where it finds a file gone that the cut names, because another engine
  // has expired it, looks at the tables again and runs it once more. NotFound says that
  // and nothing else here: an unknown table is the statement's mistake (InvalidArgument),
  // and costs no look.
  template <typename Read>
  auto OnFreshCut(const base::Context& context, Read read) -> decltype(read()) {
    auto result = read();
    if (!result.status().Is(StatusCode::kNotFound)) return result;
    FIRN_RETURN_IF_ERROR(Refresh(context));
    result = read();
    // A file that the statement names may as well never have been there.
    if (files_ != nullptr) return result;
    if (result.status().Is(StatusCode::kNotFound)) return FileIsGone(result.status());
    return result;
  }

  template <typename Visit>
  static Status ForEachSelector(const SeriesQuery& query, Visit visit) {
    scan::SeriesRequest request{query.tenant, {}, query.range};
    if (query.selectors.empty()) return visit(request);
    for (const std::vector<LabelMatcher>& selector : query.selectors) {
      request.matchers = selector;
      FIRN_RETURN_IF_ERROR(visit(request));
    }
    return Status::OK();
  }

  template <typename T>
  static std::vector<T> Limited(const std::set<T>& all, std::int64_t limit) {
    std::vector<T> values(all.begin(), all.end());
    if (limit > 0 && static_cast<std::int64_t>(values.size()) > limit) {
      values.resize(static_cast<std::size_t>(limit));
    }
    return values;
  }

  const DbOptions options_;
  base::UlidSource ulids_;
  base::MetricRegistry metrics_;
  std::vector<std::string> reports_;
  std::unique_ptr<Warehouse> warehouse_;
  std::unique_ptr<db::WarehouseCatalog> catalog_;
  const promql::Engine promql_;
  // Of a Db without a hot side.
  std::unique_ptr<tsdb::ColdReader> cold_;
  std::unique_ptr<tsdb::CutPublisher> cuts_;
  std::unique_ptr<tsdb::SeriesReader> cold_reader_;
  Hot hot_;
  std::unique_ptr<Tables> tables_;
  std::unique_ptr<table::Files> files_;  // Where SQL may name them.
  std::unique_ptr<sql::Engine> sql_;
};

}  // namespace

Result<std::unique_ptr<Db>> Db::Open(const DbOptions& options) {
  return OpenDb::Open(options, OpenDb::Mode::kWriter);
}

Result<std::unique_ptr<Db>> Db::OpenReader(const DbOptions& options) {
  return OpenDb::Open(options, OpenDb::Mode::kReader);
}

Result<std::unique_ptr<Db>> Db::OpenFiles(const DbOptions& options) {
  DbOptions files = options;
  files.sql_files = true;
  // A catalog in memory, where no table ever is.
  files.warehouse = "memory://none";
  files.catalog = "sqlite://";
  return OpenDb::Open(files, OpenDb::Mode::kFilesOnly);
}

Result<std::vector<LabelMatcher>> Db::ParseSelector(std::string_view text) {
  return promql::ParseSelector(text);
}

}  // namespace firn
