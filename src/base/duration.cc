// SPDX-License-Identifier: Apache-2.0
#include "base/duration.h"

#include <charconv>
#include <cmath>
#include <cstdint>

#include "base/quote.h"

namespace firn::base {
namespace {

struct Unit {
  std::string_view name;
  DurationMs ms;
  bool exact_only;  // Printed only where it divides what is left.
};

constexpr DurationMs kDayMs = 24 * 60 * 60 * 1000;
constexpr Unit kUnits[] = {
    {"y", 365 * kDayMs, true}, {"w", 7 * kDayMs, true},
    {"d", kDayMs, false},      {"h", 60 * 60 * 1000, false},
    {"m", 60 * 1000, false},   {"s", 1000, false},
    {"ms", 1, false},
};
constexpr std::size_t kUnitCount = sizeof kUnits / sizeof kUnits[0];

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

Status Invalid(std::string_view text, std::string_view why) {
  return Status::InvalidArgument("not a duration: " + Quoted(text) + ": " +
                                 std::string(why));
}

}  // namespace

Result<DurationMs> ParseDuration(std::string_view text) {
  if (text.empty()) return Invalid(text, "empty");
  if (text == "0") return DurationMs{0};
  constexpr std::string_view kShape = "want a whole number and a unit, such as 1h30m";
  DurationMs total_ms = 0;
  std::size_t next_unit = 0;
  for (std::string_view rest = text; !rest.empty();) {
    std::uint64_t number = 0;
    const auto [after, error] =
        std::from_chars(rest.data(), rest.data() + rest.size(), number);
    if (error == std::errc::result_out_of_range) return Invalid(text, "too long");
    if (error != std::errc()) return Invalid(text, kShape);
    rest.remove_prefix(static_cast<std::size_t>(after - rest.data()));
    std::size_t name_size = 0;
    while (name_size < rest.size() && !IsDigit(rest[name_size])) ++name_size;
    const std::string_view name = rest.substr(0, name_size);
    rest.remove_prefix(name_size);

    std::size_t unit = 0;
    while (unit < kUnitCount && kUnits[unit].name != name) ++unit;
    if (name.empty()) return Invalid(text, kShape);
    if (unit == kUnitCount) {
      return Invalid(text,
                     "unknown unit " + Quoted(name) + ", known are y, w, d, h, m, s, ms");
    }
    if (unit < next_unit) {
      return Invalid(text, "units go from y down to ms, each at most once");
    }
    next_unit = unit + 1;
    const auto room = static_cast<std::uint64_t>(kDurationMsMax - total_ms);
    if (number > room / static_cast<std::uint64_t>(kUnits[unit].ms)) {
      return Invalid(text, "too long");
    }
    total_ms += static_cast<DurationMs>(number) * kUnits[unit].ms;
  }
  return total_ms;
}

Result<DurationMs> ParseDurationOrSeconds(std::string_view text) {
  double seconds = 0;
  const char* end = text.data() + text.size();
  const auto [after, error] = std::from_chars(text.data(), end, seconds);
  if (after != end || text.empty()) return ParseDuration(text);
  const double ms = std::round(seconds * 1000);
  if (error != std::errc() || !(std::abs(ms) <= static_cast<double>(kDurationMsMax))) {
    return Invalid(text, "too long");
  }
  return static_cast<DurationMs>(ms);
}

std::string FormatDuration(DurationMs duration_ms) {
  if (duration_ms == 0) return "0s";
  std::string out;
  if (duration_ms < 0) out.push_back('-');
  // The magnitude is unsigned: that of the smallest number has no signed form.
  auto left = static_cast<std::uint64_t>(duration_ms);
  if (duration_ms < 0) left = 0 - left;
  for (const Unit& unit : kUnits) {
    const auto unit_ms = static_cast<std::uint64_t>(unit.ms);
    if (unit.exact_only && left % unit_ms != 0) continue;
    if (left < unit_ms) continue;
    out += std::to_string(left / unit_ms);
    out += unit.name;
    left %= unit_ms;
  }
  return out;
}

}  // namespace firn::base
