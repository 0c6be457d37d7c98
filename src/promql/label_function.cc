// SPDX-License-Identifier: Apache-2.0
#include "promql/label_function.h"

#include <re2/re2.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <map>
#include <optional>
#include <utility>

#include "base/utf8.h"

namespace firn::promql {
namespace {

bool IsDigit(char c) { return '0' <= c && c <= '9'; }
bool IsWord(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

Status CheckLabelName(std::string_view name, std::string_view which,
                      std::string_view function) {
  if (!name.empty() && base::IsValidUtf8(name)) return {};
  return Status::InvalidArgument("invalid " + std::string(which) + " label name in " +
                                 std::string(function) + "(): " + std::string(name));
}

// A piece of a replacement: text, or the group that stands for it.
struct TemplatePiece {
  std::string text;
  int group = -1;
};

// Cut a replacement at its `$`. A name is the longest run of letters, digits and `_`; one
// that no group has stands for nothing, and a `$` without a name for itself.
std::vector<TemplatePiece> ParseTemplate(std::string_view text,
                                         const std::map<std::string, int>& names,
                                         int groups) {
  std::vector<TemplatePiece> pieces;
  const auto add_text = [&pieces](std::string_view piece) {
    if (pieces.empty() || pieces.back().group >= 0) pieces.emplace_back();
    pieces.back().text += piece;
  };
  while (!text.empty()) {
    const std::size_t dollar = text.find('$');
    add_text(text.substr(0, dollar));
    if (dollar == std::string_view::npos) break;
    text.remove_prefix(dollar + 1);
    if (text.starts_with('$')) {
      add_text("$");
      text.remove_prefix(1);
      continue;
    }
    const bool braced = text.starts_with('{');
    const std::size_t begin = braced ? 1 : 0;
    std::size_t end = begin;
    while (end < text.size() && IsWord(text[end])) ++end;
    if (end == begin || (braced && (end == text.size() || text[end] != '}'))) {
      add_text("$");
      continue;
    }
    const std::string name(text.substr(begin, end - begin));
    text.remove_prefix(end + (braced ? 1 : 0));
    if (std::all_of(name.begin(), name.end(), IsDigit)) {
      if (name.size() <= 3 && std::stoi(name) <= groups) {
        pieces.push_back({"", std::stoi(name)});
      }
    } else if (const auto found = names.find(name); found != names.end()) {
      pieces.push_back({"", found->second});
    }
  }
  return pieces;
}

// Set the label; a name that is set by hand is no longer to be dropped.
void SetLabel(Row& row, std::string_view name, std::string_view value) {
  row.labels.Set(name, value);
  if (name == kMetricNameLabel) row.drop_name = false;
}

std::string_view TakeRun(std::string_view* text) {
  const bool digits = IsDigit(text->front());
  std::size_t size = 1;
  while (size < text->size() && IsDigit((*text)[size]) == digits) ++size;
  const std::string_view run = text->substr(0, size);
  text->remove_prefix(size);
  return run;
}

// -1, 0 or 1 for runs of digits of any length.
int CompareNumbers(std::string_view a, std::string_view b) {
  const auto strip = [](std::string_view text) {
    while (text.size() > 1 && text[0] == '0') text.remove_prefix(1);
    return text;
  };
  a = strip(a);
  b = strip(b);
  if (a.size() != b.size()) return a.size() < b.size() ? -1 : 1;
  return a.compare(b);
}

}  // namespace

Status LabelReplace(const LabelReplacement& arguments, Matrix& matrix) {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_dot_nl(true);
  const RE2 regex("^(?s:" + arguments.regex + ")$", options);
  if (!regex.ok()) {
    return Status::InvalidArgument("invalid regular expression in label_replace(): " +
                                   arguments.regex);
  }
  FIRN_RETURN_IF_ERROR(
      CheckLabelName(arguments.destination, "destination", "label_replace"));
  const int groups = regex.NumberOfCapturingGroups();
  const std::vector<TemplatePiece> pieces =
      ParseTemplate(arguments.replacement, regex.NamedCapturingGroups(), groups);
  std::vector<re2::StringPiece> found(static_cast<std::size_t>(groups) + 1);
  for (Row& row : matrix.rows) {
    const std::string source(row.labels.Get(arguments.source));
    if (!regex.Match(source, 0, source.size(), RE2::ANCHOR_BOTH, found.data(),
                     static_cast<int>(found.size()))) {
      continue;
    }
    std::string value;
    for (const TemplatePiece& piece : pieces) {
      if (piece.group < 0) {
        value += piece.text;
      } else {
        const re2::StringPiece& group = found[static_cast<std::size_t>(piece.group)];
        value.append(group.data(), group.size());
      }
    }
    SetLabel(row, arguments.destination, value);
  }
  return MergeDuplicates(matrix, OnDuplicate::kMerge);
}

Status LabelJoin(std::string_view destination, std::string_view separator,
                 const std::vector<std::string>& sources, Matrix& matrix) {
  for (const std::string& source : sources) {
    FIRN_RETURN_IF_ERROR(CheckLabelName(source, "source", "label_join"));
  }
  FIRN_RETURN_IF_ERROR(CheckLabelName(destination, "destination", "label_join"));
  for (Row& row : matrix.rows) {
    std::string value;
    for (std::size_t i = 0; i < sources.size(); ++i) {
      if (i > 0) value += separator;
      value += row.labels.Get(sources[i]);
    }
    SetLabel(row, destination, value);
  }
  return MergeDuplicates(matrix, OnDuplicate::kMerge);
}

void SortByValue(bool descending, Matrix& matrix) {
  std::stable_sort(matrix.rows.begin(), matrix.rows.end(),
                   [descending](const Row& a, const Row& b) {
                     const double x = a.values[0];
                     const double y = b.values[0];
                     if (std::isnan(x) || std::isnan(y)) {
                       return !std::isnan(x) && std::isnan(y);
                     }
                     return descending ? x > y : x < y;
                   });
}

void SortByLabels(const std::vector<std::string>& names, bool descending,
                  Matrix& matrix) {
  const auto less = [&names](const Row& a, const Row& b) {
    for (const std::string& name : names) {
      const std::string_view x = a.labels.Get(name);
      const std::string_view y = b.labels.Get(name);
      if (x == y) continue;
      if (NaturalLess(x, y)) return true;
      if (NaturalLess(y, x)) return false;
    }
    return a.labels < b.labels;
  };
  std::stable_sort(
      matrix.rows.begin(), matrix.rows.end(),
      [&](const Row& a, const Row& b) { return descending ? less(b, a) : less(a, b); });
}

bool NaturalLess(std::string_view a, std::string_view b) {
  while (!a.empty() && !b.empty()) {
    const std::string_view x = TakeRun(&a);
    const std::string_view y = TakeRun(&b);
    const bool numbers = IsDigit(x[0]) && IsDigit(y[0]);
    const int order = numbers ? CompareNumbers(x, y) : x.compare(y);
    if (order != 0) return order < 0;
  }
  return a.empty() && !b.empty();
}

}  // namespace firn::promql
