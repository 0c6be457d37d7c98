// SPDX-License-Identifier: Apache-2.0
// extended_range.h: range functions with the modifiers anchored and smoothed, which look
// beyond the window.
//
// anchored: the window begins with the value it had at its start, the newest sample
// within the lookback before it. smoothed: both ends of the window have values,
// interpolated between the samples around them.
#pragma once

#include <vector>

#include "firn/status.h"
#include "promql/ast.h"
#include "promql/function.h"
#include "promql/window.h"

namespace firn::promql {

enum class Extension : std::uint8_t { kNone, kAnchored, kSmoothed };
Extension ExtensionOf(const VectorSelector& selector);

// InvalidArgument where the function does not go with the modifier.
Status CheckExtension(Extension extension, const Function& function);

// How far samples are looked for before and after a window.
DurationMs ReachBefore(Extension extension, DurationMs lookback_ms);
DurationMs ReachAfter(Extension extension, DurationMs lookback_ms);

// Evaluate the function at each step of `windows`. `samples` reach as far as ReachBefore
// and ReachAfter say. `row` holds Absent() at every step on entry. REQUIRES: extension is
// not kNone, and CheckExtension is OK.
void EvaluateExtended(Extension extension, FunctionId id, DurationMs lookback_ms,
                      const scan::SampleColumns& samples, const Windows& windows,
                      std::vector<double>& row);

// The value at `time_ms` on the line between two samples; that of a counter which was
// reset between them begins at zero.
double Interpolate(TimestampMs time0_ms, double value0, TimestampMs time1_ms,
                   double value1, TimestampMs time_ms, bool is_counter);

}  // namespace firn::promql
