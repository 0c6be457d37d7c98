// SPDX-License-Identifier: Apache-2.0
// json.h: appends JSON scalars to a string. The caller writes the brackets and commas.
// Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace firn::base {

// `text` between double quotes, escaped by RFC 8259. A byte that is no UTF-8 becomes
// U+FFFD, so that the document stays valid.
void AppendJsonString(std::string& out, std::string_view text);
// The same as a string of its own.
std::string JsonString(std::string_view text);

// The decimal digits of all 64 bits.
void AppendJsonInt(std::string& out, std::int64_t v);
void AppendJsonUint(std::string& out, std::uint64_t v);

// The shortest text that reads back to the same double. JSON has no NaN and no infinity:
// those become null.
void AppendJsonDouble(std::string& out, double v);

}  // namespace firn::base
