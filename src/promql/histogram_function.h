// SPDX-License-Identifier: Apache-2.0
// histogram_function.h: functions of classic histograms: one series a bucket, the bound
// in the label `le`.
#pragma once

#include <string>
#include <vector>

#include "firn/status.h"
#include "promql/evaluation.h"
#include "promql/function.h"
#include "promql/matrix.h"

namespace firn::promql {

// One call of histogram_quantile, histogram_quantiles or histogram_fraction.
struct HistogramCall {
  FunctionId id = FunctionId::kHistogramQuantile;
  // A quantile each, or the lower and the upper bound: a value a step.
  std::vector<Column> scalars;
  std::vector<std::size_t> scalar_positions;
  // The label that histogram_quantiles sets to the quantile.
  std::string quantile_label;
  // Where the vector stands, for annotations.
  std::size_t vector_position = 0;
};

// Evaluate the call over the buckets in `buckets`, grouped by their other labels. Series
// whose `le` is no number are left out with a warning. The metric's name is kept:
// dropping it is left to the caller. Errors: ResourceExhausted at the limit on samples.
Result<Matrix> EvaluateHistogram(Evaluation& evaluation, const HistogramCall& call,
                                 const Steps& steps, Matrix buckets);

}  // namespace firn::promql
