// SPDX-License-Identifier: Apache-2.0
// civil_date.h: days since the Unix epoch as dates of the Gregorian calendar, extended
// backwards, and back. Pure functions.
//
// std::chrono's years have 16 bits; a timestamp of 64 bits has more.
#pragma once

#include <cstdint>

namespace firn::base {

struct CivilDate {
  std::int64_t year = 1970;
  int month = 1;  // 1 to 12
  int day = 1;    // 1 to 31
  bool operator==(const CivilDate&) const = default;
};

// The date of a day, counted from 1970-01-01. REQUIRES: |days| < 2^62.
CivilDate CivilDateFromDays(std::int64_t days);

// The day of a date. REQUIRES: the calendar has the date, and |date.year| < 2^53.
std::int64_t DaysFromCivilDate(const CivilDate& date);

}  // namespace firn::base
