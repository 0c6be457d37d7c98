// SPDX-License-Identifier: Apache-2.0
#include "io/retry.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace firn::io {
namespace {

TEST(Backoff, PausesAreRandomUpToABoundThatDoubles) {
  std::vector<DurationMs> pauses;
  Backoff backoff(
      {8, 100, 1000},
      [&](const base::Context&, DurationMs ms) {
        pauses.push_back(ms);
        return Status();
      },
      7);
  const base::Context context;
  for (int round = 0; round < 200; ++round) {
    for (int attempt = 2; attempt <= 8; ++attempt) {
      ASSERT_TRUE(backoff.Wait(context, attempt, 0).ok());
    }
  }
  const DurationMs bounds[] = {100, 200, 400, 800, 1000, 1000, 1000};
  for (std::size_t k = 0; k < 7; ++k) {
    DurationMs longest = 0;
    DurationMs shortest = 1'000'000;
    for (std::size_t i = k; i < pauses.size(); i += 7) {
      longest = std::max(longest, pauses[i]);
      shortest = std::min(shortest, pauses[i]);
    }
    EXPECT_LE(longest, bounds[k]);
    EXPECT_GT(longest, bounds[k] * 8 / 10);
    EXPECT_LT(shortest, bounds[k] * 2 / 10);
  }
}

TEST(Backoff, AServersWishIsHeardWithinReason) {
  DurationMs pause = -1;
  Backoff backoff({3, 100, 1000}, [&](const base::Context&, DurationMs ms) {
    pause = ms;
    return Status();
  });
  const base::Context context;
  ASSERT_TRUE(backoff.Wait(context, 2, 900).ok());
  EXPECT_EQ(pause, 900);
  EXPECT_TRUE(backoff.Wait(context, 2, 60'000).Is(StatusCode::kUnavailable));
  EXPECT_EQ(pause, 900);
}

TEST(Backoff, TheContextEndsAWait) {
  const base::Context context;
  context.Cancel();
  EXPECT_TRUE(
      Backoff({3, 60'000, 60'000}).Wait(context, 2, 60'000).Is(StatusCode::kCancelled));
}

}  // namespace
}  // namespace firn::io
