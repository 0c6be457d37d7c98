// SPDX-License-Identifier: Apache-2.0
// Claim: a table that SQL reads through the bridge costs about what DuckDB's own table
// costs, joins and filters included.
//
// 10 million rows in memory: 10,000 series of 1,000 samples, sorted by series, in batches
// of 122,880 rows with bounds that prune. The peer is a table of the same rows in DuckDB
// itself, in the same process. CPU milliseconds on one thread, wall milliseconds on two;
// medians of `kRuns`. One JSON object a query, `ratio` being bridge / own by CPU.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "arrow/array/array_base.h"
#include "arrow/builder.h"
#include "arrow/record_batch.h"
#include "arrow/type.h"
#include "duckdb.h"

#include "base/context.h"
#include "check.h"
#include "expr/predicate.h"
#include "scan/batch.h"
#include "sql/engine.h"

namespace firn {
namespace {

constexpr std::int64_t kRows = 10'000'000;
constexpr std::int64_t kSamplesPerSeries = 1'000;
constexpr std::int64_t kBatchRows = 122'880;
constexpr std::int64_t kStartMs = 1'700'000'000'000;
constexpr std::int64_t kStepMs = 15'000;
constexpr std::int64_t kMemoryBytesMax = std::int64_t{4} << 30;
constexpr int kRuns = 7;

struct Bounds {
  expr::Literal lower;
  expr::Literal upper;
};

struct Batch {
  std::shared_ptr<arrow::RecordBatch> rows;
  Bounds series_id;
  Bounds ts;
};

// The bounds of a batch, as a file's statistics would give them.
class BatchStatistics final : public expr::StatisticsSource {
 public:
  explicit BatchStatistics(const Batch& batch) : batch_(batch) {}
  bool Find(const std::string& column, expr::ColumnStatistics* out) const override {
    if (column != "series_id" && column != "ts") return false;
    const Bounds& bounds = column == "ts" ? batch_.ts : batch_.series_id;
    out->value_count = batch_.rows->num_rows();
    out->null_count = 0;
    out->nan_count = 0;
    out->lower = &bounds.lower;
    out->upper = &bounds.upper;
    return true;
  }

 private:
  const Batch& batch_;
};

class BatchesStream final : public scan::BatchStream {
 public:
  explicit BatchesStream(std::shared_ptr<arrow::RecordBatch> rows)
      : schema_(rows->schema()), rows_(std::move(rows)) {}
  const std::shared_ptr<arrow::Schema>& schema() const override { return schema_; }
  Result<std::shared_ptr<arrow::RecordBatch>> Next() override {
    return std::exchange(rows_, nullptr);
  }
  scan::ScanStats stats() const override { return {}; }

 private:
  const std::shared_ptr<arrow::Schema> schema_;
  std::shared_ptr<arrow::RecordBatch> rows_;
};

class BatchesPlan final : public scan::ScanPlan {
 public:
  BatchesPlan(std::shared_ptr<arrow::Schema> schema, std::vector<const Batch*> batches,
              std::vector<int> columns)
      : batches_(std::move(batches)), columns_(std::move(columns)) {
    arrow::FieldVector fields;
    for (const int column : columns_) fields.push_back(schema->field(column));
    schema_ = arrow::schema(std::move(fields));
  }
  const std::shared_ptr<arrow::Schema>& schema() const override { return schema_; }
  Result<bool> HasSplit(std::size_t index) override { return index < batches_.size(); }
  Result<std::unique_ptr<scan::BatchStream>> OpenSplit(std::size_t index) override {
    if (index >= batches_.size()) return std::unique_ptr<scan::BatchStream>();
    const arrow::RecordBatch& rows = *batches_[index]->rows;
    arrow::ArrayVector arrays;
    for (const int column : columns_) arrays.push_back(rows.column(column));
    return std::unique_ptr<scan::BatchStream>(std::make_unique<BatchesStream>(
        arrow::RecordBatch::Make(schema_, rows.num_rows(), std::move(arrays))));
  }
  std::int64_t estimated_rows() const override { return kRows; }
  scan::ScanStats stats() const override { return {}; }

