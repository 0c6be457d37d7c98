// SPDX-License-Identifier: Apache-2.0
#include "base/byte_size.h"

#include <limits>

#include "base/assert.h"
#include "base/quote.h"

namespace firn::base {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t bytes;
};

constexpr std::int64_t kKilo = 1000;
constexpr std::int64_t kKibi = 1024;
// From the largest down; the order decides which of two exact forms is printed.
constexpr Unit kUnits[] = {
    {"PiB", kKibi* kKibi* kKibi* kKibi* kKibi},
    {"PB", kKilo* kKilo* kKilo* kKilo* kKilo},
    {"TiB", kKibi* kKibi* kKibi* kKibi},
    {"TB", kKilo* kKilo* kKilo* kKilo},
    {"GiB", kKibi* kKibi* kKibi},
    {"GB", kKilo* kKilo* kKilo},
    {"MiB", kKibi* kKibi},
    {"MB", kKilo* kKilo},
    {"KiB", kKibi},
    {"KB", kKilo},
    {"B", 1},
};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool SameIgnoringCase(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const auto lower = [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    };
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

Status Invalid(std::string_view text, std::string_view why) {
  return Status::InvalidArgument("not a size: " + Quoted(text) + ": " + std::string(why));
}

}  // namespace

Result<std::int64_t> ParseByteSize(std::string_view text) {
  std::size_t whole_end = 0;
  while (whole_end < text.size() && IsDigit(text[whole_end])) ++whole_end;
  std::size_t number_end = whole_end;
  if (whole_end > 0 && whole_end < text.size() && text[whole_end] == '.') {
    ++number_end;
    while (number_end < text.size() && IsDigit(text[number_end])) ++number_end;
  }
  const bool has_point = number_end > whole_end;
  if (whole_end == 0 || (has_point && number_end == whole_end + 1)) {
    return Invalid(text, "want a number and a unit, such as 512MB or 64KiB");
  }
  std::string_view name = text.substr(number_end);
  if (name.starts_with(' ')) name.remove_prefix(1);
  std::int64_t unit_bytes = name.empty() && number_end == text.size() ? 1 : 0;
  for (const Unit& unit : kUnits) {
    if (SameIgnoringCase(name, unit.name)) unit_bytes = unit.bytes;
  }
  if (unit_bytes == 0) {
    return Invalid(text,
                   "unknown unit " + Quoted(name) +
                       ", known are B, KB, MB, GB, TB, PB, KiB, MiB, GiB, TiB, PiB");
  }

  // 128 bits hold any digit sum below: the bound is checked at each step.
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
  unsigned __int128 bytes = 0;
  for (const char c : text.substr(0, whole_end)) {
    bytes = bytes * 10 + static_cast<unsigned>(c - '0');
    if (bytes > static_cast<unsigned __int128>(kMax)) return Invalid(text, "too large");
  }
  bytes *= static_cast<unsigned __int128>(unit_bytes);
  if (has_point) {
    // Digits past the eighteenth count for less than a byte of any unit.
    unsigned __int128 digits = 0;
    unsigned __int128 scale = 1;
    constexpr std::size_t kDigitsMax = 18;
    for (const char c :
         text.substr(whole_end + 1, number_end - whole_end - 1).substr(0, kDigitsMax)) {
      digits = digits * 10 + static_cast<unsigned>(c - '0');
      scale *= 10;
    }
    bytes += digits * static_cast<unsigned __int128>(unit_bytes) / scale;
  }
  if (bytes > static_cast<unsigned __int128>(kMax)) return Invalid(text, "too large");
  return static_cast<std::int64_t>(bytes);
}

std::string FormatByteSize(std::int64_t bytes) {
  FIRN_ASSERT(bytes >= 0);
  for (const Unit& unit : kUnits) {
    if (bytes != 0 && bytes % unit.bytes == 0) {
      return std::to_string(bytes / unit.bytes) + std::string(unit.name);
    }
  }
  return "0B";
}

}  // namespace firn::base
