// SPDX-License-Identifier: Apache-2.0
#include "wire/remote_write.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "wire/remote_write_encoder.h"
#include "wire/snappy.h"

namespace firn::wire {
namespace {

using ::testing::HasSubstr;

constexpr TimestampMs kNow = 1'760'000'000'000;
const LabelPairs kUp = {{"__name__", "up"}, {"instance", "a:9090"}, {"job", "node"}};

// prometheus.WriteRequest{up{job="x"} 1.5 @ 1700000000123}, as Prometheus's own encoder
// writes it.
const std::string kGolden(
    "\x0a\x2d"
    "\x0a\x0e\x0a\x08__name__\x12\x02up"
    "\x0a\x08\x0a\x03job\x12\x01x"
    "\x12\x10\x09\x00\x00\x00\x00\x00\x00\xf8\x3f\x10\xfb\xd0\x95\xff\xbc\x31",
    46);

TEST(WriteRequest, ReadsTheBytesThatPrometheusWrites) {
  std::string golden = kGolden;
  golden[1] = static_cast<char>(golden.size() - 2);
  WriteRequestReader reader(golden);
  std::string_view series;
  ASSERT_EQ(reader.Next(&series), WriteRequestReader::Item::kSeries);
  const auto alias = AliasBytes(series);
  ASSERT_TRUE(alias.has_value());
  const auto labels = ParseLabels(series.substr(0, *alias));
  ASSERT_TRUE(labels.ok()) << labels.status();
  EXPECT_EQ(*labels, (Labels{{"__name__", "up"}, {"job", "x"}}));
  Sample sample;
  ASSERT_TRUE(ReadCanonicalSample(series.substr(*alias), &sample));
  EXPECT_EQ(sample.timestamp_ms, 1'700'000'000'123);
  EXPECT_EQ(sample.value, 1.5);
  EXPECT_EQ(reader.Next(&series), WriteRequestReader::Item::kEnd);
  EXPECT_EQ(EncodeWriteRequest({EncodeSeries({{"__name__", "up"}, {"job", "x"}},
                                             {{1'700'000'000'123, 1.5}})}),
            golden);
}

TEST(WriteRequest, PassesOverUnknownFieldsAndStopsAtMalformedOnes) {
  std::string message;
  AppendField(message, 9, "something newer");
  message += std::string("\x50\x07\x5d\x01\x02\x03\x04\x61", 8) + std::string(8, 'x');
  AppendField(message, 1, EncodeSeries(kUp, {}));
  WriteRequestReader reader(message);
  std::string_view bytes;
  EXPECT_EQ(reader.Next(&bytes), WriteRequestReader::Item::kSeries);
  EXPECT_EQ(reader.Next(&bytes), WriteRequestReader::Item::kEnd);

  for (const std::string& bad : std::vector<std::string>{
           std::string("\x0a\x05xx", 4),  // Runs past the end.
           std::string("\x0a", 1),        // No length.
           std::string("\x08\x01", 2),    // Field 1 as a varint.
           std::string("\x0b\x0c", 2),    // A group.
           std::string("\x02\x00", 2),    // Field number 0.
           std::string("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11),  // 2^64 - 1.
           std::string("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 11),  // Too long.
       }) {
    WriteRequestReader broken(bad);
    EXPECT_EQ(broken.Next(&bytes), WriteRequestReader::Item::kMalformed);
  }
}

TEST(Alias, IsTheWholeOfTheLabelsAtTheFront) {
  const std::string series = EncodeSeries(kUp, {{kNow, 1}});
  const std::string alias = EncodeAlias(kUp);
  EXPECT_EQ(AliasBytes(series), alias.size());
  EXPECT_TRUE(HasAlias(series, alias));
  EXPECT_TRUE(HasAlias(alias, alias));  // No samples at all.
  EXPECT_FALSE(HasAlias(series, ""));
  // A name that is a prefix of this one, and one that goes on longer.
  EXPECT_FALSE(HasAlias(series, EncodeAlias({kUp[0], kUp[1]})));
  EXPECT_FALSE(HasAlias(series, series + "x"));
  EXPECT_FALSE(HasAlias(alias.substr(0, alias.size() - 1), alias));
}

TEST(Alias, LongLabelsAreHoppedAndCutOnesNoticed) {
  const LabelPairs pairs = {{"__name__", "m"}, {"long", std::string(70'000, 'v')}};
  const std::string alias = EncodeAlias(pairs);
  EXPECT_EQ(AliasBytes(alias), alias.size());
  EXPECT_FALSE(AliasBytes(std::string_view(alias).substr(0, alias.size() - 1)));
  EXPECT_FALSE(AliasBytes("\x0a"));
  EXPECT_FALSE(AliasBytes("\x0a\x01"));
  EXPECT_EQ(AliasBytes(""), 0u);
}

TEST(CanonicalSample, AgreesWithTheGeneralReader) {
  // Six-byte varints are 2^35 .. 2^42 - 1: years 1971 to 2109.
  for (const TimestampMs t :
       {TimestampMs{1} << 35, (TimestampMs{1} << 42) - 1, kNow, kNow + 12345,
        TimestampMs{0x2aaaaaaaaaa}, TimestampMs{0x15555555555}}) {
    std::string rest;
    AppendField(rest, 2, EncodeSample({t, -0.0}));
    Sample sample;
    ASSERT_TRUE(ReadCanonicalSample(rest, &sample)) << t;
    EXPECT_EQ(sample.timestamp_ms, t);
    EXPECT_TRUE(SameValue(sample.value, -0.0));
  }
  for (const TimestampMs t : {TimestampMs{0}, TimestampMs{-1}, (TimestampMs{1} << 35) - 1,
                              TimestampMs{1} << 42, kTimestampMsMin, kTimestampMsMax}) {
    std::string rest;
    AppendField(rest, 2, EncodeSample({t, 7}));
    Sample sample;
    EXPECT_FALSE(ReadCanonicalSample(rest, &sample)) << t;
    SeriesBody body;
    ASSERT_TRUE(ReadSeriesBody(rest, &body).ok());
    ASSERT_EQ(body.samples.size(), 1u);
    EXPECT_EQ(body.samples[0].timestamp_ms, t);
  }
}

TEST(CanonicalSample, KeepsStaleMarkersBitForBit) {
  std::string rest;
  AppendField(rest, 2, EncodeSample({kNow, StaleMarker()}));
  Sample sample;
  ASSERT_TRUE(ReadCanonicalSample(rest, &sample));
  EXPECT_TRUE(IsStaleMarker(sample.value));
}

TEST(SeriesBody, TakesManySamplesAndCountsTheRest) {
  std::string rest;
  AppendField(rest, 2, EncodeSample({kNow, 1}));
  AppendField(rest, 2, std::string("\x10\x05\x09\0\0\0\0\0\0\0\x40", 11));  // Time first.
  AppendField(rest, 2, "");  // proto3 leaves zeros out.
  AppendField(rest, 3, "exemplar");
  AppendField(rest, 4, "histogram");
  AppendField(rest, 4, "histogram");
  SeriesBody body;
  ASSERT_TRUE(ReadSeriesBody(rest, &body).ok());
  ASSERT_EQ(body.samples.size(), 3u);
  EXPECT_EQ(body.samples[1].timestamp_ms, 5);
  EXPECT_EQ(body.samples[1].value, 2);
  EXPECT_EQ(body.samples[2].timestamp_ms, 0);
  EXPECT_EQ(body.exemplars, 1);
  EXPECT_EQ(body.histograms, 2);
  EXPECT_FALSE(body.has_labels);
}

TEST(SeriesBody, MalformedSamplesAreAnError) {
  for (const std::string& sample : std::vector<std::string>{
           std::string("\x09\x00", 2), std::string("\x0d\0\0\0\0", 5),
           std::string("\x12\x00", 2), std::string("\x10\xff", 2)}) {
    std::string rest;
    AppendField(rest, 2, sample);
    SeriesBody body;
    EXPECT_EQ(ReadSeriesBody(rest, &body).code(), StatusCode::kInvalidArgument);
  }
}

TEST(GatherAlias, FindsLabelsBetweenSamples) {
  std::string series;
  AppendField(series, 2, EncodeSample({kNow, 1}));
  AppendField(series, 1, EncodeLabel("__name__", "up"));
  AppendField(series, 2, EncodeSample({kNow + 1, 1}));
  AppendField(series, 1, EncodeLabel("job", "x"));
  SeriesBody body;
  ASSERT_TRUE(ReadSeriesBody(series, &body).ok());
  EXPECT_TRUE(body.has_labels);
  std::string alias = "left from before";
  ASSERT_TRUE(GatherAlias(series, &alias).ok());
  EXPECT_EQ(alias, EncodeAlias({{"__name__", "up"}, {"job", "x"}}));
}

TEST(ParseLabels, SortsAndDropsEmptyValues) {
  const auto labels =
      ParseLabels(EncodeAlias({{"job", "x"}, {"empty", ""}, {"__name__", "up"}}));
  ASSERT_TRUE(labels.ok()) << labels.status();
  EXPECT_EQ(*labels, (Labels{{"__name__", "up"}, {"job", "x"}}));
}

TEST(ParseLabels, NamesTheLabelThatIsWrong) {
  const auto error = [](const LabelPairs& pairs) {
    const Status status = ParseLabels(EncodeAlias(pairs)).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << status;
    return std::string(status.message());
  };
  EXPECT_THAT(error({{"__name__", "up"}, {"job", "x"}, {"job", "y"}}), HasSubstr("job"));
  EXPECT_THAT(error({{"__name__", "up"}, {"job", "\xff"}}), HasSubstr("job"));
  EXPECT_NE(error({{"__name__", "up"}, {"b\xc0\x80", "x"}}), "");
  EXPECT_NE(error({{"__name__", "up"}, {"", "x"}}), "");
  EXPECT_THAT(error({{"job", "x"}}), HasSubstr("metric name"));
  EXPECT_THAT(error({}), HasSubstr("metric name"));
}

TEST(ParseLabels, MalformedBytesAreTellableFromBadLabels) {
  std::string alias;
  AppendField(alias, 1, std::string("\x0a\x7f", 2));
  EXPECT_EQ(ParseLabels(alias).status().code(), StatusCode::kCorruption);
  EXPECT_EQ(ParseLabels(std::string("\x0a\x02\x08\x01", 4)).status().code(),
            StatusCode::kCorruption);
}

TEST(ParseMetadata, NamesTypesAsPrometheusDoes) {
  const auto one = ParseMetadata(EncodeMetadata(4, "m", "What it is.", "seconds"));
  ASSERT_TRUE(one.ok());
  EXPECT_EQ(*one, (MetricDescription{"m", "gaugehistogram", "What it is.", "seconds"}));
  EXPECT_EQ(ParseMetadata(EncodeMetadata(99, "m", "", ""))->type, "unknown");
  EXPECT_FALSE(ParseMetadata(EncodeMetadata(1, "m", "\xff", "")).ok());
  EXPECT_FALSE(ParseMetadata(std::string("\x12\x09x", 3)).ok());
}

}  // namespace
}  // namespace firn::wire
