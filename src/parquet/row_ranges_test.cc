// SPDX-License-Identifier: Apache-2.0
#include "parquet/row_ranges.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace firn::parquet {
namespace {

RowRanges Make(std::initializer_list<RowRange> ranges) {
  RowRanges out;
  for (const RowRange& range : ranges) out.Append(range);
  return out;
}

TEST(RowRanges, AppendMergesWhatTouches) {
  EXPECT_EQ(Make({{0, 5}, {5, 9}, {20, 20}, {30, 31}}).ToString(), "[0,9) [30,31)");
  RowRanges gaps;
  gaps.Append({0, 10}, 5);
  gaps.Append({15, 20}, 5);
  gaps.Append({26, 30}, 5);
  EXPECT_EQ(gaps.ToString(), "[0,20) [26,30)");
  EXPECT_EQ(gaps.row_count(), 24);
  EXPECT_TRUE(RowRanges::All(0).empty());
  EXPECT_EQ(RowRanges::All(7).ToString(), "[0,7)");
}

TEST(RowRanges, OverlapsIsHalfOpen) {
  const RowRanges rows = Make({{10, 20}, {30, 40}});
  EXPECT_FALSE(rows.Overlaps(0, 10));
  EXPECT_TRUE(rows.Overlaps(0, 11));
  EXPECT_FALSE(rows.Overlaps(20, 30));
  EXPECT_TRUE(rows.Overlaps(19, 20));
  EXPECT_TRUE(rows.Overlaps(0, 100));
  EXPECT_FALSE(rows.Overlaps(40, 100));
  EXPECT_FALSE(rows.Overlaps(15, 15));
}

TEST(RowRanges, SetAlgebraAgreesWithSets) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 500; ++i) {
    std::set<std::int64_t> sets[2];
    RowRanges ranges[2];
    for (int k = 0; k < 2; ++k) {
      for (std::int64_t row = 0; row < 40; ++row) {
        if (random() % 2 == 0) continue;
        sets[k].insert(row);
        ranges[k].Append({row, row + 1});
      }
    }
    const RowRanges both = Intersect(ranges[0], ranges[1]);
    const RowRanges either = Union(ranges[0], ranges[1]);
    for (std::int64_t row = 0; row < 41; ++row) {
      const bool a = sets[0].contains(row);
      const bool b = sets[1].contains(row);
      ASSERT_EQ(both.Overlaps(row, row + 1), a && b) << row << " " << both.ToString();
      ASSERT_EQ(either.Overlaps(row, row + 1), a || b) << row << " " << either.ToString();
    }
  }
}

}  // namespace
}  // namespace firn::parquet
