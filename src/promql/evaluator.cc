// SPDX-License-Identifier: Apache-2.0
#include "promql/evaluator.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <string_view>
#include <utility>

#include "base/quote.h"
#include "base/utf8.h"
#include "promql/aggregation.h"
#include "promql/binary.h"
#include "promql/function.h"
#include "promql/histogram_function.h"
#include "promql/info_function.h"
#include "promql/label_function.h"
#include "promql/math_function.h"
#include "promql/selector.h"
#include "promql/time_function.h"

namespace firn::promql {
namespace {

// The same value at every step.
Status Spread(const Steps& steps, SampleLease& lease, std::vector<double>& values) {
  FIRN_RETURN_IF_ERROR(lease.Grow(steps.count - 1));
  values.resize(steps.size(), values[0]);
  return {};
}

Steps FirstOf(const Steps& steps) { return {steps.start_ms, steps.step_ms, 1}; }

const std::string& Text(const Expr& expr) {
  return Unwrapped(expr).As<StringLiteral>()->value;
}

std::vector<std::string> Texts(const Call& call, std::size_t from) {
  std::vector<std::string> texts;
  for (std::size_t i = from; i < call.args.size(); ++i)
    texts.push_back(Text(*call.args[i]));
  return texts;
}

std::vector<std::string> SortedUnique(const std::vector<std::string>& names) {
  const std::set<std::string> sorted(names.begin(), names.end());
  return {sorted.begin(), sorted.end()};
}

// The labels that a series missing from the vector would surely have: those that the
// selector asks for by equality, once.
Labels LabelsOfAbsent(const Expr& arg) {
  const Expr& expr = Unwrapped(arg);
  const auto* selector = expr.As<VectorSelector>();
  if (const auto* matrix = expr.As<MatrixSelector>()) selector = &matrix->selector;
  Labels labels;
  if (selector == nullptr) return labels;
  std::set<std::string_view> seen;
  for (const LabelMatcher& matcher : selector->matchers) {
    if (matcher.name == kMetricNameLabel) continue;
    if (matcher.op == MatchOp::kEqual && seen.insert(matcher.name).second) {
      labels.Set(matcher.name, matcher.value);
    } else {
      labels.Remove(matcher.name);
    }
  }
  return labels;
}

}  // namespace

Result<Column> Evaluator::Scalar(const Expr& expr, const Steps& steps) {
  if (!expr.step_invariant || steps.count == 1) return ScalarOnce(expr, steps);
  FIRN_ASSIGN_OR_RETURN(Column column, ScalarOnce(expr, FirstOf(steps)));
  FIRN_RETURN_IF_ERROR(Spread(steps, column.lease, column.values));
  return column;
}

Result<Matrix> Evaluator::Vector(const Expr& expr, const Steps& steps) {
  FIRN_RETURN_IF_ERROR(evaluation_.context.Check());
  if (!expr.step_invariant || steps.count == 1) return VectorOnce(expr, steps);
  FIRN_ASSIGN_OR_RETURN(Matrix matrix, VectorOnce(expr, FirstOf(steps)));
  for (Row& row : matrix.rows) {
    FIRN_RETURN_IF_ERROR(Spread(steps, matrix.lease, row.values));
  }
  return matrix;
}

Result<Column> Evaluator::ScalarOnce(const Expr& expr, const Steps& steps) {
  if (const auto* paren = expr.As<Paren>()) return Scalar(*paren->expr, steps);
  SampleBudget* budget = &evaluation_.samples;
  if (const auto* number = expr.As<NumberLiteral>()) {
    return Column::Make(budget, steps, number->value);
  }
  if (const auto* unary = expr.As<Unary>()) {
    FIRN_ASSIGN_OR_RETURN(Column column, Scalar(*unary->expr, steps));
    if (unary->op == TokenKind::kSub) {
      for (double& value : column.values) value = -value;
    }
    return column;
  }
  if (const auto* binary = expr.As<Binary>()) {
    FIRN_ASSIGN_OR_RETURN(Column left, Scalar(*binary->left, steps));
    FIRN_ASSIGN_OR_RETURN(const Column right, Scalar(*binary->right, steps));
    for (std::size_t s = 0; s < left.values.size(); ++s) {
      left.values[s] = ScalarBinary(binary->op, left.values[s], right.values[s]);
    }
    return left;
  }
  const auto* call = expr.As<Call>();
  if (call == nullptr) return Status::Internal("not a scalar expression");
  if (call->function->id == FunctionId::kTime) {
    FIRN_ASSIGN_OR_RETURN(Column column, Column::Make(budget, steps, 0));
    for (std::int64_t i = 0; i < steps.count; ++i) {
      column.values[static_cast<std::size_t>(i)] =
          static_cast<double>(steps.At(i)) / 1000;
    }
    return column;
  }
  if (call->function->id == FunctionId::kScalar) {
    FIRN_ASSIGN_OR_RETURN(const Matrix matrix, Vector(*call->args[0], steps));
    constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
    FIRN_ASSIGN_OR_RETURN(Column column, Column::Make(budget, steps, Absent()));
    for (const Row& row : matrix.rows) {
      for (std::size_t s = 0; s < steps.size(); ++s) {
        if (IsAbsent(row.values[s])) continue;
        column.values[s] = IsAbsent(column.values[s]) ? row.values[s] : kNaN;
      }
    }
    for (double& value : column.values) {
      if (IsAbsent(value)) value = kNaN;
    }
    return column;
  }
  FIRN_ASSIGN_OR_RETURN(const std::vector<Column> scalars, Scalars(*call, steps));
  FIRN_ASSIGN_OR_RETURN(Column column, Column::Make(budget, steps, 0));
  ApplyScalarMath(call->function->id, scalars, column);
  return column;
}

Result<Matrix> Evaluator::VectorOnce(const Expr& expr, const Steps& steps) {
  if (const auto* paren = expr.As<Paren>()) return Vector(*paren->expr, steps);
  if (const auto* selector = expr.As<VectorSelector>()) {
    return SelectInstant(evaluation_, *selector, steps, SelectedValue::kValue);
  }
  if (const auto* aggregate = expr.As<Aggregate>()) {
    return EvaluateAggregate(*aggregate, steps);
  }
  if (const auto* binary = expr.As<Binary>()) return EvaluateBinary(expr, *binary, steps);
  if (const auto* call = expr.As<Call>()) return EvaluateCall(expr, *call, steps);
  const auto* unary = expr.As<Unary>();
  if (unary == nullptr) return Status::Internal("not a vector expression");
  FIRN_ASSIGN_OR_RETURN(Matrix matrix, Vector(*unary->expr, steps));
  if (unary->op != TokenKind::kSub) return matrix;
  for (Row& row : matrix.rows) {
    for (double& value : row.values) {
      if (!IsAbsent(value)) value = -value;
    }
  }
  FIRN_RETURN_IF_ERROR(
      DropMetricNames(matrix, evaluation_.name_removal, OnDuplicate::kMerge));
  return matrix;
}

Result<Matrix> Evaluator::EvaluateAggregate(const Aggregate& aggregate,
                                            const Steps& steps) {
  AggregateCall call;
  call.op = aggregate.op;
  call.without = aggregate.without;
  call.grouping = SortedUnique(aggregate.grouping);
  Column number{{}, SampleLease(&evaluation_.samples)};
  if (aggregate.param) {
    const Expr& param = Unwrapped(*aggregate.param);
    call.param_position = param.span.begin;
    if (aggregate.op == TokenKind::kCountValues) {
      call.label = Text(param);
    } else {
      FIRN_ASSIGN_OR_RETURN(number, Scalar(param, steps));
      call.number = &number;
    }
  }
  FIRN_ASSIGN_OR_RETURN(Matrix matrix, Vector(*aggregate.expr, steps));
  switch (aggregate.op) {
    case TokenKind::kCountValues:
      return CountValues(evaluation_, call, steps, std::move(matrix));
    case TokenKind::kTopK:
    case TokenKind::kBottomK:
    case TokenKind::kLimitK:
    case TokenKind::kLimitRatio:
      return SelectFromGroups(evaluation_, call, steps, std::move(matrix));
    default:
      return AggregateGroups(evaluation_, call, steps, std::move(matrix));
  }
}

Result<Matrix> Evaluator::EvaluateBinary(const Expr& expr, const Binary& binary,
                                         const Steps& steps) {
  const bool left_scalar = binary.left->type == ValueType::kScalar;
  if (left_scalar || binary.right->type == ValueType::kScalar) {
    const Expr& scalar_side = left_scalar ? *binary.left : *binary.right;
    const Expr& vector_side = left_scalar ? *binary.right : *binary.left;
    FIRN_ASSIGN_OR_RETURN(const Column scalar, Scalar(scalar_side, steps));
    FIRN_ASSIGN_OR_RETURN(Matrix matrix, Vector(vector_side, steps));
    FIRN_RETURN_IF_ERROR(
        VectorScalarBinary(evaluation_, binary, left_scalar, scalar, matrix));
    return matrix;
  }
  FIRN_ASSIGN_OR_RETURN(Matrix left, Vector(*binary.left, steps));
  FIRN_ASSIGN_OR_RETURN(Matrix right, Vector(*binary.right, steps));
  if (IsSetOperator(binary.op)) {
    return SetBinary(evaluation_, binary, steps, std::move(left), std::move(right));
  }
  return VectorBinary(evaluation_, binary, expr.span.begin, steps, std::move(left),
                      std::move(right));
}

Result<Matrix> Evaluator::EvaluateCall(const Expr& expr, const Call& call,
                                       const Steps& steps) {
  switch (call.function->family) {
    case FunctionFamily::kRange:
      return CallRange(call, steps);
    case FunctionFamily::kMath:
      return CallMath(call, steps);
    case FunctionFamily::kTime:
      return CallTime(call, steps);
    case FunctionFamily::kLabel:
      return CallLabel(call, steps);
    case FunctionFamily::kSort:
      return CallSort(expr, call, steps);
    case FunctionFamily::kHistogram:
      return CallHistogram(call, steps);
    case FunctionFamily::kShape:
      return CallShape(call, steps);
    case FunctionFamily::kContext:
      break;
  }
  return Status::Internal("the query was not prepared");
}

Result<std::vector<Column>> Evaluator::Scalars(const Call& call, const Steps& steps) {
  std::vector<Column> scalars;
  for (const ExprPtr& arg : call.args) {
    if (arg->type != ValueType::kScalar) continue;
    FIRN_ASSIGN_OR_RETURN(Column column, Scalar(*arg, steps));
    scalars.push_back(std::move(column));
  }
  return scalars;
}

Result<Matrix> Evaluator::CallMath(const Call& call, const Steps& steps) {
  FIRN_ASSIGN_OR_RETURN(const std::vector<Column> scalars, Scalars(call, steps));
  FIRN_ASSIGN_OR_RETURN(Matrix matrix, Vector(*call.args[0], steps));
  ApplyMath(call.function->id, scalars, matrix);
  if (call.function->id == FunctionId::kClamp) RemoveEmptyRows(matrix);
  FIRN_RETURN_IF_ERROR(
      DropMetricNames(matrix, evaluation_.name_removal, OnDuplicate::kMerge));
  return matrix;
}

Result<Matrix> Evaluator::CallTime(const Call& call, const Steps& steps) {
  const FunctionId id = call.function->id;
  if (id == FunctionId::kStartTimestamp) {
    return Status::Unimplemented(
        "function start_timestamp: series have no start timestamps");
  }
  Matrix matrix(&evaluation_.samples);
  if (id == FunctionId::kTimestamp) {
    const auto* selector = Unwrapped(*call.args[0]).As<VectorSelector>();
    if (selector != nullptr) {
      FIRN_ASSIGN_OR_RETURN(matrix, SelectInstant(evaluation_, *selector, steps,
                                                  SelectedValue::kTimestamp));
    } else {
      // Values that were computed are of the evaluation time.
      FIRN_ASSIGN_OR_RETURN(matrix, Vector(*call.args[0], steps));
      for (Row& row : matrix.rows) {
        for (std::size_t s = 0; s < steps.size(); ++s) {
          if (IsAbsent(row.values[s])) continue;
          row.values[s] =
              static_cast<double>(steps.At(static_cast<std::int64_t>(s))) / 1000;
        }
      }
    }
  } else if (call.args.empty()) {
    FIRN_RETURN_IF_ERROR(matrix.AddRow({}, false, steps));
    for (std::int64_t i = 0; i < steps.count; ++i) {
      const TimestampMs time = steps.At(i);
      // Whole seconds, cut towards zero as integer division cuts.
      matrix.rows[0].values[static_cast<std::size_t>(i)] =
          CalendarPart(id, static_cast<double>(time / 1000));
    }
    return matrix;
  } else {
    FIRN_ASSIGN_OR_RETURN(matrix, Vector(*call.args[0], steps));
    ApplyCalendar(id, matrix);
  }
  FIRN_RETURN_IF_ERROR(
      DropMetricNames(matrix, evaluation_.name_removal, OnDuplicate::kMerge));
  return matrix;
}

Result<Matrix> Evaluator::CallLabel(const Call& call, const Steps& steps) {
  FIRN_ASSIGN_OR_RETURN(Matrix matrix, Vector(*call.args[0], steps));
  if (call.function->id == FunctionId::kInfo) {
    std::vector<LabelMatcher> matchers;
    if (call.args.size() > 1) {
      matchers = call.args[1]->As<VectorSelector>()->matchers;
    }
    return AddInfo(evaluation_, matchers, InfoShift(*call.args[0]), steps,
                   std::move(matrix));
  }
  const std::vector<std::string> texts = Texts(call, 1);
  if (call.function->id == FunctionId::kLabelReplace) {
    FIRN_RETURN_IF_ERROR(LabelReplace({texts[0], texts[1], texts[2], texts[3]}, matrix));
  } else {
    const std::vector<std::string> sources(texts.begin() + 2, texts.end());
    FIRN_RETURN_IF_ERROR(LabelJoin(texts[0], texts[1], sources, matrix));
  }
  return matrix;
}

Result<Matrix> Evaluator::CallSort(const Expr& expr, const Call& call,
                                   const Steps& steps) {
  FIRN_ASSIGN_OR_RETURN(Matrix matrix, Vector(*call.args[0], steps));
  if (steps.count > 1) {
    evaluation_.annotations.Warn(
        "sort is ineffective for range queries since results are always ordered by "
        "labels",
        expr.span.begin);
    return matrix;
  }
  const FunctionId id = call.function->id;
  if (id == FunctionId::kSort || id == FunctionId::kSortDesc) {
    SortByValue(id == FunctionId::kSortDesc, matrix);
  } else {
    SortByLabels(Texts(call, 1), id == FunctionId::kSortByLabelDesc, matrix);
  }
  return matrix;
}

Result<Matrix> Evaluator::CallHistogram(const Call& call, const Steps& steps) {
  HistogramCall histogram;
  histogram.id = call.function->id;
  FIRN_ASSIGN_OR_RETURN(histogram.scalars, Scalars(call, steps));
  Matrix matrix(&evaluation_.samples);
  for (const ExprPtr& arg : call.args) {
    const Expr& inner = Unwrapped(*arg);
    if (arg->type == ValueType::kScalar) {
      histogram.scalar_positions.push_back(inner.span.begin);
    } else if (arg->type == ValueType::kString) {
      histogram.quantile_label = Text(inner);
      if (histogram.quantile_label.empty() ||
          !base::IsValidUtf8(histogram.quantile_label)) {
        return Status::InvalidArgument("invalid label name " +
                                       base::Quoted(histogram.quantile_label));
      }
    } else {
      histogram.vector_position = inner.span.begin;
      FIRN_ASSIGN_OR_RETURN(matrix, Vector(inner, steps));
    }
  }
  if (histogram.id != FunctionId::kHistogramFraction &&
      histogram.id != FunctionId::kHistogramQuantile &&
      histogram.id != FunctionId::kHistogramQuantiles) {
    // histogram_count and its like pick native histograms; numbers are none.
    matrix.rows.clear();
    return matrix;
  }
  FIRN_ASSIGN_OR_RETURN(
      Matrix out, EvaluateHistogram(evaluation_, histogram, steps, std::move(matrix)));
  FIRN_RETURN_IF_ERROR(
      DropMetricNames(out, evaluation_.name_removal, OnDuplicate::kMerge));
  return out;
}

Result<Matrix> Evaluator::Absence(const Expr& arg, const Matrix& matrix,
                                  const Steps& steps) {
  Matrix out(&evaluation_.samples);
  FIRN_RETURN_IF_ERROR(out.AddRow(LabelsOfAbsent(arg), false, steps));
  std::vector<double>& absent = out.rows[0].values;
  std::fill(absent.begin(), absent.end(), 1.0);
  for (const Row& row : matrix.rows) {
    for (std::size_t s = 0; s < steps.size(); ++s) {
      if (!IsAbsent(row.values[s])) absent[s] = Absent();
    }
  }
  RemoveEmptyRows(out);
  return out;
}

Result<Matrix> Evaluator::CallShape(const Call& call, const Steps& steps) {
  if (call.function->id == FunctionId::kAbsent) {
    FIRN_ASSIGN_OR_RETURN(const Matrix matrix, Vector(*call.args[0], steps));
    return Absence(*call.args[0], matrix, steps);
  }
  FIRN_ASSIGN_OR_RETURN(Column column, Scalar(*call.args[0], steps));
  Matrix matrix(&evaluation_.samples);
  FIRN_RETURN_IF_ERROR(matrix.AddRow({}, false, steps));
  matrix.rows[0].values = std::move(column.values);
  return matrix;
}

}  // namespace firn::promql
