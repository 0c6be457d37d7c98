// SPDX-License-Identifier: Apache-2.0
#include "promql/function.h"

#include <algorithm>

namespace firn::promql {
namespace {

constexpr ValueType kS = ValueType::kScalar;
constexpr ValueType kT = ValueType::kString;
constexpr ValueType kV = ValueType::kVector;
constexpr ValueType kM = ValueType::kMatrix;

std::vector<Function> MakeTable() {
  using enum FunctionId;
  using F = FunctionFamily;
  std::vector<Function> table = {
      {"absent_over_time", kAbsentOverTime, F::kRange, kV, {kM}},
      {"avg_over_time", kAvgOverTime, F::kRange, kV, {kM}},
      {"changes", kChanges, F::kRange, kV, {kM}},
      {"count_over_time", kCountOverTime, F::kRange, kV, {kM}},
      {"delta", kDelta, F::kRange, kV, {kM}},
      {"deriv", kDeriv, F::kRange, kV, {kM}},
      {"double_exponential_smoothing",
       kDoubleExponentialSmoothing,
       F::kRange,
       kV,
       {kM, kS, kS}},
      {"first_over_time", kFirstOverTime, F::kRange, kV, {kM}},
      // The name of double_exponential_smoothing until Prometheus 3.
      {"holt_winters", kDoubleExponentialSmoothing, F::kRange, kV, {kM, kS, kS}},
      {"idelta", kIdelta, F::kRange, kV, {kM}},
      {"increase", kIncrease, F::kRange, kV, {kM}},
      {"irate", kIrate, F::kRange, kV, {kM}},
      {"last_over_time", kLastOverTime, F::kRange, kV, {kM}},
      {"mad_over_time", kMadOverTime, F::kRange, kV, {kM}},
      {"max_over_time", kMaxOverTime, F::kRange, kV, {kM}},
      {"min_over_time", kMinOverTime, F::kRange, kV, {kM}},
      {"predict_linear", kPredictLinear, F::kRange, kV, {kM, kS}},
      {"present_over_time", kPresentOverTime, F::kRange, kV, {kM}},
      {"quantile_over_time", kQuantileOverTime, F::kRange, kV, {kS, kM}},
      {"rate", kRate, F::kRange, kV, {kM}},
      {"resets", kResets, F::kRange, kV, {kM}},
      {"stddev_over_time", kStddevOverTime, F::kRange, kV, {kM}},
      {"stdvar_over_time", kStdvarOverTime, F::kRange, kV, {kM}},
      {"sum_over_time", kSumOverTime, F::kRange, kV, {kM}},
      {"ts_of_first_over_time", kTsOfFirstOverTime, F::kRange, kV, {kM}},
      {"ts_of_last_over_time", kTsOfLastOverTime, F::kRange, kV, {kM}},
      {"ts_of_max_over_time", kTsOfMaxOverTime, F::kRange, kV, {kM}},
      {"ts_of_min_over_time", kTsOfMinOverTime, F::kRange, kV, {kM}},

      {"abs", kAbs, F::kMath, kV, {kV}},
      {"acos", kAcos, F::kMath, kV, {kV}},
      {"acosh", kAcosh, F::kMath, kV, {kV}},
      {"asin", kAsin, F::kMath, kV, {kV}},
      {"asinh", kAsinh, F::kMath, kV, {kV}},
      {"atan", kAtan, F::kMath, kV, {kV}},
      {"atanh", kAtanh, F::kMath, kV, {kV}},
      {"ceil", kCeil, F::kMath, kV, {kV}},
      {"clamp", kClamp, F::kMath, kV, {kV, kS, kS}},
      {"clamp_max", kClampMax, F::kMath, kV, {kV, kS}},
      {"clamp_min", kClampMin, F::kMath, kV, {kV, kS}},
      {"cos", kCos, F::kMath, kV, {kV}},
      {"cosh", kCosh, F::kMath, kV, {kV}},
      {"deg", kDeg, F::kMath, kV, {kV}},
      {"exp", kExp, F::kMath, kV, {kV}},
      {"floor", kFloor, F::kMath, kV, {kV}},
      {"ln", kLn, F::kMath, kV, {kV}},
      {"log10", kLog10, F::kMath, kV, {kV}},
      {"log2", kLog2, F::kMath, kV, {kV}},
      {"max_of", kMaxOf, F::kMath, kS, {kS, kS}},
      {"min_of", kMinOf, F::kMath, kS, {kS, kS}},
      {"pi", kPi, F::kMath, kS, {}},
      {"rad", kRad, F::kMath, kV, {kV}},
      {"round", kRound, F::kMath, kV, {kV, kS}, 1},
      {"sgn", kSgn, F::kMath, kV, {kV}},
      {"sin", kSin, F::kMath, kV, {kV}},
      {"sinh", kSinh, F::kMath, kV, {kV}},
      {"sqrt", kSqrt, F::kMath, kV, {kV}},
      {"tan", kTan, F::kMath, kV, {kV}},
      {"tanh", kTanh, F::kMath, kV, {kV}},

      {"day_of_month", kDayOfMonth, F::kTime, kV, {kV}, 1},
      {"day_of_week", kDayOfWeek, F::kTime, kV, {kV}, 1},
      {"day_of_year", kDayOfYear, F::kTime, kV, {kV}, 1},
      {"days_in_month", kDaysInMonth, F::kTime, kV, {kV}, 1},
      {"hour", kHour, F::kTime, kV, {kV}, 1},
      {"minute", kMinute, F::kTime, kV, {kV}, 1},
      {"month", kMonth, F::kTime, kV, {kV}, 1},
      {"start_timestamp", kStartTimestamp, F::kTime, kV, {kV}},
      {"time", kTime, F::kTime, kS, {}},
      {"timestamp", kTimestamp, F::kTime, kV, {kV}},
      {"year", kYear, F::kTime, kV, {kV}, 1},

      {"info", kInfo, F::kLabel, kV, {kV, kV}, 1},
      {"label_join", kLabelJoin, F::kLabel, kV, {kV, kT, kT, kT}, -1},
      {"label_replace", kLabelReplace, F::kLabel, kV, {kV, kT, kT, kT, kT}},
      {"sort", kSort, F::kSort, kV, {kV}},
      {"sort_by_label", kSortByLabel, F::kSort, kV, {kV, kT}, -1},
      {"sort_by_label_desc", kSortByLabelDesc, F::kSort, kV, {kV, kT}, -1},
      {"sort_desc", kSortDesc, F::kSort, kV, {kV}},

      {"histogram_avg", kHistogramAvg, F::kHistogram, kV, {kV}},
      {"histogram_count", kHistogramCount, F::kHistogram, kV, {kV}},
      {"histogram_fraction", kHistogramFraction, F::kHistogram, kV, {kS, kS, kV}},
      {"histogram_quantile", kHistogramQuantile, F::kHistogram, kV, {kS, kV}},
      {"histogram_quantiles",
       kHistogramQuantiles,
       F::kHistogram,
       kV,
       {kV, kT, kS, kS},
       9},
      {"histogram_stddev", kHistogramStddev, F::kHistogram, kV, {kV}},
      {"histogram_stdvar", kHistogramStdvar, F::kHistogram, kV, {kV}},
      {"histogram_sum", kHistogramSum, F::kHistogram, kV, {kV}},

      {"absent", kAbsent, F::kShape, kV, {kV}},
      {"scalar", kScalar, F::kShape, kS, {kV}},
      {"vector", kVector, F::kShape, kV, {kS}},

      {"end", kEnd, F::kContext, kS, {}},
      {"range", kRange, F::kContext, kS, {}},
      {"start", kStart, F::kContext, kS, {}},
      {"step", kStep, F::kContext, kS, {}},
  };
  std::sort(table.begin(), table.end(),
            [](const Function& a, const Function& b) { return a.name < b.name; });
  return table;
}

const std::vector<Function>& Table() {
  static const std::vector<Function>& table = *new std::vector<Function>(MakeTable());
  return table;
}

}  // namespace

const Function* FindFunction(std::string_view name) {
  const std::vector<Function>& table = Table();
  const auto found =
      std::lower_bound(table.begin(), table.end(), name,
                       [](const Function& f, std::string_view n) { return f.name < n; });
  return found != table.end() && found->name == name ? &*found : nullptr;
}

std::span<const Function> AllFunctions() { return Table(); }

}  // namespace firn::promql
