// SPDX-License-Identifier: Apache-2.0
// fake_db.h: a Db that does what a test tells it to. For tests of the server and the
// command line, and to measure what HTTP costs without a store.
#pragma once

#include <arrow/record_batch.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/context.h"
#include "base/metrics.h"
#include "firn/db.h"
#include "wire/recording_appender.h"

namespace firn::server {

// Hands out batches that are there already.
class FakeCursor final : public SqlCursor {
 public:
  FakeCursor(std::shared_ptr<arrow::Schema> schema,
             std::vector<std::shared_ptr<arrow::RecordBatch>> batches)
      : schema_(std::move(schema)), batches_(std::move(batches)) {}

  const std::shared_ptr<arrow::Schema>& schema() const override { return schema_; }
  Result<std::shared_ptr<arrow::RecordBatch>> Next() override {
    if (next_ < batches_.size()) return batches_[next_++];
    if (!last_status.ok()) return last_status;
    return std::shared_ptr<arrow::RecordBatch>();
  }

  QueryStats stats() const override { return counted; }

  Status last_status;  // After the batches; OK ends them.
  QueryStats counted;

 private:
  std::shared_ptr<arrow::Schema> schema_;
  std::vector<std::shared_ptr<arrow::RecordBatch>> batches_;
  std::size_t next_ = 0;
};

// Passes everything on to an appender that outlives the connection, so that a test can
// look at it. Connections of one test write one after the other.
class SharedAppender final : public Appender {
 public:
  explicit SharedAppender(std::shared_ptr<wire::RecordingAppender> inner)
      : inner_(std::move(inner)) {}
  Prediction Predict() const override { return inner_->Predict(); }
  void Accept(const Prediction& p) override { inner_->Accept(p); }
  Result<SeriesRef> Resolve(std::string_view alias, const LabelParser& parse) override {
    return inner_->Resolve(alias, parse);
  }
  void Append(SeriesRef series, Sample sample) override {
    inner_->Append(series, sample);
  }
  void Reject(std::int64_t n, const Status& why) override { inner_->Reject(n, why); }
  void Discard() override { inner_->Discard(); }
  Result<AppendReport> Commit() override { return inner_->Commit(); }

 private:
  std::shared_ptr<wire::RecordingAppender> inner_;
};

// Tables by name, each with the metadata that a test gives it.
class FakeCatalog final : public CatalogReader {
 public:
  std::map<NamespaceLevels, std::map<std::string, CatalogTable>> tables;
  std::map<std::string, std::string> properties;
  Status status;  // What every call answers where it is not OK.

  Result<std::vector<NamespaceLevels>> ListNamespaces(
      const base::Context&, const NamespaceLevels& parent) override {
    FIRN_RETURN_IF_ERROR(status);
    std::vector<NamespaceLevels> found;
    for (const auto& [levels, unused] : tables) {
      if (levels.size() == parent.size() + 1 &&
          std::equal(parent.begin(), parent.end(), levels.begin())) {
        found.push_back(levels);
      }
    }
    if (!parent.empty()) FIRN_RETURN_IF_ERROR(Find(parent));
    return found;
  }
  Result<std::map<std::string, std::string>> NamespaceProperties(
      const base::Context&, const NamespaceLevels& name_space) override {
    FIRN_RETURN_IF_ERROR(Find(name_space));
    return properties;
  }
  Result<std::vector<std::string>> ListTables(
      const base::Context&, const NamespaceLevels& name_space) override {
    FIRN_RETURN_IF_ERROR(Find(name_space));
    std::vector<std::string> names;
    for (const auto& [name, table] : tables[name_space]) names.push_back(name);
    return names;
  }
  Result<CatalogTable> LoadTable(const base::Context&, const NamespaceLevels& name_space,
                                 const std::string& table,
                                 CatalogSnapshots snapshots) override {
    FIRN_RETURN_IF_ERROR(Find(name_space));
    const auto found = tables[name_space].find(table);
    if (found == tables[name_space].end()) return Status::NotFound("no table " + table);
    CatalogTable loaded = found->second;
    if (snapshots == CatalogSnapshots::kReferenced) loaded.metadata_json = "{}";
    return loaded;
  }