 private:
  std::shared_ptr<arrow::Schema> schema_;
  const std::vector<const Batch*> batches_;
  const std::vector<int> columns_;
};

class SamplesSource final : public scan::BatchSource {
 public:
  SamplesSource() {
    for (std::int64_t row = 0; row < kRows; row += kBatchRows) {
      batches_.push_back(Make(row, std::min(row + kBatchRows, kRows)));
    }
  }
  const std::shared_ptr<arrow::Schema>& schema() const override { return schema_; }
  Result<std::unique_ptr<scan::ScanPlan>> Plan(
      const base::Context&, const scan::ScanRequest& request) override {
    std::vector<const Batch*> kept;
    for (const Batch& batch : batches_) {
      if (!request.predicate ||
          expr::MayMatch(*request.predicate, BatchStatistics(batch))) {
        kept.push_back(&batch);
      }
    }
    std::vector<int> columns;
    for (const std::string& name : *request.columns) {
      columns.push_back(schema_->GetFieldIndex(name));
    }
    return std::unique_ptr<scan::ScanPlan>(
        std::make_unique<BatchesPlan>(schema_, std::move(kept), std::move(columns)));
  }

  const std::vector<Batch>& batches() const { return batches_; }

 private:
  Batch Make(std::int64_t begin, std::int64_t end) const {
    std::vector<std::int64_t> ids, times;
    std::vector<double> values;
    for (std::int64_t row = begin; row < end; ++row) {
      ids.push_back(row / kSamplesPerSeries);
      times.push_back(kStartMs + row % kSamplesPerSeries * kStepMs);
      values.push_back(static_cast<double>(row * 7919 % 2000003) / 16);
    }
    arrow::Int64Builder id_builder, time_builder;
    arrow::DoubleBuilder value_builder;
    const bool appended = id_builder.AppendValues(ids).ok() &&
                          time_builder.AppendValues(times).ok() &&
                          value_builder.AppendValues(values).ok();
    if (!appended) Check(Status::ResourceExhausted("memory for the samples"));
    const auto [low, high] = std::minmax_element(times.begin(), times.end());
    return {arrow::RecordBatch::Make(
                schema_, end - begin,
                {*id_builder.Finish(), *time_builder.Finish(), *value_builder.Finish()}),
            {ids.front(), ids.back()},
            {*low, *high}};
  }

  const std::shared_ptr<arrow::Schema> schema_ = arrow::schema(
      {arrow::field("series_id", arrow::int64()), arrow::field("ts", arrow::int64()),
       arrow::field("v", arrow::float64())});
  std::vector<Batch> batches_;
};

class Tables final : public scan::TableProvider {
 public:
  Result<std::vector<scan::TableName>> ListTables(const base::Context&) override {
    return std::vector<scan::TableName>{{"metrics", "samples"}};
  }
  Result<std::shared_ptr<scan::BatchSource>> OpenTable(const base::Context&,
                                                       const scan::TableName&) override {
    return std::shared_ptr<scan::BatchSource>(source_);
  }

 private:
  const std::shared_ptr<SamplesSource> source_ = std::make_shared<SamplesSource>();
};

// DuckDB alone, with the same rows in a table of its own.
class OwnTable {
 public:
  explicit OwnTable(int threads) {
    duckdb_open(nullptr, &database_);
    duckdb_connect(database_, &connection_);
    Run("SET threads = " + std::to_string(threads));
    // What SamplesSource makes, by the same formulas.
    Run("CREATE TABLE samples AS SELECT i // 1000 AS series_id, 1700000000000 + i % 1000 "
        "* 15000 AS ts, (i * 7919 % 2000003)::DOUBLE / 16 AS v FROM range(" +
        std::to_string(kRows) + ") t(i)");
  }
  ~OwnTable() {
    duckdb_disconnect(&connection_);
    duckdb_close(&database_);
  }
  OwnTable(const OwnTable&) = delete;
  OwnTable& operator=(const OwnTable&) = delete;

  void Run(const std::string& sql) {
    duckdb_result result;
    if (duckdb_query(connection_, sql.c_str(), &result) != DuckDBSuccess) {
      Check(Status::Internal(duckdb_result_error(&result)));
    }
    duckdb_destroy_result(&result);
  }

