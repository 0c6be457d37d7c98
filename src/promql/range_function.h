// SPDX-License-Identifier: Apache-2.0
// range_function.h: functions of a range vector, from rate to quantile_over_time.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "firn/labels.h"
#include "firn/status.h"
#include "promql/evaluation.h"
#include "promql/extended_range.h"
#include "promql/function.h"
#include "promql/window.h"
#include "scan/series.h"

namespace firn::promql {

// One call of a range function over a query's steps.
struct RangeCall {
  const Function* function = nullptr;
  // Scalar arguments, in order: a value a step each.
  std::vector<Column> scalars;
  Windows windows;
  // The selector's modifier, and how far it reaches beyond the windows.
  Extension extension = Extension::kNone;
  DurationMs lookback_ms = 0;
  // Where the first argument stands, for annotations.
  std::size_t position = 0;
};

// Whether the function keeps the metric's name: first_over_time and last_over_time give
// samples of the metric itself.
bool KeepsMetricName(FunctionId id);

// Warn of arguments that make no sense whatever the samples are.
void CheckArguments(const RangeCall& call, Annotations& annotations);

// Evaluate the function on one series. `row` holds Absent() at every step on entry, and
// the values on return. REQUIRES: `samples` holds no stale markers. Cost: rate, increase,
// delta, irate and idelta do constant work a step, apart from counter resets; the others
// look at each sample of each window. Errors: InvalidArgument for arguments out of their
// range.
Status EvaluateRange(const RangeCall& call, const scan::SampleColumns& samples,
                     std::vector<double>& row);

// Inform that `metric_name`, whose rate was taken, is not named like a counter.
void CheckCounterName(const RangeCall& call, std::string_view metric_name,
                      Annotations& annotations);

}  // namespace firn::promql
