// SPDX-License-Identifier: Apache-2.0
#include "promql/binary.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "promql/matching.h"

namespace firn::promql {
namespace {

using enum TokenKind;

constexpr std::size_t kNoRow = static_cast<std::size_t>(-1);

// Call `use` with the operator as a function of two values, so that loops over values
// hold no choice of operator. Comparisons give 1 or 0.
template <typename Use>
auto WithOperator(TokenKind op, Use use) {
  const auto flag = [](bool value) { return value ? 1.0 : 0.0; };
  switch (op) {
    case kAdd:
      return use([](double a, double b) { return a + b; });
    case kSub:
      return use([](double a, double b) { return a - b; });
    case kMul:
      return use([](double a, double b) { return a * b; });
    case kDiv:
      return use([](double a, double b) { return a / b; });
    case kMod:
      return use([](double a, double b) { return std::fmod(a, b); });
    case kPow:
      return use([](double a, double b) { return std::pow(a, b); });
    case kAtan2:
      return use([](double a, double b) { return std::atan2(a, b); });
    case kEqual:
      return use([flag](double a, double b) { return flag(a == b); });
    case kNotEqual:
      return use([flag](double a, double b) { return flag(a != b); });
    case kLess:
      return use([flag](double a, double b) { return flag(a < b); });
    case kLessEqual:
      return use([flag](double a, double b) { return flag(a <= b); });
    case kGreater:
      return use([flag](double a, double b) { return flag(a > b); });
    default:
      return use([flag](double a, double b) { return flag(a >= b); });
  }
}

bool IsTrim(TokenKind op) { return op == kTrimLower || op == kTrimUpper; }

// Trimming is for native histograms: two numbers give nothing.
void InformOfTrim(Evaluation& evaluation, TokenKind op, std::size_t position) {
  const std::string text(Spelling(op));
  evaluation.annotations.Inform(
      "incompatible sample types encountered for binary operator \"" + text +
          "\": float " + text + " float",
      position);
}

// Whether the operator makes another quantity of the metric.
bool ChangesMetric(const Binary& binary) {
  return binary.return_bool || (!IsComparison(binary.op) && !IsSetOperator(binary.op));
}

// The value that a pair gives: what the operator makes of it, or for a filter the left
// value where it passes.
struct PairRule {
  bool is_filter = false;
  bool keep_right = false;  // A filter keeps the vector's side.
};

template <typename Operator>
double Apply(Operator op, PairRule rule, double left, double right) {
  const double result = op(left, right);
  if (!rule.is_filter) return result;
  return result != 0 ? (rule.keep_right ? right : left) : Absent();
}

// Works the matching groups of two vectors off.
class PairJoin {
 public:
  PairJoin(Evaluation& evaluation, const Binary& binary, const Steps& steps, Matrix left,
           Matrix right)
      : evaluation_(evaluation),
        binary_(binary),
        matching_(binary.matching),
        steps_(steps),
        swapped_(binary.matching.cardinality == MatchCardinality::kOneToMany),
        one_to_one_(binary.matching.cardinality == MatchCardinality::kOneToOne),
        many_(swapped_ ? std::move(right) : std::move(left)),
        one_(swapped_ ? std::move(left) : std::move(right)),
        many_fill_(swapped_ ? matching_.fill_left : matching_.fill_right),
        one_fill_(swapped_ ? matching_.fill_right : matching_.fill_left),
        out_(&evaluation.samples) {
    rule_.is_filter = IsComparison(binary.op) && !binary.return_bool;
  }

  Result<Matrix> Run() {
    for (const MatchGroup& group : GroupMatches(matching_, many_, one_)) {
      FIRN_RETURN_IF_ERROR(evaluation_.context.Check());
      if (group.left.empty() && !one_fill_) continue;
      if (group.right.empty() && !many_fill_) continue;
      ++group_;
      FIRN_RETURN_IF_ERROR(
          WithOperator(binary_.op, [&](auto op) { return RunGroup(group, op); }));
    }
    RemoveEmptyRows(out_);
    return std::move(out_);
  }

 private:
  // The "many" side is the left one here, whatever side it was written on; `many_fill_`
  // stands in for a missing partner of a "many" row, `one_fill_` for that of a "one" row.
  template <typename Operator>
  Status RunGroup(const MatchGroup& group, Operator op) {
    pair_rows_.clear();
    if (group.left.size() == 1 && group.right.size() == 1 && !many_fill_ && !one_fill_) {
      return RunPair(group.left[0], group.right[0], op);
    }
    for (std::size_t s = 0; s < steps_.size(); ++s) {
      FIRN_ASSIGN_OR_RETURN(const std::size_t one, FindOne(group, s));
      const bool has_one = one != kNoRow;
      bool matched = false;
      for (std::size_t many : group.left) {
        const double value = many_.rows[many].values[s];
        if (IsAbsent(value) || (!has_one && !many_fill_)) continue;
        if (matched && one_to_one_) {
          return Status::InvalidArgument(
              "multiple matches for labels: many-to-one matching must be explicit "
              "(group_left/group_right)");
        }
        matched = true;
        const double partner = has_one ? one_.rows[one].values[s] : *many_fill_;
        FIRN_RETURN_IF_ERROR(Emit(many, one, s, value, partner, op));
      }
      if (has_one && !matched && one_fill_) {
        FIRN_RETURN_IF_ERROR(
            Emit(kNoRow, one, s, *one_fill_, one_.rows[one].values[s], op));
      }
    }
    return {};
  }

