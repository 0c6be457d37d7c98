// SPDX-License-Identifier: Apache-2.0
// rejected_row.h: a row of a file that is none, and why.
#pragma once

#include <cstdint>
#include <string>

namespace firn::table {

struct RejectedRow {
  // The line of the file on which it begins, from 1; of a file that is no text the row.
  std::int64_t row = 0;
  std::string column;  // Empty: the row as a whole.
  std::string reason;  // With the value, where there is one.
  // The row: as the file has it, or an object of JSON with its values.
  std::string record;
};

}  // namespace firn::table
