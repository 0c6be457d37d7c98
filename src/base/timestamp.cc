// SPDX-License-Identifier: Apache-2.0
#include "base/timestamp.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "base/civil_date.h"
#include "base/quote.h"

namespace firn::base {
namespace {

constexpr std::int64_t kSecondUs = 1'000'000;
constexpr std::int64_t kDaySeconds = 86'400;

int DaysInMonth(std::int64_t year, int month) {
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return month == 2 && leap ? 29 : kDays[month - 1];
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Takes fixed-width pieces off a text. After the first that is not there, ok() is false.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}
  bool ok() const { return ok_; }
  bool AtEnd() const { return rest_.empty(); }

  int Digits(std::size_t count) {
    int number = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (!ok_ || rest_.empty() || !IsDigit(rest_[0])) {
        ok_ = false;
        return 0;
      }
      number = number * 10 + (rest_[0] - '0');
      rest_.remove_prefix(1);
    }
    return number;
  }
  char OneOf(std::string_view characters) {
    if (!ok_ || rest_.empty() || characters.find(rest_[0]) == std::string_view::npos) {
      ok_ = false;
      return 0;
    }
    const char c = rest_[0];
    rest_.remove_prefix(1);
    return c;
  }
  // `.` and digits, as microseconds; 0 where there is no point.
  std::int64_t Fraction() {
    if (!ok_ || rest_.empty() || rest_[0] != '.') return 0;
    rest_.remove_prefix(1);
    if (rest_.empty() || !IsDigit(rest_[0])) ok_ = false;
    std::int64_t fraction_us = 0;
    std::int64_t scale = kSecondUs / 10;
    for (; !rest_.empty() && IsDigit(rest_[0]); rest_.remove_prefix(1)) {
      fraction_us += scale * (rest_[0] - '0');
      scale /= 10;
    }
    return fraction_us;
  }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

// Nothing where the text has not the shape of RFC 3339 or names no moment.
std::optional<TimestampUs> ParseRfc3339(std::string_view text) {
  Scanner scan(text);
  CivilDate date{};
  date.year = scan.Digits(4);
  scan.OneOf("-");
  date.month = scan.Digits(2);
  scan.OneOf("-");
  date.day = scan.Digits(2);
  scan.OneOf("Tt ");
  const int hour = scan.Digits(2);
  scan.OneOf(":");
  const int minute = scan.Digits(2);
  scan.OneOf(":");
  const int second = scan.Digits(2);
  const std::int64_t fraction_us = scan.Fraction();
  const char zone = scan.OneOf("Zz+-");
  int offset_seconds = 0;
  if (zone == '+' || zone == '-') {
    const int offset_hour = scan.Digits(2);
    scan.OneOf(":");
    const int offset_minute = scan.Digits(2);
    if (offset_hour > 23 || offset_minute > 59) return std::nullopt;
    offset_seconds = (offset_hour * 60 + offset_minute) * 60 * (zone == '+' ? 1 : -1);
  }
  if (!scan.ok() || !scan.AtEnd()) return std::nullopt;
  if (date.month < 1 || date.month > 12 || date.day < 1 ||
      date.day > DaysInMonth(date.year, date.month) || hour > 23 || minute > 59 ||
      second > 59) {
    return std::nullopt;
  }
  const std::int64_t seconds = DaysFromCivilDate(date) * kDaySeconds + hour * 3600 +
                               minute * 60 + second - offset_seconds;
  return seconds * kSecondUs + fraction_us;
}

// Digits with at most six after the point are taken exactly; any other number goes
// through a double, as in Prometheus.
std::optional<TimestampUs> ParseUnixSeconds(std::string_view text) {
  const bool negative = text.starts_with('-');
  const std::string_view digits = text.substr(negative || text.starts_with('+') ? 1 : 0);
  if (digits.empty() || !(IsDigit(digits[0]) || digits[0] == '.')) return std::nullopt;
  const char* end = digits.data() + digits.size();

  std::uint64_t whole = 0;
  const auto [after, error] = std::from_chars(digits.data(), end, whole);
  constexpr std::uint64_t kWholeMax =
      9'223'372'036'853;  // So that no fraction overflows.
  if (error == std::errc() && whole <= kWholeMax) {
    Scanner scan(std::string_view(after, static_cast<std::size_t>(end - after)));
    const std::int64_t fraction_us = scan.Fraction();
    const bool exact = static_cast<std::size_t>(end - after) <= 7;
    if (scan.ok() && scan.AtEnd() && (exact || !negative)) {
      const std::int64_t us = static_cast<std::int64_t>(whole) * kSecondUs + fraction_us;
      return negative ? -us : us;
    }
  }
  double seconds = 0;
  const auto [number_end, number_error] = std::from_chars(digits.data(), end, seconds);
  if (number_error != std::errc() || number_end != end) return std::nullopt;
  const double us = std::floor((negative ? -seconds : seconds) * kSecondUs);
  constexpr double kLimit = 9.2e18;  // Below 2^63.
  if (!(std::abs(us) <= kLimit)) return std::nullopt;
  return static_cast<TimestampUs>(us);
}

// Floor division: times before the epoch have their fraction counted forwards.
std::int64_t FloorDivide(std::int64_t a, std::int64_t b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

std::string Format(TimestampUs timestamp_us, int fraction_digits) {
  const std::int64_t seconds = FloorDivide(timestamp_us, kSecondUs);
  // By remainders: the product of the whole seconds may lie below what 64 bits hold.
  const std::int64_t remainder_us = timestamp_us % kSecondUs;
  const auto fraction_us =
      static_cast<int>(remainder_us < 0 ? remainder_us + kSecondUs : remainder_us);
  const std::int64_t days = FloorDivide(seconds, kDaySeconds);
  const auto second_of_day = static_cast<int>(seconds - days * kDaySeconds);
  const CivilDate date = CivilDateFromDays(days);
  char buffer[64];
  const bool plain = date.year >= 0 && date.year <= 9999;
  int size = std::snprintf(
      buffer, sizeof buffer,
      plain ? "%04lld-%02d-%02dT%02d:%02d:%02d" : "%+05lld-%02d-%02dT%02d:%02d:%02d",
      static_cast<long long>(date.year), date.month, date.day, second_of_day / 3600,
      second_of_day / 60 % 60, second_of_day % 60);
  std::string out(buffer, static_cast<std::size_t>(size));
  if (fraction_digits == 3) {
    size = std::snprintf(buffer, sizeof buffer, ".%03d", fraction_us / 1000);
    out.append(buffer, static_cast<std::size_t>(size));
  } else if (fraction_digits == 6) {
    size = std::snprintf(buffer, sizeof buffer, ".%06d", fraction_us);
    out.append(buffer, static_cast<std::size_t>(size));
  }
  out.push_back('Z');
  return out;
}

}  // namespace

Result<TimestampUs> ParseTimestamp(std::string_view text) {
  if (const auto parsed = ParseRfc3339(text)) return *parsed;
  if (const auto parsed = ParseUnixSeconds(text)) return *parsed;
  return Status::InvalidArgument(
      "not a time: " + Quoted(text) +
      ": want RFC 3339 such as 2026-01-02T03:04:05Z, or Unix seconds");
}

std::string FormatTimestamp(TimestampUs timestamp_us) {
  const int digits = timestamp_us % 1000 != 0 ? 6 : timestamp_us % kSecondUs != 0 ? 3 : 0;
  return Format(timestamp_us, digits);
}

std::string FormatTimestampMs(TimestampMs timestamp_ms) {
  // A millisecond count may exceed what microseconds hold: show the nearest that fits.
  constexpr std::int64_t kLimit = kTimestampMsMax / 1000;
  const std::int64_t held = timestamp_ms > kLimit    ? kLimit
                            : timestamp_ms < -kLimit ? -kLimit
                                                     : timestamp_ms;
  return Format(held * 1000, 3);
}

}  // namespace firn::base
