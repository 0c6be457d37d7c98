// SPDX-License-Identifier: Apache-2.0
#include "promql/info_function.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/matcher.h"
#include "promql/selector.h"

namespace firn::promql {
namespace {

// A series and its info series have these in common.
constexpr std::array<std::string_view, 2> kIdentifyingLabels = {"instance", "job"};

// The matchers on the metric's name that choose info series.
std::vector<LabelMatcher> NameMatchers(std::vector<LabelMatcher> names) {
  const std::string name(kMetricNameLabel);
  if (names.empty()) return {{MatchOp::kEqual, name, "target_info"}};
  const bool positive =
      std::any_of(names.begin(), names.end(), [](const LabelMatcher& m) {
        return m.op == MatchOp::kEqual || m.op == MatchOp::kRegex;
      });
  // What is only ruled out must at least look like an info metric.
  if (!positive) names.insert(names.begin(), {MatchOp::kRegex, name, ".+_info"});
  return names;
}

// What two series of one target have in common, "" for a series that has neither label.
std::string Identity(const Labels& labels) {
  std::string key;
  for (std::string_view name : kIdentifyingLabels) {
    key += labels.Get(name);
    key += '\xff';
  }
  return key;
}

// A pass over the rows of info().
class InfoJoin {
 public:
  InfoJoin(Evaluation& evaluation, const std::vector<LabelMatcher>& matchers,
           const Steps& steps)
      : evaluation_(evaluation), steps_(steps), out_(&evaluation.samples) {
    std::vector<LabelMatcher> names;
    for (const LabelMatcher& matcher : matchers) {
      (matcher.name == kMetricNameLabel ? names : data_).push_back(matcher);
    }
    names_ = NameMatchers(std::move(names));
  }

  Result<Matrix> Run(const TimeShift& shift, Matrix base) {
    FIRN_ASSIGN_OR_RETURN(const auto names, base::Matcher::MakeAll(names_));
    FIRN_ASSIGN_OR_RETURN(const auto data, base::Matcher::MakeAll(data_));
    data_may_be_absent_ =
        std::all_of(data.begin(), data.end(),
                    [](const base::Matcher& m) { return m.MatchesEmpty(); });
    std::vector<bool> is_info;
    for (const Row& row : base.rows) {
      is_info.push_back(std::all_of(
          names.begin(), names.end(),
          [&](const base::Matcher& m) { return m.Matches(row.labels.metric_name()); }));
    }
    FIRN_ASSIGN_OR_RETURN(const Matrix info, ReadInfo(shift, base, is_info));
    std::unordered_map<std::string, std::vector<const Row*>> by_identity;
    for (const Row& row : info.rows) by_identity[Identity(row.labels)].push_back(&row);
    for (std::size_t r = 0; r < base.rows.size(); ++r) {
      FIRN_RETURN_IF_ERROR(evaluation_.context.Check());
      const auto found = by_identity.find(Identity(base.rows[r].labels));
      static const std::vector<const Row*> kNone;
      const bool known = found != by_identity.end() && !is_info[r];
      FIRN_RETURN_IF_ERROR(
          AddTo(base.rows[r], known ? found->second : kNone, is_info[r]));
    }
    RemoveEmptyRows(out_);
    return std::move(out_);
  }

 private:
  // The info series of the targets in `base`: when each was taken, in seconds.
  Result<Matrix> ReadInfo(const TimeShift& shift, const Matrix& base,
                          const std::vector<bool>& is_info) {
    std::vector<LabelMatcher> matchers = names_;
    matchers.insert(matchers.end(), data_.begin(), data_.end());
    bool any = false;
    for (std::string_view name : kIdentifyingLabels) {
      std::set<std::string> values;
      for (std::size_t r = 0; r < base.rows.size(); ++r) {
        if (!is_info[r] && base.rows[r].labels.Has(name)) {
          values.emplace(base.rows[r].labels.Get(name));
        }
      }
      if (values.empty()) continue;
      any = true;
      std::string pattern;
      for (const std::string& value : values) {
        if (!pattern.empty()) pattern += '|';
        pattern += RE2::QuoteMeta(value);
      }
      matchers.push_back({MatchOp::kRegex, std::string(name), std::move(pattern)});
    }
    if (!any) return Matrix(&evaluation_.samples);
    VectorSelector selector;
    selector.matchers = std::move(matchers);
    selector.shift.anchor = shift.anchor;
    selector.shift.at_ms = shift.at_ms;
    selector.shift.offset.emplace().ms = shift.offset_ms();
    return SelectInstant(evaluation_, selector, steps_, SelectedValue::kTimestamp);
  }

