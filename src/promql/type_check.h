// SPDX-License-Identifier: Apache-2.0
// type_check.h: whether a tree that the grammar allows also means something.
#pragma once

#include <string_view>

#include "firn/status.h"
#include "promql/ast.h"

namespace firn::promql {

// Check types, numbers of arguments and the rules of vector matching, and make set
// operators many-to-many. `text` is the query, for positions.
// Errors: InvalidArgument at the first thing that is wrong, as ParseExpr says it.
Status CheckTypes(std::string_view text, Expr& expr);

}  // namespace firn::promql
