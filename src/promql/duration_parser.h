// SPDX-License-Identifier: Apache-2.0
// duration_parser.h: spans of time within a query: numbers of seconds, `5m`, or
// arithmetic on these such as `step() * 2 + 1m`.
#pragma once

#include <string_view>

#include "firn/status.h"
#include "promql/ast.h"
#include "promql/token_stream.h"

namespace firn::promql {

// Read the span in brackets up to "]" or ":". A literal must be positive; what arithmetic
// gives is known, and checked, only when the query is prepared. `context` and `expected`
// serve the error where there is none.
Result<DurationSpec> ParseRangeDuration(TokenStream& stream, std::string_view context,
                                        std::string_view expected);

// Read the span after `offset`: a single operand with an optional sign, so that
// `x offset 5m * 2` is `(x offset 5m) * 2`.
Result<DurationSpec> ParseOffsetDuration(TokenStream& stream);

}  // namespace firn::promql
