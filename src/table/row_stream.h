// SPDX-License-Identifier: Apache-2.0
// row_stream.h: the rows of one file, and which they are in it.
#pragma once

#include <cstdint>
#include <string_view>

#include "scan/batch.h"

namespace firn::table {

class RowStream : public scan::BatchStream {
 public:
  // The number in the file of row `row` of the batch that Next() gave last: from 1, those
  // counted that were left out (rejected_row.h).
  virtual std::int64_t RowNumber(std::int64_t row) const = 0;
  // What that is a number of: `line` in text.
  virtual std::string_view RowWord() const { return "row"; }
};

}  // namespace firn::table
