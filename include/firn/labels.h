// SPDX-License-Identifier: Apache-2.0
// labels.h: what names a time series.
//
// A label is a name and a value, both UTF-8. A label set is sorted by name (byte order),
// holds each name once, and never a label whose value is empty: in Prometheus's data
// model an empty value means the label is absent. The metric's name is the value of
// `__name__`.
#pragma once

#include <compare>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "firn/status.h"

namespace firn {

inline constexpr std::string_view kMetricNameLabel = "__name__";

struct Label {
  std::string name;
  std::string value;
  auto operator<=>(const Label&) const = default;
};

// A label set. A value type: thread-compatible, ordered as Prometheus orders label sets
// (by the pairs in turn).
class Labels {
 public:
  Labels() = default;
  // Sorts the pairs and drops those with an empty value. The last of two pairs with the
  // same name wins; use Make where a duplicate is an error.
  Labels(std::initializer_list<std::pair<std::string_view, std::string_view>> pairs);
  static Labels FromUnsorted(std::vector<Label> labels);

  // As FromUnsorted, but a duplicate name, an empty name or invalid UTF-8 is
  // InvalidArgument, and the text names the label.
  static Result<Labels> Make(std::vector<Label> labels);

  // The value of `name`, or "" where the set has no such label.
  std::string_view Get(std::string_view name) const;
  bool Has(std::string_view name) const;
  std::string_view metric_name() const { return Get(kMetricNameLabel); }

  // Set `name` to `value`; an empty value removes it.
  void Set(std::string_view name, std::string_view value);
  void Remove(std::string_view name) { Set(name, {}); }

  bool empty() const { return labels_.empty(); }
  std::size_t size() const { return labels_.size(); }
  auto begin() const { return labels_.begin(); }
  auto end() const { return labels_.end(); }

  // `name{a="x", b="y"}` as Prometheus prints it; `{}` for the empty set.
  std::string ToString() const;

  auto operator<=>(const Labels&) const = default;

 private:
  std::vector<Label> labels_;
};

// How one label must look for a series to be selected. A missing label has the value "".
// Regular expressions are RE2 and anchored at both ends.
enum class MatchOp : std::uint8_t { kEqual, kNotEqual, kRegex, kNotRegex };

struct LabelMatcher {
  MatchOp op = MatchOp::kEqual;
  std::string name;
  std::string value;
  bool operator==(const LabelMatcher&) const = default;
  // `name="value"`, `name=~"value"` and so on.
  std::string ToString() const;
};

}  // namespace firn
