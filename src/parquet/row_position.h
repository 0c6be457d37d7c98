// SPDX-License-Identifier: Apache-2.0
// row_position.h: where a cursor stands among the rows that its pages hold. Internal to
// this room.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "parquet/row_ranges.h"

namespace firn::parquet {

// A value. Moves forward only.
class RowPosition {
 public:
  explicit RowPosition(RowRanges rows) : rows_(std::move(rows)) {}

  // Rows held between here and `row`; stand at `row` afterwards.
  std::int64_t MoveTo(std::int64_t row) {
    std::int64_t passed = 0;
    while (index_ < rows_.ranges().size() && row_ < row) {
      const RowRange& range = rows_.ranges()[index_];
      const std::int64_t from = std::max(row_, range.first);
      const std::int64_t to = std::min(row, range.end);
      if (to > from) passed += to - from;
      if (row < range.end) break;
      ++index_;
    }
    row_ = row;
    return passed;
  }

 private:
  RowRanges rows_;
  std::size_t index_ = 0;
  std::int64_t row_ = 0;
};

}  // namespace firn::parquet
