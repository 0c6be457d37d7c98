// SPDX-License-Identifier: Apache-2.0
#include "promql/time_function.h"

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>

namespace firn::promql {
namespace {

struct Date {
  std::int64_t year = 0;
  int month = 0;  // 1 to 12
  int day = 0;    // 1 to 31
};

std::int64_t FloorDivide(std::int64_t a, std::int64_t b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

// The proleptic Gregorian date of a number of days since 1970-01-01. std::chrono's years
// have 16 bits; a value may be any number. Counts in eras of 400 years that begin on the
// 1st of March, so that the leap day is the last of its year.
Date DateOf(std::int64_t days) {
  const std::int64_t shifted = days + 719468;
  const std::int64_t era = FloorDivide(shifted, 146097);
  const std::int64_t day_of_era = shifted - era * 146097;
  const std::int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const std::int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t month_from_march = (5 * day_of_year + 2) / 153;
  Date date;
  date.day = static_cast<int>(day_of_year - (153 * month_from_march + 2) / 5 + 1);
  date.month = static_cast<int>(month_from_march < 10 ? month_from_march + 3
                                                      : month_from_march - 9);
  date.year = year_of_era + era * 400 + (date.month <= 2 ? 1 : 0);
  return date;
}

bool IsLeap(std::int64_t year) {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int DaysInMonth(const Date& date) {
  constexpr std::array<int, 12> kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return kDays[static_cast<std::size_t>(date.month - 1)] +
         (date.month == 2 && IsLeap(date.year) ? 1 : 0);
}

int DayOfYear(const Date& date) {
  int days = date.day;
  for (int month = 1; month < date.month; ++month) {
    days += DaysInMonth({date.year, month, 1});
  }
  return days;
}

}  // namespace

double CalendarPart(FunctionId id, double seconds) {
  // The negated comparison is true for NaN.
  if (!(std::fabs(seconds) < 9.2e18)) return std::numeric_limits<double>::quiet_NaN();
  const auto whole = static_cast<std::int64_t>(seconds);
  constexpr std::int64_t kDay = 24 * 60 * 60;
  const std::int64_t days = FloorDivide(whole, kDay);
  const std::int64_t second_of_day = whole - days * kDay;
  switch (id) {
    case FunctionId::kHour:
      return static_cast<double>(second_of_day / 3600);
    case FunctionId::kMinute:
      return static_cast<double>(second_of_day / 60 % 60);
    // The epoch was a Thursday.
    case FunctionId::kDayOfWeek:
      return static_cast<double>((days % 7 + 4 + 7) % 7);
    default:
      break;
  }
  const Date date = DateOf(days);
  switch (id) {
    case FunctionId::kDayOfMonth:
      return date.day;
    case FunctionId::kDayOfYear:
      return DayOfYear(date);
    case FunctionId::kDaysInMonth:
      return DaysInMonth(date);
    case FunctionId::kMonth:
      return date.month;
    default:
      return static_cast<double>(date.year);
  }
}

void ApplyCalendar(FunctionId id, Matrix& matrix) {
  for (Row& row : matrix.rows) {
    for (double& value : row.values) {
      if (!IsAbsent(value)) value = CalendarPart(id, value);
    }
  }
}

}  // namespace firn::promql
