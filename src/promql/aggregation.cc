// SPDX-License-Identifier: Apache-2.0
#include "promql/aggregation.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>
#include <utility>

#include "base/quote.h"
#include "base/utf8.h"
#include "promql/kahan.h"
#include "promql/literal.h"
#include "promql/quantile.h"

namespace firn::promql {
namespace {

using enum TokenKind;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// What a group's values at one step add up to. `Add` is called for each value in the
// order of the rows, `Result` after at least one.
struct SumState {
  KahanSum sum;
  bool any = false;
  void Add(double value) {
    // The first value is taken as it is, so that -0 stays -0.
    if (!any) {
      sum.sum = value;
      any = true;
      return;
    }
    sum.Add(value);
  }
  double Result() const { return sum.total(); }
};

struct MeanState {
  KahanMean mean;
  bool any = false;
  void Add(double value) {
    any = true;
    mean.Add(value);
  }
  double Result() const { return mean.mean(); }
};

struct CountState {
  double count = 0;
  bool any = false;
  void Add(double) {
    any = true;
    ++count;
  }
  double Result() const { return count; }
};

struct GroupState {
  bool any = false;
  void Add(double) { any = true; }
  double Result() const { return 1; }
};

template <bool kLargest>
struct ExtremeState {
  double value = 0;
  bool any = false;
  void Add(double v) {
    const bool better = kLargest ? value < v : value > v;
    if (!any || better || std::isnan(value)) value = v;
    any = true;
  }
  double Result() const { return value; }
};

// Welford's running variance. Infinities and NaN make a NaN.
template <bool kSquareRoot>
struct VarianceState {
  double count = 0;
  double mean = 0;
  double squares = 0;
  bool any = false;
  void Add(double value) {
    ++count;
    if (!any) {
      any = true;
      mean = value;
      squares = std::isfinite(value) ? 0 : kNaN;
      return;
    }
    const double delta = value - mean;
    mean += delta / count;
    squares += delta * (value - mean);
  }
  double Result() const {
    return kSquareRoot ? std::sqrt(squares / count) : squares / count;
  }
};

// Run one state a step over the group's rows, row by row: each row is read in order.
template <typename State>
void RunStates(const Matrix& matrix, const Group& group, std::vector<State>& states,
               std::vector<double>& out) {
  std::fill(states.begin(), states.end(), State());
  for (std::size_t r : group.rows) {
    const std::vector<double>& values = matrix.rows[r].values;
    for (std::size_t s = 0; s < values.size(); ++s) {
      if (!IsAbsent(values[s])) states[s].Add(values[s]);
    }
  }
  for (std::size_t s = 0; s < states.size(); ++s) {
    if (states[s].any) out[s] = states[s].Result();
  }
}

Result<Matrix> MakeGroupRows(Evaluation& evaluation, std::vector<Group>& groups,
                             const Matrix& matrix, const Steps& steps) {
  Matrix out(&evaluation.samples);
  out.rows.reserve(groups.size());
  for (Group& group : groups) {
    bool drop_name = false;
    for (std::size_t r : group.rows) drop_name = drop_name || matrix.rows[r].drop_name;
    FIRN_RETURN_IF_ERROR(out.AddRow(std::move(group.labels), drop_name, steps));
  }
  return out;
}

template <typename State>
Result<Matrix> RunGroups(Evaluation& evaluation, const AggregateCall& call,
                         const Steps& steps, const Matrix& matrix) {
  std::vector<Group> groups = GroupRows(matrix, call.grouping, call.without);
  FIRN_ASSIGN_OR_RETURN(Matrix out, MakeGroupRows(evaluation, groups, matrix, steps));
  constexpr std::int64_t kSamplesPerState = (sizeof(State) + 7) / 8;
  SampleLease scratch(&evaluation.samples);
  FIRN_RETURN_IF_ERROR(scratch.Grow(steps.count * kSamplesPerState));
  std::vector<State> states(steps.size());
  for (std::size_t g = 0; g < groups.size(); ++g) {
    FIRN_RETURN_IF_ERROR(evaluation.context.Check());
    RunStates(matrix, groups[g], states, out.rows[g].values);
  }
  return out;
}

void WarnOfQuantile(Evaluation& evaluation, const AggregateCall& call) {
  bool any_nan = false;
  double lowest = 0;
  double highest = 1;
  for (double q : call.number->values) {
    any_nan = any_nan || std::isnan(q);
    if (q < lowest) lowest = q;
    if (q > highest) highest = q;
  }
  const auto warn = [&](double q) {
    evaluation.annotations.Warn(
        "quantile value should be between 0 and 1, got " + FormatGeneral(q),
        call.param_position);
  };
  if (any_nan) warn(kNaN);
  if (highest > 1) warn(highest);
  if (lowest < 0) warn(lowest);
}

Result<Matrix> RunQuantile(Evaluation& evaluation, const AggregateCall& call,
                           const Steps& steps, const Matrix& matrix) {
  WarnOfQuantile(evaluation, call);
  std::vector<Group> groups = GroupRows(matrix, call.grouping, call.without);
  FIRN_ASSIGN_OR_RETURN(Matrix out, MakeGroupRows(evaluation, groups, matrix, steps));
  std::vector<double> values;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    FIRN_RETURN_IF_ERROR(evaluation.context.Check());
    for (std::size_t s = 0; s < steps.size(); ++s) {
      values.clear();
      for (std::size_t r : groups[g].rows) {
        const double value = matrix.rows[r].values[s];
        if (!IsAbsent(value)) values.push_back(value);
      }
      if (values.empty()) continue;
      out.rows[g].values[s] = Quantile(call.number->values[s], values);
    }
  }
  return out;
}

}  // namespace

