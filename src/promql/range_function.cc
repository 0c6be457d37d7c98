// SPDX-License-Identifier: Apache-2.0
#include "promql/range_function.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>

#include "base/quote.h"
#include "promql/kahan.h"
#include "promql/literal.h"
#include "promql/quantile.h"

namespace firn::promql {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

double Seconds(TimestampMs ms) { return static_cast<double>(ms) / 1000; }

// Indices, in order, of the samples that are below the one before: where a counter was
// reset.
std::vector<std::size_t> FindResets(const scan::SampleColumns& samples) {
  std::vector<std::size_t> resets;
  for (std::size_t i = 1; i < samples.size(); ++i) {
    if (samples.values[i] < samples.values[i - 1]) resets.push_back(i);
  }
  return resets;
}

// rate, increase and delta: the difference of the last and the first sample, plus what
// counter resets hid, stretched to the whole window.
//   1. Between samples the series runs as it does on average.
//   2. It is stretched to an edge of the window that is no further from the outermost
//      sample than 1.1 average distances: a sample is just not there yet. Otherwise the
//      series begins or ends in the window, about half a distance beyond that sample.
//   3. A counter is not stretched below zero.
class ExtrapolatedRate {
 public:
  ExtrapolatedRate(const scan::SampleColumns& samples, bool is_counter, bool is_rate,
                   DurationMs range_ms)
      : is_counter_(is_counter), is_rate_(is_rate), range_s_(Seconds(range_ms)) {
    if (is_counter) resets_ = FindResets(samples);
  }

  double operator()(const Window& window) {
    if (window.size() < 2) return Absent();
    const std::size_t last = window.end - 1;
    double difference = window.values[last] - window.values[window.begin];
    // A reset at the first sample happened before the window.
    while (next_reset_ < resets_.size() && resets_[next_reset_] <= window.begin) {
      ++next_reset_;
    }
    for (std::size_t r = next_reset_; r < resets_.size() && resets_[r] <= last; ++r) {
      difference += window.values[resets_[r] - 1];
    }
    const TimestampMs first_ms = window.timestamps_ms[window.begin];
    const TimestampMs last_ms = window.timestamps_ms[last];
    double to_start = Seconds(first_ms - window.start_ms);
    double to_end = Seconds(window.end_ms - last_ms);
    const double sampled = Seconds(last_ms - first_ms);
    const double average = sampled / static_cast<double>(window.size() - 1);
    const double threshold = average * 1.1;
    if (to_start >= threshold) to_start = average / 2;
    if (is_counter_ && difference > 0 && window.first() >= 0) {
      to_start = std::min(to_start, sampled * (window.first() / difference));
    }
    if (to_end >= threshold) to_end = average / 2;
    double factor = (sampled + to_start + to_end) / sampled;
    if (is_rate_) factor /= range_s_;
    return difference * factor;
  }

