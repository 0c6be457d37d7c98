// SPDX-License-Identifier: Apache-2.0
// label_function.h: functions of labels and of the order of series.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "firn/status.h"
#include "promql/function.h"
#include "promql/matrix.h"

namespace firn::promql {

struct LabelReplacement {
  std::string destination;
  std::string replacement;  // With $1, ${1}, $name, ${name} and $$.
  std::string source;
  std::string regex;  // RE2, anchored at both ends; `.` matches line feeds.
};
// Set `destination` to `replacement` in the series whose `source` matches.
// Errors: InvalidArgument for a broken expression or label name, or where two series come
// to have the same labels at one step.
Status LabelReplace(const LabelReplacement& arguments, Matrix& matrix);

// Set `destination` to the values of `sources` with `separator` between them. Errors as
// LabelReplace.
Status LabelJoin(std::string_view destination, std::string_view separator,
                 const std::vector<std::string>& sources, Matrix& matrix);

// Order the rows by their only value, NaN last. REQUIRES: one step.
void SortByValue(bool descending, Matrix& matrix);
// Order the rows by the labels named, numbers in them by their value, then by all labels.
void SortByLabels(const std::vector<std::string>& names, bool descending, Matrix& matrix);

// Whether `a` comes before `b` when runs of digits are compared as numbers: "v2" < "v10".
bool NaturalLess(std::string_view a, std::string_view b);

}  // namespace firn::promql
