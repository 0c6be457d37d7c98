// SPDX-License-Identifier: Apache-2.0
// The part of the evaluator that turns range vectors into values.
#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "promql/evaluator.h"
#include "promql/function.h"
#include "promql/selector.h"
#include "promql/window.h"

namespace firn::promql {
namespace {

// The samples that a row of a subquery's result has, in order of time.
void ToSamples(const Row& row, const Steps& steps, scan::SampleColumns& samples) {
  samples.clear();
  for (std::size_t s = 0; s < row.values.size(); ++s) {
    if (IsAbsent(row.values[s])) continue;
    samples.timestamps_ms.push_back(steps.At(static_cast<std::int64_t>(s)));
    samples.values.push_back(row.values[s]);
  }
}

// The smallest multiple of `step` that is greater than `time`.
TimestampMs NextMultiple(TimestampMs time, DurationMs step) {
  TimestampMs at = time / step * step;
  if (at <= time) at = SaturatingAdd(at, step);
  return at;
}

// The samples in (start_ms, end_ms].
void KeepWindow(TimestampMs start_ms, TimestampMs end_ms, scan::SampleColumns& samples) {
  scan::SampleColumns kept;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const TimestampMs time = samples.timestamps_ms[i];
    if (time <= start_ms || time > end_ms) continue;
    kept.timestamps_ms.push_back(time);
    kept.values.push_back(samples.values[i]);
  }
  samples = std::move(kept);
}

ClosedRangeMs RangeOf(const LookupTimes& ends, DurationMs range_ms) {
  return {SaturatingAdd(SaturatingSubtract(ends.first_ms, range_ms), 1), ends.last_ms()};
}

}  // namespace

Result<Matrix> Evaluator::CallRange(const Call& call, const Steps& steps) {
  RangeCall range_call;
  range_call.function = call.function;
  FIRN_ASSIGN_OR_RETURN(range_call.scalars, Scalars(call, steps));
  range_call.position = Unwrapped(*call.args[0]).span.begin;
  range_call.windows.steps = steps;
  const auto matrix_arg =
      std::find_if(call.args.begin(), call.args.end(),
                   [](const ExprPtr& arg) { return arg->type == ValueType::kMatrix; });
  const Expr& arg = Unwrapped(**matrix_arg);
  Matrix out(&evaluation_.samples);
  if (const auto* selector = arg.As<MatrixSelector>()) {
    FIRN_RETURN_IF_ERROR(RangeOverSelector(range_call, *selector, steps, out));
  } else {
    FIRN_RETURN_IF_ERROR(RangeOverSubquery(range_call, *arg.As<Subquery>(), steps, out));
  }
  if (call.function->id == FunctionId::kAbsentOverTime) return Absence(arg, out, steps);
  if (KeepsMetricName(call.function->id)) return out;
  FIRN_RETURN_IF_ERROR(
      DropMetricNames(out, evaluation_.name_removal, OnDuplicate::kFail));
  return out;
}

Status Evaluator::RangeOverSeries(const RangeCall& range_call, const Labels& labels,
                                  bool drop_name, const scan::SampleColumns& samples,
                                  const Steps& steps, std::vector<double>& row,
                                  Matrix& out) {
  if (samples.size() == 0) return {};
  if (out.rows.empty()) CheckArguments(range_call, evaluation_.annotations);
  FIRN_RETURN_IF_ERROR(EvaluateRange(range_call, samples, row));
  if (!HasValue(row)) return {};
  CheckCounterName(range_call, labels.metric_name(), evaluation_.annotations);
  FIRN_RETURN_IF_ERROR(out.AddRow(labels, drop_name, steps));
  std::swap(out.rows.back().values, row);
  return {};
}

Status Evaluator::RangeOverSelector(RangeCall& range_call, const MatrixSelector& selector,
                                    const Steps& steps, Matrix& out) {
  range_call.extension = ExtensionOf(selector.selector);
  range_call.lookback_ms = evaluation_.lookback_ms;
  FIRN_RETURN_IF_ERROR(CheckExtension(range_call.extension, *range_call.function));
  range_call.windows.ends = MakeLookupTimes(selector.selector.shift, steps);
  range_call.windows.range_ms = selector.range.ms;
  ClosedRangeMs range = RangeOf(range_call.windows.ends, selector.range.ms);
  range.first_ms = SaturatingSubtract(
      range.first_ms, ReachBefore(range_call.extension, evaluation_.lookback_ms));
  range.last_ms = SaturatingAdd(
      range.last_ms, ReachAfter(range_call.extension, evaluation_.lookback_ms));
  std::vector<double> row(steps.size(), Absent());
  return ReadSeries(evaluation_, selector.selector.matchers, range,
                    [&](const Labels& labels, scan::SampleColumns& samples) {
                      RemoveStaleMarkers(samples);
                      return RangeOverSeries(range_call, labels, false, samples, steps,
                                             row, out);
                    });
}

