// SPDX-License-Identifier: Apache-2.0
#include "promql/matrix.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

namespace firn::promql {
namespace {

// Separates names and values in keys: it is in no UTF-8 text.
constexpr char kKeySeparator = '\xff';

Status DuplicateLabels() {
  return Status::InvalidArgument("vector cannot contain metrics with the same labelset");
}

// Add the values of `from`, at steps where `into` has none. Whether the name goes is
// decided by the row that has the first value, since Prometheus goes from step to step.
Status MergeInto(const Row& from, Row& into) {
  const auto first = [](const Row& row) {
    return std::find_if_not(row.values.begin(), row.values.end(), IsAbsent) -
           row.values.begin();
  };
  if (first(from) < first(into)) into.drop_name = from.drop_name;
  for (std::size_t s = 0; s < into.values.size(); ++s) {
    if (IsAbsent(from.values[s])) continue;
    if (!IsAbsent(into.values[s])) return DuplicateLabels();
    into.values[s] = from.values[s];
  }
  return {};
}

}  // namespace

Result<Column> Column::Make(SampleBudget* budget, const Steps& steps, double value) {
  Column column{{}, SampleLease(budget)};
  FIRN_RETURN_IF_ERROR(column.lease.Grow(steps.count));
  column.values.assign(steps.size(), value);
  return column;
}

Status Matrix::AddRow(Labels labels, bool drop_name, const Steps& steps) {
  FIRN_RETURN_IF_ERROR(lease.Grow(steps.count));
  rows.push_back(
      {std::move(labels), drop_name, std::vector<double>(steps.size(), Absent())});
  return {};
}

bool HasValue(const std::vector<double>& values) {
  return std::any_of(values.begin(), values.end(),
                     [](double value) { return !IsAbsent(value); });
}

void RemoveEmptyRows(Matrix& matrix) {
  std::erase_if(matrix.rows, [](const Row& row) { return !HasValue(row.values); });
}

bool IsMetricLabel(std::string_view name) {
  return name == kMetricNameLabel || name == "__type__" || name == "__unit__";
}

void RemoveMetricLabels(Labels& labels) {
  labels.Remove("__type__");
  labels.Remove("__unit__");
  labels.Remove(kMetricNameLabel);
}

Status DropMetricNames(Matrix& matrix, NameRemoval mode, OnDuplicate on_duplicate) {
  if (matrix.rows.empty()) return {};
  if (mode == NameRemoval::kAtEnd) {
    for (Row& row : matrix.rows) row.drop_name = true;
    return {};
  }
  // Rows of one metric stay different without its name; this is the usual case and saves
  // the comparison of all labels.
  bool same = true;
  const std::string name(matrix.rows[0].labels.metric_name());
  for (Row& row : matrix.rows) {
    same = same && row.labels.metric_name() == name && !row.labels.Has("__type__") &&
           !row.labels.Has("__unit__");
    RemoveMetricLabels(row.labels);
  }
  return same ? Status() : MergeDuplicates(matrix, on_duplicate);
}

Status MergeDuplicates(Matrix& matrix, OnDuplicate on_duplicate) {
  std::unordered_map<std::string, std::size_t> known;
  known.reserve(matrix.rows.size());
  std::string key;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < matrix.rows.size(); ++i) {
    key.clear();
    AppendLabelKey(matrix.rows[i].labels, {}, /*only=*/false, &key);
    const auto [at, added] = known.try_emplace(key, kept);
    if (added) {
      if (kept != i) matrix.rows[kept] = std::move(matrix.rows[i]);
      ++kept;
      continue;
    }
    if (on_duplicate == OnDuplicate::kFail) return DuplicateLabels();
    FIRN_RETURN_IF_ERROR(MergeInto(matrix.rows[i], matrix.rows[at->second]));
  }
  matrix.rows.resize(kept);
  return {};
}

Status FinishNameRemoval(Matrix& matrix) {
  for (Row& row : matrix.rows) {
    if (row.drop_name) RemoveMetricLabels(row.labels);
  }
  return MergeDuplicates(matrix, OnDuplicate::kMerge);
}

void AppendLabelKey(const Labels& labels, const std::vector<std::string>& names,
                    bool only, std::string* out) {
  for (const Label& label : labels) {
    if (std::binary_search(names.begin(), names.end(), label.name) != only) continue;
    out->append(label.name);
    out->push_back(kKeySeparator);
    out->append(label.value);
    out->push_back(kKeySeparator);
  }
}

}  // namespace firn::promql
