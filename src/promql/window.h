// SPDX-License-Identifier: Apache-2.0
// window.h: the samples of one series that a range function sees at one step.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "firn/time.h"
#include "promql/matrix.h"
#include "promql/selector.h"
#include "scan/series.h"

namespace firn::promql {

// The windows (end - range, end] of a range vector, one a step; with `@` the same at
// each.
struct Windows {
  LookupTimes ends;
  DurationMs range_ms = 0;
  Steps steps;  // The evaluation times.
};

// Samples [begin, end) of a series' columns, all within (start_ms, end_ms].
struct Window {
  const TimestampMs* timestamps_ms = nullptr;
  const double* values = nullptr;
  std::size_t begin = 0;
  std::size_t end = 0;
  TimestampMs start_ms = 0;  // Not in the window.
  TimestampMs end_ms = 0;    // In the window.
  std::size_t step = 0;
  TimestampMs evaluation_ms = 0;

  std::size_t size() const { return end - begin; }
  double first() const { return values[begin]; }
  double last() const { return values[end - 1]; }
};

// Call `function(window)` at each step whose window holds a sample, and put what it
// returns into `row`. Both ends of the window only go forward, so that a step costs what
// enters and leaves. REQUIRES: `samples` holds no stale markers; row.size() ==
// windows.steps.size().
template <typename Function>
void SlideWindows(const scan::SampleColumns& samples, const Windows& windows,
                  std::vector<double>& row, Function&& function) {
  const std::vector<TimestampMs>& timestamps = samples.timestamps_ms;
  Window window;
  window.timestamps_ms = timestamps.data();
  window.values = samples.values.data();
  const std::size_t size = samples.size();
  for (std::int64_t i = 0; i < windows.steps.count; ++i) {
    window.step = static_cast<std::size_t>(i);
    window.end_ms = windows.ends.At(i);
    window.start_ms = SaturatingSubtract(window.end_ms, windows.range_ms);
    while (window.end < size && timestamps[window.end] <= window.end_ms) ++window.end;
    while (window.begin < window.end && timestamps[window.begin] <= window.start_ms) {
      ++window.begin;
    }
    if (window.begin == window.end) continue;
    window.evaluation_ms = windows.steps.At(i);
    row[window.step] = function(static_cast<const Window&>(window));
  }
}

}  // namespace firn::promql
