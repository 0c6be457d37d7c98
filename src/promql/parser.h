// SPDX-License-Identifier: Apache-2.0
// parser.h: PromQL text to a tree.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "firn/labels.h"
#include "firn/status.h"
#include "promql/ast.h"

namespace firn::promql {

// Queries longer than this are refused.
inline constexpr std::size_t kExpressionBytesMax = std::size_t{1} << 20;

// Read a whole expression of the language of Prometheus 3.x, experimental parts included,
// and check its types.
// Errors: InvalidArgument "<line>:<column>: parse error: <what>", both counted from 1 in
// bytes, at the first thing that is wrong.
Result<ExprPtr> ParseExpr(std::string_view text);

// Read a vector selector without modifiers, such as `up{job="a"}`, and give its matchers,
// the metric's name among them. One that selects every series is taken: whether that is
// allowed is left to the caller, who has MatchesEmpty. Errors as ParseExpr.
Result<std::vector<LabelMatcher>> ParseSelector(std::string_view text);

// Read a metric with its labels off the front of `text`, such as `up{job="a"}` off
// `up{job="a"} 1 2 3`. `*length` is set to where it ends. Errors as ParseExpr.
Result<Labels> ParseMetricPrefix(std::string_view text, std::size_t* length);

// Whether a series without the label could be selected by `matcher`.
bool MatchesEmpty(const LabelMatcher& matcher);

// "<line>:<column>" of byte `position` of `text`.
std::string LineAndColumn(std::string_view text, std::size_t position);

}  // namespace firn::promql