Result<Steps> Evaluator::SubquerySteps(const Subquery& subquery,
                                       const LookupTimes& ends) const {
  const DurationMs step =
      subquery.step ? subquery.step->ms : evaluation_.subquery_step_ms;
  const TimestampMs start =
      NextMultiple(SaturatingSubtract(ends.first_ms, subquery.range.ms), step);
  Steps steps{start, step, 0};
  if (ends.last_ms() < start) return steps;
  const std::int64_t count = (ends.last_ms() - start) / step + 1;
  if (count > evaluation_.samples.limit()) {
    return Status::ResourceExhausted(
        "a subquery of " + std::to_string(count) +
        " steps would load too many samples into memory: the limit is " +
        std::to_string(evaluation_.samples.limit()) + " (samples_max)");
  }
  steps.count = count;
  return steps;
}

Status Evaluator::RangeOverSubquery(RangeCall& range_call, const Subquery& subquery,
                                    const Steps& steps, Matrix& out) {
  range_call.windows.ends = MakeLookupTimes(subquery.shift, steps);
  range_call.windows.range_ms = subquery.range.ms;
  FIRN_ASSIGN_OR_RETURN(const Steps inner_steps,
                        SubquerySteps(subquery, range_call.windows.ends));
  if (inner_steps.count == 0) return {};
  FIRN_ASSIGN_OR_RETURN(const Matrix inner, Vector(*subquery.expr, inner_steps));
  scan::SampleColumns samples;
  std::vector<double> row(steps.size(), Absent());
  for (const Row& series : inner.rows) {
    FIRN_RETURN_IF_ERROR(evaluation_.context.Check());
    ToSamples(series, inner_steps, samples);
    FIRN_RETURN_IF_ERROR(RangeOverSeries(range_call, series.labels, series.drop_name,
                                         samples, steps, row, out));
  }
  return {};
}

Result<std::vector<Evaluator::SeriesSamples>> Evaluator::Window(const Expr& expr,
                                                                TimestampMs time_ms) {
  const Expr& inner = Unwrapped(expr);
  const Steps steps{time_ms, 1, 1};
  std::vector<SeriesSamples> series;
  if (const auto* selector = inner.As<MatrixSelector>()) {
    if (selector->selector.anchored || selector->selector.smoothed) {
      return Status::Unimplemented(
          "the modifiers anchored and smoothed on a range vector by itself");
    }
    const LookupTimes ends = MakeLookupTimes(selector->selector.shift, steps);
    FIRN_RETURN_IF_ERROR(ReadSeries(
        evaluation_, selector->selector.matchers, RangeOf(ends, selector->range.ms),
        [&](const Labels& labels, scan::SampleColumns& samples) -> Status {
          RemoveStaleMarkers(samples);
          if (samples.size() > 0) series.push_back({labels, false, samples});
          return {};
        }));
    return series;
  }
  const auto* subquery = inner.As<Subquery>();
  if (subquery == nullptr) return Status::Internal("not a range vector");
  const LookupTimes ends = MakeLookupTimes(subquery->shift, steps);
  FIRN_ASSIGN_OR_RETURN(const Steps inner_steps, SubquerySteps(*subquery, ends));
  if (inner_steps.count == 0) return series;
  FIRN_ASSIGN_OR_RETURN(Matrix matrix, Vector(*subquery->expr, inner_steps));
  for (Row& row : matrix.rows) {
    SeriesSamples one{std::move(row.labels), row.drop_name, {}};
    ToSamples(row, inner_steps, one.samples);
    KeepWindow(SaturatingSubtract(ends.first_ms, subquery->range.ms), ends.first_ms,
               one.samples);
    if (one.samples.size() > 0) series.push_back(std::move(one));
  }
  return series;
}

}  // namespace firn::promql
