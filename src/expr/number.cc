// SPDX-License-Identifier: Apache-2.0
#include "expr/number.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string_view>
#include <utility>

#include "base/assert.h"

namespace firn::expr {
namespace {

// 2^63, the first double above every int64.
constexpr double kInt64End = 9223372036854775808.0;
// The smallest double has this many digits behind the point.
constexpr int kFractionDigitsMax = 1074;
// Digits in front of the point of the greatest double.
constexpr std::size_t kWholeDigitsMax = 309;

Uint128 Magnitude(Int128 value) {
  return value < 0 ? -static_cast<Uint128>(value) : static_cast<Uint128>(value);
}

// A finite number in decimal notation. Zero has no digits and is not negative.
struct Digits {
  bool negative = false;
  std::string whole;     // Without zeros in front.
  std::string fraction;  // Without zeros behind.
};

Digits Trimmed(bool negative, std::string_view whole, std::string_view fraction) {
  whole.remove_prefix(std::min(whole.find_first_not_of('0'), whole.size()));
  const std::size_t last = fraction.find_last_not_of('0');
  fraction = fraction.substr(0, last == std::string_view::npos ? 0 : last + 1);
  const bool zero = whole.empty() && fraction.empty();
  return {negative && !zero, std::string(whole), std::string(fraction)};
}

std::string DecimalDigits(Uint128 magnitude) {
  std::string digits;
  for (; magnitude != 0; magnitude /= 10) {
    digits += static_cast<char>('0' + static_cast<int>(magnitude % 10));
  }
  std::reverse(digits.begin(), digits.end());
  return digits;
}

Digits DigitsOf(const Decimal& value) {
  FIRN_ASSERT(std::abs(value.scale) <= kDecimalScaleMax);
  std::string digits = DecimalDigits(Magnitude(value.unscaled));
  if (value.scale <= 0) {
    digits.append(static_cast<std::size_t>(-value.scale), '0');
    return Trimmed(value.unscaled < 0, digits, {});
  }
  const auto scale = static_cast<std::size_t>(value.scale);
  if (digits.size() < scale) digits.insert(0, scale - digits.size(), '0');
  const std::string_view all = digits;
  return Trimmed(value.unscaled < 0, all.substr(0, all.size() - scale),
                 all.substr(all.size() - scale));
}

// REQUIRES: `value` is finite.
Digits DigitsOf(double value) {
  std::array<char, kWholeDigitsMax + kFractionDigitsMax + 2> buffer;
  // One decimal digit for each binary one behind the point.
  const int precision =
      value == 0 ? 0 : std::clamp(52 - std::ilogb(value), 0, kFractionDigitsMax);
  const auto [end, error] =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), std::abs(value),
                    std::chars_format::fixed, precision);
  FIRN_ASSERT(error == std::errc());
  const std::string_view text(buffer.data(),
                              static_cast<std::size_t>(end - buffer.data()));
  const std::size_t point = std::min(text.find('.'), text.size());
  return Trimmed(value < 0, text.substr(0, point),
                 text.substr(std::min(point + 1, text.size())));
}

std::weak_ordering CompareDigits(const Digits& a, const Digits& b) {
  if (a.negative != b.negative)
    return a.negative ? std::weak_ordering::less : std::weak_ordering::greater;
  std::weak_ordering order = a.whole.size() <=> b.whole.size();
  if (order == 0) order = a.whole <=> b.whole;
  if (order == 0) order = a.fraction <=> b.fraction;
  return a.negative ? 0 <=> order : order;
}

// The digits as an integer, or the greatest where they are too many.
std::pair<Int128, bool> Accumulate(std::string_view digits) {
  Int128 value = 0;
  for (const char digit : digits) {
    if (__builtin_mul_overflow(value, 10, &value) ||
        __builtin_add_overflow(value, digit - '0', &value)) {
      return {kInt128Max, false};
    }
  }
  return {value, true};
}

Truncated Truncate(Digits number, std::int32_t scale) {
  if (scale >= 0) {
    const std::size_t moved =
        std::min(number.fraction.size(), static_cast<std::size_t>(scale));
    number.whole.append(number.fraction, 0, moved);
    number.fraction.erase(0, moved);
    number.whole.append(static_cast<std::size_t>(scale) - moved, '0');
  } else {
    const std::size_t moved =
        std::min(number.whole.size(), static_cast<std::size_t>(-scale));
    number.fraction.insert(0, number.whole, number.whole.size() - moved, moved);
    number.whole.resize(number.whole.size() - moved);
  }
  number.whole.erase(0,
                     std::min(number.whole.find_first_not_of('0'), number.whole.size()));
  return {number.negative, std::move(number.whole),
          number.fraction.find_first_not_of('0') == std::string::npos};
}

