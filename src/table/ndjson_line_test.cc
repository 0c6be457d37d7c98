// SPDX-License-Identifier: Apache-2.0
#include "table/ndjson_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace firn::table {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using namespace std::string_view_literals;

TEST(NdjsonLineTest, OneObjectIsNoFault) {
  for (const char* line :
       {"", " \t\r", "{}", " {\"a\":[1,{\"b\":\"}\"}]} \r", R"({"a":"\"}{\\"})",
        "{\"a\":1e-100}", R"({"a":-0.5E+3,"b":[ ],"c":{ },"d":null,"e":true,"f":false})",
        R"({"a":NaN,"b":-Infinity,"c":Inf})", R"({"\u00e4":"\ud83d\ude00\b\f\n\r\t\/"})",
        "{\"a\":\"\xff\"}"}) {
    EXPECT_EQ(FaultOfLine(line), "") << line;
  }
}

TEST(NdjsonLineTest, WhatIsNotOneObjectIsAFault) {
  EXPECT_THAT(FaultOfLine("null"), HasSubstr("it is no object"));
  EXPECT_THAT(FaultOfLine("[{}]"), HasSubstr("it is no object"));
  for (const auto line :
       {"{}{}"sv, "{\"a\":1}}"sv, "{\"a\":1} x"sv, "{}\0"sv, "{\"a\":1}]"sv}) {
    EXPECT_EQ(FaultOfLine(line), "there is more on it than one object") << line;
  }
  for (const char* line : {"{", "{\"a", "{\"a\\", "{\"a\\\"}", "{\"o\":{\"a\":1}",
                           "{\"a\":", "{\"a\":1", "{\"a\":[1"}) {
    EXPECT_EQ(FaultOfLine(line), "its object does not end") << line;
  }
}

TEST(NdjsonLineTest, WhatIsNotJsonIsSaidWithItsPlace) {
  EXPECT_EQ(FaultOfLine("{\"a\" 1}"), "byte 6: a colon is missing");
  EXPECT_EQ(FaultOfLine("{\"a\":1,}"), "byte 8: a name between quotes is missing");
  EXPECT_EQ(FaultOfLine("{a:1}"), "byte 2: a name between quotes is missing");
  EXPECT_EQ(FaultOfLine("{\"a\":[1}"), "byte 8: a comma or ] is missing");
  EXPECT_EQ(FaultOfLine("{\"a\":1]"), "byte 7: a comma or } is missing");
  EXPECT_EQ(FaultOfLine("{\"a\":\"\t\"}"), "byte 7: a control character is not escaped");
  for (const char* value : {"01", "+1", "1.", ".5", "1e", "-", "0x10", "nul", "True",
                            "'x'", "[1,]", "Infinit", R"("\x")", R"("\u12")",
                            R"("\ud800")", R"("\udc00")", R"("\ud800\u0041")"}) {
    EXPECT_THAT(FaultOfLine("{\"a\":" + std::string(value) + "}"), HasSubstr("byte "))
        << value;
  }
  EXPECT_EQ(FaultOfLine("{\"\xff\":1}"), "a name on it is not UTF-8");
}

TEST(NdjsonLineTest, NestingHasAnEnd) {
  const auto nested = [](int depth) {
    return "{\"a\":" + std::string(static_cast<std::size_t>(depth) - 1, '[') +
           std::string(static_cast<std::size_t>(depth) - 1, ']') + "}";
  };
  EXPECT_EQ(FaultOfLine(nested(64)), "");
  EXPECT_THAT(FaultOfLine(nested(65)), HasSubstr("nested deeper than 64"));
  EXPECT_THAT(FaultOfLine(nested(1'000'000)), HasSubstr("nested deeper than 64"));
}

TEST(NdjsonLineTest, ACursorTakesWhatIsThere) {
  JsonCursor json(
      R"( { "a" : "x\u00e4\ud83d\ude00\"" , "b":[ 1.5 , null,{}], "c":true})");
  ASSERT_EQ(json.kind(), JsonKind::kObject);
  std::vector<std::string> seen;
  for (bool more = json.Open(); more; more = json.More()) {
    seen.emplace_back(json.TakeName());
    switch (json.kind()) {
      case JsonKind::kText:
        seen.emplace_back(json.TakeText());
        break;
      case JsonKind::kArray:
        seen.emplace_back(json.Skip());
        break;
      default:
        seen.emplace_back(json.TakeWord());
    }
  }
  EXPECT_THAT(seen, ElementsAre("a", "xä😀\"", "b", "[ 1.5 , null,{}]", "c", "true"));
}

}  // namespace
}  // namespace firn::table
