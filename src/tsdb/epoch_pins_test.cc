// SPDX-License-Identifier: Apache-2.0
#include "tsdb/epoch_pins.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

namespace firn::tsdb {
namespace {

TEST(EpochPins, APinHoldsItsEpochAndAllLaterOnes) {
  EpochPins pins;
  const std::uint64_t first = pins.epoch();
  std::optional<EpochPins::Pin> early = pins.Take();
  EXPECT_EQ(early->epoch(), first);
  EXPECT_EQ(pins.Advance(), first);
  std::optional<EpochPins::Pin> late = pins.Take();
  const std::uint64_t second = pins.Advance();
  EXPECT_TRUE(pins.IsPinned(first));
  EXPECT_TRUE(pins.IsPinned(second));
  early.reset();
  EXPECT_FALSE(pins.IsPinned(first));
  EXPECT_TRUE(pins.IsPinned(second));
  EpochPins::Pin moved = *std::move(late);
  late.reset();
  EXPECT_TRUE(pins.IsPinned(second));
}

TEST(EpochPins, TwoPinsOfAnEpochAreTwo) {
  EpochPins pins;
  std::optional<EpochPins::Pin> a = pins.Take();
  std::optional<EpochPins::Pin> b = pins.Take();
  const std::uint64_t epoch = pins.Advance();
  a.reset();
  EXPECT_TRUE(pins.IsPinned(epoch));
  b.reset();
  EXPECT_FALSE(pins.IsPinned(epoch));
}

TEST(EpochPins, APinMayOutliveWhatItCameFrom) {
  auto pins = std::make_unique<EpochPins>();
  const EpochPins::Pin pin = pins->Take();
  pins.reset();
  EXPECT_EQ(pin.epoch(), 1u);
}

// Readers look at a value through a pointer that is replaced and freed all the while.
TEST(EpochPins, NothingIsFreedUnderAReader) {
  EpochPins pins;
  std::atomic<int*> shared{new int(0)};
  std::atomic<bool> done{false};
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      while (!done) {
        const EpochPins::Pin pin = pins.Take();
        EXPECT_GE(*shared.load(), 0);
      }
    });
  }
  std::vector<std::pair<std::uint64_t, int*>> retired;
  std::size_t freed = 0;
  for (int i = 1; i <= 2000; ++i) {
    int* const old = shared.exchange(new int(i));
    retired.emplace_back(pins.Advance(), old);
    while (freed < retired.size() && !pins.IsPinned(retired[freed].first)) {
      *retired[freed].second = -1;
      delete retired[freed++].second;
    }
  }
  done = true;
  for (std::thread& reader : readers) reader.join();
  for (; freed < retired.size(); ++freed) delete retired[freed].second;
  delete shared.load();
}

}  // namespace
}  // namespace firn::tsdb
