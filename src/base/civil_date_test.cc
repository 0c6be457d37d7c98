// SPDX-License-Identifier: Apache-2.0
#include "base/civil_date.h"

#include <gtest/gtest.h>

namespace firn::base {
namespace {

TEST(CivilDate, KnownDays) {
  const std::pair<std::int64_t, CivilDate> known[] = {
      {0, {1970, 1, 1}},           {-1, {1969, 12, 31}},   {59, {1970, 3, 1}},
      {11'016, {2000, 2, 29}},     {11'017, {2000, 3, 1}}, {-25'509, {1900, 2, 28}},
      {-25'508, {1900, 3, 1}},     {-719'528, {0, 1, 1}},  {-719'529, {-1, 12, 31}},
      {2'932'896, {9999, 12, 31}}, {20'454, {2026, 1, 1}},
  };
  for (const auto& [days, date] : known) {
    EXPECT_EQ(CivilDateFromDays(days), date) << days;
    EXPECT_EQ(DaysFromCivilDate(date), days) << days;
  }
}

TEST(CivilDate, EveryDayOfAnEraFollowsTheOneBefore) {
  CivilDate before = CivilDateFromDays(-400'001);
  for (std::int64_t days = -400'000; days < 400'000; ++days) {
    const CivilDate date = CivilDateFromDays(days);
    ASSERT_EQ(DaysFromCivilDate(date), days);
    const bool same_month = date.year == before.year && date.month == before.month;
    ASSERT_EQ(date.day, same_month ? before.day + 1 : 1) << days;
    ASSERT_GE(date.day, 1);
    ASSERT_LE(date.day, 31);
    if (!same_month) {
      ASSERT_EQ(date.year * 12 + date.month, before.year * 12 + before.month + 1) << days;
    }
    before = date;
  }
}

TEST(CivilDate, TheFarEndsRoundTrip) {
  for (const std::int64_t days : {INT64_MAX / 86'400, INT64_MIN / 86'400,
                                  std::int64_t{1} << 61, -(std::int64_t{1} << 61)}) {
    EXPECT_EQ(DaysFromCivilDate(CivilDateFromDays(days)), days);
  }
}

}  // namespace
}  // namespace firn::base
