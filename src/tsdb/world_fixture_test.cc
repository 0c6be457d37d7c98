// SPDX-License-Identifier: Apache-2.0
#include "tsdb/world_fixture.h"

#include <arrow/array/array_binary.h>
#include <arrow/array/array_primitive.h>
#include <arrow/record_batch.h>

#include <cstdlib>

#include "base/log.h"
#include "table/table_source.h"

namespace firn::tsdb {
namespace {

Result<Labels> ParseName(std::string_view alias) {
  return Labels::Make({{std::string(kMetricNameLabel), "m"},
                       {"host", std::string(alias)},
                       {"job", "test"},
                       {"zone", "z-" + std::string(alias)}});
}

}  // namespace

World::World(std::uint64_t seed) : random_(seed), ulids_(clock_, seed) {
  base::SetLogLevel(base::LogLevel::kError);  // Faults are the rule here.
  iceberg::SqlCatalogOptions catalog;
  catalog.uri = "sqlite://";
  catalog.warehouse = "memory://warehouse";
  catalog.fault = [this](iceberg::SqlCatalogOptions::Point point) {
    return catalog_fault_ ? catalog_fault_(point) : Status::OK();
  };
  auto opened = iceberg::OpenSqlCatalog(std::move(catalog), store_, clock_, random_);
  EXPECT_TRUE(opened.ok()) << opened.status();
  catalog_ = *std::move(opened);
  writer_ = ulids_.Next();
  options_.commit.wait = [](const base::Context& context, DurationMs) {
    return context.Check();
  };
}

Status World::TryStart() {
  footers_ = std::make_unique<parquet::FooterCache>(1 << 20);
  metrics_ = std::make_unique<base::MetricRegistry>();
  FIRN_ASSIGN_OR_RETURN(const MetricTables tables,
                        OpenOrCreateTables(context_, *catalog_, promoted_labels_));
  FIRN_ASSIGN_OR_RETURN(const std::optional<wal::LogExtent> found,
                        wal::Log::Inspect(files_, log_dir_, log_options_));
  assessment_ = LogAssessment();
  if (found.has_value()) {
    FIRN_ASSIGN_OR_RETURN(assessment_, AssessLog(*found, tables, writer_));
  }
  const bool goes_on = assessment_.fit == LogFit::kFits ||
                       (assessment_.fit == LogFit::kGap && options_.accept_gap);
  if (!goes_on) return Status::Corruption(assessment_.report);
  FIRN_ASSIGN_OR_RETURN(log_, wal::Log::Open(files_, log_dir_, log_options_, ulids_));
  options_.writer = writer_;
  FIRN_ASSIGN_OR_RETURN(engine_, Engine::Open(context_,
                                              {*log_,
                                               {*catalog_, manifests_, clock_, random_},
                                               {store_, *footers_, nullptr},
                                               clock_,
                                               ulids_,
                                               *metrics_,
                                               files_,
                                               "spill"},
                                              tables, assessment_, options_));
  appender_ = MakeHeadAppender(engine_->head(), "");
  return Status::OK();
}

void World::Start() {
  const Status started = TryStart();
  ASSERT_TRUE(started.ok()) << started;
}

void World::Kill() {
  appender_.reset();
  engine_.reset();
  log_.reset();
}

void World::CutPower(std::uint64_t seed) {
  Kill();
  files_.CutPower(seed);
}

void World::BeginAnew(const std::string& log_dir) {
  for (const iceberg::TableIdentifier& table : {SamplesTable(), SeriesTableName()}) {
    const Status dropped = catalog_->DropTable(context_, table);
    ASSERT_TRUE(dropped.ok() || dropped.Is(StatusCode::kNotFound)) << dropped;
  }
  log_dir_ = log_dir;
  acknowledged_.clear();
  unknown_.clear();
}

std::uint64_t World::SeedCount(std::uint64_t by_default) {
  const char* text = std::getenv("FIRN_SEEDS");
  return text == nullptr ? by_default : std::strtoull(text, nullptr, 10);
}

void World::EndLife(bool power_cut, std::uint64_t seed) {
  if (power_cut) {
    CutPower(seed);
  } else {
    Kill();
  }
  Start();
  Check();
  if (HasFailure()) return;
  Kill();
}

Status World::Write(const std::vector<std::string>& names, TimestampMs t, double value) {
  for (const std::string& name : names) {
    FIRN_ASSIGN_OR_RETURN(const SeriesRef ref, appender_->Resolve(name, ParseName));
    appender_->Append(ref, {t, value});
  }
  const Result<AppendReport> report = appender_->Commit();
  for (const std::string& name : names) {
    if (!report.ok()) {
      unknown_.emplace(std::pair(name, t), value);
    } else if (report->rejected() == 0) {
      acknowledged_.emplace(std::pair(name, t), value);
    }
  }
  return report.status();
}

Status World::Settle() { return engine_->settler().Settle(context_).status(); }
Status World::Refresh() { return engine_->settler().Refresh(context_); }

World::Samples World::ReadSeries() {
  Samples samples;
  auto set = engine_->reader().Select(context_, {"", {}, {}});
  EXPECT_TRUE(set.ok()) << set.status();
  if (!set.ok()) return samples;
  scan::SampleColumns columns;
  while ((*set)->Next()) {
    const Status read = (*set)->Read(columns);
    EXPECT_TRUE(read.ok()) << read;
    const std::string name((*set)->labels().Get("host"));
    for (std::size_t i = 0; i < columns.size(); ++i) {
      EXPECT_TRUE(
          samples.emplace(std::pair(name, columns.timestamps_ms[i]), columns.values[i])
              .second)
          << "read twice: " << name << " " << columns.timestamps_ms[i];
    }
  }
  EXPECT_TRUE((*set)->status().ok()) << (*set)->status();
  return samples;
}

World::Samples World::Collect(scan::BatchSource& source, expr::PredicatePtr predicate) {
  Samples samples;
  scan::ScanRequest request;
  request.predicate = std::move(predicate);
  request.columns = {"host", "ts", "value"};
  auto plan = source.Plan(context_, request);
  EXPECT_TRUE(plan.ok()) << plan.status();
  if (!plan.ok()) return samples;
  for (std::size_t split = 0;; ++split) {
    auto stream = (*plan)->OpenSplit(split);
    if (stream.ok() && *stream == nullptr) break;
    EXPECT_TRUE(stream.ok()) << stream.status();
    if (!stream.ok()) return samples;
    for (;;) {
      auto batch = (*stream)->Next();
      EXPECT_TRUE(batch.ok()) << batch.status();
      if (!batch.ok() || *batch == nullptr) break;
      const auto& host = static_cast<const arrow::StringArray&>(*(*batch)->column(0));
      const auto& ts = static_cast<const arrow::TimestampArray&>(*(*batch)->column(1));
      const auto& value = static_cast<const arrow::DoubleArray&>(*(*batch)->column(2));
      for (std::int64_t row = 0; row < (*batch)->num_rows(); ++row) {
        const std::pair key(host.GetString(row), ts.Value(row) / 1000);
        EXPECT_TRUE(samples.emplace(key, value.Value(row)).second)
            << "twice in the table: " << key.first << " " << key.second;
      }
    }
  }
  return samples;
}

World::Samples World::ScanTable() {
  auto source = engine_->OpenTable(SamplesTable());
  EXPECT_TRUE(source.ok()) << source.status();
  return source.ok() ? Collect(**source, nullptr) : Samples();
}

World::Samples World::ScanSettled(expr::PredicatePtr predicate) {
  auto source =
      table::MakeTableSource({store_, *footers_, nullptr}, Load(SamplesTable()));
  EXPECT_TRUE(source.ok()) << source.status();
  return source.ok() ? Collect(**source, std::move(predicate)) : Samples();
}

std::int64_t World::CountRows(const std::string& table) {
  auto identifier = iceberg::TableIdentifier::Parse(table);
  auto source = engine_->OpenTable(*identifier);
  EXPECT_TRUE(source.ok()) << source.status();
  scan::ScanRequest request;
  request.columns.emplace();
  auto plan = (*source)->Plan(context_, request);
  EXPECT_TRUE(plan.ok()) << plan.status();
  std::int64_t rows = 0;
  for (std::size_t split = 0;; ++split) {
    auto stream = (*plan)->OpenSplit(split);
    if (stream.ok() && *stream == nullptr) break;
    EXPECT_TRUE(stream.ok()) << stream.status();
    for (;;) {
      auto batch = (*stream)->Next();
      EXPECT_TRUE(batch.ok()) << batch.status();
      if (!batch.ok() || *batch == nullptr) break;
      rows += (*batch)->num_rows();
    }
  }
  return rows;
}

void World::Check() {
  for (const Samples& read : {ReadSeries(), ScanTable()}) {
    for (const auto& [key, value] : acknowledged_) {
      const auto found = read.find(key);
      ASSERT_NE(found, read.end()) << "lost: " << key.first << " " << key.second;
      ASSERT_EQ(found->second, value) << key.first << " " << key.second;
    }
    for (const auto& [key, value] : read) {
      ASSERT_TRUE(acknowledged_.contains(key) || unknown_.contains(key))
          << "never written: " << key.first << " " << key.second;
    }
  }
}

iceberg::LoadedTable World::Load(const iceberg::TableIdentifier& table) {
  auto loaded = catalog_->LoadTable(context_, table);
  EXPECT_TRUE(loaded.ok()) << loaded.status();
  return loaded.ok() ? *loaded : iceberg::LoadedTable();
}

std::optional<table::Position> World::PositionOf(const iceberg::TableIdentifier& table) {
  auto position = table::FindPosition(*Load(table).metadata, writer_);
  EXPECT_TRUE(position.ok()) << position.status();
  return position.ok() ? *position : std::nullopt;
}

}  // namespace firn::tsdb