  // The usual case: one series on each side, which cannot be ambiguous.
  template <typename Operator>
  Status RunPair(std::size_t many, std::size_t one, Operator op) {
    FIRN_ASSIGN_OR_RETURN(const std::size_t row, RowFor(many, one));
    const std::vector<double>& left =
        (swapped_ ? one_.rows[one] : many_.rows[many]).values;
    const std::vector<double>& right =
        (swapped_ ? many_.rows[many] : one_.rows[one]).values;
    std::vector<double>& out = out_.rows[row].values;
    for (std::size_t s = 0; s < out.size(); ++s) {
      if (IsAbsent(left[s]) || IsAbsent(right[s])) continue;
      FIRN_RETURN_IF_ERROR(Put(Apply(op, rule_, left[s], right[s]), &out[s]));
    }
    return {};
  }

  static Status Put(double value, double* cell) {
    if (IsAbsent(value)) return {};
    if (!IsAbsent(*cell)) {
      return Status::InvalidArgument(
          "vector cannot contain metrics with the same labelset");
    }
    *cell = value;
    return {};
  }

  // The row of the "one" side that has a value at the step, or kNoRow.
  Result<std::size_t> FindOne(const MatchGroup& group, std::size_t step) const {
    std::size_t found = kNoRow;
    for (std::size_t r : group.right) {
      if (IsAbsent(one_.rows[r].values[step])) continue;
      if (found != kNoRow) return Duplicate(r, found);
      found = r;
    }
    return found;
  }

  Status Duplicate(std::size_t a, std::size_t b) const {
    std::string first = one_.rows[a].labels.ToString();
    std::string second = one_.rows[b].labels.ToString();
    if (first > second) std::swap(first, second);
    return Status::InvalidArgument(
        "found duplicate series for the match group " +
        MatchLabels(matching_, one_.rows[a].labels).ToString() + " on the " +
        (swapped_ ? "left" : "right") + " hand-side of the operation: [" + first + ", " +
        second +
        "];many-to-many matching not allowed: matching labels must be unique on one "
        "side");
  }

  template <typename Operator>
  Status Emit(std::size_t many, std::size_t one, std::size_t step, double many_value,
              double one_value, Operator op) {
    FIRN_ASSIGN_OR_RETURN(const std::size_t row, RowFor(many, one));
    const LastEmit emit{group_, step};
    if (last_emit_[row] == emit) {
      return Status::InvalidArgument(
          "multiple matches for labels: grouping labels must ensure unique matches");
    }
    last_emit_[row] = emit;
    const double left = swapped_ ? one_value : many_value;
    const double right = swapped_ ? many_value : one_value;
    return Put(Apply(op, rule_, left, right), &out_.rows[row].values[step]);
  }

  // The row of the result for a pair; kNoRow stands for a side that was filled in.
  Result<std::size_t> RowFor(std::size_t many, std::size_t one) {
    const auto [pair, added] = pair_rows_.try_emplace({many, one}, out_.rows.size());
    if (!added) return pair->second;
    Labels labels = ResultLabels(many, one);
    std::string key;
    AppendLabelKey(labels, {}, /*only=*/false, &key);
    const auto [at, is_new] = known_rows_.try_emplace(std::move(key), out_.rows.size());
    pair->second = at->second;
    if (is_new) {
      FIRN_RETURN_IF_ERROR(out_.AddRow(std::move(labels), binary_.return_bool, steps_));
      last_emit_.push_back({0, 0});
    }
    return at->second;
  }

  Labels ResultLabels(std::size_t many, std::size_t one) const {
    const Labels filled = many == kNoRow ? MatchLabels(matching_, one_.rows[one].labels)
                          : one == kNoRow
                              ? MatchLabels(matching_, many_.rows[many].labels)
                              : Labels();
    Labels labels = many == kNoRow ? filled : many_.rows[many].labels;
    const Labels& other = one == kNoRow ? filled : one_.rows[one].labels;
    const bool arithmetic = !IsComparison(binary_.op);
    const bool drop_now =
        binary_.return_bool && evaluation_.name_removal == NameRemoval::kNow;
    if (arithmetic || drop_now) RemoveMetricLabels(labels);
    if (one_to_one_) {
      if (matching_.on) {
        labels = MatchLabels(matching_, labels);
      } else {
        for (const std::string& name : matching_.labels) labels.Remove(name);
      }
    }
    for (const std::string& name : matching_.include) {
      labels.Set(name, std::string(other.Get(name)));
    }
    return labels;
  }

