// SPDX-License-Identifier: Apache-2.0
// row_ranges.h: which rows of a row group, as ranges.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace firn::parquet {

// Rows [first, end) of one row group, counted from its first row.
struct RowRange {
  std::int64_t first = 0;
  std::int64_t end = 0;
  std::int64_t row_count() const { return end - first; }
  bool operator==(const RowRange&) const = default;
};

// A set of rows: ranges that are not empty, ascending, and neither overlap nor touch.
// A value; thread-compatible.
class RowRanges {
 public:
  RowRanges() = default;  // No row.
  // Rows [0, row_count). REQUIRES: row_count >= 0.
  static RowRanges All(std::int64_t row_count);

  // Add [first, end) at the end of the set; an empty range is ignored. A range that
  // starts at most `gap_rows` after the last one ends is merged with it, and the rows
  // between become members.
  // REQUIRES: first >= the first row of the last range.
  void Append(RowRange range, std::int64_t gap_rows = 0);

  const std::vector<RowRange>& ranges() const { return ranges_; }
  bool empty() const { return ranges_.empty(); }
  std::int64_t row_count() const;
  // Whether some row of [first, end) is in the set. Cost: logarithmic.
  bool Overlaps(std::int64_t first, std::int64_t end) const;

  // "[0,10) [20,30)", for messages.
  std::string ToString() const;
  bool operator==(const RowRanges&) const = default;

 private:
  std::vector<RowRange> ranges_;
};

RowRanges Intersect(const RowRanges& a, const RowRanges& b);
RowRanges Union(const RowRanges& a, const RowRanges& b);

}  // namespace firn::parquet
