// SPDX-License-Identifier: Apache-2.0
#include "wire/ingest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <snappy.h>

#include <random>

#include "wire/recording_appender.h"
#include "wire/remote_write_encoder.h"

namespace firn::wire {
namespace {

using ::testing::HasSubstr;

constexpr TimestampMs kNow = 1'760'000'000'000;
constexpr std::size_t kBytesMax = 1 << 20;

std::string Snappy(std::string_view message) {
  std::string out;
  snappy::Compress(message.data(), message.size(), &out);
  return out;
}

std::string Series(const std::string& metric, std::vector<Sample> samples) {
  return EncodeSeries({{"__name__", metric}, {"job", "x"}}, samples);
}

struct Sender {
  RecordingAppender appender;
  RemoteWriteIngester ingester;
  Result<IngestReport> Send(const std::vector<std::string>& series) {
    return ingester.Ingest(Snappy(EncodeWriteRequest(series)), kBytesMax, appender);
  }
};

TEST(Ingest, FindsKnownSeriesWithoutLookingInsideTheirLabels) {
  Sender sender;
  for (int round = 0; round < 3; ++round) {
    const TimestampMs t = kNow + round;
    const auto report = sender.Send(
        {Series("a", {{t, 1}}), Series("b", {{t, 2}}), Series("c", {{t, 3}})});
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_EQ(report->append.accepted, 3);
  }
  // Only the first round resolves, and once the step from the last series to the first.
  EXPECT_EQ(sender.appender.resolves(), 4);
  EXPECT_EQ(sender.appender.accepts(), 5);
  EXPECT_EQ(sender.appender.samples().at("b{job=\"x\"}").size(), 3u);
}

TEST(Ingest, APredictionIsTakenBackWhereLabelsFollowTheSamples) {
  Sender sender;
  ASSERT_TRUE(sender.Send({Series("a", {{kNow, 1}})}).ok());
  ASSERT_TRUE(sender.Send({Series("a", {{kNow + 1, 1}})}).ok());
  std::string stray = Series("a", {{kNow + 2, 9}});
  AppendField(stray, 1, EncodeLabel("zone", "z"));
  ASSERT_TRUE(sender.Send({stray}).ok());
  const auto& samples = sender.appender.samples();
  EXPECT_EQ(samples.at("a{job=\"x\"}").size(), 2u);
  ASSERT_EQ(samples.at("a{job=\"x\", zone=\"z\"}").size(), 1u);
  EXPECT_EQ(samples.at("a{job=\"x\", zone=\"z\"}")[0].value, 9);
}

TEST(Ingest, KeepsTheGoodPartOfARequest) {
  Sender sender;
  const auto report = sender.Send(
      {Series("a", {{kNow, 1}}),
       EncodeSeries({{"__name__", "b"}, {"job", "x"}, {"job", "y"}}, {{kNow, 2}, {1, 2}}),
       EncodeSeries({{"__name__", "bad\xff"}}, {{kNow, 2}}), Series("c", {{kNow, 3}})});
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->append.accepted, 2);
  EXPECT_EQ(report->append.invalid_series, 3);
  EXPECT_THAT(report->append.first_rejection, HasSubstr("job"));
}

TEST(Ingest, SeriesOverTheLimitAreRejectedAlone) {
  Sender sender;
  sender.appender.series_max = 1;
  const auto report = sender.Send({Series("a", {{kNow, 1}}), Series("b", {{kNow, 1}})});
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->append.accepted, 1);
  EXPECT_EQ(report->append.over_series_limit, 1);
}

TEST(Ingest, NothingOfAMalformedRequestIsTaken) {
  for (const int where : {0, 1, 2}) {
    Sender sender;
    std::string message = EncodeWriteRequest({Series("a", {{kNow, 1}})});
    if (where == 0) message += std::string("\x0a\x7f", 2);
    if (where == 1) AppendField(message, 1, Series("b", {{kNow, 1}}).substr(0, 20));
    if (where == 2) {
      std::string label;
      AppendField(label, 1, std::string("\x0a\x7fx", 3));
      AppendField(label, 2, EncodeSample({kNow, 1}));
      AppendField(message, 1, label);
    }
    const auto report =
        sender.ingester.Ingest(Snappy(message), kBytesMax, sender.appender);
    EXPECT_EQ(report.status().code(), StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(report.status().message()), HasSubstr("malformed protobuf"));
    EXPECT_EQ(sender.appender.commits(), 0);
    EXPECT_EQ(sender.appender.discards(), 1);
    ASSERT_TRUE(sender.Send({Series("c", {{kNow, 1}})}).ok());
    EXPECT_EQ(sender.appender.accepted(), 1);
  }
}

TEST(Ingest, ReportsMetadataAndWhatIsNotStored) {
  Sender sender;
  std::string series = Series("a", {{kNow, 1}});
  AppendField(series, 3, "e");
  AppendField(series, 4, "h");
  std::string message = EncodeWriteRequest({series});
  AppendField(message, 3, EncodeMetadata(1, "a", "Help.", ""));
  const auto report = sender.ingester.Ingest(Snappy(message), kBytesMax, sender.appender);
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->exemplars_skipped, 1);
  EXPECT_EQ(report->histograms_skipped, 1);
  ASSERT_EQ(report->metadata.size(), 1u);
  EXPECT_EQ(report->metadata[0], (MetricDescription{"a", "counter", "Help.", ""}));
  EXPECT_EQ(report->append.accepted, 1);
}