template <typename Real>
Real Nearest(const Decimal& value) {
  const Digits digits = DigitsOf(value);
  const std::string text = "0" + digits.whole + "." + digits.fraction + "0";
  Real real = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), real,
                                            std::chars_format::fixed);
  // Out of range is too great, or too near to zero.
  if (error == std::errc::result_out_of_range) {
    real = digits.whole.empty() ? 0 : std::numeric_limits<Real>::infinity();
  }
  return digits.negative ? -real : real;
}

}  // namespace

std::weak_ordering CompareNumbers(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) <=> std::isnan(b);
  return a < b   ? std::weak_ordering::less
         : a > b ? std::weak_ordering::greater
                 : std::weak_ordering::equivalent;
}

std::weak_ordering CompareNumbers(std::int64_t a, double b) {
  if (std::isnan(b) || b >= kInt64End) return std::weak_ordering::less;
  if (b < -kInt64End) return std::weak_ordering::greater;
  // The integral part fits now; it decides unless it is equal, and then the fraction
  // does.
  const double whole = std::trunc(b);
  const auto integer = static_cast<std::int64_t>(whole);
  if (a != integer) return a <=> integer;
  return CompareNumbers(0.0, b - whole);
}

std::weak_ordering CompareNumbers(const Decimal& a, const Decimal& b) {
  if (a.scale == b.scale) return a.unscaled <=> b.unscaled;
  if ((a.unscaled < 0) != (b.unscaled < 0)) return a.unscaled <=> b.unscaled;
  // Bring the coarser one to the finer scale; where it does not fit any more it is the
  // greater one of the two magnitudes.
  const bool a_coarser = a.scale < b.scale;
  const Decimal& coarse = a_coarser ? a : b;
  const Decimal& fine = a_coarser ? b : a;
  Int128 scaled = coarse.unscaled;
  std::weak_ordering order = std::weak_ordering::equivalent;
  for (std::int32_t i = coarse.scale; i < fine.scale && scaled != 0; ++i) {
    if (__builtin_mul_overflow(scaled, 10, &scaled)) {
      order =
          coarse.unscaled < 0 ? std::weak_ordering::less : std::weak_ordering::greater;
      return a_coarser ? order : 0 <=> order;
    }
  }
  order = scaled <=> fine.unscaled;
  return a_coarser ? order : 0 <=> order;
}

std::weak_ordering CompareNumbers(const Decimal& a, double b) {
  if (std::isnan(b)) return std::weak_ordering::less;
  if (std::isinf(b)) {
    return b > 0 ? std::weak_ordering::less : std::weak_ordering::greater;
  }
  return CompareDigits(DigitsOf(a), DigitsOf(b));
}

std::optional<Truncated> TruncateAtScale(const Literal& number, std::int32_t scale) {
  if (const auto* integer = std::get_if<std::int64_t>(&number)) {
    return Truncate(DigitsOf(Decimal{*integer, 0}), scale);
  }
  if (const auto* decimal = std::get_if<Decimal>(&number)) {
    return Truncate(DigitsOf(*decimal), scale);
  }
  if (const auto* real = std::get_if<double>(&number)) {
    if (std::isfinite(*real)) return Truncate(DigitsOf(*real), scale);
    const bool negative = std::isinf(*real) && *real < 0;
    return Truncated{negative, std::string(2 * kWholeDigitsMax, '9'), false};
  }
  return std::nullopt;
}

std::optional<Floored> FloorAtScale(const Literal& number, std::int32_t scale) {
  // Most numbers are of the scale already.
  if (const auto* integer = std::get_if<std::int64_t>(&number)) {
    if (scale == 0) return Floored{*integer, true};
  } else if (const auto* decimal = std::get_if<Decimal>(&number)) {
    if (scale == decimal->scale) return Floored{decimal->unscaled, true};
  }
  const auto truncated = TruncateAtScale(number, scale);
  if (!truncated.has_value()) return std::nullopt;
  const auto [magnitude, fits] = Accumulate(truncated->digits);
  if (!fits) return Floored{truncated->negative ? kInt128Min : kInt128Max, false};
  if (!truncated->negative) return Floored{magnitude, truncated->exact};
  return Floored{truncated->exact ? -magnitude : -magnitude - 1, truncated->exact};
}

double NearestDouble(const Decimal& value) { return Nearest<double>(value); }
float NearestFloat(const Decimal& value) { return Nearest<float>(value); }

std::string ToString(const Decimal& value) {
  std::string digits = DecimalDigits(Magnitude(value.unscaled));
  const auto scale = static_cast<std::size_t>(std::max(value.scale, 0));
  if (value.scale < 0) digits.append(static_cast<std::size_t>(-value.scale), '0');
  if (digits.size() <= scale) digits.insert(0, scale + 1 - digits.size(), '0');
  digits.insert(digits.size() - scale, ".");
  return value.unscaled < 0 ? "-" + digits : digits;
}

}  // namespace firn::expr
