// SPDX-License-Identifier: Apache-2.0
#include "table/decimal_text.h"

#include <arrow/type.h>
#include <gtest/gtest.h>

#include <string>

namespace firn::table {
namespace {

// The value, or `none`.
std::string Parsed(const std::string& text, int precision, int scale) {
  const arrow::Decimal128Type type(precision, scale);
  const auto value = ParseDecimal(text, type);
  return value.has_value() ? value->ToString(scale) : "none";
}

TEST(DecimalTextTest, ANumberGetsTheDigitsOfItsType) {
  EXPECT_EQ(Parsed("1.5", 9, 2), "1.50");
  EXPECT_EQ(Parsed("-7", 9, 2), "-7.00");
  EXPECT_EQ(Parsed("-1.500", 9, 2), "-1.50");
  EXPECT_EQ(Parsed("12e3", 9, 2), "12000.00");
  EXPECT_EQ(Parsed("9999999.99", 9, 2), "9999999.99");
  EXPECT_EQ(Parsed("-9999999999999999999999999999.9999999999", 38, 10),
            "-9999999999999999999999999999.9999999999");
}

TEST(DecimalTextTest, WhatDoesNotFitIsNoOtherNumber) {
  EXPECT_EQ(Parsed("1e8", 9, 2), "none");
  for (const char* text : {"41038131617600698983578434408680", "1e30", "1e37", "1e77",
                           "4103813161760069898357843440868e21", "1e2147483647",
                           "99999999999999999999999999999999999999999999999999999"}) {
    EXPECT_EQ(Parsed(text, 38, 10), "none") << text;
  }
  for (const char* text : {"1.501", "", "word", "1.5.0", "1e", "0x1", "NaN", "1 5"}) {
    EXPECT_EQ(Parsed(text, 9, 2), "none") << text;
  }
}

TEST(DecimalTextTest, ManyDigitsAfterThePointAreNoDecimal) {
  for (const char* text : {"1e-41", "1e-77", "1e-100000000", "1e-2147483648",
                           "-1.5E-99999999999999999999", "0e-39"}) {
    EXPECT_TRUE(IsTooFine(text)) << text;
    EXPECT_EQ(Parsed(text, 9, 2), "none") << text;
  }
  EXPECT_TRUE(IsTooFine("0." + std::string(200, '0') + "1"));
  for (const char* text : {"", "1", "1.5", "1e-38", "1.5e-37", "1e99", "1e+99", "word"}) {
    EXPECT_FALSE(IsTooFine(text)) << text;
  }
}

}  // namespace
}  // namespace firn::table
