// SPDX-License-Identifier: Apache-2.0
// matching.h: which series of two vectors belong together.
#pragma once

#include <vector>

#include "promql/ast.h"
#include "promql/matrix.h"

namespace firn::promql {

// The rows of both sides that agree on the labels that matter for the match.
struct MatchGroup {
  std::vector<std::size_t> left;
  std::vector<std::size_t> right;
};

// All groups, those that only one side has among them, in the order of their first row,
// left rows first. Each row is in exactly one.
std::vector<MatchGroup> GroupMatches(const VectorMatching& matching, const Matrix& left,
                                     const Matrix& right);

// The labels of `labels` that matter for the match.
Labels MatchLabels(const VectorMatching& matching, const Labels& labels);

}  // namespace firn::promql
