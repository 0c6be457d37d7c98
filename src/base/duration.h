// SPDX-License-Identifier: Apache-2.0
// duration.h: spans of time as people write them: `5m`, `1h30m`, `250ms`.
//
// Prometheus's grammar: whole numbers with the units y (365 d), w, d, h, m, s, ms, each
// at most once and in that order; `0` needs no unit. Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "firn/status.h"
#include "firn/time.h"

namespace firn::base {

// Longest duration taken: what fits 63 bits of nanoseconds (about 292 years), so that a
// caller may turn it into any unit without a check of its own.
inline constexpr DurationMs kDurationMsMax = 9'223'372'036'854;

// InvalidArgument, quoting the text, for anything else than the grammar above, a sign
// among it, and above kDurationMsMax.
Result<DurationMs> ParseDuration(std::string_view text);

// As ParseDuration, or a number of seconds such as `15` or `0.5`, as the `step` and
// `timeout` of Prometheus's HTTP interface may be. Seconds may be negative; the caller
// checks. Below a millisecond is rounded to the nearest.
Result<DurationMs> ParseDurationOrSeconds(std::string_view text);

// The shortest text that ParseDuration reads back, as Prometheus prints it: years and
// weeks only where nothing is left over, `0s` for zero, `-` before a negative span.
std::string FormatDuration(DurationMs duration_ms);

}  // namespace firn::base
