// SPDX-License-Identifier: Apache-2.0
#include "base/context.h"

#include <gtest/gtest.h>

#include "base/assert.h"

namespace firn::base {
namespace {

TEST(ContextTest, TheDeadlineIsOnTheSteadyClock) {
  ManualClock clock(0);
  const Context context(clock, /*deadline_steady_ns=*/5'000'000, nullptr);
  clock.SetUs(1'000'000'000);  // Setting the time of day does not matter.
  EXPECT_TRUE(context.Check().ok());
  clock.AdvanceUs(4'999);
  EXPECT_TRUE(context.Check().ok());
  clock.AdvanceUs(1);
  EXPECT_TRUE(context.Check().Is(StatusCode::kDeadlineExceeded));
}

TEST(ContextTest, CancellingStopsIt) {
  const Context context;
  EXPECT_TRUE(context.Check().ok());
  EXPECT_EQ(context.budget(), nullptr);
  context.Cancel();
  EXPECT_TRUE(context.Check().Is(StatusCode::kCancelled));
}

TEST(SystemClockTest, SteadyTimeDoesNotGoBack) {
  const std::int64_t before = SystemClock().SteadyNs();
  EXPECT_LE(before, SystemClock().SteadyNs());
  // Later than this line was written, and before microseconds run out of years.
  EXPECT_GT(SystemClock().NowUs(), 1'700'000'000'000'000);
  EXPECT_LT(SystemClock().NowMs(), 32'503'680'000'000);
}

TEST(AssertDeathTest, NamesTheExpressionAndThePlace) {
  const int one = 1;
  EXPECT_DEATH(FIRN_ASSERT(one == 2),
               "context_test.cc:[0-9]+: assertion failed: one == 2");
  FIRN_ASSERT(one == 1);
}

}  // namespace
}  // namespace firn::base
