// SPDX-License-Identifier: Apache-2.0
#include "tsdb/settler.h"

#include <arrow/record_batch.h>

#include <algorithm>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "base/assert.h"
#include "base/log.h"
#include "table/positioned_append.h"
#include "tsdb/samples_batch.h"
#include "tsdb/series_batch.h"
#include "tsdb/tables.h"
#include "tsdb/window.h"

namespace firn::tsdb {
namespace {

// Rows of metrics.series that go into one batch.
constexpr std::size_t kSeriesRowsPerBatch = 4096;
// The log is trimmed early where one series in so many is idle: only the log's
// definitions keep those. Each definition in a checkpoint is then paid for by a series
// forgotten, up to this factor.
constexpr std::int64_t kIdleShare = 8;
// Series written between two looks at the context.
constexpr std::size_t kSeriesPerCheck = 256;

// A series of a generation with what it is sorted by.
struct SortedSeries {
  SeriesRef ref;
  base::SeriesId id;
  std::string_view tenant;
  Labels labels;
};

std::vector<SortedSeries> SortByMetricAndId(const Head& head,
                                            const Generation& generation) {
  std::vector<SortedSeries> sorted;
  for (const SeriesRef ref : head.SeriesOf(generation)) {
    sorted.push_back({ref, head.series().id(ref), head.series().tenant(ref),
                      head.series().labels(ref)});
  }
  std::sort(sorted.begin(), sorted.end(),
            [](const SortedSeries& a, const SortedSeries& b) {
              const std::string_view metric_a = a.labels.metric_name();
              const std::string_view metric_b = b.labels.metric_name();
              return std::tie(metric_a, a.id) < std::tie(metric_b, b.id);
            });
  return sorted;
}

// The days on which the generation has samples. A generation of today and yesterday is
// the rule; one of many days (a backfill) is looked through once to find which.
std::set<Day> DaysOf(const Head& head, const Generations& generation,
                     const std::vector<SortedSeries>& series) {
  const Day first = DayOfMs(generation.front()->min_ms());
  const Day last = DayOfMs(generation.front()->max_ms());
  constexpr Day kFewDays = 3;
  std::set<Day> days;
  if (last - first < kFewDays) {
    for (Day day = first; day <= last; ++day) days.insert(day);
    return days;
  }
  scan::SampleColumns samples;
  for (const SortedSeries& s : series) {
    samples.clear();
    for (const auto& view : head.Capture(generation, s.ref, {})) {
      DecodeView(view, {}, samples);
    }
    for (const TimestampMs t : samples.timestamps_ms) days.insert(DayOfMs(t));
  }
  return days;
}

// Whether `now` is not what `before` became by commits alone. A snapshot that was expired
// meanwhile counts as rolled back: that costs a look at the table and is never wrong.
bool IsRolledBack(const iceberg::LoadedTable& before, const iceberg::LoadedTable& now) {
  const std::optional<iceberg::SnapshotId> old_id = before.metadata->current_snapshot_id;
  const std::optional<iceberg::SnapshotId> new_id = now.metadata->current_snapshot_id;
  if (!old_id.has_value() || old_id == new_id) return false;
  return !new_id.has_value() || !now.metadata->IsAncestor(*old_id, *new_id);
}

// A borrowed generation, as the functions that take several want it.
Generations Borrow(const Generation& generation) {
  return {std::shared_ptr<const Generation>(std::shared_ptr<void>(), &generation)};
}

parquet::ColumnOptions Plain(parquet::Encoding encoding) {
  parquet::ColumnOptions options;
  options.dictionary = false;
  options.encoding = encoding;
  return options;
}

}  // namespace

table::DataWriterOptions SamplesFileOptions(const iceberg::Schema& samples) {
  table::DataWriterOptions options;
  // Timestamps of a scrape differ by a constant; values are noise that a dictionary only
  // makes larger.
  options.parquet.columns[kTsId] = Plain(parquet::Encoding::kDeltaBinaryPacked);
  options.parquet.columns[kValueId] = Plain(parquet::Encoding::kPlain);
  // Nothing prunes by what is inside a map, and bounds of it cost as much as its pages.
  options.parquet.columns[kLabelsKeyId].statistics = false;
  options.parquet.columns[kLabelsValueId].statistics = false;
  std::erase_if(options.parquet.columns, [&](const auto& column) {
    return samples.FindType(iceberg::FieldId(column.first)) == nullptr;
  });
  return options;
}

table::DataWriterOptions SeriesFileOptions() { return {}; }

Settler::Settler(const Environment& environment, SettlerOptions options)
    : env_(environment),
      options_(std::move(options)),
      settled_rows_total_(env_.metrics.GetCounter(
          "firn_settle_rows_total", "Rows committed to tables by settling.")),
      failures_total_(env_.metrics.GetCounter("firn_settle_failures_total",
                                              "Settles that ended in an error.")),
      seconds_(env_.metrics.GetHistogram("firn_settle_seconds", "Duration of a settle.",
                                         {0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60})) {}

Result<std::vector<SettledTable>> Settler::Settle(const base::Context& context) {
  std::lock_guard lock(mutex_);
  const std::int64_t start_ns = env_.clock.SteadyNs();
  const std::shared_ptr<const SettledTables> before = env_.cuts.tables();
  env_.head.Freeze();
  std::vector<SettledTable> settled;
  const auto unsettled = env_.head.FrozenAndUnsettled(env_.cuts.tables()->settled);
  if (unsettled.empty()) {
    // No commit meets what others have done meanwhile, and who settles wants to see it.
    FIRN_RETURN_IF_ERROR(
        env_.cuts.Refresh(context, env_.commit.catalog, options_.writer).With("settle"));
  }
  for (const auto& generation : unsettled) {
    const Status status = SettleGeneration(context, *generation, &settled);
    if (!status.ok()) {
      failures_total_.Add();
      return status.With("settle");
    }
  }
  FIRN_RETURN_IF_ERROR(FollowRollback(context, *before));
  const wal::Offset position = env_.cuts.tables()->settled;
  env_.head.DropBehindWindow(position);
  const std::vector<SeriesRef> idle = env_.head.FindIdle();
  const Status trimmed = Trim(position, idle.size());
  if (!trimmed.ok()) {
    // The rows are settled; only the log is longer than it need be until the next time.
    base::LogWarn("log not trimmed", {{"reason", trimmed.ToString()}});
  }
  ForgetIdle(idle);
  seconds_.Observe(static_cast<double>(env_.clock.SteadyNs() - start_ns) / 1e9);
  return settled;
}

Status Settler::Refresh(const base::Context& context) {
  std::lock_guard lock(mutex_);
  // While a commit's outcome is unknown the position may be the old or the new one; the
  // next settle finds out which, and until then the cut that is shown stays right.
  if (series_unresolved_.has_value() || samples_unresolved_.has_value()) {
    return Status::OK();
  }
  const std::shared_ptr<const SettledTables> before = env_.cuts.tables();
  FIRN_RETURN_IF_ERROR(env_.cuts.Refresh(context, env_.commit.catalog, options_.writer));
  return FollowRollback(context, *before);
}

bool Settler::HasUnresolved() const {
  std::lock_guard lock(mutex_);
  return series_unresolved_.has_value() || samples_unresolved_.has_value();
}

// Rebuild the window where a table's snapshot is no descendant of the one before.
Status Settler::FollowRollback(const base::Context& context,
                               const SettledTables& before) {
  SettledTables now = *env_.cuts.tables();
  const bool samples = IsRolledBack(before.samples, now.samples);
  if (!samples && !IsRolledBack(before.series, now.series)) return Status::OK();
  base::LogWarn("a table was rolled back by another engine: its rows stay gone",
                {{"table", samples ? "metrics.samples" : "metrics.series"}});
  FIRN_ASSIGN_OR_RETURN(Window window, LoadWindow(context, env_.cold, now, env_.head));
  env_.head.ReplaceWindow(std::move(window.samples), now.settled);
  now.emitted = std::move(window.emitted);
  env_.cuts.Publish(std::move(now));
  return Status::OK();
}

Status Settler::SettleGeneration(const base::Context& context,
                                 const Generation& generation,
                                 std::vector<SettledTable>* settled) {
  FIRN_RETURN_IF_ERROR(SettleSeries(context, generation, settled));
  return SettleSamples(context, generation, settled);
}

Status Settler::SettleSeries(const base::Context& context, const Generation& generation,
                             std::vector<SettledTable>* settled) {
  SettledTables next = *env_.cuts.tables();
  const table::Position target{env_.log.id(), generation.end()};
  // After a crash between the two commits of a settle this one is done already.
  if (next.series_position == target) return Status::OK();
  auto emitted = std::make_shared<EmittedDays>(*next.emitted);
  std::vector<iceberg::DataFile> files;
  if (series_unresolved_.has_value()) {
    FIRN_ASSERT(series_unresolved_->target == target.offset);
    files = series_unresolved_->files;
    // The files hold what NewSeriesRows gave then, and a frozen generation gives again.
    FIRN_ASSIGN_OR_RETURN(
        const std::vector<SeriesRow> rows,
        NewSeriesRows(context, env_.head, Borrow(generation), *emitted));
    for (const SeriesRow& row : rows) emitted->Add(row.series, row.day);
  } else {
    FIRN_ASSIGN_OR_RETURN(files, WriteSeries(context, generation, emitted.get()));
  }
  std::int64_t row_count = 0;
  for (const iceberg::DataFile& file : files) row_count += file.record_count;
  FIRN_ASSIGN_OR_RETURN(next.series,
                        Commit(context, next.series, next.series_position, target.offset,
                               std::move(files), &series_unresolved_));
  next.series_position = target;
  emitted->DropBefore(DayOfMs(env_.head.oldest_taken_ms()));
  next.emitted = std::move(emitted);
  const iceberg::Snapshot* snapshot = next.series.metadata->current_snapshot();
  if (row_count > 0 && snapshot != nullptr) {
    settled->push_back(
        {next.series.identifier.ToString(), snapshot->id.value, row_count});
  }
  env_.cuts.Publish(std::move(next));
  settled_rows_total_.Add(static_cast<std::uint64_t>(row_count));
  return Status::OK();
}

Status Settler::SettleSamples(const base::Context& context, const Generation& generation,
                              std::vector<SettledTable>* settled) {
  SettledTables next = *env_.cuts.tables();
  const table::Position target{env_.log.id(), generation.end()};
  std::vector<iceberg::DataFile> files;
  if (samples_unresolved_.has_value()) {
    FIRN_ASSERT(samples_unresolved_->target == target.offset);
    files = samples_unresolved_->files;
  } else {
    FIRN_ASSIGN_OR_RETURN(files, WriteSamples(context, generation));
  }
  std::int64_t row_count = 0;
  for (const iceberg::DataFile& file : files) row_count += file.record_count;
  FIRN_ASSERT(row_count == generation.samples());
  FIRN_ASSIGN_OR_RETURN(
      next.samples, Commit(context, next.samples, next.samples_position, target.offset,
                           std::move(files), &samples_unresolved_));
  next.samples_position = target;
  next.settled = target.offset;
  const iceberg::Snapshot* snapshot = next.samples.metadata->current_snapshot();
  FIRN_ASSERT(snapshot != nullptr);
  settled->push_back({next.samples.identifier.ToString(), snapshot->id.value, row_count});
  env_.cuts.Publish(std::move(next));
  settled_rows_total_.Add(static_cast<std::uint64_t>(row_count));
  return Status::OK();
}

Result<std::unique_ptr<SettleFiles>> Settler::MakeFiles(
    const base::Context& context, const iceberg::LoadedTable& table,
    const table::DataWriterOptions& options) {
  return SettleFiles::Make({{context, table.StoreOr(env_.store), env_.clock, env_.ulids},
                            env_.spill_files,
                            env_.spill_directory},
                           table, options);
}

Result<std::vector<iceberg::DataFile>> Settler::WriteSeries(const base::Context& context,
                                                            const Generation& generation,
                                                            EmittedDays* emitted) {
  FIRN_ASSIGN_OR_RETURN(std::vector<SeriesRow> rows,
                        NewSeriesRows(context, env_.head, Borrow(generation), *emitted));
  SortSeriesRows(env_.head, &rows);
  const iceberg::LoadedTable table = env_.cuts.tables()->series;
  FIRN_ASSIGN_OR_RETURN(const std::unique_ptr<SettleFiles> files,
                        MakeFiles(context, table, SeriesFileOptions()));
  for (std::size_t begin = 0; begin < rows.size();) {
    std::size_t end = begin;
    while (end < rows.size() && rows[end].day == rows[begin].day &&
           end - begin < kSeriesRowsPerBatch) {
      emitted->Add(rows[end].series, rows[end].day);
      ++end;
    }
    FIRN_ASSIGN_OR_RETURN(
        const std::shared_ptr<arrow::RecordBatch> batch,
        BuildSeriesBatch(*table.metadata, std::nullopt, env_.head,
                         std::span(rows).subspan(begin, end - begin), nullptr));
    FIRN_RETURN_IF_ERROR(files->Write(rows[begin].day, *batch));
    begin = end;
  }
  return std::move(*files).Finish();
}

Result<std::vector<iceberg::DataFile>> Settler::WriteSamples(
    const base::Context& context, const Generation& generation) {
  const iceberg::LoadedTable table = env_.cuts.tables()->samples;
  FIRN_ASSIGN_OR_RETURN(
      const std::unique_ptr<SettleFiles> files,
      MakeFiles(context, table, SamplesFileOptions(table.metadata->current_schema())));
  FIRN_ASSIGN_OR_RETURN(
      const std::unique_ptr<SamplesBatchBuilder> builder,
      SamplesBatchBuilder::Make(
          *table.metadata, std::nullopt,
          files->takes_runs() ? SampleRows::kRuns : SampleRows::kSpelledOut, nullptr));
  const std::vector<SortedSeries> series = SortByMetricAndId(env_.head, generation);
  const Generations one = Borrow(generation);
  scan::SampleColumns samples;
  for (const Day day : DaysOf(env_.head, one, series)) {
    const ClosedRangeMs range{DayStartMs(day), DayStartMs(day + 1) - 1};
    const auto flush = [&]() -> Status {
      FIRN_ASSIGN_OR_RETURN(const std::shared_ptr<arrow::RecordBatch> batch,
                            builder->Flush());
      return files->Write(day, *batch);
    };
    for (std::size_t i = 0; i < series.size(); ++i) {
      if (i % kSeriesPerCheck == 0) FIRN_RETURN_IF_ERROR(context.Check());
      samples.clear();
      for (const auto& view : env_.head.Capture(one, series[i].ref, range)) {
        DecodeView(view, range, samples);
      }
      if (samples.size() == 0) continue;
      builder->BeginSeries(series[i].tenant, series[i].id, series[i].labels);
      FIRN_RETURN_IF_ERROR(builder->Append(samples.timestamps_ms.data(),
                                           samples.values.data(),
                                           static_cast<std::int64_t>(samples.size())));
      if (builder->row_count() >= SamplesBatchBuilder::kBatchRows) {
        FIRN_RETURN_IF_ERROR(flush());
      }
    }
    FIRN_RETURN_IF_ERROR(flush());
  }
  return std::move(*files).Finish();
}

Result<iceberg::LoadedTable> Settler::Commit(
    const base::Context& context, const iceberg::LoadedTable& table,
    const std::optional<table::Position>& expected, wal::Offset target,
    std::vector<iceberg::DataFile> files, std::optional<Unresolved>* unresolved) {
  const table::PositionedAppend append{.table = table.identifier,
                                       .writer = options_.writer,
                                       .expected = expected,
                                       .target = {env_.log.id(), target},
                                       .files = std::move(files),
                                       .tried_before = unresolved->has_value()};
  Result<iceberg::LoadedTable> committed =
      table::CommitPositioned(context, env_.commit, append, options_.commit);
  if (committed.status().Is(StatusCode::kCommitUnknown)) {
    *unresolved = Unresolved{target, append.files};
    return committed;
  }
  if (committed.status().Is(StatusCode::kCorruption) ||
      (!committed.ok() && unresolved->has_value())) {
    return committed;  // The files may be in the table: they stay.
  }
  if (!committed.ok()) {
    const base::Context always;
    for (const iceberg::DataFile& file : append.files) {
      const Status removed = table.StoreOr(env_.store).Remove(always, file.file_path);
      if (!removed.ok()) {
        base::LogWarn("a data file of a failed commit is left behind",
                      {{"file", file.file_path}, {"reason", removed.ToString()}});
      }
    }
    return committed;
  }
  unresolved->reset();
  return committed;
}

Status Settler::Trim(wal::Offset settled, std::size_t idle_series) {
  const wal::Offset trimmed = env_.log.trim_offset();
  const bool many_idle =
      idle_series > 0 &&
      static_cast<std::int64_t>(idle_series) * kIdleShare >= env_.head.series().size();
  if (settled <= trimmed || (settled - trimmed < options_.trim_bytes && !many_idle)) {
    return Status::OK();
  }
  const std::vector<CheckpointRecord> records = env_.head.MakeCheckpoint(settled);
  return env_.log.Trim(settled, [&](const wal::Log::CheckpointAppender& append) {
    for (const CheckpointRecord& record : records) {
      FIRN_RETURN_IF_ERROR(append(record.kind, record.tenant, record.payload));
    }
    return Status::OK();
  });
}

void Settler::ForgetIdle(const std::vector<SeriesRef>& idle) {
  const Head::ForgottenSeries forgotten = env_.head.ForgetIdle(idle);
  if (!forgotten.empty()) {
    SettledTables next = *env_.cuts.tables();
    auto emitted = std::make_shared<EmittedDays>(*next.emitted);
    emitted->Forget(forgotten);
    next.emitted = std::move(emitted);
    env_.cuts.Publish(std::move(next));
  }
  env_.head.series().Sweep();
}

}  // namespace firn::tsdb
