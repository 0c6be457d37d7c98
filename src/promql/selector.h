// SPDX-License-Identifier: Apache-2.0
// selector.h: samples as they are stored to values at evaluation times.
#pragma once

#include <functional>

#include "firn/status.h"
#include "firn/time.h"
#include "promql/ast.h"
#include "promql/evaluation.h"
#include "promql/matrix.h"
#include "scan/series.h"

namespace firn::promql {

// The points in time that a selector looks from, one a step: the evaluation times, or the
// one that `@` fixes, less the offset.
struct LookupTimes {
  TimestampMs first_ms = 0;
  DurationMs step_ms = 0;  // 0 with `@`.
  std::int64_t count = 1;
  TimestampMs At(std::int64_t index) const { return first_ms + index * step_ms; }
  TimestampMs last_ms() const { return At(count - 1); }
};
LookupTimes MakeLookupTimes(const TimeShift& shift, const Steps& steps);

// Read each series that `matchers` select, with its samples in `range`, stale markers
// among them, and give it to `take`. Series without samples in the range are left out.
// The samples belong to `take` to change. Errors: those of the source and of `take`;
// Cancelled or DeadlineExceeded.
Status ReadSeries(Evaluation& evaluation, const std::vector<LabelMatcher>& matchers,
                  ClosedRangeMs range,
                  const std::function<Status(const Labels&, scan::SampleColumns&)>& take);

enum class SelectedValue : std::uint8_t {
  kValue,
  kTimestamp,  // When the sample was taken, in seconds.
};

// The newest sample of each series at each lookup time, as far back as the lookback
// reaches; a stale marker ends the series.
Result<Matrix> SelectInstant(Evaluation& evaluation, const VectorSelector& selector,
                             const Steps& steps, SelectedValue what);

// Take the stale markers out.
void RemoveStaleMarkers(scan::SampleColumns& samples);

// Times at the ends of what 64 bits hold stay there.
inline TimestampMs SaturatingAdd(TimestampMs time_ms, DurationMs by_ms) {
  TimestampMs out = 0;
  if (!__builtin_add_overflow(time_ms, by_ms, &out)) [[likely]]
    return out;
  return by_ms > 0 ? kTimestampMsMax : kTimestampMsMin;
}
inline TimestampMs SaturatingSubtract(TimestampMs time_ms, DurationMs by_ms) {
  TimestampMs out = 0;
  if (!__builtin_sub_overflow(time_ms, by_ms, &out)) [[likely]]
    return out;
  return by_ms > 0 ? kTimestampMsMin : kTimestampMsMax;
}

}  // namespace firn::promql
