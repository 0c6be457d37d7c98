// SPDX-License-Identifier: Apache-2.0
#include "tsdb/engine.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "tsdb/table_sources.h"
#include "tsdb/window.h"

namespace firn::tsdb {
namespace {

// A position as an offset of `log`: 0 where the table holds nothing of this log.
wal::Offset OffsetIn(const wal::LogExtent& log,
                     const std::optional<table::Position>& position) {
  return position.has_value() && position->log == log.id ? position->offset : 0;
}

}  // namespace

Result<LogAssessment> AssessLog(const wal::LogExtent& log, const MetricTables& tables,
                                const base::Ulid& writer) {
  FIRN_ASSIGN_OR_RETURN(const std::optional<table::Position> series_position,
                        table::FindPosition(*tables.series.metadata, writer));
  FIRN_ASSIGN_OR_RETURN(const std::optional<table::Position> samples_position,
                        table::FindPosition(*tables.samples.metadata, writer));
  const wal::Offset series = OffsetIn(log, series_position);
  const wal::Offset samples = OffsetIn(log, samples_position);
  LogAssessment assessment;
  assessment.settled = samples;
  FIRN_ASSIGN_OR_RETURN(const std::vector<base::Ulid> known, KnownLogs(tables, writer));
  for (const base::Ulid& other : known) {
    if (other <= log.id) continue;
    assessment.fit = LogFit::kSuperseded;
    assessment.report = "the tables hold the log " + other.ToString() +
                        " of this writer, which is later than the log " +
                        log.id.ToString() +
                        " here: this data directory is an older copy that was put back, "
                        "and what it holds went into the later log";
    return assessment;
  }
  if (std::max(series, samples) > log.end) {
    assessment.fit = LogFit::kBehind;
    assessment.report =
        "the log " + log.id.ToString() + " ends at " + std::to_string(log.end) +
        " and the tables hold it up to " + std::to_string(std::max(series, samples)) +
        ": its tail was lost, or an older copy of the data directory was put back. A new "
        "log is begun";
  } else if (std::min(series, samples) < log.trim) {
    const auto& behind = samples < log.trim ? tables.samples : tables.series;
    assessment.fit = LogFit::kGap;
    assessment.report =
        "table " + behind.identifier.ToString() + " holds the log " + log.id.ToString() +
        " up to " + std::to_string(std::min(series, samples)) +
        " and the log begins at " + std::to_string(log.trim) +
        ": the warehouse is older than the log, as after putting back an older copy. "
        "What lies between is not in this warehouse";
  }
  return assessment;
}

Result<std::vector<base::Ulid>> KnownLogs(const MetricTables& tables,
                                          const base::Ulid& writer) {
  std::vector<base::Ulid> logs;
  for (const iceberg::LoadedTable* table : {&tables.series, &tables.samples}) {
    FIRN_ASSIGN_OR_RETURN(const std::optional<table::Position> position,
                          table::FindPosition(*table->metadata, writer));
    if (position.has_value()) logs.push_back(position->log);
  }
  return logs;
}

Engine::Engine(const Environment& environment, EngineOptions options)
    : env_(environment), options_(std::move(options)) {
  head_ = std::make_unique<Head>(options_.head, env_.log, env_.clock, env_.metrics);
  cuts_ = std::make_unique<CutPublisher>(head_.get());
  cold_ = std::make_unique<ColdReader>(env_.scan);
  reader_ = std::make_unique<SeriesReader>(head_.get(), *cuts_, *cold_);
  SettlerOptions settling;
  settling.writer = options_.writer;
  settling.trim_bytes = options_.trim_bytes;
  settling.commit = options_.commit;
  settler_ = std::make_unique<Settler>(
      Settler::Environment{*head_, env_.log, *cuts_, *cold_, env_.commit, env_.scan.store,
                           env_.spill_files, env_.spill_directory, env_.clock, env_.ulids,
                           env_.metrics},
      std::move(settling));
}

Result<std::unique_ptr<Engine>> Engine::Open(const base::Context& context,
                                             const Environment& environment,
                                             const MetricTables& tables,
                                             const LogAssessment& assessment,
                                             EngineOptions options) {
  const base::Ulid writer = options.writer;
  FIRN_ASSERT(assessment.fit == LogFit::kFits ||
              (assessment.fit == LogFit::kGap && options.accept_gap));
  FIRN_ASSERT(assessment.settled <= environment.log.appended_offset());
  std::unique_ptr<Engine> engine(new Engine(environment, std::move(options)));
  SettledTables settled;
  settled.series = tables.series;
  settled.samples = tables.samples;
  FIRN_ASSIGN_OR_RETURN(settled.series_position,
                        table::FindPosition(*tables.series.metadata, writer));
  FIRN_ASSIGN_OR_RETURN(settled.samples_position,
                        table::FindPosition(*tables.samples.metadata, writer));
  settled.settled = assessment.settled;
  engine->cuts_->Publish(std::move(settled));
  FIRN_RETURN_IF_ERROR(engine->ReplayLog(assessment.settled));
  FIRN_RETURN_IF_ERROR(engine->RestoreWindow(context, assessment.settled));
  return engine;
}

Status Engine::ReplayLog(wal::Offset settled) {
  return env_.log
      .Replay([&](const wal::Record& record) { return head_->Replay(record, settled); })
      .With("replay the log");
}

Status Engine::RestoreWindow(const base::Context& context, wal::Offset settled) {
  SettledTables tables = *cuts_->tables();
  FIRN_ASSIGN_OR_RETURN(Window window, LoadWindow(context, *cold_, tables, *head_));
  head_->FinishReplay(std::move(window.samples), settled);
  tables.emitted = std::move(window.emitted);
  cuts_->Publish(std::move(tables));
  return Status::OK();
}

Result<std::shared_ptr<scan::BatchSource>> Engine::OpenTable(
    const iceberg::TableIdentifier& name) const {
  if (name == SamplesTable()) return MakeSamplesSource(env_.scan, *head_, cuts_->Pin());
  if (name == SeriesTableName()) return MakeSeriesSource(env_.scan, *head_, cuts_->Pin());
  return std::shared_ptr<scan::BatchSource>();
}

}  // namespace firn::tsdb
