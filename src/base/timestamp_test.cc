// SPDX-License-Identifier: Apache-2.0
#include "base/timestamp.h"

#include <gtest/gtest.h>

#include <limits>

namespace firn::base {
namespace {

TEST(TimestampTest, ParsesRfc3339) {
  const struct {
    const char* text;
    TimestampUs us;
  } cases[] = {
      {"1970-01-01T00:00:00Z", 0},
      {"2026-01-02T03:04:05Z", 1'767'323'045'000'000},
      {"2026-01-02T03:04:05.678Z", 1'767'323'045'678'000},
      {"2026-01-02 03:04:05.000001z", 1'767'323'045'000'001},
      {"2026-01-02T03:04:05.1234569Z", 1'767'323'045'123'456},
      {"2026-01-02T04:04:05+01:00", 1'767'323'045'000'000},
      {"2026-01-01T21:34:05-05:30", 1'767'323'045'000'000},
      {"1969-12-31T23:59:59.999999Z", -1},
      {"2024-02-29T00:00:00Z", 1'709'164'800'000'000},
      {"0000-01-01T00:00:00Z", -62'167'219'200'000'000},
      {"9999-12-31T23:59:59Z", 253'402'300'799'000'000},
  };
  for (const auto& c : cases) {
    const Result<TimestampUs> parsed = ParseTimestamp(c.text);
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_EQ(*parsed, c.us) << c.text;
  }
}

TEST(TimestampTest, ParsesUnixSeconds) {
  EXPECT_EQ(ParseTimestamp("1767323045").value(), 1'767'323'045'000'000);
  EXPECT_EQ(ParseTimestamp("1767323045.678").value(), 1'767'323'045'678'000);
  EXPECT_EQ(ParseTimestamp("1767323045.1234569").value(), 1'767'323'045'123'456);
  EXPECT_EQ(ParseTimestamp("-1.5").value(), -1'500'000);
  EXPECT_EQ(ParseTimestamp("-0.0000001").value(), -1);
  EXPECT_EQ(ParseTimestamp("1.7e9").value(), 1'700'000'000'000'000);
  EXPECT_EQ(ParseTimestamp("9223372036853").value(), 9'223'372'036'853'000'000);
}

TEST(TimestampTest, RefusalsQuoteTheText) {
  EXPECT_EQ(ParseTimestamp("yesterday").status(),
            Status::InvalidArgument("not a time: \"yesterday\": want RFC 3339 such as "
                                    "2026-01-02T03:04:05Z, or Unix seconds"));
  for (const char* text : {"",
                           "-",
                           "2026-01-02",
                           "2026-01-02T03:04:05",
                           "2026-02-29T00:00:00Z",
                           "2026-13-01T00:00:00Z",
                           "2026-00-01T00:00:00Z",
                           "2026-01-00T00:00:00Z",
                           "2026-01-01T24:00:00Z",
                           "2026-01-01T00:60:00Z",
                           "2026-01-01T00:00:60Z",
                           "2026-01-01T00:00:00.Z",
                           "2026-01-01T00:00:00+24:00",
                           "2026-01-01T00:00:00Zx",
                           "1900-02-29T00:00:00Z",
                           "12 ",
                           "NaN",
                           "inf",
                           "-inf",
                           "1e300",
                           "0x10",
                           "--1"}) {
    EXPECT_TRUE(ParseTimestamp(text).status().Is(StatusCode::kInvalidArgument)) << text;
  }
}

TEST(TimestampTest, PrintsAsFewDigitsAsAreExact) {
  EXPECT_EQ(FormatTimestamp(0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(FormatTimestamp(1'767'323'045'678'000), "2026-01-02T03:04:05.678Z");
  EXPECT_EQ(FormatTimestamp(-1), "1969-12-31T23:59:59.999999Z");
  EXPECT_EQ(FormatTimestampMs(1'767'323'045'000), "2026-01-02T03:04:05.000Z");
  EXPECT_EQ(FormatTimestamp(253'402'300'800'000'000), "+10000-01-01T00:00:00Z");
  EXPECT_EQ(FormatTimestamp(-62'167'219'200'000'001), "-0001-12-31T23:59:59.999999Z");
  EXPECT_EQ(FormatTimestamp(std::numeric_limits<TimestampUs>::min()),
            "-290308-12-21T19:59:05.224192Z");
  EXPECT_EQ(FormatTimestamp(std::numeric_limits<TimestampUs>::max()),
            "+294247-01-10T04:00:54.775807Z");
  EXPECT_EQ(FormatTimestampMs(kTimestampMsMax), "+294247-01-10T04:00:54.775Z");
}

TEST(TimestampTest, WhatIsPrintedReadsBack) {
  const TimestampUs first = -62'167'219'200'000'000;
  const TimestampUs last = 253'402'300'799'999'999;
  for (TimestampUs us = first; us <= last; us += 98'765'432'109'876) {
    EXPECT_EQ(ParseTimestamp(FormatTimestamp(us)).value(), us) << FormatTimestamp(us);
  }
}

}  // namespace
}  // namespace firn::base
