// SPDX-License-Identifier: Apache-2.0
#include "promql/extended_range.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace firn::promql {
namespace {

bool IsCounterFunction(FunctionId id) {
  return id == FunctionId::kRate || id == FunctionId::kIncrease;
}

double ValueAt(const Window& w, std::size_t before, TimestampMs time_ms,
               bool is_counter) {
  return Interpolate(w.timestamps_ms[before], w.values[before],
                     w.timestamps_ms[before + 1], w.values[before + 1], time_ms,
                     is_counter);
}

// What resets hid between the value at the left end, the samples [begin, end) within, and
// the value at the right end.
double HiddenByResets(const Window& w, std::size_t begin, std::size_t end, double left,
                      double right) {
  double hidden = 0;
  double previous = left;
  for (std::size_t i = begin; i < end; ++i) {
    if (w.values[i] < previous) hidden += previous;
    previous = w.values[i];
  }
  return right < previous ? hidden + previous : hidden;
}

// One window with the samples around it. `start_ms` and `end_ms` are those of the query's
// own window.
class ExtendedWindow {
 public:
  ExtendedWindow(const Window& w, TimestampMs start_ms, TimestampMs end_ms)
      : w_(w), start_ms_(start_ms), end_ms_(end_ms) {
    // The newest sample at or before the start, or else the first.
    const TimestampMs* begin = w.timestamps_ms + w.begin;
    const TimestampMs* end = w.timestamps_ms + w.end;
    const auto after = std::upper_bound(begin, end, start_ms);
    any_inside_ = after != end;
    first_ = w.begin + static_cast<std::size_t>(after - begin);
    if (first_ > w.begin) --first_;
  }

  // Whether a sample is after the start: otherwise there is nothing to measure.
  bool any_inside() const { return any_inside_; }
  std::size_t first() const { return first_; }

  // The change over the window; Absent() where it has no sample.
  double Change(bool smoothed, bool is_counter) const {
    if (!any_inside_) return Absent();
    const TimestampMs* times = w_.timestamps_ms;
    std::size_t last = w_.end - 1;
    if (smoothed) {
      if (times[first_] > end_ms_) return Absent();
      // The first sample at or after the end, or else the last.
      const auto at = std::lower_bound(times + w_.begin, times + last, end_ms_);
      last = static_cast<std::size_t>(at - times);
      if (times[last] <= start_ms_) return Absent();
    }
    const bool left_between = smoothed && times[first_] < start_ms_;
    const bool right_between = smoothed && last > w_.begin && times[last] > end_ms_;
    const double left =
        left_between ? ValueAt(w_, first_, start_ms_, is_counter) : w_.values[first_];
    const double right =
        right_between ? ValueAt(w_, last - 1, end_ms_, is_counter) : w_.values[last];
    if (!is_counter) return right - left;
    const std::size_t begin = times[first_] <= start_ms_ ? first_ + 1 : first_;
    const std::size_t end = times[last] >= end_ms_ ? last : last + 1;
    return right - left + HiddenByResets(w_, begin, end, left, right);
  }

  // How often `differs(previous, current)` from the first sample on.
  template <typename Differs>
  double Count(Differs differs) const {
    if (!any_inside_) return Absent();
    std::size_t count = 0;
    for (std::size_t i = first_ + 1; i < w_.end; ++i) {
      if (differs(w_.values[i - 1], w_.values[i])) ++count;
    }
    return static_cast<double>(count);
  }

 private:
  const Window& w_;
  const TimestampMs start_ms_;
  const TimestampMs end_ms_;
  std::size_t first_ = 0;
  bool any_inside_ = false;
};

}  // namespace

Extension ExtensionOf(const VectorSelector& selector) {
  if (selector.anchored) return Extension::kAnchored;
  return selector.smoothed ? Extension::kSmoothed : Extension::kNone;
}

Status CheckExtension(Extension extension, const Function& function) {
  const FunctionId id = function.id;
  if (extension == Extension::kNone || IsCounterFunction(id) ||
      id == FunctionId::kDelta) {
    return {};
  }
  if (extension == Extension::kSmoothed) {
    return Status::InvalidArgument(
        "smoothed modifier can only be used with: delta, increase, rate - not with " +
        std::string(function.name));
  }
  if (id == FunctionId::kChanges || id == FunctionId::kResets) return {};
  return Status::InvalidArgument(
      "anchored modifier can only be used with: changes, delta, increase, rate, resets - "
      "not "
      "with " +
      std::string(function.name));
}

DurationMs ReachBefore(Extension extension, DurationMs lookback_ms) {
  return extension == Extension::kNone ? 0 : lookback_ms;
}

DurationMs ReachAfter(Extension extension, DurationMs lookback_ms) {
  return extension == Extension::kSmoothed ? lookback_ms : 0;
}

void EvaluateExtended(Extension extension, FunctionId id, DurationMs lookback_ms,
                      const scan::SampleColumns& samples, const Windows& windows,
                      std::vector<double>& row) {
  const DurationMs before_ms = ReachBefore(extension, lookback_ms);
  const DurationMs after_ms = ReachAfter(extension, lookback_ms);
  Windows wide = windows;
  wide.ends.first_ms = SaturatingAdd(windows.ends.first_ms, after_ms);
  wide.range_ms = before_ms + windows.range_ms + after_ms;
  const bool is_counter = IsCounterFunction(id);
  const double divisor =
      id == FunctionId::kRate ? static_cast<double>(windows.range_ms) / 1000 : 1;
  SlideWindows(samples, wide, row, [&](const Window& w) {
    const TimestampMs end_ms = SaturatingSubtract(w.end_ms, after_ms);
    const ExtendedWindow window(w, SaturatingSubtract(end_ms, windows.range_ms), end_ms);
    if (id == FunctionId::kResets) {
      return window.Count(
          [](double previous, double current) { return current < previous; });
    }
    if (id == FunctionId::kChanges) {
      return window.Count([](double previous, double current) {
        return current != previous && !(std::isnan(current) && std::isnan(previous));
      });
    }
    const double change = window.Change(extension == Extension::kSmoothed, is_counter);
    return IsAbsent(change) ? change : change / divisor;
  });
}

double Interpolate(TimestampMs time0_ms, double value0, TimestampMs time1_ms,
                   double value1, TimestampMs time_ms, bool is_counter) {
  if (is_counter && value1 < value0) value0 = 0;
  return value0 + (value1 - value0) * static_cast<double>(time_ms - time0_ms) /
                      static_cast<double>(time1_ms - time0_ms);
}

}  // namespace firn::promql
