// SPDX-License-Identifier: Apache-2.0
#include "parquet/row_ranges.h"

#include <algorithm>

#include "base/assert.h"

namespace firn::parquet {

RowRanges RowRanges::All(std::int64_t row_count) {
  FIRN_ASSERT(row_count >= 0);
  RowRanges all;
  all.Append({0, row_count});
  return all;
}

void RowRanges::Append(RowRange range, std::int64_t gap_rows) {
  if (range.first >= range.end) return;
  if (ranges_.empty() || range.first > ranges_.back().end + gap_rows) {
    FIRN_ASSERT(ranges_.empty() || range.first > ranges_.back().end);
    ranges_.push_back(range);
    return;
  }
  FIRN_ASSERT(range.first >= ranges_.back().first);
  ranges_.back().end = std::max(ranges_.back().end, range.end);
}

std::int64_t RowRanges::row_count() const {
  std::int64_t rows = 0;
  for (const RowRange& range : ranges_) rows += range.row_count();
  return rows;
}

bool RowRanges::Overlaps(std::int64_t first, std::int64_t end) const {
  if (first >= end) return false;
  // The first range that ends after `first` is the only one to ask.
  const auto it =
      std::upper_bound(ranges_.begin(), ranges_.end(), first,
                       [](std::int64_t row, const RowRange& r) { return row < r.end; });
  return it != ranges_.end() && it->first < end;
}

std::string RowRanges::ToString() const {
  std::string out;
  for (const RowRange& range : ranges_) {
    if (!out.empty()) out += ' ';
    out += "[" + std::to_string(range.first) + "," + std::to_string(range.end) + ")";
  }
  return out;
}

RowRanges Intersect(const RowRanges& a, const RowRanges& b) {
  RowRanges out;
  auto x = a.ranges().begin();
  auto y = b.ranges().begin();
  while (x != a.ranges().end() && y != b.ranges().end()) {
    out.Append({std::max(x->first, y->first), std::min(x->end, y->end)});
    if (x->end < y->end) {
      ++x;
    } else {
      ++y;
    }
  }
  return out;
}

RowRanges Union(const RowRanges& a, const RowRanges& b) {
  std::vector<RowRange> all(a.ranges());
  all.insert(all.end(), b.ranges().begin(), b.ranges().end());
  std::sort(all.begin(), all.end(),
            [](const RowRange& x, const RowRange& y) { return x.first < y.first; });
  RowRanges out;
  for (const RowRange& range : all) out.Append(range);
  return out;
}

}  // namespace firn::parquet
