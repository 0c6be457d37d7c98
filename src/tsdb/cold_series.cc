// SPDX-License-Identifier: Apache-2.0
#include "tsdb/cold_series.h"

#include <arrow/array/array_binary.h>
#include <arrow/array/array_nested.h>
#include <arrow/array/array_primitive.h>
#include <arrow/record_batch.h>

#include <algorithm>
#include <numeric>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/assert.h"
#include "iceberg/plan.h"
#include "iceberg/single_value.h"
#include "tsdb/emitted_days.h"
#include "tsdb/tables.h"

namespace firn::tsdb {
namespace {

using expr::CompareOp;
using expr::PredicatePtr;

// A predicate on the series id prunes pages; with more ids than this nearly every page
// has one of them.
constexpr std::size_t kSeriesIdsInPredicate = 64;

PredicatePtr CompareWith(std::string column, CompareOp op, expr::Literal literal) {
  return expr::MakePredicate(expr::Compare{std::move(column), op, std::move(literal)});
}

expr::Timestamp MillisecondStart(TimestampMs t) {
  TimestampUs us;
  if (__builtin_mul_overflow(t, 1000, &us)) {
    us = t < 0 ? kTimestampMsMin : kTimestampMsMax;
  }
  return {us};
}
// The last microsecond of the millisecond: other writers may be more exact than ours.
expr::Timestamp MillisecondEnd(TimestampMs t) {
  const expr::Timestamp start = MillisecondStart(t);
  TimestampUs us;
  return {__builtin_add_overflow(start.us, 999, &us) ? kTimestampMsMax : us};
}

// What the matchers say of the metric's name, for pruning.
PredicatePtr MetricPredicate(const std::vector<base::Matcher>& matchers) {
  PredicatePtr all;
  for (const base::Matcher& matcher : matchers) {
    const bool positive =
        matcher.op() == MatchOp::kEqual || matcher.op() == MatchOp::kRegex;
    if (matcher.name() != kMetricNameLabel || !positive) continue;
    if (matcher.has_literals() && !matcher.literals().empty()) {
      std::vector<expr::Literal> names(matcher.literals().begin(),
                                       matcher.literals().end());
      all = expr::Conjoin(
          std::move(all),
          names.size() == 1
              ? CompareWith("metric", CompareOp::kEq, std::move(names.front()))
              : expr::MakePredicate(expr::In{"metric", std::move(names)}));
    } else if (!matcher.prefix().empty()) {
      all = expr::Conjoin(std::move(all), expr::MakePredicate(expr::StartsWith{
                                              "metric", matcher.prefix()}));
    }
  }
  return all;
}

PredicatePtr TenantPredicate(std::string_view tenant) {
  return CompareWith("tenant", CompareOp::kEq, std::string(tenant));
}

template <typename Array>
Result<const Array*> ColumnAs(const arrow::RecordBatch& batch, int index,
                              arrow::Type::type type) {
  const arrow::Array& column = *batch.column(index);
  if (column.type_id() != type) {
    return Status::Corruption("column " + batch.schema()->field(index)->name() +
                              " has type " + column.type()->ToString());
  }
  return static_cast<const Array*>(&column);
}

// Calls visit(batch) for every batch of the plan.
template <typename Visit>
Status VisitBatches(const base::Context& context, scan::ScanPlan& plan, Visit visit) {
  for (std::size_t split = 0;; ++split) {
    FIRN_ASSIGN_OR_RETURN(const std::unique_ptr<scan::BatchStream> stream,
                          plan.OpenSplit(split));
    if (stream == nullptr) return Status::OK();
    for (;;) {
      FIRN_RETURN_IF_ERROR(context.Check());
      FIRN_ASSIGN_OR_RETURN(const std::shared_ptr<arrow::RecordBatch> batch,
                            stream->Next());
      if (batch == nullptr) break;
      FIRN_RETURN_IF_ERROR(visit(*batch));
    }
  }
}

Result<std::unique_ptr<scan::ScanPlan>> PlanTable(
    const base::Context& context, const table::ScanEnvironment& environment,
    const iceberg::LoadedTable& table, std::vector<std::string> columns,
    PredicatePtr predicate) {
  FIRN_ASSIGN_OR_RETURN(const std::shared_ptr<scan::BatchSource> source,
                        table::MakeTableSource(environment, table));
  scan::ScanRequest request;
  request.columns = std::move(columns);
  request.predicate = std::move(predicate);
  return source->Plan(context, request);
}

// One row of metrics.series, in place.
struct SeriesRowView {
  base::SeriesId id;
  std::string_view tenant;
  std::string_view metric;
  TimestampUs first_seen_us = 0;
  const arrow::MapArray* maps = nullptr;
  std::int64_t row = 0;

