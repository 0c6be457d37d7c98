// SPDX-License-Identifier: Apache-2.0
// function.h: the functions of PromQL by name, with the types they take and give.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "promql/ast.h"

namespace firn::promql {

// What a function works on decides who evaluates it.
enum class FunctionFamily : std::uint8_t {
  kRange,      // One series' window of samples to one value (range_function.h).
  kMath,       // Value by value (math_function.h).
  kTime,       // Clock and calendar (time_function.h).
  kLabel,      // Labels, not values (label_function.h).
  kSort,       // The order of an instant vector (label_function.h).
  kHistogram,  // Classic buckets (histogram_function.h).
  kShape,      // Between scalars and vectors: scalar, vector, absent (evaluator.cc).
  kContext,    // Replaced by numbers when the query is prepared (prepare.h).
};

enum class FunctionId : std::uint8_t {
  // Range.
  kAbsentOverTime,
  kAvgOverTime,
  kChanges,
  kCountOverTime,
  kDelta,
  kDeriv,
  kDoubleExponentialSmoothing,
  kFirstOverTime,
  kIdelta,
  kIncrease,
  kIrate,
  kLastOverTime,
  kMadOverTime,
  kMaxOverTime,
  kMinOverTime,
  kPredictLinear,
  kPresentOverTime,
  kQuantileOverTime,
  kRate,
  kResets,
  kStddevOverTime,
  kStdvarOverTime,
  kSumOverTime,
  kTsOfFirstOverTime,
  kTsOfLastOverTime,
  kTsOfMaxOverTime,
  kTsOfMinOverTime,
  // Math.
  kAbs,
  kAcos,
  kAcosh,
  kAsin,
  kAsinh,
  kAtan,
  kAtanh,
  kCeil,
  kClamp,
  kClampMax,
  kClampMin,
  kCos,
  kCosh,
  kDeg,
  kExp,
  kFloor,
  kLn,
  kLog10,
  kLog2,
  kMaxOf,
  kMinOf,
  kPi,
  kRad,
  kRound,
  kSgn,
  kSin,
  kSinh,
  kSqrt,
  kTan,
  kTanh,
  // Time.
  kDayOfMonth,
  kDayOfWeek,
  kDayOfYear,
  kDaysInMonth,
  kHour,
  kMinute,
  kMonth,
  kTime,
  kTimestamp,
  kYear,
  // Labels and order.
  kInfo,
  kLabelJoin,
  kLabelReplace,
  kSort,
  kSortByLabel,
  kSortByLabelDesc,
  kSortDesc,
  // Histograms.
  kHistogramAvg,
  kHistogramCount,
  kHistogramFraction,
  kHistogramQuantile,
  kHistogramQuantiles,
  kHistogramStddev,
  kHistogramStdvar,
  kHistogramSum,
  // Shape.
  kAbsent,
  kScalar,
  kVector,
  // Of the query.
  kEnd,
  kRange,
  kStart,
  kStep,
  // Start timestamps, which no series here has.
  kStartTimestamp,
};

struct Function {
  std::string_view name;
  FunctionId id;
  FunctionFamily family;
  ValueType returns;
  std::vector<ValueType> args;
  // How many of the last kind of argument may be left out or added: 0 none, 1 the last
  // may be left out, n > 1 up to n - 1 more, -1 any number, none included.
  int variadic = 0;
};

// The function called `name`, or null. Names are compared as written.
const Function* FindFunction(std::string_view name);
// All of them, sorted by name.
std::span<const Function> AllFunctions();

}  // namespace firn::promql