std::vector<Group> GroupRows(const Matrix& matrix,
                             const std::vector<std::string>& grouping, bool without) {
  std::vector<std::string> names = grouping;
  if (without) {
    const auto at = std::lower_bound(names.begin(), names.end(), kMetricNameLabel);
    if (at == names.end() || *at != kMetricNameLabel) {
      names.insert(at, std::string(kMetricNameLabel));
    }
  }
  std::vector<Group> groups;
  std::unordered_map<std::string, std::size_t> known;
  std::string key;
  for (std::size_t r = 0; r < matrix.rows.size(); ++r) {
    const Labels& labels = matrix.rows[r].labels;
    key.clear();
    AppendLabelKey(labels, names, /*only=*/!without, &key);
    const auto [at, added] = known.try_emplace(key, groups.size());
    if (added) {
      std::vector<Label> kept;
      for (const Label& label : labels) {
        if (std::binary_search(names.begin(), names.end(), label.name) != without) {
          kept.push_back(label);
        }
      }
      groups.push_back({Labels::FromUnsorted(std::move(kept)), {}});
    }
    groups[at->second].rows.push_back(r);
  }
  return groups;
}

Result<Matrix> AggregateGroups(Evaluation& evaluation, const AggregateCall& call,
                               const Steps& steps, Matrix matrix) {
  switch (call.op) {
    case kSum:
      return RunGroups<SumState>(evaluation, call, steps, matrix);
    case kAvg:
      return RunGroups<MeanState>(evaluation, call, steps, matrix);
    case kCount:
      return RunGroups<CountState>(evaluation, call, steps, matrix);
    case kGroup:
      return RunGroups<GroupState>(evaluation, call, steps, matrix);
    case kMin:
      return RunGroups<ExtremeState<false>>(evaluation, call, steps, matrix);
    case kMax:
      return RunGroups<ExtremeState<true>>(evaluation, call, steps, matrix);
    case kStdvar:
      return RunGroups<VarianceState<false>>(evaluation, call, steps, matrix);
    case kStddev:
      return RunGroups<VarianceState<true>>(evaluation, call, steps, matrix);
    case kQuantile:
      return RunQuantile(evaluation, call, steps, matrix);
    default:
      return Status::Internal("not an aggregation of groups");
  }
}

Result<Matrix> CountValues(Evaluation& evaluation, const AggregateCall& call,
                           const Steps& steps, Matrix matrix) {
  if (call.label.empty() || !base::IsValidUtf8(call.label)) {
    return Status::InvalidArgument("invalid label name " + base::Quoted(call.label));
  }
  std::vector<std::string> names = call.grouping;
  const auto at = std::lower_bound(names.begin(), names.end(), call.label);
  if (!call.without && (at == names.end() || *at != call.label)) {
    names.insert(at, call.label);
  }
  Matrix out(&evaluation.samples);
  // Rows of the result by the labels that the value gave them.
  std::unordered_map<std::string, std::size_t> known;
  // Those of one series by the value's bits, so that labels are made once a value.
  std::unordered_map<std::uint64_t, std::size_t> by_value;
  for (const Row& row : matrix.rows) {
    FIRN_RETURN_IF_ERROR(evaluation.context.Check());
    by_value.clear();
    for (std::size_t s = 0; s < steps.size(); ++s) {
      const double value = row.values[s];
      if (IsAbsent(value)) continue;
      const auto bits = std::bit_cast<std::uint64_t>(value);
      auto found = by_value.find(bits);
      if (found == by_value.end()) {
        Matrix one(&evaluation.samples);
        one.rows.push_back({row.labels, false, {}});
        one.rows[0].labels.Set(call.label, FormatNumber(value));
        Group group = std::move(GroupRows(one, names, call.without)[0]);
        std::string key;
        AppendLabelKey(group.labels, {}, /*only=*/false, &key);
        const auto [known_row, added] = known.try_emplace(key, out.rows.size());
        if (added) {
          FIRN_RETURN_IF_ERROR(out.AddRow(std::move(group.labels), false, steps));
        }
        found = by_value.emplace(bits, known_row->second).first;
      }
      double& count = out.rows[found->second].values[s];
      count = IsAbsent(count) ? 1 : count + 1;
    }
  }
  return out;
}

}  // namespace firn::promql
