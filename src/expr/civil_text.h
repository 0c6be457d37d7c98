// SPDX-License-Identifier: Apache-2.0
// civil_text.h: dates and times as ISO 8601 writes them, to the nanosecond. Pure
// functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "expr/predicate.h"

namespace firn::expr {

// `2026-01-02`. A year has four digits, or a sign and more.
std::optional<Date> ParseDate(std::string_view text);
// `03:04`, `03:04:05` or with a fraction of at most nine digits.
std::optional<TimeOfDay> ParseTime(std::string_view text);
// A date, which means its midnight, or a date, `T` or a space, and a time. `Z` or an
// offset `+01:00` may follow the time; without one it is UTC.
std::optional<Timestamp> ParseTimestamp(std::string_view text);

// What the functions above read back. A fraction has three digits, six or nine, or is
// left out: as few as are exact.
std::string FormatDate(Date date);
std::string FormatTime(TimeOfDay time);
std::string FormatTimestamp(Timestamp timestamp);

}  // namespace firn::expr
