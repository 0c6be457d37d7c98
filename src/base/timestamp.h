// SPDX-License-Identifier: Apache-2.0
// timestamp.h: points in time as text: RFC 3339, or seconds since the Unix epoch.
// Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "firn/status.h"
#include "firn/time.h"

namespace firn::base {

// Takes `2026-01-02T03:04:05.678Z`, an offset `+01:00` instead of Z, a space instead of
// T, or Unix seconds `1767323045.678`, negative or with an exponent as Prometheus takes
// them. What is finer than a microsecond is cut off, towards the past. InvalidArgument,
// quoting the text, for anything else, a date that no calendar has, and what does not
// fit.
Result<TimestampUs> ParseTimestamp(std::string_view text);

// RFC 3339 in UTC, with no fraction, three digits or six: as few as are exact. Outside
// the years 0 to 9999, which RFC 3339 cannot write, the year has a sign and all its
// digits.
std::string FormatTimestamp(TimestampUs timestamp_us);

// The same, always with three digits of fraction.
std::string FormatTimestampMs(TimestampMs timestamp_ms);

}  // namespace firn::base
