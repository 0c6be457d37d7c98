// SPDX-License-Identifier: Apache-2.0
// bind.h: a predicate's literals as the columns they are compared with have them.
#pragma once

#include "expr/predicate.h"
#include "firn/status.h"

namespace arrow {
class Schema;
}  // namespace arrow

namespace firn::expr {

// `predicate` (null stays null) with every literal of a type that has an order with its
// column's:
//
// - a text becomes the date, time, timestamp, decimal or UUID it is the text of, and the
//   bytes of a binary column;
// - a date becomes the midnight of a timestamp column, in UTC;
// - a decimal becomes the nearest number of a floating-point column: 0.1 finds the 0.1
//   that was stored there.
//
// Errors: InvalidArgument that names the column, its type and the literal, where there is
// no such column (then with the nearest that there is) or the literal is none of its
// type.
Result<PredicatePtr> BindToSchema(const PredicatePtr& predicate,
                                  const arrow::Schema& schema);

}  // namespace firn::expr
