// SPDX-License-Identifier: Apache-2.0
// quote.h: text between double quotes, as Prometheus prints it and PromQL reads it.
#pragma once

#include <string>
#include <string_view>

namespace firn::base {

// Append `text` between double quotes, escaped as Go's strconv.Quote escapes it: \" \\ \n
// and their like, \x7f for other control characters and for bytes that are no UTF-8,
// \u00a0 for what does not print. Code points that Unicode has not assigned count as
// printable here, where Go escapes them: no table of those is kept.
void AppendQuoted(std::string& out, std::string_view text);

std::string Quoted(std::string_view text);

}  // namespace firn::base
