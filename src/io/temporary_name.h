// SPDX-License-Identifier: Apache-2.0
// temporary_name.h: names of files that are being written and have no place in a listing.
//
// Such a name starts with a dot and ends in `.tmp`. A crash may leave one behind:
// listings pass it over, and it may be removed at any time no writer runs.
#pragma once

#include <string>
#include <string_view>

namespace firn::io {

bool IsTemporaryName(std::string_view name);

// `.<name>.<tag>.tmp`, or `.<name>.tmp` where the tag is empty. `name` is cut where the
// whole would be longer than a file system takes.
std::string TemporaryName(std::string_view name, std::string_view tag);

}  // namespace firn::io
