// SPDX-License-Identifier: Apache-2.0
// format.h: a tree back to PromQL text.
#pragma once

#include <string>

#include "promql/ast.h"

namespace firn::promql {

// Canonical text on one line: matchers sorted, modifiers in a fixed order, durations in
// their shortest form. ParseExpr reads it back as the same tree, up to source positions.
std::string Format(const Expr& expr);
std::string Format(const DurationTerm& term);

}  // namespace firn::promql
