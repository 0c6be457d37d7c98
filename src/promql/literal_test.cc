// SPDX-License-Identifier: Apache-2.0
#include "promql/literal.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace firn::promql {
namespace {

TEST(LiteralTest, NumbersAreRead) {
  EXPECT_EQ(ParseNumber("12.5e1"), 125);
  EXPECT_EQ(ParseNumber("-0x_ff"), -255);
  EXPECT_EQ(ParseNumber("017"), 15);
  EXPECT_EQ(ParseNumber("08"), 8);  // Not octal, so decimal.
  EXPECT_EQ(ParseNumber("1_0"), 10);
  EXPECT_EQ(ParseNumber("+inf"), std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isnan(*ParseNumber("nAn")));
  EXPECT_EQ(ParseNumber("1e-400"), 0);
  for (const char* bad : {"", "x", "1x", "0x", "1__0", "1_", "--1", "1e400"}) {
    EXPECT_EQ(ParseNumber(bad), std::nullopt) << bad;
  }
  EXPECT_EQ(ParseBound("0.1"), 0.1);
  EXPECT_EQ(ParseBound("+Inf"), std::numeric_limits<double>::infinity());
  EXPECT_EQ(ParseBound("0x1"), std::nullopt);
  EXPECT_EQ(ParseBound(""), std::nullopt);
}

TEST(LiteralTest, NumbersArePrinted) {
  EXPECT_EQ(FormatNumber(0.1), "0.1");
  EXPECT_EQ(FormatNumber(1e21), "1000000000000000000000");
  EXPECT_EQ(FormatNumber(-0.0), "-0");
  EXPECT_EQ(FormatNumber(-INFINITY), "-Inf");
  EXPECT_EQ(FormatGeneral(1e6), "1e+06");
  EXPECT_EQ(FormatGeneral(123456.5), "123456.5");
  EXPECT_EQ(FormatGeneral(0.00001), "1e-05");
  EXPECT_EQ(FormatGeneral(0.0001), "0.0001");
  EXPECT_EQ(FormatGeneral(NAN), "NaN");
  EXPECT_EQ(FormatGeneral(1234.5, 2), "1.2e+03");
  EXPECT_EQ(FormatGeneral(0, 2), "0");
}

TEST(LiteralTest, StringsAreUnquoted) {
  EXPECT_EQ(*Unquote(R"("a\tb\"\x41\u00e9\U0001F600\101")"), "a\tb\"A\u00e9\U0001F600A");
  EXPECT_EQ(*Unquote(R"('it\'s')"), "it's");
  EXPECT_EQ(*Unquote("`a\\n`"), "a\\n");
  for (const char* bad : {"", "\"", "\"a", "a\"", "'a\"", R"("\x4")", R"("\400")",
                          R"("\ud800")", "\"a\nb\"", R"("\'")"}) {
    EXPECT_FALSE(Unquote(bad).ok()) << bad;
  }
}

TEST(LiteralTest, SecondsBecomeMilliseconds) {
  EXPECT_EQ(SecondsToMs(0.3), 300);
  EXPECT_EQ(SecondsToMs(-1.5), -1500);
  EXPECT_EQ(SecondsToMs(0.0004), 0);
  EXPECT_EQ(SecondsToMs(NAN), std::nullopt);
  EXPECT_EQ(SecondsToMs(1e12), std::nullopt);
}

}  // namespace
}  // namespace firn::promql
