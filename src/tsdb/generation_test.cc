// SPDX-License-Identifier: Apache-2.0
#include "tsdb/generation.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace firn::tsdb {
namespace {

scan::SampleColumns Read(const Generation& generation, SeriesRef series,
                         const ClosedRangeMs& range = {}) {
  scan::SampleColumns out;
  DecodeView(generation.Capture(series, range), range, out);
  return out;
}

TEST(Generation, MergesLateSamplesInOrder) {
  Generation generation(0);
  const SeriesRef series{7};
  for (const TimestampMs t : {10, 30, 50, 20, 40, 5}) {
    generation.Append(series, {t, static_cast<double>(t)});
  }
  EXPECT_EQ(Read(generation, series).timestamps_ms,
            (std::vector<TimestampMs>{5, 10, 20, 30, 40, 50}));
  EXPECT_EQ(Read(generation, series, {20, 40}).timestamps_ms,
            (std::vector<TimestampMs>{20, 30, 40}));
  EXPECT_EQ(generation.Find(series, 40), 40.0);
  EXPECT_EQ(generation.Find(series, 41), std::nullopt);
  EXPECT_EQ(generation.Newest(series)->timestamp_ms, 50);
  EXPECT_EQ(generation.min_ms(), 5);
  EXPECT_EQ(generation.max_ms(), 50);
  EXPECT_TRUE(Read(generation, {8}).timestamps_ms.empty());
}

TEST(Generation, ACapturedViewDoesNotGrow) {
  Generation generation(0);
  const SeriesRef series{0};
  for (int i = 0; i < 1000; ++i) generation.Append(series, {i, i * 0.5});
  const auto view = generation.Capture(series, {});
  for (int i = 1000; i < 5000; ++i) generation.Append(series, {i, i * 0.5});
  scan::SampleColumns out;
  DecodeView(view, {}, out);
  ASSERT_EQ(out.size(), 1000u);
  EXPECT_EQ(out.timestamps_ms.back(), 999);
  EXPECT_EQ(Read(generation, series).size(), 5000u);
}

// Random appends against a map, read over random ranges.
TEST(Generation, AgreesWithAMap) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 50; ++round) {
    Generation generation(0);
    std::map<std::uint32_t, std::map<TimestampMs, double>> model;
    TimestampMs now = 0;
    for (int i = 0; i < 3000; ++i) {
      now += static_cast<TimestampMs>(random() % 10);
      const auto ref = static_cast<std::uint32_t>(random() % 5 * 1000);
      const TimestampMs t = random() % 10 == 0 ? now - random() % 500 : now;
      const auto value = static_cast<double>(random() % 100);
      if (!model[ref].emplace(t, value).second) {
        EXPECT_EQ(generation.Find({ref}, t), model[ref][t]);
        continue;
      }
      generation.Append({ref}, {t, value});
    }
    std::vector<SeriesRef> series;
    for (const auto& [ref, samples] : model) {
      series.push_back({ref});
      for (int k = 0; k < 20; ++k) {
        const auto first = static_cast<TimestampMs>(random() % (now + 1));
        const ClosedRangeMs range{first,
                                  first + static_cast<TimestampMs>(random() % now)};
        scan::SampleColumns expected;
        for (auto it = samples.lower_bound(range.first_ms);
             it != samples.end() && it->first <= range.last_ms; ++it) {
          expected.timestamps_ms.push_back(it->first);
          expected.values.push_back(it->second);
        }
        const scan::SampleColumns read = Read(generation, {ref}, range);
        ASSERT_EQ(read.timestamps_ms, expected.timestamps_ms);
        ASSERT_EQ(read.values, expected.values);
      }
    }
    EXPECT_EQ(generation.Series(), series);
  }
}

}  // namespace
}  // namespace firn::tsdb