TEST(Ingest, ASeriesWithoutSamplesIsNotDefined) {
  Sender sender;
  ASSERT_TRUE(sender.Send({Series("a", {})}).ok());
  EXPECT_EQ(sender.appender.resolves(), 0);
}

TEST(Ingest, ADeclaredGigabyteIsRefusedBeforeItIsAllocated) {
  Sender sender;
  const std::string bomb("\x80\x80\x80\x80\x04 and hardly anything more", 30);  // 2^30
  const Status status = sender.ingester.Ingest(bomb, kBytesMax, sender.appender).status();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("1073741824"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("1048576"));
  EXPECT_EQ(sender.ingester.capacity_bytes(), 0u);
}

TEST(Ingest, BrokenSnappyIsAnError) {
  Sender sender;
  std::string body = Snappy(EncodeWriteRequest({Series("a", {{kNow, 1}})}));
  for (const std::string& bad : {std::string(), std::string("\xff\xff\xff\xff\xff\xff"),
                                 body.substr(0, body.size() / 2), body + "tail"}) {
    EXPECT_EQ(sender.ingester.Ingest(bad, kBytesMax, sender.appender).status().code(),
              StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(sender.appender.commits(), 0);
}

TEST(Ingest, AnErrorOfCommitIsHandedOn) {
  Sender sender;
  sender.appender.commit_status = Status::ResourceExhausted("disk full");
  EXPECT_EQ(sender.Send({Series("a", {{kNow, 1}})}).status().code(),
            StatusCode::kResourceExhausted);
}

TEST(Ingest, TheBufferIsGivenBackOnRequest) {
  Sender sender;
  ASSERT_TRUE(sender.Send({Series("a", {{kNow, 1}})}).ok());
  EXPECT_GT(sender.ingester.capacity_bytes(), 0u);
  sender.ingester.ShrinkTo(1 << 20);
  EXPECT_GT(sender.ingester.capacity_bytes(), 0u);
  sender.ingester.ShrinkTo(1);
  EXPECT_EQ(sender.ingester.capacity_bytes(), 0u);
}

// Changes of a good body: whatever is done to it, an answer comes back, and a sample that
// is taken came from a message that is whole.
TEST(Ingest, TenThousandMutationsOfAGoodBody) {
  std::vector<std::string> series;
  for (int i = 0; i < 20; ++i) {
    series.push_back(Series("metric_" + std::to_string(i % 7), {{kNow + i, i * 0.5}}));
    if (i % 5 == 0) series.push_back(Series("many", {{i, 1}, {kNow, 2}, {-i, 3}}));
  }
  std::string good = EncodeWriteRequest(series);
  AppendField(good, 3, EncodeMetadata(2, "many", "Help.", "bytes"));
  constexpr unsigned kSeed = 20'240'601;
  std::mt19937 random(kSeed);
  Sender sender;
  int taken = 0, refused = 0;
  for (int i = 0; i < 10'000; ++i) {
    std::string bytes = good;
    const int edits = 1 + static_cast<int>(random() % 4);
    for (int e = 0; e < edits; ++e) {
      const std::size_t at = random() % bytes.size();
      switch (random() % 5) {
        case 0:
          bytes[at] = static_cast<char>(random());
          break;
        case 1:
          bytes[at] ^= static_cast<char>(1 << (random() % 8));
          break;
        case 2:
          bytes.resize(at + 1);
          break;
        case 3:
          bytes.insert(at, 1 + random() % 9, static_cast<char>(random()));
          break;
        default:
          bytes.erase(at, 1 + random() % 9);
          break;
      }
      if (bytes.empty()) bytes = "\x0a";
    }
    // Every third mutation is of the compressed bytes instead.
    std::string body = i % 3 == 0 ? Snappy(good) : Snappy(bytes);
    if (i % 3 == 0)
      body[random() % body.size()] ^= static_cast<char>(1 << (random() % 8));
    // A copy of the exact size, so that AddressSanitizer sees a read past its end.
    const std::vector<char> exact(body.begin(), body.end());
    const auto report =
        sender.ingester.Ingest({exact.data(), exact.size()}, kBytesMax, sender.appender);
    (report.ok() ? taken : refused) += 1;
    if (!report.ok()) {
      ASSERT_EQ(report.status().code(), StatusCode::kInvalidArgument) << "seed " << kSeed;
    }
  }
  EXPECT_GT(taken, 1000);
  EXPECT_GT(refused, 1000);
}

// As above, but on spans of exact size: the uncompressed buffer has room at its end.
TEST(RemoteWrite, MutatedSpansAreNeverReadPastTheirEnd) {
  const std::string good = Series("metric", {{kNow, 1}, {5, 2}});
  std::mt19937 random(7);
  SeriesBody body;
  std::string gathered;
  for (int i = 0; i < 10'000; ++i) {
    std::vector<char> span(good.begin(), good.end());
    span.resize(1 + random() % good.size());
    span.shrink_to_fit();
    span[random() % span.size()] = static_cast<char>(random());
    const std::string_view series(span.data(), span.size());
    const auto alias = AliasBytes(series);
    if (!alias) continue;
    ASSERT_LE(*alias, series.size());
    Sample sample;
    ReadCanonicalSample(series.substr(*alias), &sample);
    body.Clear();
    const Status read = ReadSeriesBody(series.substr(*alias), &body);
    const Status all = GatherAlias(series, &gathered);
    EXPECT_EQ(read.ok(), all.ok() && read.ok());
    (void)ParseLabels(series.substr(0, *alias));
    (void)HasAlias(series, std::string_view(good).substr(0, *alias));
  }
}

}  // namespace
}  // namespace firn::wire
