// SPDX-License-Identifier: Apache-2.0
#include "tsdb/chunk.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace firn::tsdb {
namespace {

std::vector<Sample> ReadAll(const Chunk& chunk) {
  ChunkReader reader(chunk, chunk.size_bytes, chunk.count);
  std::vector<Sample> samples;
  Sample sample;
  while (reader.Next(&sample)) samples.push_back(sample);
  return samples;
}

// Appends as many of `samples` as fit and checks that exactly these come back.
std::size_t RoundTrip(const std::vector<Sample>& samples, std::uint32_t bytes) {
  base::Arena arena;
  Chunk* chunk = NewChunk(arena, bytes, samples.front().timestamp_ms);
  std::size_t appended = 0;
  while (appended < samples.size() && AppendToChunk(*chunk, samples[appended])) {
    ++appended;
  }
  const std::vector<Sample> read = ReadAll(*chunk);
  EXPECT_EQ(read.size(), appended);
  for (std::size_t i = 0; i < read.size(); ++i) {
    EXPECT_EQ(read[i].timestamp_ms, samples[i].timestamp_ms) << i;
    EXPECT_TRUE(SameValue(read[i].value, samples[i].value))
        << i << ": " << read[i].value << " for " << samples[i].value;
  }
  return appended;
}

TEST(Chunk, GivesBackEveryBitOfUnusualValues) {
  const double values[] = {0.0,
                           -0.0,
                           1,
                           -1,
                           0.1,
                           0.30000000000000004,
                           1e-300,
                           1e300,
                           std::numeric_limits<double>::infinity(),
                           -std::numeric_limits<double>::infinity(),
                           std::numeric_limits<double>::quiet_NaN(),
                           StaleMarker(),
                           std::numeric_limits<double>::denorm_min(),
                           4.5e15,
                           4.5e15 + 1,
                           9007199254740993.0,
                           1234567.891,
                           -0.001,
                           123456789012.5};
  std::vector<Sample> samples;
  TimestampMs t = 1'700'000'000'000;
  for (const double a : values) {
    for (const double b : values) {
      samples.push_back({t += 15'000, a});
      samples.push_back({t += 15'000, b});
    }
  }
  EXPECT_EQ(RoundTrip(samples, 1 << 16), samples.size());
}

TEST(Chunk, TakesAnyTimestamps) {
  EXPECT_EQ(RoundTrip({{-5, 1}, {0, 2}, {1, 3}, {1'000'000'000'000, 4}}, 256), 4u);
  // A jump that the head of a sample has no room for ends the chunk; nothing is torn.
  EXPECT_EQ(RoundTrip({{kTimestampMsMin, 1}, {kTimestampMsMax, 2}}, 256), 2u);
  EXPECT_EQ(RoundTrip({{kTimestampMsMin, 1}, {0, 2}}, 256), 1u);
}

TEST(Chunk, RandomWalksRoundTrip) {
  std::mt19937_64 random(20261121);
  for (int round = 0; round < 2000; ++round) {
    std::vector<Sample> samples;
    TimestampMs t = static_cast<TimestampMs>(random() % 2'000'000'000'000);
    double value = static_cast<double>(random() % 1'000'000);
    const double scale = std::pow(10, static_cast<int>(random() % 14));
    for (int i = 0; i < 200; ++i) {
      samples.push_back({t, value});
      t += 1 + static_cast<TimestampMs>(random() % (random() % 4 == 0 ? 1'000'000 : 3));
      switch (random() % 5) {
        case 0:
          break;  // the same again
        case 1:
          value += 1;
          break;
        case 2:
          value = static_cast<double>(random() % 100'000) / scale;
          break;
        case 3:
          value = static_cast<double>(random()) / 3;
          break;
        case 4:
          value = -value;
          break;
      }
    }
    ASSERT_GT(RoundTrip(samples, 128 + random() % 2000), 0u);
    if (HasFailure()) return;
  }
}

TEST(Chunk, NoisyDecimalsTakeAboutThreeBytes) {
  std::mt19937_64 random(1);
  base::Arena arena;
  Chunk* chunk = NewChunk(arena, 1 << 16, 1'700'000'000'000);
  double counter = 0;
  for (int i = 0; i < 1000; ++i) {
    counter += static_cast<double>(random() % 1000);
    ASSERT_TRUE(AppendToChunk(*chunk, {1'700'000'000'000 + i * 15'000, counter}));
  }
  EXPECT_LT(chunk->size_bytes, 3200u);
}

TEST(Chunk, AConstantTakesOneByteASample) {
  base::Arena arena;
  Chunk* chunk = NewChunk(arena, 4096, 0);
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(AppendToChunk(*chunk, {i * 15'000, 0.25}));
  EXPECT_LT(chunk->size_bytes, 1020u);
}

TEST(Chunk, AFullChunkRefusesAndKeepsWhatItHas) {
  base::Arena arena;
  Chunk* chunk = NewChunk(arena, sizeof(Chunk) + kSampleBytesMax, 0);
  ASSERT_TRUE(AppendToChunk(*chunk, {0, 1}));
  EXPECT_FALSE(AppendToChunk(*chunk, {1, 2}));
  ASSERT_EQ(ReadAll(*chunk).size(), 1u);
  EXPECT_EQ(ReadAll(*chunk)[0].value, 1);
}

}  // namespace
}  // namespace firn::tsdb
