// SPDX-License-Identifier: Apache-2.0
// text_rows.h: what the readers of NDJSON and of CSV have in common. Internal to
// row_file.h.
#pragma once

#include <cstdint>
#include <functional>

#include "firn/status.h"
#include "table/rejected_row.h"

namespace firn::table {

// Told of each row that is none, in the order of the file; an error ends the stream.
using OnRejected = std::function<Status(const RejectedRow&)>;

// Values, NULLs among them, of the rows that are given out at once: a line may be of two
// bytes, and a table of a thousand columns.
inline constexpr std::int64_t kCellsAtOnce = std::int64_t{1} << 21;

}  // namespace firn::table