 private:
  const bool is_counter_;
  const bool is_rate_;
  const double range_s_;
  std::vector<std::size_t> resets_;
  std::size_t next_reset_ = 0;
};

// irate and idelta: the last two samples alone.
double InstantRate(const Window& window, bool is_rate) {
  if (window.size() < 2) return Absent();
  const double previous = window.values[window.end - 2];
  const double current = window.values[window.end - 1];
  const TimestampMs interval_ms =
      window.timestamps_ms[window.end - 1] - window.timestamps_ms[window.end - 2];
  // After a reset the counter began at zero.
  double result = is_rate && current < previous ? current : current - previous;
  if (is_rate) result /= Seconds(interval_ms);
  return result;
}

struct Line {
  double slope = 0;
  double intercept = 0;  // At the time given.
};

// The line of least squares through the window's samples.
Line FitLine(const Window& window, TimestampMs at_ms) {
  KahanSum sum_x;
  KahanSum sum_y;
  KahanSum sum_xy;
  KahanSum sum_x2;
  bool constant = true;
  for (std::size_t i = window.begin; i < window.end; ++i) {
    const double x = Seconds(window.timestamps_ms[i] - at_ms);
    const double y = window.values[i];
    constant = constant && (i == window.begin || y == window.first());
    sum_x.Add(x);
    sum_y.Add(y);
    sum_xy.Add(x * y);
    sum_x2.Add(x * x);
  }
  if (constant) {
    if (std::isinf(window.first())) return {kNaN, kNaN};
    return {0, window.first()};
  }
  const auto n = static_cast<double>(window.size());
  const double x = sum_x.total();
  const double y = sum_y.total();
  const double covariance = sum_xy.total() - x * y / n;
  const double variance = sum_x2.total() - x * x / n;
  const double slope = covariance / variance;
  return {slope, y / n - slope * x / n};
}

double Variance(const Window& window) {
  double count = 0;
  KahanSum mean;
  KahanSum squares;
  for (std::size_t i = window.begin; i < window.end; ++i) {
    const double value = window.values[i];
    ++count;
    const double delta = value - mean.total();
    mean.Add(delta / count);
    squares.Add(delta * (value - mean.total()));
  }
  return squares.total() / count;
}

double Sum(const Window& window) {
  KahanSum sum;
  for (std::size_t i = window.begin; i < window.end; ++i) sum.Add(window.values[i]);
  return std::isinf(sum.sum) ? sum.sum : sum.total();
}

double Mean(const Window& window) {
  KahanMean mean;
  for (std::size_t i = window.begin; i < window.end; ++i) mean.Add(window.values[i]);
  return mean.mean();
}

// The index of the value that `better(value, best)` prefers to all before it.
template <typename Better>
std::size_t BestOf(const Window& window, Better better) {
  std::size_t best = window.begin;
  for (std::size_t i = window.begin + 1; i < window.end; ++i) {
    if (better(window.values[i], window.values[best]) ||
        std::isnan(window.values[best])) {
      best = i;
    }
  }
  return best;
}

double CountChanges(const Window& window) {
  std::size_t changes = 0;
  for (std::size_t i = window.begin + 1; i < window.end; ++i) {
    const double previous = window.values[i - 1];
    const double current = window.values[i];
    if (current != previous && !(std::isnan(current) && std::isnan(previous))) ++changes;
  }
  return static_cast<double>(changes);
}

double CountResets(const Window& window) {
  std::size_t resets = 0;
  for (std::size_t i = window.begin + 1; i < window.end; ++i) {
    if (window.values[i] < window.values[i - 1]) ++resets;
  }
  return static_cast<double>(resets);
}

// Holt's linear trend: a moving average that follows a trend.
double Smooth(const Window& window, double smoothing, double trend) {
  if (window.size() < 2) return Absent();
  double previous = 0;
  double smoothed = window.first();
  double slope = window.values[window.begin + 1] - window.values[window.begin];
  for (std::size_t i = 1; i < window.size(); ++i) {
    const double x = smoothing * window.values[window.begin + i];
    if (i > 1) slope = trend * (smoothed - previous) + (1 - trend) * slope;
    const double y = (1 - smoothing) * (smoothed + slope);
    previous = smoothed;
    smoothed = x + y;
  }
  return smoothed;
}

Status EvaluateSmoothing(const RangeCall& call, const scan::SampleColumns& samples,
                         std::vector<double>& row) {
  Status status;
  SlideWindows(samples, call.windows, row, [&](const Window& window) {
    const double smoothing = call.scalars[0].values[window.step];
    const double trend = call.scalars[1].values[window.step];
    const auto check = [&status](std::string_view name, std::string_view letters,
                                 double factor) {
      if (!status.ok() || !(factor <= 0 || factor >= 1)) return;
      status = Status::InvalidArgument("invalid " + std::string(name) +
                                       " factor. Expected: 0 < " + std::string(letters) +
                                       " < 1, got: " + FormatNumber(factor));
    };
    check("smoothing", "sf", smoothing);
    check("trend", "tf", trend);
    return status.ok() ? Smooth(window, smoothing, trend) : Absent();
  });
  return status;
}

// Copies a window's values for functions that reorder them.
class Scratch {
 public:
  std::vector<double>& Copy(const Window& window) {
    values_.assign(window.values + window.begin, window.values + window.end);
    return values_;
  }

 private:
  std::vector<double> values_;
};

}  // namespace

bool KeepsMetricName(FunctionId id) {
  return id == FunctionId::kFirstOverTime || id == FunctionId::kLastOverTime;
}

void CheckArguments(const RangeCall& call, Annotations& annotations) {
  if (call.function->id != FunctionId::kQuantileOverTime) return;
  for (double q : call.scalars[0].values) {
    if (q >= 0 && q <= 1) continue;
    annotations.Warn("quantile value should be between 0 and 1, got " + FormatGeneral(q),
                     call.position);
  }
}