  Labels MakeLabels() const {
    std::vector<Label> labels;
    labels.push_back({std::string(kMetricNameLabel), std::string(metric)});
    const auto& keys = static_cast<const arrow::StringArray&>(*maps->keys());
    const auto& values = static_cast<const arrow::StringArray&>(*maps->items());
    if (!maps->IsNull(row)) {
      for (auto i = maps->value_offset(row); i < maps->value_offset(row + 1); ++i) {
        if (values.IsNull(i)) continue;
        labels.push_back({keys.GetString(i), values.GetString(i)});
      }
    }
    return Labels::FromUnsorted(std::move(labels));
  }
};

// Calls visit(row) for every row of metrics.series that the predicate may select.
template <typename Visit>
Status VisitSeriesRows(const base::Context& context,
                       const table::ScanEnvironment& environment,
                       const iceberg::LoadedTable& table, PredicatePtr predicate,
                       Visit visit) {
  FIRN_ASSIGN_OR_RETURN(
      const std::unique_ptr<scan::ScanPlan> plan,
      PlanTable(context, environment, table,
                {"series_id", "tenant", "metric", "first_seen", "labels"},
                std::move(predicate)));
  return VisitBatches(context, *plan, [&](const arrow::RecordBatch& batch) -> Status {
    FIRN_ASSIGN_OR_RETURN(const auto* ids, ColumnAs<arrow::FixedSizeBinaryArray>(
                                               batch, 0, arrow::Type::FIXED_SIZE_BINARY));
    FIRN_ASSIGN_OR_RETURN(const auto* tenants,
                          ColumnAs<arrow::StringArray>(batch, 1, arrow::Type::STRING));
    FIRN_ASSIGN_OR_RETURN(const auto* metrics,
                          ColumnAs<arrow::StringArray>(batch, 2, arrow::Type::STRING));
    FIRN_ASSIGN_OR_RETURN(const auto* first_seen, ColumnAs<arrow::TimestampArray>(
                                                      batch, 3, arrow::Type::TIMESTAMP));
    FIRN_ASSIGN_OR_RETURN(const auto* labels,
                          ColumnAs<arrow::MapArray>(batch, 4, arrow::Type::MAP));
    for (std::int64_t row = 0; row < batch.num_rows(); ++row) {
      FIRN_RETURN_IF_ERROR(visit(
          SeriesRowView{base::SeriesId::FromRaw(
                            {reinterpret_cast<const char*>(ids->GetValue(row)), 16}),
                        tenants->GetView(row), metrics->GetView(row),
                        first_seen->Value(row), labels, row}));
    }
    return Status::OK();
  });
}

const std::vector<std::string> kSampleColumns = {"series_id", "ts", "value", "flags"};

// The column `flags`, an int unless another engine has widened it.
class Flags {
 public:
  static Result<Flags> Of(const arrow::RecordBatch& batch, int index) {
    Flags flags;
    if (batch.column(index)->type_id() == arrow::Type::INT64) {
      FIRN_ASSIGN_OR_RETURN(
          flags.wide_, ColumnAs<arrow::Int64Array>(batch, index, arrow::Type::INT64));
    } else {
      FIRN_ASSIGN_OR_RETURN(
          flags.narrow_, ColumnAs<arrow::Int32Array>(batch, index, arrow::Type::INT32));
    }
    return flags;
  }
  bool IsStale(std::int64_t row) const {
    return ((wide_ != nullptr ? wide_->Value(row) : narrow_->Value(row)) & kFlagStale) !=
           0;
  }

