// SPDX-License-Identifier: Apache-2.0
#include "iceberg/manifest_ahead.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <string>

namespace firn::iceberg {
namespace {

using Ahead = ManifestAhead<std::string>;

std::string Join(Ahead& ahead) {
  std::string all;
  while (true) {
    auto next = ahead.Next();
    if (!next.ok()) return all + next.status().ToString();
    if (!*next) return all;
    all += **next;
  }
}

TEST(ManifestAheadTest, GivesOutInOrder) {
  std::string expected;
  for (int i = 0; i < 200; ++i) expected += std::to_string(i) + " ";
  for (const int threads : {1, 2, 7, 300}) {
    Ahead ahead(std::vector<std::int64_t>(200, 1), threads,
                [](std::size_t index, const std::atomic<bool>&) -> Result<std::string> {
                  return std::to_string(index) + " ";
                });
    EXPECT_EQ(Join(ahead), expected);
    EXPECT_FALSE(ahead.Next()->has_value());
  }
  Ahead none({}, 3, nullptr);
  EXPECT_EQ(Join(none), "");
}

TEST(ManifestAheadTest, AnErrorComesInItsPlaceAndIsTheEnd) {
  for (const int threads : {1, 4}) {
    Ahead ahead(std::vector<std::int64_t>(20, 1), threads,
                [](std::size_t index, const std::atomic<bool>&) -> Result<std::string> {
                  if (index >= 5) {
                    return Status::Corruption(std::string(1, char('a' + index)));
                  }
                  return std::to_string(index);
                });
    EXPECT_EQ(Join(ahead), "01234Corruption: f");
    EXPECT_FALSE(ahead.Next()->has_value());
  }
}

// How many manifests are in flight at most: read or being read, and not given out.
TEST(ManifestAheadTest, FewAreInFlight) {
  const auto most_in_flight = [](std::int64_t size_bytes, int threads) {
    std::mutex mutex;
    std::int64_t begun = 0;
    std::int64_t given = 0;
    std::int64_t most = 0;
    Ahead ahead(std::vector<std::int64_t>(300, size_bytes), threads,
                [&](std::size_t, const std::atomic<bool>&) -> Result<std::string> {
                  const std::lock_guard lock(mutex);
                  most = std::max(most, ++begun - given);
                  return std::string();
                });
    while (true) {
      auto next = ahead.Next();
      if (!next.ok() || !*next) break;
      const std::lock_guard lock(mutex);
      ++given;
    }
    EXPECT_EQ(given, 300);
    return most;
  };
  // One more: what Next() gives out is counted as given a moment later.
  EXPECT_LE(most_in_flight(1, 4), 4 * 2 + 1);
  EXPECT_LE(most_in_flight(kManifestBytesAheadMax / 3, 4), 3 + 1);
  EXPECT_LE(most_in_flight(10 * kManifestBytesAheadMax, 4), 1 + 1);
  EXPECT_LE(most_in_flight(1, 1), 1 + 1);
}

TEST(ManifestAheadTest, SideBySide) {
  // Each waits until another one is being read: one at a time would never end.
  std::mutex mutex;
  std::condition_variable changed;
  int reading = 0;
  Ahead ahead(std::vector<std::int64_t>(2, 1), 2,
              [&](std::size_t, const std::atomic<bool>&) -> Result<std::string> {
                std::unique_lock lock(mutex);
                ++reading;
                changed.notify_all();
                changed.wait(lock, [&] { return reading == 2; });
                return std::string("x");
              });
  EXPECT_EQ(Join(ahead), "xx");
}

TEST(ManifestAheadTest, DroppedInTheMiddleItSaysSoToThoseWhoRead) {
  std::atomic<bool> was_told{false};
  {
    std::mutex mutex;
    std::condition_variable changed;
    bool second_began = false;
    Ahead ahead(
        std::vector<std::int64_t>(2, 1), 2,
        [&](std::size_t index, const std::atomic<bool>& stopped) -> Result<std::string> {
          std::unique_lock lock(mutex);
          if (index == 0) {
            changed.wait(lock, [&] { return second_began; });
            return std::string("first");
          }
          second_began = true;
          changed.notify_all();
          lock.unlock();
          while (!stopped.load()) std::this_thread::yield();
          was_told = true;
          return Status::Cancelled("dropped");
        });
    EXPECT_EQ(**ahead.Next(), "first");
  }
  EXPECT_TRUE(was_told);
}

}  // namespace
}  // namespace firn::iceberg
