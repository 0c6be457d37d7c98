// SPDX-License-Identifier: Apache-2.0
// binary.h: operators between scalars and vectors.
#pragma once

#include "firn/status.h"
#include "promql/ast.h"
#include "promql/evaluation.h"
#include "promql/matrix.h"

namespace firn::promql {

// `left op right` of two scalars; a comparison gives 1 or 0.
double ScalarBinary(TokenKind op, double left, double right);

// Between a vector and a scalar, which stands on the left if `scalar_left`. Comparisons
// keep the vector's values, or give 1 and 0 with `bool`.
// Errors: InvalidArgument where dropping the metric's name makes two series the same.
Status VectorScalarBinary(Evaluation& evaluation, const Binary& binary, bool scalar_left,
                          const Column& scalar, Matrix& matrix);

// Between two vectors: series with the same values of the matching labels belong
// together. Which do is found out once; then each pair is worked off over all steps.
// Errors: InvalidArgument where a series has several partners on a side that may have
// only one, ResourceExhausted at the limit on samples, Cancelled, DeadlineExceeded.
Result<Matrix> VectorBinary(Evaluation& evaluation, const Binary& binary,
                            std::size_t position, const Steps& steps, Matrix left,
                            Matrix right);

// and, or, unless. Errors as above.
Result<Matrix> SetBinary(Evaluation& evaluation, const Binary& binary, const Steps& steps,
                         Matrix left, Matrix right);

}  // namespace firn::promql
