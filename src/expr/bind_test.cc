// SPDX-License-Identifier: Apache-2.0
#include "expr/bind.h"

#include <gtest/gtest.h>

#include <string>

#include "arrow/type.h"

#include "expr/filter_text.h"

namespace firn::expr {
namespace {

std::shared_ptr<arrow::Schema> EveryType() {
  using arrow::field;
  using arrow::TimeUnit;
  return arrow::schema(
      {field("flag", arrow::boolean()),
       field("i", arrow::int32()),
       field("u", arrow::uint64()),
       field("h", arrow::float16()),
       field("f", arrow::float32()),
       field("d", arrow::float64()),
       field("dec", arrow::decimal128(9, 2)),
       field("wide", arrow::decimal256(50, 2)),
       field("s", arrow::large_utf8()),
       field("b", arrow::binary()),
       field("id", arrow::fixed_size_binary(16)),
       field("fix", arrow::fixed_size_binary(4)),
       field("day", arrow::date32()),
       field("at", arrow::time64(TimeUnit::NANO)),
       field("ts", arrow::timestamp(TimeUnit::MICRO, "UTC")),
       field("local", arrow::timestamp(TimeUnit::NANO)),
       field("code", arrow::dictionary(arrow::int32(), arrow::utf8())),
       field("list", arrow::list(arrow::int32())),
       field("host", arrow::struct_({field("name", arrow::utf8()),
                                     field("up", arrow::timestamp(TimeUnit::SECOND))})),
       field("a.b", arrow::int8())});
}

// The bound filter as text, or the error.
std::string Bound(std::string_view text) {
  const auto parsed = ParseFilter(text);
  if (!parsed.ok()) return std::string(parsed.status().message());
  const auto bound = BindToSchema(*parsed, *EveryType());
  if (bound.ok()) return ToString(**bound);
  EXPECT_EQ(bound.status().code(), StatusCode::kInvalidArgument);
  return std::string(bound.status().message());
}

TEST(BindToSchema, TextBecomesWhatTheColumnHolds) {
  EXPECT_EQ(Bound("ts >= '2024-01-01'"), "ts >= TIMESTAMP '2024-01-01T00:00:00Z'");
  EXPECT_EQ(Bound("ts = date '2024-01-01'"), "ts = TIMESTAMP '2024-01-01T00:00:00Z'");
  EXPECT_EQ(Bound("local < '2024-01-01 00:00:00.000000001'"),
            "local < TIMESTAMP '2024-01-01T00:00:00.000000001Z'");
  EXPECT_EQ(Bound("day in ('2024-01-01', '2024-01-02')"),
            "day IN (DATE '2024-01-01', DATE '2024-01-02')");
  EXPECT_EQ(Bound("at between '01:00' and '02:00'"),
            "(at >= TIME '01:00:00' AND at <= TIME '02:00:00')");
  EXPECT_EQ(Bound("dec = '1.50' or wide = '-7'"), "(dec = 1.50 OR wide = -7)");
  EXPECT_EQ(Bound("id = '00112233-4455-6677-8899-aabbccddeeff'"),
            "id = X'00112233445566778899aabbccddeeff'");
  EXPECT_EQ(Bound("b = 'abc'"), "b = X'616263'");
  EXPECT_EQ(Bound("code = 'x' and s <> 'y'"), "(code = 'x' AND s <> 'y')");
  EXPECT_EQ(Bound("host.up = '1970-01-02' and \"a.b\" = 1"),
            "(host.up = TIMESTAMP '1970-01-02T00:00:00Z' AND a.b = 1)");
}

TEST(BindToSchema, DecimalsBecomeTheNearestReal) {
  EXPECT_EQ(Bound("d = 0.1"), "d = 0.1e0");
  EXPECT_EQ(Bound("f = 0.1"), "f = 0.10000000149011612e0");
  EXPECT_EQ(Bound("h = 0.1"), "h = 0.0999755859375e0");
  EXPECT_EQ(Bound("d = 5 and i = 2.5 and dec = 1e2 and u = 18446744073709551615"),
            "(d = 5 AND i = 2.5 AND dec = 100e0 AND u = 18446744073709551615.)");
}

TEST(BindToSchema, WhatNeedsNoLiteral) {
  EXPECT_EQ(Bound("list is null or not host is not null"),
            "(list IS NULL OR NOT (host IS NOT NULL))");
  EXPECT_EQ(Bound("starts_with(s, 'a') and code like '%x_' and b like '_%'"),
            "(starts_with(s, 'a') AND code LIKE '%x_' AND b LIKE '_%')");
  EXPECT_EQ(Bound("true"), "true");
  const auto none = BindToSchema(nullptr, *EveryType());
  ASSERT_TRUE(none.ok());
  EXPECT_EQ(*none, nullptr);
}

TEST(BindToSchema, ErrorsNameColumnTypeAndLiteral) {
  EXPECT_EQ(Bound("nothing = 1"), "filter: there is no column nothing");
  EXPECT_EQ(Bound("host.nam is null"),
            "filter: there is no column host.nam; did you mean host.name?");
  EXPECT_EQ(Bound("i.x = 1"), "filter: there is no column i.x; did you mean i?");
  EXPECT_EQ(Bound("ts > 'yesterday'"),
            "filter: column ts is timestamp[us, tz=UTC], which 'yesterday' does not "
            "compare with");
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"flag = 1", "1"},
      {"i = 'x'", "'x'"},
      {"i = true", "true"},
      {"d = 'x'", "'x'"},
      {"dec = '1e2'", "'1e2'"},
      {"dec = '1.2.3'", "'1.2.3'"},
      {"dec = ''", "''"},
      {"s = 5", "5"},
      {"b = 5", "5"},
      {"fix = 'abcd'", "'abcd'"},
      {"id = '1234'", "'1234'"},
      {"day = 5", "5"},
      {"day = '2024-02-30'", "'2024-02-30'"},
      {"at = '25:00'", "'25:00'"},
      {"ts = 5", "5"},
      {"list = 5", "5"},
      {"code in ('x', 5)", "5"},
      {"host = 'x'", "'x'"},
      {"ts = time '01:00'", "TIME '01:00:00'"},
      {"day = timestamp '2024-01-01'", "TIMESTAMP '2024-01-01T00:00:00Z'"}};
  for (const auto& [text, literal] : cases) {
    const std::string error = Bound(text);
    EXPECT_NE(error.find("which " + std::string(literal) + " does not compare with"),
              std::string::npos)
        << text << ": " << error;
  }
  EXPECT_EQ(Bound("i like 'a%b'"), "filter: column i is int32, which is no text");
  EXPECT_EQ(Bound("starts_with(ts, 'a')"),
            "filter: column ts is timestamp[us, tz=UTC], which is no text");
}

}  // namespace
}  // namespace firn::expr
