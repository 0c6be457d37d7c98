// SPDX-License-Identifier: Apache-2.0
#include "base/budget.h"

#include <gtest/gtest.h>

#include <limits>
#include <thread>
#include <vector>

namespace firn::base {
namespace {

TEST(ByteBudgetTest, RefusesAtTheBoundAndSaysWhich) {
  ByteBudget budget("head", 100);
  EXPECT_TRUE(budget.Reserve(60).ok());
  EXPECT_EQ(budget.Reserve(41),
            Status::ResourceExhausted(
                "memory budget head: 41 bytes asked for, 60 of 100 in use"));
  EXPECT_EQ(budget.used_bytes(), 60);
  EXPECT_TRUE(budget.Reserve(40).ok());
  EXPECT_TRUE(budget.Reserve(0).ok());
  EXPECT_FALSE(budget.Reserve(std::numeric_limits<std::int64_t>::max()).ok());
  budget.Release(100);
  EXPECT_EQ(budget.used_bytes(), 0);
}

TEST(ByteReservationTest, GivesBackWhenItGoes) {
  ByteBudget budget("head", 100);
  {
    ByteReservation held = ByteReservation::Make(&budget, 10).value();
    EXPECT_TRUE(held.Grow(20).ok());
    EXPECT_FALSE(held.Grow(71).ok());
    EXPECT_EQ(held.bytes(), 30);
    ByteReservation moved = std::move(held);
    EXPECT_EQ(moved.bytes(), 30);
    EXPECT_EQ(budget.used_bytes(), 30);
    moved = ByteReservation::Make(&budget, 5).value();
    EXPECT_EQ(budget.used_bytes(), 5);
    moved.Clear();
    EXPECT_EQ(budget.used_bytes(), 0);
    EXPECT_TRUE(moved.Grow(1).ok());
    EXPECT_EQ(budget.used_bytes(), 1);
  }
  EXPECT_EQ(budget.used_bytes(), 0);
  EXPECT_FALSE(ByteReservation::Make(&budget, 101).ok());
  EXPECT_EQ(budget.used_bytes(), 0);
}

TEST(ByteReservationTest, WithoutABudgetThereIsNoBound) {
  ByteReservation free = ByteReservation::Make(nullptr, 1LL << 60).value();
  EXPECT_TRUE(free.Grow(1LL << 60).ok());
  EXPECT_EQ(free.bytes(), 0);
}

TEST(ByteBudgetDeathTest, ReleasingMoreThanIsHeldIsABug) {
  ByteBudget budget("head", 100);
  EXPECT_DEATH(budget.Release(1), "assertion failed");
}

TEST(ByteBudgetTest, ThreadsNeverPassTheBoundTogether) {
  ByteBudget budget("head", 1000);
  std::atomic<bool> passed{false};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&budget, &passed] {
        for (int i = 0; i < 2000; ++i) {
          const auto held = ByteReservation::Make(&budget, 400);
          if (budget.used_bytes() > budget.limit_bytes()) passed = true;
        }
      });
    }
  }
  EXPECT_FALSE(passed);
  EXPECT_EQ(budget.used_bytes(), 0);
}

}  // namespace
}  // namespace firn::base
