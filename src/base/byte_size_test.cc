// SPDX-License-Identifier: Apache-2.0
#include "base/byte_size.h"

#include <gtest/gtest.h>

#include <limits>

namespace firn::base {
namespace {

constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();

TEST(ByteSizeTest, Parses) {
  const struct {
    const char* text;
    std::int64_t bytes;
  } cases[] = {
      {"0", 0},
      {"4096", 4096},
      {"12B", 12},
      {"512MB", 512'000'000},
      {"64KiB", 65'536},
      {"64kib", 65'536},
      {"50GB", 50'000'000'000},
      {"1.5 GiB", 1'610'612'736},
      {"0.0000000001GB", 0},
      {"1.999999999999999999999999MB", 1'999'999},
      {"9223372036854775807", kMax},
      {"8191PiB", 8191LL << 50},
  };
  for (const auto& c : cases) {
    const Result<std::int64_t> parsed = ParseByteSize(c.text);
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_EQ(*parsed, c.bytes) << c.text;
  }
}

TEST(ByteSizeTest, RefusalsQuoteTheText) {
  for (const char* text : {"", "MB", "-1MB", "1..5MB", "1.", ".5MB", " 1MB"}) {
    const Status status = ParseByteSize(text).status();
    EXPECT_TRUE(status.Is(StatusCode::kInvalidArgument)) << text;
    EXPECT_NE(status.message().find("\"" + std::string(text) + "\""), std::string::npos);
  }
  EXPECT_EQ(
      ParseByteSize("5M").status(),
      Status::InvalidArgument("not a size: \"5M\": unknown unit \"M\", known are B, "
                              "KB, MB, GB, TB, PB, KiB, MiB, GiB, TiB, PiB"));
  EXPECT_FALSE(ParseByteSize("5 ").ok());
  EXPECT_EQ(ParseByteSize("8192PiB").status(),
            Status::InvalidArgument("not a size: \"8192PiB\": too large"));
  EXPECT_EQ(ParseByteSize("9223372036854775808").status(),
            Status::InvalidArgument("not a size: \"9223372036854775808\": too large"));
  EXPECT_FALSE(ParseByteSize("99999999999999999999999999999999999999999999").ok());
}

TEST(ByteSizeTest, WhatIsPrintedReadsBack) {
  EXPECT_EQ(FormatByteSize(0), "0B");
  EXPECT_EQ(FormatByteSize(512'000'000), "512MB");
  EXPECT_EQ(FormatByteSize(65'536), "64KiB");
  EXPECT_EQ(FormatByteSize(4097), "4097B");
  for (std::int64_t bytes = 1; bytes < kMax / 5; bytes = bytes * 5 + (bytes & 2)) {
    EXPECT_EQ(ParseByteSize(FormatByteSize(bytes)).value(), bytes);
  }
}

}  // namespace
}  // namespace firn::base
