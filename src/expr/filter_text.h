// SPDX-License-Identifier: Apache-2.0
// filter_text.h: a predicate from the text of a condition.
//
//   filter  := and { OR and }
//   and     := not { AND not }
//   not     := NOT not | ( filter ) | TRUE | FALSE | test
//   test    := column = literal | literal = column          also <> != < <= > >=
//            | column [NOT] IN ( [literal {, literal}] )
//            | column [NOT] BETWEEN literal AND literal      both ends are in
//            | column [NOT] LIKE text [ESCAPE text]          % any text, _ one character
//            | column IS [NOT] NULL
//            | starts_with ( column , text )
//   column  := name {. name}
//   literal := [-] 12 | [-] 1.50 | [-] 1.5e3 | 'text' | X'00ff' | TRUE | FALSE
//            | DATE '2026-01-02' | TIME '03:04:05.678' | TIMESTAMP '2026-01-02T03:04:05Z'
//            | UUID '00112233-4455-6677-8899-aabbccddeeff' | DOUBLE 'NaN'
//
// Words are in any case, names in theirs. A name of other characters, or one that is a
// word of the grammar, stands between double quotes. 1.50 is a decimal, 1.5e0 a double.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "expr/predicate.h"
#include "firn/status.h"

namespace firn::expr {

inline constexpr std::size_t kFilterBytesMax = std::size_t{1} << 20;
inline constexpr int kFilterDepthMax = 200;

// Literals are as they are written: BindToSchema() makes them of the columns' types.
// Errors: InvalidArgument that begins with line and column, both from 1, counted in
// bytes: `1:15: parse error: unexpected "=", expected a literal`.
Result<PredicatePtr> ParseFilter(std::string_view text);

// The sixteen bytes of a UUID's usual notation.
std::optional<Binary> ParseUuid(std::string_view text);

}  // namespace firn::expr
