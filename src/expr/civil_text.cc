// SPDX-License-Identifier: Apache-2.0
#include "expr/civil_text.h"

#include <cstdint>
#include <cstdio>
#include <limits>

#include "base/civil_date.h"
#include "expr/number.h"

namespace firn::expr {
namespace {

constexpr std::int64_t kNsPerSecond = 1'000'000'000;
constexpr std::int64_t kUsPerDay = 86'400'000'000;
// More years than a timestamp of microseconds or a date of 32 bits reaches.
constexpr std::size_t kYearDigitsMax = 8;

bool IsDigit(char c) { return '0' <= c && c <= '9'; }

int DaysInMonth(std::int64_t year, int month) {
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return month == 2 && leap ? 29 : kDays[month - 1];
}

// Takes pieces off a text. After the first that is not there, ok() is false.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}
  bool ok() const { return ok_; }
  bool AtEnd() const { return ok_ && rest_.empty(); }
  bool At(char c) const { return ok_ && rest_.starts_with(c); }

  bool Accept(char c) {
    if (!At(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void Expect(char c) { ok_ = Accept(c) && ok_; }

  std::int64_t Digits(std::size_t count_min, std::size_t count_max) {
    std::int64_t number = 0;
    std::size_t count = 0;
    for (; ok_ && count < count_max && !rest_.empty() && IsDigit(rest_[0]); ++count) {
      number = number * 10 + (rest_[0] - '0');
      rest_.remove_prefix(1);
    }
    ok_ = ok_ && count >= count_min;
    return number;
  }

  // Days since the epoch.
  std::int64_t Day() {
    const bool negative = At('-');
    const bool is_signed = Accept('-') || Accept('+');
    base::CivilDate date;
    date.year = Digits(4, is_signed ? kYearDigitsMax : 4);
    if (negative) date.year = -date.year;
    Expect('-');
    date.month = static_cast<int>(Digits(2, 2));
    Expect('-');
    date.day = static_cast<int>(Digits(2, 2));
    ok_ = ok_ && 1 <= date.month && date.month <= 12 && 1 <= date.day &&
          date.day <= DaysInMonth(date.year, date.month);
    return ok_ ? base::DaysFromCivilDate(date) : 0;
  }

  std::int64_t NsOfDay() {
    const std::int64_t hour = Digits(2, 2);
    Expect(':');
    const std::int64_t minute = Digits(2, 2);
    std::int64_t second = 0;
    std::int64_t fraction_ns = 0;
    if (Accept(':')) {
      second = Digits(2, 2);
      if (Accept('.')) fraction_ns = Fraction();
    }
    ok_ = ok_ && hour < 24 && minute < 60 && second < 60;
    return ((hour * 60 + minute) * 60 + second) * kNsPerSecond + fraction_ns;
  }

  // Seconds that the local time is ahead of UTC; none where no zone is named.
  std::int64_t ZoneSeconds() {
    if (Accept('Z') || Accept('z')) return 0;
    const bool west = At('-');
    if (!Accept('-') && !Accept('+')) return 0;
    const std::int64_t hour = Digits(2, 2);
    const std::int64_t minute = Accept(':') ? Digits(2, 2) : 0;
    ok_ = ok_ && hour < 24 && minute < 60;
    return (west ? -60 : 60) * (hour * 60 + minute);
  }

 private:
  // Of a second, as nanoseconds.
  std::int64_t Fraction() {
    const std::size_t before = rest_.size();
    std::int64_t fraction = Digits(1, 9);
    for (std::size_t n = before - rest_.size(); n < 9; ++n) fraction *= 10;
    return fraction;
  }

  std::string_view rest_;
  bool ok_ = true;
};

std::string Fraction(std::int64_t ns_of_second) {
  if (ns_of_second == 0) return {};
  char buffer[16];
  std::snprintf(buffer, sizeof buffer, ".%09d", static_cast<int>(ns_of_second));
  const std::size_t digits = ns_of_second % 1000 != 0        ? 9
                             : ns_of_second % 1'000'000 != 0 ? 6
                                                             : 3;
  return std::string(buffer, digits + 1);
}

std::string FormatDay(std::int64_t days) {
  const base::CivilDate date = base::CivilDateFromDays(days);
  const bool plain = 0 <= date.year && date.year <= 9999;
  char buffer[48];
  std::snprintf(buffer, sizeof buffer, plain ? "%04lld-%02d-%02d" : "%+05lld-%02d-%02d",
                static_cast<long long>(date.year), date.month, date.day);
  return buffer;
}

}  // namespace

std::optional<Date> ParseDate(std::string_view text) {
  Scanner scan(text);
  const std::int64_t days = scan.Day();
  if (!scan.AtEnd() || days < std::numeric_limits<std::int32_t>::min() ||
      days > std::numeric_limits<std::int32_t>::max()) {
    return std::nullopt;
  }
  return Date{static_cast<std::int32_t>(days)};
}

std::optional<TimeOfDay> ParseTime(std::string_view text) {
  Scanner scan(text);
  const std::int64_t ns = scan.NsOfDay();
  if (!scan.AtEnd()) return std::nullopt;
  return TimeOfDay{ns};
}

std::optional<Timestamp> ParseTimestamp(std::string_view text) {
  Scanner scan(text);
  const std::int64_t days = scan.Day();
  std::int64_t ns_of_day = 0;
  std::int64_t zone_seconds = 0;
  if (scan.Accept('T') || scan.Accept('t') || scan.Accept(' ')) {
    ns_of_day = scan.NsOfDay();
    zone_seconds = scan.ZoneSeconds();
  }
  if (!scan.AtEnd()) return std::nullopt;
  const Int128 us =
      Int128{days} * kUsPerDay + ns_of_day / 1000 - Int128{zone_seconds} * 1'000'000;
  if (us < std::numeric_limits<std::int64_t>::min() ||
      us > std::numeric_limits<std::int64_t>::max()) {
    return std::nullopt;
  }
  return Timestamp{static_cast<std::int64_t>(us),
                   static_cast<std::int16_t>(ns_of_day % 1000)};
}

std::string FormatDate(Date date) { return FormatDay(date.days); }

std::string FormatTime(TimeOfDay time) {
  const auto seconds = static_cast<long long>(time.ns / kNsPerSecond);
  char buffer[48];
  std::snprintf(buffer, sizeof buffer, "%02lld:%02lld:%02lld", seconds / 3600,
                seconds / 60 % 60, seconds % 60);
  return buffer + Fraction(time.ns % kNsPerSecond);
}

std::string FormatTimestamp(Timestamp timestamp) {
  std::int64_t days = timestamp.us / kUsPerDay;
  std::int64_t us_of_day = timestamp.us % kUsPerDay;
  if (us_of_day < 0) {
    --days;
    us_of_day += kUsPerDay;
  }
  return FormatDay(days) + "T" + FormatTime(TimeOfDay{us_of_day * 1000 + timestamp.ns}) +
         "Z";
}

}  // namespace firn::expr
