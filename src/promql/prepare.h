// SPDX-License-Identifier: Apache-2.0
// prepare.h: fit a parsed query to the times it is asked for.
#pragma once

#include "firn/status.h"
#include "firn/time.h"
#include "promql/ast.h"

namespace firn::promql {

// Put the query's own times into the tree:
//   1. start(), end(), range() and step() become numbers;
//   2. arithmetic on durations becomes durations, `@ start()` and `@ end()` timestamps;
//   3. nodes whose value does not depend on the evaluation time are marked, so that they
//      are evaluated once.
// `step_ms` is 0 for an instant query.
// Errors: InvalidArgument for a duration that comes out infinite or not positive.
Status Prepare(Expr& expr, TimestampMs start_ms, TimestampMs end_ms, DurationMs step_ms);

}  // namespace firn::promql