  // Of the info series of each metric the one that was taken last.
  Status Newest(const std::vector<const Row*>& info, std::size_t step,
                std::map<std::string_view, const Row*>& newest) const {
    newest.clear();
    for (const Row* row : info) {
      if (IsAbsent(row->values[step])) continue;
      const auto [at, added] = newest.try_emplace(row->labels.metric_name(), row);
      if (added) continue;
      const double known = at->second->values[step];
      if (known == row->values[step]) {
        return Status::InvalidArgument(
            "found duplicate series for info metric: " + at->second->labels.ToString() +
            " and " + row->labels.ToString());
      }
      if (known < row->values[step]) at->second = row;
    }
    return {};
  }

  bool IsWanted(std::string_view name) const {
    return data_.empty() ||
           std::any_of(data_.begin(), data_.end(),
                       [&](const LabelMatcher& m) { return m.name == name; });
  }

  Result<Labels> Combined(const Labels& base,
                          const std::map<std::string_view, const Row*>& info) const {
    Labels added;
    for (const auto& [metric, row] : info) {
      for (const Label& label : row->labels) {
        if (label.name == kMetricNameLabel || !IsWanted(label.name)) continue;
        if (added.Has(label.name) && added.Get(label.name) != label.value) {
          return Status::InvalidArgument("conflicting label: " + label.name);
        }
        if (!base.Has(label.name)) added.Set(label.name, label.value);
      }
    }
    Labels combined = base;
    for (const Label& label : added) combined.Set(label.name, label.value);
    return combined;
  }

  // Put the values of `row` under the labels that they have at each step.
  Status AddTo(const Row& row, const std::vector<const Row*>& info, bool is_info) {
    std::map<std::string_view, const Row*> newest;
    std::map<std::string_view, const Row*> last;
    std::optional<std::size_t> target;
    for (std::size_t s = 0; s < steps_.size(); ++s) {
      if (IsAbsent(row.values[s])) continue;
      FIRN_RETURN_IF_ERROR(Newest(info, s, newest));
      if (newest.empty() && !is_info && !data_may_be_absent_) continue;
      // The labels change only when other info series answer.
      if (!target || newest != last) {
        FIRN_ASSIGN_OR_RETURN(Labels labels, Combined(row.labels, newest));
        FIRN_ASSIGN_OR_RETURN(target, RowFor(std::move(labels), row.drop_name));
        last = newest;
      }
      double& value = out_.rows[*target].values[s];
      if (!IsAbsent(value)) {
        return Status::InvalidArgument(
            "vector cannot contain metrics with the same labelset");
      }
      value = row.values[s];
    }
    return {};
  }

  Result<std::size_t> RowFor(Labels labels, bool drop_name) {
    std::string key;
    AppendLabelKey(labels, {}, /*only=*/false, &key);
    const auto [at, added] = rows_.try_emplace(std::move(key), out_.rows.size());
    if (added) FIRN_RETURN_IF_ERROR(out_.AddRow(std::move(labels), drop_name, steps_));
    return at->second;
  }

  Evaluation& evaluation_;
  const Steps& steps_;
  std::vector<LabelMatcher> names_;
  std::vector<LabelMatcher> data_;
  bool data_may_be_absent_ = true;
  Matrix out_;
  std::unordered_map<std::string, std::size_t> rows_;
};

// Add the modifiers of `shift` to those inside it.
void Enclose(const TimeShift& shift, TimeShift& inner) {
  if (inner.anchor != AtAnchor::kNone) return;
  inner.offset->ms += shift.offset_ms();
  inner.anchor = shift.anchor;
  inner.at_ms = shift.at_ms;
}

// Find the first selector; false where there is none.
bool FindShift(const Expr& expr, TimeShift& found) {
  const auto* selector = expr.As<VectorSelector>();
  if (const auto* matrix = expr.As<MatrixSelector>()) selector = &matrix->selector;
  if (selector != nullptr) {
    Enclose(selector->shift, found);
    return true;
  }
  bool any = false;
  ForEachChild(expr, [&](const Expr& child) {
    if (!any) any = FindShift(child, found);
  });
  if (const auto* subquery = expr.As<Subquery>(); any && subquery != nullptr) {
    Enclose(subquery->shift, found);
  }
  return any;
}

}  // namespace

TimeShift InfoShift(const Expr& argument) {
  TimeShift shift;
  shift.offset.emplace();
  FindShift(argument, shift);
  return shift;
}

Result<Matrix> AddInfo(Evaluation& evaluation, const std::vector<LabelMatcher>& matchers,
                       const TimeShift& shift, const Steps& steps, Matrix base) {
  return InfoJoin(evaluation, matchers, steps).Run(shift, std::move(base));
}

}  // namespace firn::promql
