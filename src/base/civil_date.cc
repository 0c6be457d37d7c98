// SPDX-License-Identifier: Apache-2.0
// Years are counted from March, so that the leap day is the last of its year; an era of
// 400 years, beginning on the 1st of March of year 0, has 146,097 days.
#include "base/civil_date.h"

#include "base/assert.h"

namespace firn::base {
namespace {

constexpr std::int64_t kDaysPerEra = 146'097;
constexpr std::int64_t kYearsPerEra = 400;
constexpr std::int64_t kEpochDay = 719'468;  // 1970-01-01, from the first era's begin.

std::int64_t FloorDivide(std::int64_t a, std::int64_t b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

}  // namespace

CivilDate CivilDateFromDays(std::int64_t days) {
  const std::int64_t shifted = days + kEpochDay;
  const std::int64_t era = FloorDivide(shifted, kDaysPerEra);
  const std::int64_t day_of_era = shifted - era * kDaysPerEra;
  const std::int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const std::int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t month_from_march = (5 * day_of_year + 2) / 153;
  CivilDate date;
  date.day = static_cast<int>(day_of_year - (153 * month_from_march + 2) / 5 + 1);
  date.month = static_cast<int>(month_from_march < 10 ? month_from_march + 3
                                                      : month_from_march - 9);
  date.year = year_of_era + era * kYearsPerEra + (date.month <= 2 ? 1 : 0);
  return date;
}

std::int64_t DaysFromCivilDate(const CivilDate& date) {
  FIRN_ASSERT(date.month >= 1 && date.month <= 12);
  const std::int64_t year = date.month <= 2 ? date.year - 1 : date.year;
  const std::int64_t era = FloorDivide(year, kYearsPerEra);
  const std::int64_t year_of_era = year - era * kYearsPerEra;
  const std::int64_t month_from_march = (date.month + 9) % 12;
  const std::int64_t day_of_year = (153 * month_from_march + 2) / 5 + date.day - 1;
  const std::int64_t day_of_era =
      year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * kDaysPerEra + day_of_era - kEpochDay;
}

}  // namespace firn::base
