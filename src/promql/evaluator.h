// SPDX-License-Identifier: Apache-2.0
// evaluator.h: a prepared tree to values, each node at all steps at once.
#pragma once

#include <string>
#include <vector>

#include "firn/status.h"
#include "promql/ast.h"
#include "promql/evaluation.h"
#include "promql/matrix.h"
#include "promql/range_function.h"
#include "scan/series.h"

namespace firn::promql {

// Evaluates nodes by their type. Every function gives InvalidArgument for what the query
// may not do with the data it meets, Unimplemented by name for what is not built,
// ResourceExhausted at the limit on samples, Cancelled or DeadlineExceeded, and the
// errors of the source. Thread-compatible.
class Evaluator {
 public:
  // `evaluation` must outlive the evaluator.
  explicit Evaluator(Evaluation& evaluation) : evaluation_(evaluation) {}

  // REQUIRES: expr.type == ValueType::kScalar.
  Result<Column> Scalar(const Expr& expr, const Steps& steps);
  // REQUIRES: expr.type == ValueType::kVector.
  Result<Matrix> Vector(const Expr& expr, const Steps& steps);

  // A range vector by itself: the samples of each series in its window.
  struct SeriesSamples {
    Labels labels;
    bool drop_name = false;
    scan::SampleColumns samples;
  };
  // REQUIRES: expr.type == ValueType::kMatrix.
  Result<std::vector<SeriesSamples>> Window(const Expr& expr, TimestampMs time_ms);

 private:
  Result<Column> ScalarOnce(const Expr& expr, const Steps& steps);
  Result<Matrix> VectorOnce(const Expr& expr, const Steps& steps);
  Result<Matrix> EvaluateAggregate(const Aggregate& aggregate, const Steps& steps);
  Result<Matrix> EvaluateBinary(const Expr& expr, const Binary& binary,
                                const Steps& steps);
  Result<Matrix> EvaluateCall(const Expr& expr, const Call& call, const Steps& steps);
  Result<Matrix> CallMath(const Call& call, const Steps& steps);
  Result<Matrix> CallTime(const Call& call, const Steps& steps);
  Result<Matrix> CallLabel(const Call& call, const Steps& steps);
  Result<Matrix> CallSort(const Expr& expr, const Call& call, const Steps& steps);
  Result<Matrix> CallHistogram(const Call& call, const Steps& steps);
  Result<Matrix> CallShape(const Call& call, const Steps& steps);
  Result<Matrix> CallRange(const Call& call, const Steps& steps);
  Result<Matrix> Absence(const Expr& arg, const Matrix& matrix, const Steps& steps);

  // Evaluate a range function over each series of a range vector, whose windows are put
  // into `range_call`.
  Status RangeOverSelector(RangeCall& range_call, const MatrixSelector& selector,
                           const Steps& steps, Matrix& out);
  Status RangeOverSubquery(RangeCall& range_call, const Subquery& subquery,
                           const Steps& steps, Matrix& out);
  Status RangeOverSeries(const RangeCall& range_call, const Labels& labels,
                         bool drop_name, const scan::SampleColumns& samples,
                         const Steps& steps, std::vector<double>& row, Matrix& out);
  // The times at which a subquery's expression is evaluated for windows that end at
  // `ends`; a count of 0 where there is none. ResourceExhausted for too many.
  Result<Steps> SubquerySteps(const Subquery& subquery, const LookupTimes& ends) const;

  Result<std::vector<Column>> Scalars(const Call& call, const Steps& steps);

  Evaluation& evaluation_;
};

}  // namespace firn::promql
