// SPDX-License-Identifier: Apache-2.0
// math_function.h: functions that change each value by itself.
#pragma once

#include <vector>

#include "promql/function.h"
#include "promql/matrix.h"

namespace firn::promql {

// Apply the function to each value of `matrix`. `scalars` are its other arguments, a
// value a step each. clamp leaves nothing where its bounds are crossed. The labels are
// left alone: dropping the metric's name is left to the caller.
void ApplyMath(FunctionId id, const std::vector<Column>& scalars, Matrix& matrix);

// min_of, max_of and pi, which make a scalar of scalars. REQUIRES: values of equal
// length.
void ApplyScalarMath(FunctionId id, const std::vector<Column>& scalars, Column& result);

}  // namespace firn::promql