void CheckCounterName(const RangeCall& call, std::string_view metric_name,
                      Annotations& annotations) {
  const FunctionId id = call.function->id;
  if (id != FunctionId::kRate && id != FunctionId::kIncrease) return;
  if (metric_name.empty()) return;
  constexpr std::array<std::string_view, 4> kSuffixes = {"_total", "_sum", "_count",
                                                         "_bucket"};
  for (std::string_view suffix : kSuffixes) {
    if (metric_name.ends_with(suffix)) return;
  }
  annotations.Inform(
      "metric might not be a counter, name does not end in _total/_sum/_count/_bucket: " +
          base::Quoted(metric_name),
      call.position);
}

Status EvaluateRange(const RangeCall& call, const scan::SampleColumns& samples,
                     std::vector<double>& row) {
  using enum FunctionId;
  if (call.extension != Extension::kNone) {
    EvaluateExtended(call.extension, call.function->id, call.lookback_ms, samples,
                     call.windows, row);
    return {};
  }
  const auto slide = [&](auto&& function) {
    SlideWindows(samples, call.windows, row, function);
    return Status();
  };
  const auto time_of = [](const Window& w, std::size_t i) {
    return Seconds(w.timestamps_ms[i]);
  };
  const DurationMs range_ms = call.windows.range_ms;
  Scratch scratch;
  switch (call.function->id) {
    case kRate:
      return slide(ExtrapolatedRate(samples, true, true, range_ms));
    case kIncrease:
      return slide(ExtrapolatedRate(samples, true, false, range_ms));
    case kDelta:
      return slide(ExtrapolatedRate(samples, false, false, range_ms));
    case kIrate:
      return slide([](const Window& w) { return InstantRate(w, true); });
    case kIdelta:
      return slide([](const Window& w) { return InstantRate(w, false); });
    case kDeriv:
      return slide([](const Window& w) {
        // The first sample's time keeps the numbers small.
        return w.size() < 2 ? Absent() : FitLine(w, w.timestamps_ms[w.begin]).slope;
      });
    case kPredictLinear:
      return slide([&](const Window& w) {
        if (w.size() < 2) return Absent();
        const Line line = FitLine(w, w.evaluation_ms);
        return line.slope * call.scalars[0].values[w.step] + line.intercept;
      });
    case kDoubleExponentialSmoothing:
      return EvaluateSmoothing(call, samples, row);
    case kSumOverTime:
      return slide(Sum);
    case kAvgOverTime:
      return slide(Mean);
    case kCountOverTime:
      return slide([](const Window& w) { return static_cast<double>(w.size()); });
    case kAbsentOverTime:
    case kPresentOverTime:
      return slide([](const Window&) { return 1.0; });
    case kFirstOverTime:
      return slide([](const Window& w) { return w.first(); });
    case kLastOverTime:
      return slide([](const Window& w) { return w.last(); });
    case kMinOverTime:
      return slide([](const Window& w) { return w.values[BestOf(w, std::less<>())]; });
    case kMaxOverTime:
      return slide([](const Window& w) { return w.values[BestOf(w, std::greater<>())]; });
    case kTsOfFirstOverTime:
      return slide([&](const Window& w) { return time_of(w, w.begin); });
    case kTsOfLastOverTime:
      return slide([&](const Window& w) { return time_of(w, w.end - 1); });
    case kTsOfMinOverTime:
      return slide(
          [&](const Window& w) { return time_of(w, BestOf(w, std::less_equal<>())); });
    case kTsOfMaxOverTime:
      return slide(
          [&](const Window& w) { return time_of(w, BestOf(w, std::greater_equal<>())); });
    case kStdvarOverTime:
      return slide(Variance);
    case kStddevOverTime:
      return slide([](const Window& w) { return std::sqrt(Variance(w)); });
    case kMadOverTime:
      return slide(
          [&](const Window& w) { return MedianAbsoluteDeviation(scratch.Copy(w)); });
    case kQuantileOverTime:
      return slide([&](const Window& w) {
        return Quantile(call.scalars[0].values[w.step], scratch.Copy(w));
      });
    case kChanges:
      return slide(CountChanges);
    case kResets:
      return slide(CountResets);
    default:
      return Status::Internal("not a range function: " +
                              std::string(call.function->name));
  }
}

}  // namespace firn::promql
