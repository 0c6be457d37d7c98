// SPDX-License-Identifier: Apache-2.0
#include "iceberg/schema_text.h"

#include <gtest/gtest.h>

namespace firn::iceberg {
namespace {

std::string Parsed(std::string_view text) {
  const auto schema = ParseSchemaText(text, 2);
  if (!schema.ok()) return std::string(schema.status().message());
  return Type(schema->root).ToString();
}

TEST(SchemaText, ColumnsInTheWordsOfIcebergAndOfSql) {
  EXPECT_EQ(Parsed("id long required, ts timestamptz"),
            "struct<1: id: required long, 2: ts: optional timestamptz>");
  EXPECT_EQ(Parsed("ID BIGINT NOT NULL,t: text,n NUMERIC(9,2)"),
            "struct<1: ID: required long, 2: t: optional string, "
            "3: n: optional decimal(9, 2)>");
  EXPECT_EQ(Parsed("a fixed[16], b fixed(4), \"odd \"\"name\" uuid optional"),
            "struct<1: a: optional fixed[16], 2: b: optional fixed[4], "
            "3: odd \"name: optional uuid>");
}

TEST(SchemaText, NestedColumnsGetTheirIdsAfterTheOuterOnes) {
  const auto schema = ParseSchemaText(
      "tags map<string, long required>, "
      "points list<struct<x double, y: double required> required>, n int",
      2);
  ASSERT_TRUE(schema.ok()) << schema.status();
  EXPECT_EQ(schema->FindId("points.element.y")->value, 8);
  const ListType& points = *schema->FindColumn("points")->type.list();
  EXPECT_TRUE(points.element_required);
  EXPECT_TRUE(points.element->struct_type()->fields[1].required);
  EXPECT_TRUE(schema->FindColumn("tags")->type.map()->value_required);
  EXPECT_EQ(schema->FindColumn("n")->id.value, 3);
}

TEST(SchemaText, ADocStandsBehindItsColumn) {
  const auto schema = ParseSchemaText("price double required 'in euros', b int", 2);
  ASSERT_TRUE(schema.ok()) << schema.status();
  EXPECT_EQ(schema->FindColumn("price")->doc, "in euros");
  EXPECT_EQ(schema->FindColumn("b")->doc, "");
}

TEST(SchemaText, ErrorsNameTheCharacterAndWhatWasExpected) {
  EXPECT_EQ(Parsed(""), "character 1: expected a column, found the end");
  EXPECT_EQ(Parsed("id"), "character 3: expected a type, found the end");
  EXPECT_EQ(Parsed("id lnog"), "character 4: there is no type lnog; is long meant?");
  EXPECT_EQ(Parsed("id long,"), "character 9: expected a column, found the end");
  EXPECT_EQ(Parsed("id long x"), "character 9: expected ',' or the end, found 'x'");
  EXPECT_EQ(Parsed("id long not"),
            "character 12: expected null, as in `not null`, found the end");
  EXPECT_EQ(Parsed("m map<string>"), "character 13: expected ',', found '>'");
  EXPECT_EQ(Parsed("d decimal(40, 2)").substr(0, 12), "character 3:");
  EXPECT_EQ(
      Parsed("a int, b\xff int"),
      R"(character 9: the byte "\xff" is not UTF-8: names and texts of a table are)");
  EXPECT_EQ(Parsed("a int 'doc"), "character 8: the text does not end with '");
}

TEST(SchemaText, WhatATableCannotHaveIsRefused) {
  EXPECT_NE(Parsed("a int, a long").find("a"), std::string::npos);
  EXPECT_FALSE(ParseSchemaText("a int, a long", 2).ok());
  EXPECT_FALSE(ParseSchemaText("t timestamp_ns", 2).ok());
  EXPECT_TRUE(ParseSchemaText("t timestamp_ns", 3).ok());
  std::string deep = "a ";
  for (int i = 0; i < 100; ++i) deep += "list<";
  EXPECT_NE(Parsed(deep).find("too deeply"), std::string::npos);
}

}  // namespace
}  // namespace firn::iceberg