 private:
  duckdb_database database_ = nullptr;
  duckdb_connection connection_ = nullptr;
};

struct Timing {
  double cpu_ms = 0;
  double wall_ms = 0;
};

Timing Measure(const std::function<void()>& run) {
  run();
  std::vector<double> cpu, wall;
  for (int i = 0; i < kRuns; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    const std::clock_t cpu_begin = std::clock();
    run();
    cpu.push_back(1e3 * static_cast<double>(std::clock() - cpu_begin) / CLOCKS_PER_SEC);
    wall.push_back(std::chrono::duration<double, std::milli>(
                       std::chrono::steady_clock::now() - begin)
                       .count());
  }
  std::nth_element(cpu.begin(), cpu.begin() + kRuns / 2, cpu.end());
  std::nth_element(wall.begin(), wall.begin() + kRuns / 2, wall.end());
  return {cpu[kRuns / 2], wall[kRuns / 2]};
}

Timing MeasureBridge(Tables& tables, int threads, const std::string& sql) {
  sql::EngineOptions options;
  options.threads = threads;
  options.memory_bytes_max = kMemoryBytesMax;
  auto engine = sql::Engine::Open(options, tables);
  Check(engine.status());
  return Measure([&] {
    const base::Context context;
    auto cursor = (*engine)->Query(context, sql);
    Check(cursor.status());
    while (true) {
      auto batch = (*cursor)->Next();
      Check(batch.status());
      if (!*batch) break;
    }
  });
}

std::string On(std::string sql, const std::string& table) {
  const std::size_t at = sql.find('@');
  return sql.replace(at, 1, table);
}

void Run() {
  const auto between = [](double low, double high) {
    const double all = kSamplesPerSeries * kStepMs;
    return " WHERE ts BETWEEN " + std::to_string(kStartMs + std::int64_t(low * all)) +
           " AND " + std::to_string(kStartMs + std::int64_t(high * all));
  };
  const std::pair<const char*, std::string> queries[] = {
      {"count(*)", "SELECT count(*) FROM @"},
      {"sum(v)", "SELECT sum(v) FROM @"},
      {"sum(v), 10% of the time", "SELECT sum(v) FROM @" + between(0.4, 0.5)},
      {"sum(v), one series", "SELECT sum(v) FROM @ WHERE series_id = 77"},
      {"sum(v), IN 3 series", "SELECT sum(v) FROM @ WHERE series_id IN (7, 77, 777)"},
      {"join on 3 series",
       "SELECT sum(v) FROM @ JOIN (VALUES (3), (33), (333)) x(i) ON series_id = i"},
      {"group by series, half of the time", "SELECT series_id, sum(v) AS s FROM @" +
                                                between(0.25, 0.75) +
                                                " GROUP BY 1 ORDER BY 2 LIMIT 1"},
      {"top 5 by ts", "SELECT ts, v FROM @ ORDER BY ts DESC LIMIT 5"},
      {"all rows out", "SELECT series_id, ts, v FROM @ WHERE v >= 1"},
  };
  Tables tables;
  OwnTable one(1);
  for (const auto& [name, sql] : queries) {
    const Timing own = Measure([&] { one.Run(On(sql, "samples")); });
    const Timing bridge = MeasureBridge(tables, 1, On(sql, "metrics.samples"));
    const Timing two = MeasureBridge(tables, 2, On(sql, "metrics.samples"));
    std::printf(
        "{\"bench\": \"sql_bridge\", \"query\": \"%s\", \"bridge_cpu_ms\": %.2f, "
        "\"own_cpu_ms\": %.2f, \"ratio\": %.2f, \"bridge_wall_ms\": %.2f, "
        "\"bridge_wall_ms_2_threads\": %.2f}\n",
        name, bridge.cpu_ms, own.cpu_ms, bridge.cpu_ms / own.cpu_ms, bridge.wall_ms,
        two.wall_ms);
    std::fflush(stdout);
  }
}

}  // namespace
}  // namespace firn

int main() { firn::Run(); }