  Evaluation& evaluation_;
  const Binary& binary_;
  const VectorMatching& matching_;
  const Steps& steps_;
  const bool swapped_;
  const bool one_to_one_;
  Matrix many_;
  Matrix one_;
  const std::optional<double> many_fill_;
  const std::optional<double> one_fill_;
  Matrix out_;
  PairRule rule_;
  // Rows of the result: by the pair within the group at hand, and by their labels.
  std::map<std::pair<std::size_t, std::size_t>, std::size_t> pair_rows_;
  std::unordered_map<std::string, std::size_t> known_rows_;
  // The group and step that each row of the result last took a pair of, to find pairs
  // that come to have the same labels. Groups count from 1.
  struct LastEmit {
    std::size_t group = 0;
    std::size_t step = 0;
    bool operator==(const LastEmit&) const = default;
  };
  std::vector<LastEmit> last_emit_;
  std::size_t group_ = 0;
};

// Take out of `rows` the values at steps where `present` is `unwanted`.
void Mask(Matrix& matrix, const std::vector<std::size_t>& rows,
          const std::vector<char>& present, bool unwanted) {
  for (std::size_t r : rows) {
    std::vector<double>& values = matrix.rows[r].values;
    for (std::size_t s = 0; s < values.size(); ++s) {
      if ((present[s] != 0) == unwanted) values[s] = Absent();
    }
  }
}

void MarkPresent(const Matrix& matrix, const std::vector<std::size_t>& rows,
                 std::vector<char>& present) {
  std::fill(present.begin(), present.end(), 0);
  for (std::size_t r : rows) {
    const std::vector<double>& values = matrix.rows[r].values;
    for (std::size_t s = 0; s < values.size(); ++s) {
      if (!IsAbsent(values[s])) present[s] = 1;
    }
  }
}

}  // namespace

double ScalarBinary(TokenKind op, double left, double right) {
  return WithOperator(op, [&](auto function) { return function(left, right); });
}

Status VectorScalarBinary(Evaluation& evaluation, const Binary& binary, bool scalar_left,
                          const Column& scalar, Matrix& matrix) {
  if (IsTrim(binary.op)) {
    if (!matrix.rows.empty()) {
      InformOfTrim(evaluation, binary.op, binary.left->span.begin);
    }
    matrix.rows.clear();
    return {};
  }
  PairRule rule;
  rule.is_filter = IsComparison(binary.op) && !binary.return_bool;
  rule.keep_right = scalar_left;
  WithOperator(binary.op, [&](auto op) {
    for (Row& row : matrix.rows) {
      for (std::size_t s = 0; s < row.values.size(); ++s) {
        double& value = row.values[s];
        if (IsAbsent(value)) continue;
        value = scalar_left ? Apply(op, rule, scalar.values[s], value)
                            : Apply(op, rule, value, scalar.values[s]);
      }
    }
    return 0;
  });
  if (rule.is_filter) RemoveEmptyRows(matrix);
  if (!ChangesMetric(binary)) return {};
  return DropMetricNames(matrix, evaluation.name_removal, OnDuplicate::kMerge);
}

Result<Matrix> VectorBinary(Evaluation& evaluation, const Binary& binary,
                            std::size_t position, const Steps& steps, Matrix left,
                            Matrix right) {
  if (IsTrim(binary.op)) {
    if (!left.rows.empty() && !right.rows.empty()) {
      InformOfTrim(evaluation, binary.op, position);
    }
    return Matrix(&evaluation.samples);
  }
  return PairJoin(evaluation, binary, steps, std::move(left), std::move(right)).Run();
}

Result<Matrix> SetBinary(Evaluation& evaluation, const Binary& binary, const Steps& steps,
                         Matrix left, Matrix right) {
  std::vector<char> present(steps.size());
  for (const MatchGroup& group : GroupMatches(binary.matching, left, right)) {
    FIRN_RETURN_IF_ERROR(evaluation.context.Check());
    if (binary.op == kOr) {
      if (group.left.empty() || group.right.empty()) continue;
      MarkPresent(left, group.left, present);
      Mask(right, group.right, present, /*unwanted=*/true);
    } else {
      MarkPresent(right, group.right, present);
      Mask(left, group.left, present, /*unwanted=*/binary.op == kUnless);
    }
  }
  if (binary.op == kOr) {
    for (Row& row : right.rows) left.rows.push_back(std::move(row));
    left.lease.Absorb(std::move(right.lease));
  }
  RemoveEmptyRows(left);
  if (binary.op == kOr) FIRN_RETURN_IF_ERROR(MergeDuplicates(left, OnDuplicate::kMerge));
  return left;
}

}  // namespace firn::promql
