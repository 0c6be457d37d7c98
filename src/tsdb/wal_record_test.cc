// SPDX-License-Identifier: Apache-2.0
#include "tsdb/wal_record.h"

#include <gtest/gtest.h>

#include <random>

namespace firn::tsdb {
namespace {

TEST(WalRecord, SamplesRoundTrip) {
  const std::vector<RefSample> samples = {
      {{3}, {1'700'000'000'000, 1.5}},
      {{4}, {1'700'000'000'000, -0.0}},
      {{0}, {kTimestampMsMin, 0}},
      {{UINT32_MAX}, {kTimestampMsMax, StaleMarker()}},
      {{5}, {1'700'000'015'000, 1e300}}};
  std::string payload;
  EncodeSamples(samples, &payload);
  std::vector<RefSample> read;
  ASSERT_TRUE(DecodeSamples(payload, &read).ok());
  ASSERT_EQ(read.size(), samples.size());
  for (std::size_t i = 0; i < read.size(); ++i) {
    EXPECT_EQ(read[i].series, samples[i].series);
    EXPECT_EQ(read[i].sample.timestamp_ms, samples[i].sample.timestamp_ms);
    EXPECT_TRUE(SameValue(read[i].sample.value, samples[i].sample.value));
  }
}

// The bytes on disk, as docs/format/wal-records.md shows them.
TEST(WalRecord, SamplesHaveTheDocumentedBytes) {
  std::string payload;
  const std::vector<RefSample> samples = {{{1}, {1000, 1.0}}, {{2}, {1000, 0.5}}};
  EncodeSamples(samples, &payload);
  const std::uint8_t expected[] = {0x02,                                    // 2 samples
                                   0x02, 0xd0, 0x0f,                        // +1, +1000
                                   0,    0,    0,    0, 0, 0, 0xf0, 0x3f,   // 1.0
                                   0x02, 0x00,                              // +1, +0
                                   0,    0,    0,    0, 0, 0, 0xe0, 0x3f};  // 0.5
  EXPECT_EQ(payload,
            std::string(reinterpret_cast<const char*>(expected), sizeof expected));
}

TEST(WalRecord, SeriesAndMetadataRoundTrip) {
  std::string payload;
  EncodeSeries(std::vector<SeriesDefinition>{{{9}, "abc"}, {{10}, ""}}, &payload);
  std::vector<SeriesDefinition> series;
  ASSERT_TRUE(DecodeSeries(payload, &series).ok());
  ASSERT_EQ(series.size(), 2u);
  EXPECT_EQ(series[0].ref.value, 9u);
  EXPECT_EQ(series[0].packed_labels, "abc");

  const std::vector<MetricDescription> metrics = {{"up", "gauge", "Is it up?", ""}};
  EncodeMetadata(metrics, &payload);
  std::vector<MetricDescription> read;
  ASSERT_TRUE(DecodeMetadata(payload, &read).ok());
  EXPECT_EQ(read, metrics);
}

// Every cut and many flips: a status or a value, never a crash or a huge allocation.
TEST(WalRecord, DamageIsCorruption) {
  std::vector<RefSample> samples;
  for (std::uint32_t i = 0; i < 20; ++i) samples.push_back({{i}, {i * 1000, i * 0.1}});
  std::string payload;
  EncodeSamples(samples, &payload);
  std::vector<RefSample> read;
  for (std::size_t size = 0; size < payload.size(); ++size) {
    EXPECT_TRUE(DecodeSamples(std::string_view(payload).substr(0, size), &read)
                    .Is(StatusCode::kCorruption))
        << size;
  }
  EXPECT_TRUE(DecodeSamples(payload + "x", &read).Is(StatusCode::kCorruption));
  std::mt19937_64 random(3);
  for (int i = 0; i < 10'000; ++i) {
    std::string bad = payload;
    bad[random() % bad.size()] ^= static_cast<char>(1 << random() % 8);
    const Status status = DecodeSamples(bad, &read);
    EXPECT_TRUE(status.ok() || status.Is(StatusCode::kCorruption));
    std::vector<SeriesDefinition> series;
    const Status as_series = DecodeSeries(bad, &series);
    EXPECT_TRUE(as_series.ok() || as_series.Is(StatusCode::kCorruption));
  }
}

}  // namespace
}  // namespace firn::tsdb