 private:
  const arrow::Int64Array* wide_ = nullptr;  // One of the two is there.
  const arrow::Int32Array* narrow_ = nullptr;
};

// Calls visit(id, begin, end, ts, values, flags) for each run of rows of one series.
template <typename Visit>
Status VisitRuns(const arrow::RecordBatch& batch, Visit visit) {
  FIRN_ASSIGN_OR_RETURN(const auto* ids, ColumnAs<arrow::FixedSizeBinaryArray>(
                                             batch, 0, arrow::Type::FIXED_SIZE_BINARY));
  FIRN_ASSIGN_OR_RETURN(
      const auto* ts, ColumnAs<arrow::TimestampArray>(batch, 1, arrow::Type::TIMESTAMP));
  FIRN_ASSIGN_OR_RETURN(const auto* values,
                        ColumnAs<arrow::DoubleArray>(batch, 2, arrow::Type::DOUBLE));
  FIRN_ASSIGN_OR_RETURN(const Flags flags, Flags::Of(batch, 3));
  if (ids->byte_width() != 16) {
    return Status::Corruption("column series_id is not 16 bytes wide");
  }
  const std::int64_t rows = batch.num_rows();
  for (std::int64_t begin = 0; begin < rows;) {
    const std::uint8_t* const id = ids->GetValue(begin);
    std::int64_t end = begin + 1;
    while (end < rows && std::memcmp(ids->GetValue(end), id, 16) == 0) ++end;
    FIRN_RETURN_IF_ERROR(
        visit(base::SeriesId::FromRaw({reinterpret_cast<const char*>(id), 16}), begin,
              end, *ts, *values, flags));
    begin = end;
  }
  return Status::OK();
}

void AppendRows(std::int64_t begin, std::int64_t end, const arrow::TimestampArray& ts,
                const arrow::DoubleArray& values, const Flags& flags,
                const ClosedRangeMs& range, scan::SampleColumns* out) {
  for (std::int64_t row = begin; row < end; ++row) {
    const TimestampMs t = FloorMs(ts.Value(row));
    if (!range.Contains(t)) continue;
    double value;
    if (values.IsValid(row)) {
      value = values.Value(row);
    } else if (flags.IsStale(row)) {
      value = StaleMarker();
    } else {
      continue;  // A row of another kind than a float sample.
    }
    out->timestamps_ms.push_back(t);
    out->values.push_back(value);
  }
}

}  // namespace

void PutInOrder(scan::SampleColumns* samples) {
  const auto& t = samples->timestamps_ms;
  if (std::adjacent_find(t.begin(), t.end(), std::greater_equal<>()) == t.end()) return;
  std::vector<std::size_t> order(t.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return t[a] < t[b]; });
  scan::SampleColumns sorted;
  sorted.timestamps_ms.reserve(t.size());
  sorted.values.reserve(t.size());
  for (const std::size_t i : order) {
    if (!sorted.timestamps_ms.empty() && sorted.timestamps_ms.back() == t[i]) continue;
    sorted.timestamps_ms.push_back(t[i]);
    sorted.values.push_back(samples->values[i]);
  }
  *samples = std::move(sorted);
}

