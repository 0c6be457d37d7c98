// SPDX-License-Identifier: Apache-2.0
// time_function.h: parts of dates.
#pragma once

#include "promql/function.h"
#include "promql/matrix.h"

namespace firn::promql {

// The part of the date (UTC) that the function names, at `seconds` since the Unix epoch,
// fractions cut off. NaN where that is no point in time.
double CalendarPart(FunctionId id, double seconds);

// Replace each value, seconds since the Unix epoch, by that part of its date.
void ApplyCalendar(FunctionId id, Matrix& matrix);

}  // namespace firn::promql
