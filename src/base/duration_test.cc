// SPDX-License-Identifier: Apache-2.0
#include "base/duration.h"

#include <gtest/gtest.h>

#include <limits>

namespace firn::base {
namespace {

TEST(DurationTest, Parses) {
  const struct {
    const char* text;
    DurationMs ms;
  } cases[] = {
      {"0", 0},
      {"0s", 0},
      {"250ms", 250},
      {"5m", 300'000},
      {"1h30m", 5'400'000},
      {"1d", 86'400'000},
      {"2w", 1'209'600'000},
      {"1y", 31'536'000'000},
      {"1y2w3d4h5m6s7ms", 33'019'506'007},
      {"90m", 5'400'000},
      {"9223372036854ms", kDurationMsMax},
  };
  for (const auto& c : cases) {
    const Result<DurationMs> parsed = ParseDuration(c.text);
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_EQ(*parsed, c.ms) << c.text;
  }
}

TEST(DurationTest, RefusalsQuoteTheText) {
  const struct {
    const char* text;
    const char* message;
  } cases[] = {
      {"", "not a duration: \"\": empty"},
      {"5", "not a duration: \"5\": want a whole number and a unit, such as 1h30m"},
      {"m", "not a duration: \"m\": want a whole number and a unit, such as 1h30m"},
      {"-5m", "not a duration: \"-5m\": want a whole number and a unit, such as 1h30m"},
      {"5 m",
       "not a duration: \"5 m\": unknown unit \" m\", known are y, w, d, h, m, s, ms"},
      {"1.5h",
       "not a duration: \"1.5h\": unknown unit \".\", known are y, w, d, h, m, s, ms"},
      {"1m1h", "not a duration: \"1m1h\": units go from y down to ms, each at most once"},
      {"1m1m", "not a duration: \"1m1m\": units go from y down to ms, each at most once"},
      {"293y", "not a duration: \"293y\": too long"},
      {"99999999999999999999s", "not a duration: \"99999999999999999999s\": too long"},
      {"9223372036s855ms", "not a duration: \"9223372036s855ms\": too long"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(ParseDuration(c.text).status(), Status::InvalidArgument(c.message));
  }
}

TEST(DurationTest, SecondsDoToo) {
  EXPECT_EQ(ParseDurationOrSeconds("15").value(), 15'000);
  EXPECT_EQ(ParseDurationOrSeconds("0.0015").value(), 2);
  EXPECT_EQ(ParseDurationOrSeconds("1e3").value(), 1'000'000);
  EXPECT_EQ(ParseDurationOrSeconds("-1").value(), -1000);
  EXPECT_EQ(ParseDurationOrSeconds("5m").value(), 300'000);
  for (const char* text : {"", "NaN", "inf", "1e300", "1e999", "5x", "1 "}) {
    EXPECT_FALSE(ParseDurationOrSeconds(text).ok()) << text;
  }
}

TEST(DurationTest, PrintsAsPrometheusDoes) {
  EXPECT_EQ(FormatDuration(0), "0s");
  EXPECT_EQ(FormatDuration(5'400'000), "1h30m");
  EXPECT_EQ(FormatDuration(604'800'000), "1w");
  EXPECT_EQ(FormatDuration(8 * 86'400'000), "8d");
  EXPECT_EQ(FormatDuration(31'536'000'000), "1y");
  EXPECT_EQ(FormatDuration(-250), "-250ms");
  EXPECT_EQ(FormatDuration(std::numeric_limits<DurationMs>::min()).substr(0, 1), "-");
}

TEST(DurationTest, WhatIsPrintedReadsBack) {
  for (DurationMs ms = 1; ms < kDurationMsMax / 3; ms = ms * 3 + 7) {
    EXPECT_EQ(ParseDuration(FormatDuration(ms)).value(), ms) << FormatDuration(ms);
  }
}

}  // namespace
}  // namespace firn::base
