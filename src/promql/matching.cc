// SPDX-License-Identifier: Apache-2.0
#include "promql/matching.h"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>

namespace firn::promql {
namespace {

// The names that on() keeps or ignoring() leaves out, sorted. The metric's name is always
// ignored.
std::vector<std::string> MatchNames(const VectorMatching& matching) {
  std::vector<std::string> names = matching.labels;
  if (!matching.on) names.emplace_back(kMetricNameLabel);
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

std::vector<MatchGroup> GroupMatches(const VectorMatching& matching, const Matrix& left,
                                     const Matrix& right) {
  const std::vector<std::string> names = MatchNames(matching);
  std::vector<MatchGroup> groups;
  std::unordered_map<std::string, std::size_t> known;
  known.reserve(left.rows.size());
  std::string key;
  const auto add = [&](const Matrix& matrix,
                       std::vector<std::size_t> MatchGroup::* side) {
    for (std::size_t r = 0; r < matrix.rows.size(); ++r) {
      key.clear();
      AppendLabelKey(matrix.rows[r].labels, names, matching.on, &key);
      const auto [at, added] = known.try_emplace(key, groups.size());
      if (added) groups.emplace_back();
      (groups[at->second].*side).push_back(r);
    }
  };
  add(left, &MatchGroup::left);
  add(right, &MatchGroup::right);
  return groups;
}

Labels MatchLabels(const VectorMatching& matching, const Labels& labels) {
  const std::vector<std::string> names = MatchNames(matching);
  std::vector<Label> kept;
  for (const Label& label : labels) {
    if (std::binary_search(names.begin(), names.end(), label.name) == matching.on) {
      kept.push_back(label);
    }
  }
  return Labels::FromUnsorted(std::move(kept));
}

}  // namespace firn::promql
