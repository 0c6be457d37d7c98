// SPDX-License-Identifier: Apache-2.0
#include "tsdb/emitted_days.h"

#include <gtest/gtest.h>

namespace firn::tsdb {
namespace {

base::SeriesId Id(std::uint8_t n) {
  base::SeriesId id;
  id.bytes[15] = n;
  return id;
}

TEST(EmittedDays, AForgottenSeriesIsKnownByIdentity) {
  EmittedDays days;
  days.Add(SeriesRef{1}, 10);
  days.Add(SeriesRef{1}, 11);
  days.Add(SeriesRef{2}, 11);
  const EmittedDays before = days;
  days.Forget({{SeriesRef{1}, Id(1)}, {SeriesRef{7}, Id(7)}});
  for (const Day day : {10, 11}) {
    EXPECT_FALSE(days.Has(SeriesRef{1}, day));
    EXPECT_TRUE(days.Has(Id(1), day));
    EXPECT_FALSE(days.Has(Id(7), day));  // It had no row to remember.
  }
  EXPECT_TRUE(days.Has(SeriesRef{2}, 11));
  EXPECT_FALSE(days.Has(Id(2), 11));
  EXPECT_TRUE(before.Has(SeriesRef{1}, 10));
  EXPECT_FALSE(before.Has(Id(1), 10));
}

TEST(EmittedDays, IdentitiesGatherAndGoWithTheirDay) {
  EmittedDays days;
  days.Add({Id(9), Id(3)}, 10);
  days.Add({Id(3), Id(5)}, 10);
  days.Add({Id(4)}, 11);
  for (const std::uint8_t n : {3, 5, 9}) EXPECT_TRUE(days.Has(Id(n), 10));
  EXPECT_FALSE(days.Has(Id(4), 10));
  EXPECT_FALSE(days.Has(Id(3), 12));
  days.DropBefore(11);
  EXPECT_FALSE(days.Has(Id(3), 10));
  EXPECT_TRUE(days.Has(Id(4), 11));
}

}  // namespace
}  // namespace firn::tsdb