 private:
  Status Find(const NamespaceLevels& name_space) const {
    FIRN_RETURN_IF_ERROR(status);
    if (tables.contains(name_space)) return Status::OK();
    return Status::NotFound("no such namespace");
  }
};

// Set the functions before the server starts. Thread-safe as far as they are.
class FakeDb final : public Db {
 public:
  std::function<Result<PromqlResult>(const base::Context&, const PromqlRequest&)> promql =
      [](const base::Context&, const PromqlRequest& r) -> Result<PromqlResult> {
    PromqlResult result;
    result.value = PromqlScalar{r.start_ms, 2};
    return result;
  };
  TableFilter sql_filter;  // Of the last statement.
  std::function<Result<std::unique_ptr<SqlCursor>>(std::string_view)> sql =
      [](std::string_view) -> Result<std::unique_ptr<SqlCursor>> {
    return Status::InvalidArgument("no such statement");
  };
  std::function<Result<std::vector<Labels>>(const SeriesQuery&)> series =
      [](const SeriesQuery&) { return std::vector<Labels>(); };
  std::function<Result<std::vector<std::string>>(std::string_view, const SeriesQuery&)>
      label_values =
          [](std::string_view, const SeriesQuery&) { return std::vector<std::string>(); };
  Result<std::vector<SettledTable>> settled = std::vector<SettledTable>();
  std::vector<MetricDescription> metadata;
  std::vector<TableSummary> tables;
  FakeCatalog known;
  std::vector<TableCheck> checks;  // What CheckTable answers for the table of each.
  std::shared_ptr<wire::RecordingAppender> appender =
      std::make_shared<wire::RecordingAppender>();
  // Where false each connection gets an appender of its own, which keeps no sample.
  bool share_appender = true;

  Result<std::unique_ptr<Appender>> NewAppender(std::string) override {
    if (share_appender) return std::make_unique<SharedAppender>(appender);
    return std::make_unique<wire::RecordingAppender>(/*keep_samples=*/false);
  }
  Status DescribeMetrics(std::string_view,
                         const std::vector<MetricDescription>& metrics) override {
    const std::lock_guard lock(mutex_);
    metadata.insert(metadata.end(), metrics.begin(), metrics.end());
    return Status::OK();
  }
  Result<std::vector<SettledTable>> Settle(const base::Context&) override {
    return settled;
  }
  Result<PromqlResult> Promql(const base::Context& context,
                              const PromqlRequest& request) override {
    return promql(context, request);
  }
  Result<std::vector<Labels>> Series(const base::Context&,
                                     const SeriesQuery& query) override {
    return series(query);
  }
  Result<std::vector<std::string>> LabelNames(const base::Context&,
                                              const SeriesQuery& query) override {
    return label_values("", query);
  }
  Result<std::vector<std::string>> LabelValues(const base::Context&,
                                               std::string_view name,
                                               const SeriesQuery& query) override {
    return label_values(name, query);
  }
  Result<std::vector<MetricDescription>> Metadata(const base::Context&, std::string_view,
                                                  std::string_view metric,
                                                  std::int64_t) override {
    const std::lock_guard lock(mutex_);
    std::vector<MetricDescription> found;
    for (const MetricDescription& one : metadata) {
      if (metric.empty() || one.metric == metric) found.push_back(one);
    }
    return found;
  }
  Result<std::unique_ptr<SqlCursor>> Sql(const base::Context&, std::string_view statement,
                                         const TableFilter& filter) override {
    sql_filter = filter;
    return sql(statement);
  }
  Result<std::vector<TableSummary>> ListTables(const base::Context&) override {
    return tables;
  }
  Result<TableDescription> DescribeTable(const base::Context&,
                                         std::string_view table) override {
    return Status::NotFound("table " + std::string(table) + " does not exist");
  }
  Result<std::vector<SnapshotSummary>> Snapshots(const base::Context&,
                                                 std::string_view table) override {
    return Status::NotFound("table " + std::string(table) + " does not exist");
  }
  Result<std::vector<FileSummary>> Files(const base::Context&,
                                         std::string_view table) override {
    return Status::NotFound("table " + std::string(table) + " does not exist");
  }
  Result<std::vector<PartitionSummary>> Partitions(
      const base::Context&, std::string_view table,
      const std::vector<std::string>&) override {
    return Status::NotFound("table " + std::string(table) + " does not exist");
  }
  CatalogReader& catalog() override { return known; }
  Result<TableCheck> CheckTable(const base::Context&, std::string_view table,
                                const TableCheckOptions& options) override {
    for (const TableCheck& check : checks) {
      if (check.table != table) continue;
      if (options.on_progress) options.on_progress(0.5);
      return check;
    }
    return Status::NotFound("table " + std::string(table) + " does not exist");
  }
  const std::vector<std::string>& start_reports() const override { return reports_; }
  base::MetricRegistry& metrics() override { return registry_; }

 private:
  std::mutex mutex_;
  std::vector<std::string> reports_;
  base::MetricRegistry registry_;
};

}  // namespace firn::server
