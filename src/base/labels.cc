// SPDX-License-Identifier: Apache-2.0
#include "firn/labels.h"

#include <algorithm>

#include "base/quote.h"
#include "base/utf8.h"

namespace firn {
namespace {

bool ByName(const Label& a, const Label& b) { return a.name < b.name; }

// Whether `name` may stand in PromQL without quotes. A metric's name may hold colons.
bool IsPlainName(std::string_view name, bool metric) {
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return false;
  return std::all_of(name.begin(), name.end(), [metric](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '_' || (metric && c == ':');
  });
}

void AppendName(std::string& out, std::string_view name) {
  if (IsPlainName(name, /*metric=*/false)) {
    out.append(name);
  } else {
    base::AppendQuoted(out, name);
  }
}

}  // namespace

Labels::Labels(
    std::initializer_list<std::pair<std::string_view, std::string_view>> pairs) {
  std::vector<Label> labels;
  labels.reserve(pairs.size());
  for (const auto& [name, value] : pairs) {
    labels.push_back({std::string(name), std::string(value)});
  }
  *this = FromUnsorted(std::move(labels));
}

Labels Labels::FromUnsorted(std::vector<Label> labels) {
  if (!std::is_sorted(labels.begin(), labels.end(), ByName)) {
    std::stable_sort(labels.begin(), labels.end(), ByName);
  }
  // Keep the last of each run of equal names, and of those the ones with a value.
  std::size_t kept = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (i + 1 < labels.size() && labels[i + 1].name == labels[i].name) continue;
    if (labels[i].value.empty()) continue;
    if (kept != i) labels[kept] = std::move(labels[i]);
    ++kept;
  }
  labels.resize(kept);
  Labels result;
  result.labels_ = std::move(labels);
  return result;
}

Result<Labels> Labels::Make(std::vector<Label> labels) {
  for (const Label& label : labels) {
    if (label.name.empty()) {
      return Status::InvalidArgument("a label with the value " +
                                     base::Quoted(label.value) + " has an empty name");
    }
    if (!base::IsValidUtf8(label.name)) {
      return Status::InvalidArgument("label name " + base::Quoted(label.name) +
                                     " is not valid UTF-8");
    }
    if (!base::IsValidUtf8(label.value)) {
      return Status::InvalidArgument(
          "label " + base::Quoted(label.name) +
          ": value is not valid UTF-8: " + base::Quoted(label.value));
    }
  }
  if (!std::is_sorted(labels.begin(), labels.end(), ByName)) {
    std::stable_sort(labels.begin(), labels.end(), ByName);
  }
  for (std::size_t i = 1; i < labels.size(); ++i) {
    if (labels[i].name == labels[i - 1].name) {
      return Status::InvalidArgument("label " + base::Quoted(labels[i].name) +
                                     " appears twice");
    }
  }
  return FromUnsorted(std::move(labels));
}

std::string_view Labels::Get(std::string_view name) const {
  // Sets hold about ten labels: looking at each in turn beats a binary search.
  for (const Label& label : labels_) {
    if (label.name == name) return label.value;
  }
  return {};
}

bool Labels::Has(std::string_view name) const { return !Get(name).empty(); }

void Labels::Set(std::string_view name, std::string_view value) {
  const auto at = std::lower_bound(
      labels_.begin(), labels_.end(), name,
      [](const Label& label, std::string_view wanted) { return label.name < wanted; });
  const bool found = at != labels_.end() && at->name == name;
  if (value.empty()) {
    if (found) labels_.erase(at);
  } else if (found) {
    at->value.assign(value);
  } else {
    labels_.insert(at, {std::string(name), std::string(value)});
  }
}

std::string Labels::ToString() const {
  const std::string_view metric = metric_name();
  const bool plain = IsPlainName(metric, /*metric=*/true);
  std::string out(plain ? metric : std::string_view());
  if (plain && size() == 1) return out;
  out.push_back('{');
  bool first = true;
  const auto separate = [&out, &first] {
    if (!first) out += ", ";
    first = false;
  };
  if (!plain && !metric.empty()) {
    separate();
    base::AppendQuoted(out, metric);
  }
  for (const Label& label : labels_) {
    if (label.name == kMetricNameLabel) continue;
    separate();
    AppendName(out, label.name);
    out.push_back('=');
    base::AppendQuoted(out, label.value);
  }
  out.push_back('}');
  return out;
}

std::string LabelMatcher::ToString() const {
  std::string out;
  AppendName(out, name);
  switch (op) {
    case MatchOp::kEqual:
      out += "=";
      break;
    case MatchOp::kNotEqual:
      out += "!=";
      break;
    case MatchOp::kRegex:
      out += "=~";
      break;
    case MatchOp::kNotRegex:
      out += "!~";
      break;
  }
  base::AppendQuoted(out, value);
  return out;
}

}  // namespace firn
