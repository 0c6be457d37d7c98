// SPDX-License-Identifier: Apache-2.0
// column_text.h: a column's name in the text of a filter.
#pragma once

#include <string>
#include <string_view>

namespace firn::expr {

// Words that name no column unless quoted. In lower case.
bool IsReservedWord(std::string_view lower_case);

// Whether a name may begin with the character, or go on with it. Bytes of UTF-8 beyond
// ASCII count as letters.
bool IsNameStart(char c);
bool IsNameCharacter(char c);
std::string LowerCase(std::string_view text);

// The name itself where it reads as a name or a path of names, otherwise between double
// quotes.
std::string ColumnText(std::string_view column);

}  // namespace firn::expr