Result<std::vector<ColdSeries>> ColdReader::FindSeries(
    const base::Context& context, const SettledTables& tables, std::string_view tenant,
    const std::vector<base::Matcher>& matchers, const ClosedRangeMs& range) const {
  if (tables.series.metadata == nullptr) return std::vector<ColdSeries>();
  // A series has a row on each day on which it has samples, first seen on that day.
  PredicatePtr predicate =
      expr::Conjoin(TenantPredicate(tenant), MetricPredicate(matchers));
  if (range.first_ms != kTimestampMsMin) {
    predicate =
        expr::Conjoin(std::move(predicate),
                      CompareWith("first_seen", CompareOp::kGtEq,
                                  MillisecondStart(DayStartMs(DayOfMs(range.first_ms)))));
  }
  if (range.last_ms < kTimestampMsMax - kDayMs) {
    predicate = expr::Conjoin(
        std::move(predicate),
        CompareWith("first_seen", CompareOp::kLt,
                    MillisecondStart(DayStartMs(DayOfMs(range.last_ms) + 1))));
  }
  std::vector<ColdSeries> found;
  std::unordered_set<base::SeriesId> known;
  FIRN_RETURN_IF_ERROR(
      VisitSeriesRows(context, environment_, tables.series, std::move(predicate),
                      [&](const SeriesRowView& row) {
                        if (row.tenant != tenant || known.contains(row.id))
                          return Status::OK();
                        Labels labels = row.MakeLabels();
                        if (base::MatchesAll(matchers, labels)) {
                          known.insert(row.id);
                          found.push_back({row.id, std::move(labels), {}});
                        }
                        return Status::OK();
                      }));
  return found;
}

Result<std::vector<ColdSeries>> ColdReader::Read(
    const base::Context& context, const SettledTables& tables, std::string_view tenant,
    const std::vector<base::Matcher>& matchers, const ClosedRangeMs& range) const {
  if (tables.samples.metadata == nullptr) return std::vector<ColdSeries>();
  PredicatePtr predicate =
      expr::Conjoin(TenantPredicate(tenant), MetricPredicate(matchers));
  predicate = expr::Conjoin(
      std::move(predicate),
      CompareWith("ts", CompareOp::kGtEq, MillisecondStart(range.first_ms)));
  predicate =
      expr::Conjoin(std::move(predicate),
                    CompareWith("ts", CompareOp::kLtEq, MillisecondEnd(range.last_ms)));
  FIRN_ASSIGN_OR_RETURN(
      std::unique_ptr<scan::ScanPlan> plan,
      PlanTable(context, environment_, tables.samples, kSampleColumns, predicate));
  FIRN_ASSIGN_OR_RETURN(const bool has_rows, plan->HasSplit(0));
  if (!has_rows) return std::vector<ColdSeries>();

  FIRN_ASSIGN_OR_RETURN(std::vector<ColdSeries> series,
                        FindSeries(context, tables, tenant, matchers, range));
  if (series.empty()) return series;
  if (series.size() <= kSeriesIdsInPredicate) {
    std::vector<expr::Literal> ids;
    for (const ColdSeries& s : series) {
      ids.push_back(expr::Binary{std::string(s.id.view())});
    }
    predicate = expr::Conjoin(std::move(predicate),
                              expr::MakePredicate(expr::In{"series_id", std::move(ids)}));
    FIRN_ASSIGN_OR_RETURN(plan, PlanTable(context, environment_, tables.samples,
                                          kSampleColumns, std::move(predicate)));
  }
  std::unordered_map<base::SeriesId, std::size_t> index;
  for (std::size_t i = 0; i < series.size(); ++i) index.emplace(series[i].id, i);

  base::ByteReservation memory;
  FIRN_ASSIGN_OR_RETURN(memory, base::ByteReservation::Make(context.budget(), 0));
  FIRN_RETURN_IF_ERROR(VisitBatches(context, *plan, [&](const arrow::RecordBatch& batch) {
    return VisitRuns(batch,
                     [&](const base::SeriesId& id, std::int64_t begin, std::int64_t end,
                         const arrow::TimestampArray& ts,
                         const arrow::DoubleArray& values, const Flags& flags) -> Status {
                       const auto found = index.find(id);
                       if (found == index.end()) return Status::OK();
                       FIRN_RETURN_IF_ERROR(memory.Grow(
                           (end - begin) * static_cast<std::int64_t>(sizeof(Sample))));
                       AppendRows(begin, end, ts, values, flags, range,
                                  &series[found->second].samples);
                       return Status::OK();
                     });
  }));
  for (ColdSeries& s : series) PutInOrder(&s.samples);
  return series;
}

