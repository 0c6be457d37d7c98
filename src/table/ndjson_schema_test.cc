// SPDX-License-Identifier: Apache-2.0
#include "table/ndjson_schema.h"

#include <arrow/type.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace firn::table {
namespace {

using testing::HasSubstr;

// `name: type` of each column, or what is wrong.
std::string Guess(std::string_view text, std::int32_t block_bytes = 1 << 20) {
  const auto schema = GuessNdjsonSchema(text, block_bytes);
  if (!schema.ok()) return std::string(schema.status().message());
  std::string out;
  for (const auto& field : (*schema)->fields()) {
    out += (out.empty() ? "" : ", ") + field->name() + ": " + field->type()->ToString();
  }
  return out;
}

TEST(NdjsonSchemaTest, AllLinesDecide) {
  EXPECT_EQ(Guess("{\"a\":1}\n\n{\"a\":2.5,\"b\":\"x\"}\n{\"c\":null}"),
            "a: double, b: string, c: string");
  EXPECT_EQ(Guess("{\"t\":\"2024-01-02T03:04:05Z\",\"p\":{\"q\":[1]}}\n"),
            "t: timestamp[us, tz=UTC], p: struct<q: list<item: int64>>");
}

// As firn writes them (wire/arrow_json.h): numbers, where others are.
TEST(NdjsonSchemaTest, TextOfWhatIsNotFiniteIsANumberAmongNumbers) {
  EXPECT_EQ(Guess("{\"a\":\"NaN\",\"b\":\"NaN\"}\n{\"a\":1,\"b\":\"-Inf\"}\n"),
            "a: double, b: string");
  EXPECT_EQ(Guess("{\"a\":\"NaN\"}\n{\"a\":\"word\"}\n{\"a\":NaN}\n"), "a: string");
  EXPECT_EQ(Guess("{\"a\":NaN}\n{\"a\":\"+Inf\"}\n"), "a: double");
}

TEST(NdjsonSchemaTest, WhatIsNestedIsGuessedLikewise) {
  EXPECT_EQ(Guess("{\"o\":{\"at\":\"2024-01-02 03:04\",\"l\":[]}}\n"
                  "{\"o\":{\"l\":[null,{\"x\":1}],\"n\":9223372036854775808}}\n"
                  "{\"o\":null}\n"),
            "o: struct<at: timestamp[us], l: list<item: struct<x: int64>>, n: double>");
  EXPECT_EQ(Guess("{\"l\":[1,\"x\"]}\n{\"l\":[2]}\n{\"a\":1,\"a\":1}\n"),
            "l: list<item: int64>");
}

TEST(NdjsonSchemaTest, NamesHaveABound) {
  std::string text;
  for (std::int64_t i = 0; i < kGuessedFieldsMax; ++i) {
    text += "{\"k" + std::to_string(i) + "\":1}\n";
  }
  EXPECT_TRUE(GuessNdjsonSchema(text, 1 << 20).ok());
  EXPECT_THAT(Guess(text + "{\"k0\":{\"x\":1}}\n{\"last\":1}\n"), HasSubstr("k0: int64"));
  EXPECT_THAT(Guess(text + "{\"last\":1}\n"),
              testing::AllOf(HasSubstr("more than 5000 different names"),
                             HasSubstr("firn table create")));
}

TEST(NdjsonSchemaTest, LinesThatDoNotParseDecideNothing) {
  EXPECT_EQ(
      Guess("word\n{\"a\":1}\n{\"a\":2,}\n{\"a\":\"x\"}{\"a\":1}\nnull\n{\"b\":true}\n"),
      "a: int64, b: bool");
  EXPECT_EQ(Guess("{\"z\":\n{\"a\":1}\n"), "a: int64");
}

TEST(NdjsonSchemaTest, OfLinesThatDoNotGoTogetherTheFirstDecides) {
  EXPECT_EQ(
      Guess("{\"a\":1}\n{\"a\":2,\"b\":1}\n{\"a\":\"x\",\"c\":1}\n{\"a\":3,\"d\":1}\n"),
      "a: int64, b: int64");
  EXPECT_EQ(Guess("{\"a\":\"x\"}\n{\"a\":1}\n"), "a: string");
}

TEST(NdjsonSchemaTest, ALineThatIsCutOffDecidesNothing) {
  EXPECT_EQ(Guess("{\"a\":1}\n{\"a\":2,\"b"), "a: int64");
}

// As CSV guesses them.
TEST(NdjsonSchemaTest, TextMayBeDatesAndTimes) {
  EXPECT_EQ(Guess("{\"d\":\"2020-01-01\",\"t\":\"03:04:05\",\"l\":[\"03:04\",null]}\n"
                  "{\"d\":null,\"t\":\" 03:04:05.5\"}\n"),
            "d: date32[day], t: time64[us], l: list<item: time64[us]>");
  const std::string texts[] = {"2020-01-01", "03:04:05", "2020-01-01T03:04:05",
                               "2020-01-01T03:04:05Z", "word"};
  for (const std::string& a : texts) {
    for (const std::string& b : texts) {
      const bool is_local = a + b == texts[0] + texts[2] || a + b == texts[2] + texts[0];
      if (a == b) continue;
      EXPECT_EQ(Guess("{\"a\":\"" + a + "\"}\n{\"a\":\"" + b + "\"}\n"),
                is_local ? "a: timestamp[us]" : "a: string")
          << a << " " << b;
    }
  }
  EXPECT_EQ(Guess("{\"a\":\"2020-01-01\"}\n{\"a\":\"2020-01-01T00:00\"}\n"
                  "{\"a\":\"2020-01-02\"}\n"),
            "a: timestamp[us]");
  EXPECT_EQ(Guess("{\"a\":\"2020-13-01\",\"b\":\"24:00\"}\n"), "a: string, b: string");
}

TEST(NdjsonSchemaTest, WithoutANameThereAreNoColumns) {
  EXPECT_THAT(Guess("{}\n{ }\n"),
              testing::AllOf(HasSubstr("no line of its beginning has a name"),
                             HasSubstr("firn table create")));
  EXPECT_EQ(Guess("{}\n{\"a\":1}\n"), "a: int64");
}

TEST(NdjsonSchemaTest, TheFirstLineSaysWhyThereAreNoColumns) {
  const std::string deep = std::string(200, '[') + std::string(200, ']');
  EXPECT_THAT(Guess("{\"a\":" + deep + "}\nword\n"),
              testing::StartsWith("line 1: it is "));
  EXPECT_THAT(Guess("\n{\"a\":1,\"a\":2}\n"),
              testing::StartsWith("line 2: the name \"a\" is there twice; no line of "));
  EXPECT_THAT(Guess("{\"a\":[1,\"x\"]}\n"),
              testing::StartsWith("line 1: an array has values of several types"));
  EXPECT_THAT(Guess("{\"a\":\"" + std::string(100, 'x') + "\"}\n", 64),
              testing::StartsWith("line 1: it is longer than 64 bytes; no line of "));
  EXPECT_THAT(Guess("{\"a\":"), testing::StartsWith("line 1: its object does not end"));
}

TEST(NdjsonSchemaTest, WithoutAnObjectThereAreNoColumns) {
  for (const char* text : {"", "\n", "word\n", "{\"a\":\n", "1\n2\n"}) {
    EXPECT_THAT(Guess(text), HasSubstr("is an object that parses")) << text;
  }
}

}  // namespace
}  // namespace firn::table
