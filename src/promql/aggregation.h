// SPDX-License-Identifier: Apache-2.0
// aggregation.h: many series to one a group, or to some of each group.
#pragma once

#include <string>
#include <vector>

#include "firn/status.h"
#include "promql/evaluation.h"
#include "promql/matrix.h"
#include "promql/token.h"

namespace firn::promql {

struct AggregateCall {
  TokenKind op = TokenKind::kSum;
  bool without = false;
  std::vector<std::string> grouping;  // Sorted, each once.
  // The parameter: a number a step for topk, bottomk, limitk, limit_ratio and quantile,
  // a label's name for count_values.
  const Column* number = nullptr;
  std::string label;
  // Where the parameter stands, for annotations.
  std::size_t param_position = 0;
};

// Rows that belong together, in their order.
struct Group {
  Labels labels;
  std::vector<std::size_t> rows;
};
// Group the rows by the labels of `grouping`, or by all but those and the metric's name.
// Groups come in the order of their first row.
// Cost: each row's labels are looked at once, whatever the number of steps.
std::vector<Group> GroupRows(const Matrix& matrix,
                             const std::vector<std::string>& grouping, bool without);

// sum avg count min max group stddev stdvar quantile: one series a group.
// Errors: ResourceExhausted at the limit on samples, Cancelled, DeadlineExceeded.
Result<Matrix> AggregateGroups(Evaluation& evaluation, const AggregateCall& call,
                               const Steps& steps, Matrix matrix);

// topk bottomk limitk limit_ratio: at each step some of each group's series, as they are.
// With one step topk and bottomk order them by value within the group.
// Errors: InvalidArgument for a parameter that is NaN or no 64-bit integer, and as above.
Result<Matrix> SelectFromGroups(Evaluation& evaluation, const AggregateCall& call,
                                const Steps& steps, Matrix matrix);

// count_values: one series for each value that occurs in a group.
// Errors: InvalidArgument for a bad label name, and as above.
Result<Matrix> CountValues(Evaluation& evaluation, const AggregateCall& call,
                           const Steps& steps, Matrix matrix);

}  // namespace firn::promql