Status ColdReader::VisitSeriesSince(
    const base::Context& context, const SettledTables& tables, TimestampMs first_ms,
    const std::function<Status(const SeriesDay&)>& visit) const {
  PredicatePtr predicate;
  if (first_ms != kTimestampMsMin) {
    predicate = CompareWith("first_seen", CompareOp::kGtEq,
                            MillisecondStart(DayStartMs(DayOfMs(first_ms))));
  }
  return VisitSeriesRows(
      context, environment_, tables.series, std::move(predicate),
      [&](const SeriesRowView& row) {
        return visit({row.id, row.tenant, row.MakeLabels(), FloorMs(row.first_seen_us)});
      });
}

Result<ColdReader::RecentSamples> ColdReader::FindRecentSamples(
    const base::Context& context, const SettledTables& tables,
    const std::function<TimestampMs(TimestampMs newest_ms)>& start_of) const {
  const iceberg::TableMetadata& metadata = *tables.samples.metadata;
  const iceberg::Snapshot* snapshot = metadata.current_snapshot();
  RecentSamples recent;
  if (snapshot == nullptr) return recent;
  std::vector<TimestampMs> newest;  // Of each of recent.tasks.
  const auto visit = [&](iceberg::ScanTask&& task) -> Status {
    // A file without a bound may hold anything, and tells nothing.
    TimestampMs newest_ms = kTimestampMsMax;
    const auto upper = task.file.upper_bounds.find(iceberg::FieldId(kTsId));
    if (upper != task.file.upper_bounds.end()) {
      FIRN_ASSIGN_OR_RETURN(const iceberg::Value value,
                            iceberg::ParseValue(upper->second, iceberg::kTimestamptz));
      newest_ms = FloorMs(std::get<std::int64_t>(value));
      if (newest_ms > recent.newest_ms) {
        recent.newest_ms = newest_ms;
        recent.start_ms = start_of(newest_ms);
      }
    }
    if (newest_ms < recent.start_ms) return Status::OK();
    newest.push_back(newest_ms);
    recent.tasks.push_back(std::move(task));
    return Status::OK();
  };
  const iceberg::ManifestIo manifests(tables.samples.StoreOr(environment_.store));
  FIRN_RETURN_IF_ERROR(iceberg::PlanFiles(context, manifests, metadata, *snapshot,
                                          metadata.current_schema(), nullptr, visit,
                                          {{iceberg::FieldId(kTsId)},
                                           environment_.ThreadsOfPlan(metadata.location)})
                           .status());
  std::size_t kept = 0;
  for (std::size_t i = 0; i < newest.size(); ++i) {
    if (newest[i] >= recent.start_ms) std::swap(recent.tasks[kept++], recent.tasks[i]);
  }
  recent.tasks.resize(kept);
  return recent;
}

Status ColdReader::VisitSamplesSince(
    const base::Context& context, const SettledTables& tables, RecentSamples recent,
    const std::function<Status(const base::SeriesId&, const scan::SampleColumns&)>& visit)
    const {
  scan::ScanRequest request;
  request.columns = kSampleColumns;
  request.predicate =
      CompareWith("ts", CompareOp::kGtEq, MillisecondStart(recent.start_ms));
  FIRN_ASSIGN_OR_RETURN(const std::unique_ptr<scan::ScanPlan> plan,
                        table::PlanTasks(context, environment_, tables.samples, request,
                                         std::move(recent.tasks)));
  const ClosedRangeMs range{recent.start_ms, kTimestampMsMax};
  scan::SampleColumns samples;
  return VisitBatches(context, *plan, [&](const arrow::RecordBatch& batch) {
    return VisitRuns(batch,
                     [&](const base::SeriesId& id, std::int64_t begin, std::int64_t end,
                         const arrow::TimestampArray& ts,
                         const arrow::DoubleArray& values, const Flags& flags) -> Status {
                       samples.clear();
                       AppendRows(begin, end, ts, values, flags, range, &samples);
                       if (samples.size() == 0) return Status::OK();
                       PutInOrder(&samples);
                       return visit(id, samples);
                     });
  });
}

}  // namespace firn::tsdb
