// SPDX-License-Identifier: Apache-2.0
// conjuncts.h: taking a predicate apart.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "expr/predicate.h"

namespace firn::expr {

// The operands of the outermost conjunction, nested ones flattened; a predicate of
// another kind is its own only conjunct. None for null. A row is selected where all are
// true.
std::vector<PredicatePtr> SplitConjuncts(const PredicatePtr& predicate);

// The columns that the predicate names.
std::set<std::string> ColumnsOf(const Predicate& predicate);

}  // namespace firn::expr
