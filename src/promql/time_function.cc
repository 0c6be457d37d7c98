// SPDX-License-Identifier: Apache-2.0
#include "promql/time_function.h"

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>

#include "base/civil_date.h"

namespace firn::promql {
namespace {

std::int64_t FloorDivide(std::int64_t a, std::int64_t b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

bool IsLeap(std::int64_t year) {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int DaysInMonth(const base::CivilDate& date) {
  constexpr std::array<int, 12> kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return kDays[static_cast<std::size_t>(date.month - 1)] +
         (date.month == 2 && IsLeap(date.year) ? 1 : 0);
}

int DayOfYear(const base::CivilDate& date) {
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
  const base::CivilDate date = base::CivilDateFromDays(days);
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
