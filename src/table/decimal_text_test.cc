// SPDX-License-Identifier: Apache-2.0
#include "table/decimal_text.h"

#include <arrow/array/array_decimal.h>
#include <arrow/array/builder_binary.h>
#include <arrow/memory_pool.h>
#include <arrow/type.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace firn::table {
namespace {

using testing::HasSubstr;

// The value, or what is wrong with it.
std::string Parsed(const std::string& text, int precision, int scale) {
  arrow::StringBuilder builder;
  EXPECT_TRUE(builder.Append(text).ok());
  const auto column = builder.Finish().ValueOrDie();
  const auto values =
      DecimalsFromText(static_cast<const arrow::StringArray&>(*column),
                       arrow::decimal128(precision, scale), arrow::default_memory_pool());
  if (!values.ok()) return std::string(values.status().message());
  EXPECT_TRUE((*values)->ValidateFull().ok()) << text;
  return static_cast<const arrow::Decimal128Array&>(**values).FormatValue(0);
}

TEST(DecimalTextTest, ANumberGetsTheDigitsOfItsType) {
  EXPECT_EQ(Parsed("1.5", 9, 2), "1.50");
  EXPECT_EQ(Parsed(" -7\t", 9, 2), "-7.00");
  EXPECT_EQ(Parsed("-1.500", 9, 2), "-1.50");
  EXPECT_EQ(Parsed("12e3", 9, 2), "12000.00");
  EXPECT_EQ(Parsed("9999999.99", 9, 2), "9999999.99");
  EXPECT_EQ(Parsed("-9999999999999999999999999999.9999999999", 38, 10),
            "-9999999999999999999999999999.9999999999");
}

TEST(DecimalTextTest, WhatDoesNotFitIsNoOtherNumber) {
  EXPECT_EQ(Parsed("1e8", 9, 2), "\"1e8\" is no decimal(9, 2)");
  for (const char* text : {"41038131617600698983578434408680", "1e30", "1e37", "1e77",
                           "4103813161760069898357843440868e21", "1e2147483647",
                           "99999999999999999999999999999999999999999999999999999"}) {
    EXPECT_THAT(Parsed(text, 38, 10), HasSubstr("is no decimal(38, 10)"));
  }
  for (const char* text : {"1.501", "", "word", "1.5.0", "1e", "0x1", "NaN", "1 5"}) {
    EXPECT_THAT(Parsed(text, 9, 2), HasSubstr("is no decimal(9, 2)"));
  }
}

TEST(DecimalTextTest, ManyDigitsAfterThePointAreNoDecimal) {
  for (const char* text : {"1e-41", "1e-77", "1e-100000000", "1e-2147483648",
                           "-1.5E-99999999999999999999", "0e-39"}) {
    EXPECT_TRUE(IsTooFine(text)) << text;
    EXPECT_THAT(Parsed(text, 9, 2), HasSubstr("is no decimal(9, 2)"));
  }
  EXPECT_TRUE(IsTooFine("0." + std::string(200, '0') + "1"));
  for (const char* text : {"", "1", "1.5", "1e-38", "1.5e-37", "1e99", "1e+99", "word"}) {
    EXPECT_FALSE(IsTooFine(text)) << text;
  }
}

TEST(DecimalTextTest, DecimalsAreParsedInMoreBitsAtEveryDepth) {
  const auto pair = [](const std::shared_ptr<arrow::DataType>& type) {
    return arrow::struct_({arrow::field("a", type, /*nullable=*/false),
                           arrow::field("l", arrow::list(arrow::field("e", type)))});
  };
  EXPECT_TRUE(AsParsed(pair(arrow::decimal128(9, 2)))
                  ->Equals(*pair(arrow::decimal256(38, 2)), /*check_metadata=*/true));
  const auto map = arrow::map(arrow::utf8(), arrow::decimal128(9, 2));
  EXPECT_TRUE(
      AsParsed(map)->Equals(*arrow::map(arrow::utf8(), arrow::decimal256(38, 2))));
  EXPECT_TRUE(AsParsed(arrow::int64())->Equals(*arrow::int64()));
}

}  // namespace
}  // namespace firn::table
