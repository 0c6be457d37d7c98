// SPDX-License-Identifier: Apache-2.0
// topk, bottomk, limitk and limit_ratio.
#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "promql/aggregation.h"
#include "promql/literal.h"

namespace firn::promql {
namespace {

using enum TokenKind;

struct ParameterRange {
  bool any_nan = false;
  double lowest = std::numeric_limits<double>::infinity();
  double highest = -std::numeric_limits<double>::infinity();
};

ParameterRange RangeOf(const Column& number) {
  ParameterRange range;
  for (double value : number.values) {
    range.any_nan = range.any_nan || std::isnan(value);
    if (value < range.lowest) range.lowest = value;
    if (value > range.highest) range.highest = value;
  }
  return range;
}

Status CheckCount(const ParameterRange& range) {
  if (range.any_nan) return Status::InvalidArgument("Parameter value is NaN");
  constexpr double kInt64Bound = 9223372036854775808.0;  // 2^63
  if (range.lowest <= -kInt64Bound) {
    return Status::InvalidArgument("Scalar value " + FormatGeneral(range.lowest) +
                                   " underflows int64");
  }
  if (range.highest >= kInt64Bound) {
    return Status::InvalidArgument("Scalar value " + FormatGeneral(range.highest) +
                                   " overflows int64");
  }
  return {};
}

Status CheckRatio(Evaluation& evaluation, const AggregateCall& call,
                  const ParameterRange& range) {
  if (range.any_nan) return Status::InvalidArgument("Ratio value is NaN");
  const auto warn = [&](double ratio, const char* bound) {
    evaluation.annotations.Warn("ratio value should be between -1 and 1, got " +
                                    FormatGeneral(ratio) + ", capping to " + bound,
                                call.param_position);
  };
  if (range.highest > 1) warn(range.highest, "1");
  if (range.lowest < -1) warn(range.lowest, "-1");
  return {};
}

// A fraction in [0, 1) that depends on the labels alone, the same in every process
// (64-bit FNV-1a).
double LabelFraction(const Labels& labels) {
  std::string key;
  AppendLabelKey(labels, {}, /*only=*/false, &key);
  std::uint64_t hash = 14695981039346656037U;
  for (char c : key) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
  }
  // FNV's high bits change little for short keys: spread them.
  hash ^= hash >> 33;
  hash *= 0xff51afd7ed558ccdU;
  hash ^= hash >> 33;
  return static_cast<double>(hash >> 11) * 0x1.0p-53;
}

bool InRatio(double ratio, double fraction) {
  return ratio >= 0 ? fraction < ratio : fraction >= 1 + ratio;
}

// The rows of one group that have a value at a step.
struct Candidate {
  double value = 0;
  std::size_t row = 0;
};

// Bring the `k` that topk or bottomk keeps to the front, in order. NaN comes last; of
// equal values the earlier series comes first.
void OrderBest(std::vector<Candidate>& candidates, std::size_t k, bool largest) {
  const auto before = [largest](const Candidate& a, const Candidate& b) {
    if (std::isnan(a.value) || std::isnan(b.value)) {
      if (std::isnan(a.value) != std::isnan(b.value)) return std::isnan(b.value);
      return a.row < b.row;
    }
    if (a.value != b.value) return largest ? a.value > b.value : a.value < b.value;
    return a.row < b.row;
  };
  const auto middle = candidates.begin() + static_cast<std::ptrdiff_t>(k);
  std::partial_sort(candidates.begin(), middle, candidates.end(), before);
}

struct Selection {
  // Which values are kept: one a row and step.
  std::vector<std::vector<bool>> kept;
  // Rows in the order they were chosen.
  std::vector<std::size_t> order;
  // LabelFraction of each row, for limit_ratio.
  std::vector<double> fractions;
};

void SelectAtStep(const AggregateCall& call, const Matrix& matrix, const Group& group,
                  std::size_t step, std::vector<Candidate>& candidates,
                  Selection& selection) {
  const double parameter = call.number->values[step];
  candidates.clear();
  for (std::size_t r : group.rows) {
    const double value = matrix.rows[r].values[step];
    if (!IsAbsent(value)) candidates.push_back({value, r});
  }
  std::size_t k = candidates.size();
  if (call.op != kLimitRatio) {
    if (parameter < 1) return;
    if (parameter < static_cast<double>(k)) k = static_cast<std::size_t>(parameter);
  }
  if (call.op == kTopK || call.op == kBottomK) OrderBest(candidates, k, call.op == kTopK);
  for (std::size_t i = 0; i < k; ++i) {
    const std::size_t row = candidates[i].row;
    if (call.op == kLimitRatio &&
        !InRatio(std::clamp(parameter, -1.0, 1.0), selection.fractions[row])) {
      continue;
    }
    selection.kept[row][step] = true;
    selection.order.push_back(row);
  }
}

}  // namespace

Result<Matrix> SelectFromGroups(Evaluation& evaluation, const AggregateCall& call,
                                const Steps& steps, Matrix matrix) {
  const ParameterRange range = RangeOf(*call.number);
  if (call.op == kLimitRatio) {
    FIRN_RETURN_IF_ERROR(CheckRatio(evaluation, call, range));
  } else if (range.any_nan || range.highest >= 1) {
    FIRN_RETURN_IF_ERROR(CheckCount(range));
  }
  Selection selection;
  selection.kept.assign(matrix.rows.size(), std::vector<bool>(steps.size()));
  if (call.op == kLimitRatio) {
    for (const Row& row : matrix.rows) {
      selection.fractions.push_back(LabelFraction(row.labels));
    }
  }
  std::vector<Candidate> candidates;
  for (const Group& group : GroupRows(matrix, call.grouping, call.without)) {
    FIRN_RETURN_IF_ERROR(evaluation.context.Check());
    for (std::size_t s = 0; s < steps.size(); ++s) {
      SelectAtStep(call, matrix, group, s, candidates, selection);
    }
    if (steps.count > 1) selection.order.clear();
  }
  for (std::size_t r = 0; r < matrix.rows.size(); ++r) {
    for (std::size_t s = 0; s < steps.size(); ++s) {
      if (!selection.kept[r][s]) matrix.rows[r].values[s] = Absent();
    }
  }
  if (steps.count == 1) {
    // An instant query shows the order.
    std::vector<Row> ordered;
    ordered.reserve(selection.order.size());
    for (std::size_t r : selection.order) ordered.push_back(std::move(matrix.rows[r]));
    matrix.rows = std::move(ordered);
  }
  RemoveEmptyRows(matrix);
  return matrix;
}

}  // namespace firn::promql
