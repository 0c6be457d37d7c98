// SPDX-License-Identifier: Apache-2.0
// hot_range.h: what of a predicate the head can use to read less.
#pragma once

#include <string>
#include <vector>

#include "expr/predicate.h"
#include "firn/labels.h"
#include "firn/time.h"

namespace firn::tsdb {

struct HotFilter {
  // Rows outside can not satisfy the predicate.
  ClosedRangeMs range;
  // Nor can rows of series that fail one of these.
  std::vector<LabelMatcher> matchers;
};

// Gathers, from the conjuncts of `predicate` (null: none), bounds on the column `ts` and
// equalities on the column `metric`. Everything else prunes nothing here.
HotFilter MakeHotFilter(const expr::PredicatePtr& predicate);

}  // namespace firn::tsdb
