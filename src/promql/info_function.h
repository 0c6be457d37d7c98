// SPDX-License-Identifier: Apache-2.0
// info_function.h: info(), which adds the labels of info metrics such as target_info to
// the series of the same job and instance.
#pragma once

#include <vector>

#include "firn/labels.h"
#include "firn/status.h"
#include "promql/ast.h"
#include "promql/evaluation.h"
#include "promql/matrix.h"

namespace firn::promql {

// The modifiers under which info() looks the info series up: those of the first selector
// in its argument and of the subqueries around that, up to the first `@`.
TimeShift InfoShift(const Expr& argument);

// Add labels to the rows of `base`. `matchers` are the selector of the second argument,
// or empty: those on __name__ choose the info metrics (target_info where there is none),
// the others choose the labels to add and the values they must have. Errors:
// InvalidArgument where two info series disagree, and those of the source.
Result<Matrix> AddInfo(Evaluation& evaluation, const std::vector<LabelMatcher>& matchers,
                       const TimeShift& shift, const Steps& steps, Matrix base);

}  // namespace firn::promql
