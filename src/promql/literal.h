// SPDX-License-Identifier: Apache-2.0
// literal.h: numbers and strings as PromQL writes and reads them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "firn/status.h"
#include "firn/time.h"

namespace firn::promql {

// The value of a string literal with its quotes: "…" and '…' know escapes, `…` does not.
// InvalidArgument if it is not one.
Result<std::string> Unquote(std::string_view quoted);
// One code point in single quotes, for messages about a character.
std::string QuoteCharacter(char32_t character);

// A number: decimal, hexadecimal (0x), octal (leading 0), with `_` between digits,
// an exponent, a sign, Inf or NaN in any case. Nothing if it is not one.
std::optional<double> ParseNumber(std::string_view text);
// A floating-point number as label `le` holds it: as above without `_`, hex or octal.
std::optional<double> ParseBound(std::string_view text);

// Plain decimal notation with the fewest digits that read back the same: "0.25",
// "1000000", "+Inf", "NaN".
std::string FormatNumber(double value);
// As printf's %.*g with `digits`, or with the fewest digits that read back where it is 0,
// and an exponent from 1e6 (or 10^digits) on.
std::string FormatGeneral(double value, int digits = 0);

// A span of `seconds` to the millisecond, or nothing if it is not finite or too long.
std::optional<DurationMs> SecondsToMs(double seconds);

// Whether `name` needs no quotes in a selector: [a-zA-Z_][a-zA-Z0-9_]*, with `:` too
// where `metric` is set.
bool IsPlainName(std::string_view name, bool metric);
}  // namespace firn::promql
