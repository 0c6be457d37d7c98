// SPDX-License-Identifier: Apache-2.0
#include "promql/selector.h"

#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "promql/extended_range.h"

namespace firn::promql {
namespace {

// Between two looks at the context.
constexpr std::int64_t kSamplesPerCheck = 4096;

// Between samples that are within the lookback on either side the value is interpolated;
// after the last it stays.
bool FillSmoothedRow(scan::SampleColumns& samples, const LookupTimes& times,
                     DurationMs lookback_ms, std::vector<double>* row) {
  RemoveStaleMarkers(samples);
  const std::vector<TimestampMs>& taken = samples.timestamps_ms;
  std::size_t next = 0;  // The first sample at or after the lookup time.
  bool any = false;
  for (std::int64_t i = 0; i < times.count; ++i) {
    const TimestampMs time = times.At(i);
    while (next < samples.size() && taken[next] < time) ++next;
    double& value = (*row)[static_cast<std::size_t>(i)];
    const bool has_next =
        next < samples.size() && taken[next] <= SaturatingAdd(time, lookback_ms);
    const bool has_previous =
        next > 0 && taken[next - 1] > SaturatingSubtract(time, lookback_ms);
    if (has_next && taken[next] == time) {
      value = samples.values[next];
    } else if (has_next && has_previous) {
      value = Interpolate(taken[next - 1], samples.values[next - 1], taken[next],
                          samples.values[next], time, /*is_counter=*/false);
    } else if (has_previous) {
      value = samples.values[next - 1];
    } else {
      continue;
    }
    any = true;
  }
  return any;
}

// Walk the samples and the lookup times side by side: both only go forward.
bool FillRow(const scan::SampleColumns& samples, const LookupTimes& times,
             DurationMs lookback_ms, SelectedValue what, std::vector<double>* row) {
  const std::size_t size = samples.size();
  std::size_t next = 0;  // The first sample after the lookup time.
  bool any = false;
  for (std::int64_t i = 0; i < times.count; ++i) {
    const TimestampMs time = times.At(i);
    while (next < size && samples.timestamps_ms[next] <= time) ++next;
    if (next == 0) continue;
    const TimestampMs taken = samples.timestamps_ms[next - 1];
    const double value = samples.values[next - 1];
    if (taken <= SaturatingSubtract(time, lookback_ms) || IsStaleMarker(value)) continue;
    (*row)[static_cast<std::size_t>(i)] =
        what == SelectedValue::kValue ? value : static_cast<double>(taken) / 1000;
    any = true;
  }
  return any;
}

}  // namespace

LookupTimes MakeLookupTimes(const TimeShift& shift, const Steps& steps) {
  const bool fixed = shift.anchor != AtAnchor::kNone;
  return {SaturatingSubtract(fixed ? shift.at_ms : steps.start_ms, shift.offset_ms()),
          fixed ? 0 : steps.step_ms, steps.count};
}

Status ReadSeries(
    Evaluation& evaluation, const std::vector<LabelMatcher>& matchers,
    ClosedRangeMs range,
    const std::function<Status(const Labels&, scan::SampleColumns&)>& take) {
  scan::SeriesRequest request;
  request.tenant = std::string(evaluation.tenant);
  request.matchers = matchers;
  request.range = range;
  FIRN_ASSIGN_OR_RETURN(std::unique_ptr<scan::SeriesSet> set,
                        evaluation.source.Select(evaluation.context, request));
  scan::SampleColumns samples;
  std::int64_t unchecked = kSamplesPerCheck;
  while (set->Next()) {
    samples.clear();
    const Status read = set->Read(samples);
    if (!read.ok()) return read.With(set->labels().ToString());
    const auto count = static_cast<std::int64_t>(samples.size());
    unchecked += count + 1;
    if (unchecked >= kSamplesPerCheck) {
      FIRN_RETURN_IF_ERROR(evaluation.context.Check());
      unchecked = 0;
    }
    evaluation.stats.samples_read += count;
    if (count == 0) continue;
    ++evaluation.stats.series;
    SampleLease held(&evaluation.samples);
    FIRN_RETURN_IF_ERROR(held.Grow(count));
    FIRN_RETURN_IF_ERROR(take(set->labels(), samples));
  }
  return set->status();
}

Result<Matrix> SelectInstant(Evaluation& evaluation, const VectorSelector& selector,
                             const Steps& steps, SelectedValue what) {
  const LookupTimes times = MakeLookupTimes(selector.shift, steps);
  // The lookback is open on the left.
  ClosedRangeMs range{
      SaturatingAdd(SaturatingSubtract(times.first_ms, evaluation.lookback_ms), 1),
      times.last_ms()};
  const bool smoothed = selector.smoothed && what == SelectedValue::kValue;
  if (smoothed) range.last_ms = SaturatingAdd(range.last_ms, evaluation.lookback_ms);
  Matrix matrix(&evaluation.samples);
  std::vector<double> row(steps.size(), Absent());
  const auto take = [&](const Labels& labels, scan::SampleColumns& samples) -> Status {
    const bool any = smoothed
                         ? FillSmoothedRow(samples, times, evaluation.lookback_ms, &row)
                         : FillRow(samples, times, evaluation.lookback_ms, what, &row);
    if (!any) return {};
    FIRN_RETURN_IF_ERROR(matrix.AddRow(labels, false, steps));
    std::swap(matrix.rows.back().values, row);
    return {};
  };
  FIRN_RETURN_IF_ERROR(ReadSeries(evaluation, selector.matchers, range, take));
  return matrix;
}

void RemoveStaleMarkers(scan::SampleColumns& samples) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    if (IsStaleMarker(samples.values[i])) continue;
    samples.timestamps_ms[kept] = samples.timestamps_ms[i];
    samples.values[kept] = samples.values[i];
    ++kept;
  }
  samples.timestamps_ms.resize(kept);
  samples.values.resize(kept);
}

}  // namespace firn::promql
