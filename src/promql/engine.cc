// SPDX-License-Identifier: Apache-2.0
#include "promql/engine.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "promql/ast.h"
#include "promql/evaluation.h"
#include "promql/evaluator.h"
#include "promql/parser.h"
#include "promql/prepare.h"

namespace firn::promql {
namespace {

bool InRange(TimestampMs time) {
  return -Engine::kTimeMsMax <= time && time <= Engine::kTimeMsMax;
}

Result<Steps> StepsOf(const PromqlRequest& request, int steps_max) {
  if (!InRange(request.start_ms) || !InRange(request.end_ms)) {
    return Status::InvalidArgument(
        "evaluation time out of bounds: " + std::to_string(request.start_ms) + " to " +
        std::to_string(request.end_ms) + " ms");
  }
  if (request.is_instant()) {
    if (request.start_ms != request.end_ms) {
      return Status::InvalidArgument("zero query resolution step width is not accepted");
    }
    return Steps{request.start_ms, 1, 1};
  }
  if (request.step_ms < 0) {
    return Status::InvalidArgument(
        "negative query resolution step width is not accepted");
  }
  if (request.end_ms < request.start_ms) {
    return Status::InvalidArgument("end timestamp must not be before start time");
  }
  const std::int64_t count = (request.end_ms - request.start_ms) / request.step_ms + 1;
  if (count > steps_max) {
    return Status::InvalidArgument("exceeded maximum resolution of " +
                                   std::to_string(steps_max) +
                                   " points per timeseries: ask for a larger step");
  }
  return Steps{request.start_ms, request.step_ms, count};
}

bool LabelsLess(const PromqlSeries& a, const PromqlSeries& b) {
  return a.labels < b.labels;
}

PromqlVector ToVector(Matrix matrix, TimestampMs time_ms) {
  PromqlVector vector;
  vector.reserve(matrix.rows.size());
  for (Row& row : matrix.rows) {
    vector.push_back({std::move(row.labels), {time_ms, row.values[0]}});
  }
  return vector;
}

PromqlMatrix ToMatrix(Matrix matrix, const Steps& steps) {
  PromqlMatrix result;
  result.reserve(matrix.rows.size());
  for (Row& row : matrix.rows) {
    PromqlSeries series;
    series.labels = std::move(row.labels);
    const auto absent = std::count_if(row.values.begin(), row.values.end(),
                                      [](double value) { return IsAbsent(value); });
    series.samples.reserve(row.values.size() - static_cast<std::size_t>(absent));
    for (std::size_t s = 0; s < row.values.size(); ++s) {
      if (IsAbsent(row.values[s])) continue;
      series.samples.push_back({steps.At(static_cast<std::int64_t>(s)), row.values[s]});
    }
    result.push_back(std::move(series));
    // Both forms are never held whole.
    std::vector<double>().swap(row.values);
  }
  // A selector's series come in this order already.
  if (!std::is_sorted(result.begin(), result.end(), LabelsLess)) {
    std::sort(result.begin(), result.end(), LabelsLess);
  }
  return result;
}

Result<PromqlMatrix> EvaluateWindow(Evaluation& evaluation, const Expr& expr,
                                    TimestampMs time_ms) {
  FIRN_ASSIGN_OR_RETURN(std::vector<Evaluator::SeriesSamples> windows,
                        Evaluator(evaluation).Window(expr, time_ms));
  PromqlMatrix result;
  for (Evaluator::SeriesSamples& window : windows) {
    PromqlSeries series;
    series.labels = std::move(window.labels);
    if (window.drop_name) RemoveMetricLabels(series.labels);
    for (std::size_t i = 0; i < window.samples.size(); ++i) {
      series.samples.push_back(
          {window.samples.timestamps_ms[i], window.samples.values[i]});
    }
    result.push_back(std::move(series));
  }
  std::sort(result.begin(), result.end(), LabelsLess);
  return result;
}

Status EvaluateInto(Evaluation& evaluation, const Expr& expr, const Steps& steps,
                    bool is_instant, PromqlResult& result) {
  Evaluator evaluator(evaluation);
  if (expr.type == ValueType::kString || expr.type == ValueType::kMatrix) {
    if (!is_instant) {
      return Status::InvalidArgument(
          "invalid expression type " + std::string(ValueTypeName(expr.type)) +
          " for range query, must be scalar or instant vector");
    }
    if (expr.type == ValueType::kString) {
      const std::string& text = Unwrapped(expr).As<StringLiteral>()->value;
      result.value = PromqlString{steps.start_ms, text};
      return {};
    }
    FIRN_ASSIGN_OR_RETURN(result.value, EvaluateWindow(evaluation, expr, steps.start_ms));
    return {};
  }
  if (expr.type == ValueType::kScalar) {
    FIRN_ASSIGN_OR_RETURN(Column column, evaluator.Scalar(expr, steps));
    if (is_instant) {
      result.value = PromqlScalar{steps.start_ms, column.values[0]};
      return {};
    }
    Matrix matrix(&evaluation.samples);
    matrix.rows.push_back({{}, false, std::move(column.values)});
    result.value = ToMatrix(std::move(matrix), steps);
    return {};
  }
  FIRN_ASSIGN_OR_RETURN(Matrix matrix, evaluator.Vector(expr, steps));
  if (evaluation.name_removal == NameRemoval::kAtEnd) {
    FIRN_RETURN_IF_ERROR(FinishNameRemoval(matrix));
  }
  if (is_instant) {
    result.value = ToVector(std::move(matrix), steps.start_ms);
  } else {
    result.value = ToMatrix(std::move(matrix), steps);
  }
  return {};
}

}  // namespace

Engine::Engine(EngineOptions options) : options_(options) {
  FIRN_ASSERT(options.lookback_ms > 0 && options.samples_max > 0);
  FIRN_ASSERT(options.steps_max > 0 && options.subquery_step_ms > 0);
}

Result<PromqlResult> Engine::Execute(const base::Context& context,
                                     scan::SeriesSource& source,
                                     const PromqlRequest& request) const {
  FIRN_ASSIGN_OR_RETURN(const ExprPtr expr, ParseExpr(request.expression));
  FIRN_ASSIGN_OR_RETURN(const Steps steps, StepsOf(request, options_.steps_max));
  FIRN_RETURN_IF_ERROR(Prepare(*expr, request.start_ms, request.end_ms, request.step_ms));
  Evaluation evaluation{
      .context = context,
      .source = source,
      .tenant = request.tenant,
      .lookback_ms = request.lookback_ms > 0 ? request.lookback_ms : options_.lookback_ms,
      .subquery_step_ms = options_.subquery_step_ms,
      .name_removal = options_.name_removal,
      .annotations = Annotations(request.expression),
      .samples = SampleBudget(context, options_.samples_max),
      .stats = {}};
  PromqlResult result;
  FIRN_RETURN_IF_ERROR(
      EvaluateInto(evaluation, *expr, steps, request.is_instant(), result));
  result.warnings = evaluation.annotations.Warnings();
  result.infos = evaluation.annotations.Infos();
  result.stats = evaluation.stats;
  result.stats.peak_samples = evaluation.samples.peak();
  return result;
}

}  // namespace firn::promql
