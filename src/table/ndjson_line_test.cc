// SPDX-License-Identifier: Apache-2.0
#include "table/ndjson_line.h"

#include <arrow/type.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace firn::table {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using namespace std::string_view_literals;

TEST(NdjsonLineTest, OneObjectIsShown) {
  for (const char* line : {"", " \t\r", "{}", " {\"a\":[1,{\"b\":\"}\"}]} \r",
                           R"({"a":"\"}{\\"})", "{\"a\" 1}", "{\"a\":1e-100}"}) {
    EXPECT_EQ(FaultOfLine(line), "") << line;
  }
}

TEST(NdjsonLineTest, WhatIsNotOneObjectIsNot) {
  EXPECT_THAT(FaultOfLine("null"), HasSubstr("it is no object"));
  EXPECT_THAT(FaultOfLine("[{}]"), HasSubstr("it is no object"));
  for (const auto line :
       {"{}{}"sv, "{\"a\":1}}"sv, "{\"a\":1} x"sv, "{}\0"sv, "{\"a\":1}]"sv}) {
    EXPECT_EQ(FaultOfLine(line), "there is more on it than one object") << line;
  }
  for (const char* line : {"{", "{\"a", "{\"a\\", "{\"a\\\"}", "{\"o\":{\"a\":1}"}) {
    EXPECT_EQ(FaultOfLine(line), "its object does not end") << line;
  }
}

TEST(NdjsonLineTest, NestingHasAnEnd) {
  const auto nested = [](int depth) {
    return "{\"a\":" + std::string(static_cast<std::size_t>(depth) - 1, '[') +
           std::string(static_cast<std::size_t>(depth) - 1, ']') + "}";
  };
  EXPECT_EQ(FaultOfLine(nested(64)), "");
  EXPECT_EQ(FaultOfLine(nested(65)), "it is nested deeper than 64 levels");
}

TEST(NdjsonLineTest, DecimalsAreNotTooFine) {
  const auto decimal = arrow::decimal128(9, 2);
  const FieldNames names = DecimalFields(*arrow::schema(
      {arrow::field("m", decimal), arrow::field("x", arrow::float64()),
       arrow::field("o", arrow::struct_({arrow::field("n", decimal)})),
       arrow::field("l", arrow::list(arrow::field("e", arrow::list(decimal)))),
       arrow::field("map", arrow::map(arrow::utf8(), decimal))}));
  EXPECT_THAT(names, ElementsAre("l", "m", "n", "value"));
  for (const char* line :
       {R"({"m":1.50,"x":1e-100})", R"({"x":1e-100,"m":"1.50"})", R"({"s":"1e-100"})",
        R"({"l":[[1],[2]],"x":1e-100})", R"({"\u0078":1})"}) {
    EXPECT_EQ(FaultOfLine(line, names), "") << line;
  }
  EXPECT_EQ(FaultOfLine(R"({"m":1e-100})", names), "1e-100 is no decimal");
  EXPECT_EQ(FaultOfLine(R"({"o":{"n" : "1e-100"}})", names), "\"1e-100\" is no decimal");
  for (const char* line :
       {R"({"l":[[1],[2,1e-100]]})", R"({"m":"1e-\u0031"})", R"({"\u006d":1e-100})",
        R"({"map":[{"key":"a","value":1e-100}]})"}) {
    EXPECT_THAT(FaultOfLine(line, names), HasSubstr("is no decimal")) << line;
  }
}

}  // namespace
}  // namespace firn::table
