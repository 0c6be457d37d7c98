// SPDX-License-Identifier: Apache-2.0
#include "base/ulid.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <thread>
#include <vector>

namespace firn::base {
namespace {

TEST(UlidTest, TextIsThatOfTheSpecification) {
  // The specification's example: 01ARZ3NDEKTSV4RRFFQ69G5FAV was made at 1469922850259 ms.
  const Ulid ulid = Ulid::Parse("01ARZ3NDEKTSV4RRFFQ69G5FAV").value();
  std::int64_t ms = 0;
  for (int i = 0; i < 6; ++i) ms = (ms << 8) | ulid.bytes[i];
  EXPECT_EQ(ms, 1'469'922'850'259);
  EXPECT_EQ(ulid.ToString(), "01ARZ3NDEKTSV4RRFFQ69G5FAV");
  EXPECT_EQ(Ulid::Parse("01arz3ndektsv4rrffq69g5fav").value(), ulid);
  EXPECT_EQ(Ulid().ToString(), "00000000000000000000000000");
  Ulid largest;
  largest.bytes.fill(0xff);
  EXPECT_EQ(largest.ToString(), "7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
  EXPECT_EQ(Ulid::Parse("7ZZZZZZZZZZZZZZZZZZZZZZZZZ").value(), largest);
}

TEST(UlidTest, RefusesOtherTexts) {
  EXPECT_EQ(Ulid::Parse("01ARZ").status(),
            Status::InvalidArgument("not a ULID: \"01ARZ\": not 26 characters"));
  EXPECT_EQ(Ulid::Parse("80000000000000000000000000").status(),
            Status::InvalidArgument(
                "not a ULID: \"80000000000000000000000000\": more than 128 bits"));
  for (const char c : {'I', 'L', 'O', 'U', 'i', '-', ' ', '\xff'}) {
    std::string text(26, '0');
    text[13] = c;
    EXPECT_TRUE(Ulid::Parse(text).status().Is(StatusCode::kInvalidArgument)) << c;
  }
}

TEST(UlidSourceTest, GrowsWithinAMillisecondAndWhenTheClockGoesBack) {
  ManualClock clock(1'469'922'850'259'000);
  UlidSource source(clock, /*seed=*/1);
  Ulid last = source.Next();
  EXPECT_EQ(last.ToString().substr(0, 10), "01ARZ3NDEK");
  for (int i = 0; i < 1000; ++i) {
    if (i == 500) clock.SetUs(0);
    const Ulid next = source.Next();
    EXPECT_LT(last, next);
    EXPECT_LT(last.ToString(), next.ToString());
    last = next;
  }
  clock.SetUs(1'469'922'850'260'000);
  EXPECT_LT(last, source.Next());
}

TEST(UlidSourceTest, SeedsFixTheSequenceAndDefaultsDiffer) {
  const ManualClock clock(1'000'000);
  EXPECT_EQ(UlidSource(clock, 7).Next(), UlidSource(clock, 7).Next());
  EXPECT_NE(UlidSource(clock, 7).Next(), UlidSource(clock, 8).Next());
  EXPECT_NE(UlidSource(clock).Next(), UlidSource(clock).Next());
}

TEST(UlidSourceTest, WorksBeforeTheEpoch) {
  ManualClock clock(-5'000'000);
  UlidSource source(clock, 1);
  const Ulid first = source.Next();
  EXPECT_EQ(first.ToString().substr(0, 10), "0000000000");
  EXPECT_LT(first, source.Next());
}

TEST(UlidSourceTest, ThreadsNeverGetTheSame) {
  const ManualClock clock(1'000'000);
  UlidSource source(clock, 1);
  constexpr int kThreads = 4;
  constexpr int kEach = 500;
  std::vector<std::vector<Ulid>> made(kThreads);
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&source, &mine = made[t]] {
        for (int i = 0; i < kEach; ++i) mine.push_back(source.Next());
      });
    }
  }
  std::set<Ulid> all;
  for (const auto& mine : made) {
    EXPECT_TRUE(std::is_sorted(mine.begin(), mine.end()));
    all.insert(mine.begin(), mine.end());
  }
  EXPECT_EQ(all.size(), static_cast<std::size_t>(kThreads * kEach));
}

}  // namespace
}  // namespace firn::base
