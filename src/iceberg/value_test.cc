// SPDX-License-Identifier: Apache-2.0
#include "iceberg/value.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "iceberg/single_value.h"
#include "iceberg/transform.h"

namespace firn::iceberg {
namespace {

std::string FromHex(std::string_view hex) {
  std::string out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    out.push_back(
        static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return out;
}

TEST(Type, ParsesWhatItPrints) {
  for (const PrimitiveType& type :
       {kBoolean, kInt, kLong, kFloat, kDouble, kDate, kTime, kTimestamp, kTimestamptz,
        kTimestampNs, kTimestamptzNs, kString, kUuid, kBinary, kUnknown, kVariant,
        FixedType(16), DecimalType(9, 2), DecimalType(38, 38)}) {
    const auto parsed = ParsePrimitiveType(ToString(type));
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_EQ(*parsed, type);
  }
  EXPECT_EQ(*ParsePrimitiveType("decimal(9,2)"), DecimalType(9, 2));
  for (const char* text : {"", "strin", "fixed[0]", "fixed[x]", "decimal(39, 1)",
                           "decimal(3, 4)", "decimal(3)", "fixed[99999999999]"}) {
    EXPECT_EQ(ParsePrimitiveType(text).status().code(), StatusCode::kInvalidArgument)
        << text;
  }
  EXPECT_EQ(ParsePrimitiveType("geometry(srid:4326)").status(),
            Status::Unimplemented("type geometry is not read"));
  EXPECT_EQ(ParsePrimitiveType("geography").status(),
            Status::Unimplemented("type geography is not read"));
}

TEST(SingleValue, RoundTripsEveryType) {
  const std::pair<PrimitiveType, Value> cases[] = {
      {kBoolean, true},
      {kInt, std::int32_t{-5}},
      {kLong, std::int64_t{1} << 40},
      {kFloat, 1.5F},
      {kDouble, -0.25},
      {kDate, std::int32_t{20454}},
      {kTime, std::int64_t{1}},
      {kTimestamptz, std::int64_t{-1}},
      {kString, std::string("ice")},
      {kUuid, Bytes{std::string(16, 'u')}},
      {FixedType(3), Bytes{"abc"}},
      {kBinary, Bytes{std::string("\0\xff", 2)}},
      {DecimalType(9, 2), Decimal{-1420}},
      {DecimalType(38, 0), Decimal{-(Decimal::Unscaled{1} << 100)}},
  };
  for (const auto& [type, value] : cases) {
    const auto parsed = ParseValue(SerializeValue(value, type), type);
    ASSERT_TRUE(parsed.ok()) << ToString(type) << ": " << parsed.status();
    EXPECT_EQ(*parsed, value) << ToString(type);
  }
}

TEST(SingleValue, HasTheSpecifiedBytes) {
  EXPECT_EQ(SerializeValue(std::int32_t{34}, kInt), FromHex("22000000"));
  EXPECT_EQ(SerializeValue(std::int64_t{34}, kLong), FromHex("2200000000000000"));
  EXPECT_EQ(SerializeValue(true, kBoolean), FromHex("01"));
  EXPECT_EQ(SerializeValue(Decimal{1420}, DecimalType(9, 2)), FromHex("058c"));
  EXPECT_EQ(SerializeValue(Decimal{0}, DecimalType(9, 2)), FromHex("00"));
  EXPECT_EQ(SerializeValue(Decimal{-1}, DecimalType(9, 2)), FromHex("ff"));
  EXPECT_EQ(SerializeValue(Decimal{128}, DecimalType(9, 2)), FromHex("0080"));
  EXPECT_EQ(SerializeValue(Decimal{-128}, DecimalType(9, 2)), FromHex("80"));
}

TEST(SingleValue, RefusesWhatDoesNotFit) {
  EXPECT_EQ(ParseValue("abc", kInt).status().code(), StatusCode::kCorruption);
  EXPECT_EQ(ParseValue("", kBoolean).status().code(), StatusCode::kCorruption);
  EXPECT_EQ(ParseValue("abc", kUuid).status().code(), StatusCode::kCorruption);
  EXPECT_EQ(ParseValue("", DecimalType(3, 0)).status().code(), StatusCode::kCorruption);
  EXPECT_EQ(ParseValue(FromHex("0fff"), DecimalType(3, 0)).status().code(),
            StatusCode::kCorruption);
  EXPECT_EQ(ParseValue(std::string(17, '\x01'), DecimalType(38, 0)).status().code(),
            StatusCode::kCorruption);
  EXPECT_EQ(ParseValue(std::string(8, '\xff'), kTime).status().code(),
            StatusCode::kCorruption);
}

TEST(SingleValue, TakesBoundsFromBeforeAPromotion) {
  EXPECT_EQ(*ParseValue(SerializeValue(std::int32_t{-7}, kInt), kLong),
            Value(std::int64_t{-7}));
  EXPECT_EQ(*ParseValue(SerializeValue(1.5F, kFloat), kDouble), Value(1.5));
  const std::string day = SerializeValue(std::int32_t{-1}, kDate);
  EXPECT_EQ(*ParseValue(day, kTimestamp), Value(std::int64_t{-86'400'000'000}));
  EXPECT_EQ(*ParseValue(day, kTimestampNs), Value(std::int64_t{-86'400'000'000'000}));
  EXPECT_EQ(ParseValue(day, kTimestamptz).status().code(), StatusCode::kCorruption);
  const std::string far = SerializeValue(std::int32_t{200'000'000}, kDate);
  EXPECT_EQ(ParseValue(far, kTimestamp).status().code(), StatusCode::kCorruption);
}

std::optional<std::string> Upper(const std::string& text, std::size_t length = 16) {
  const auto bound = TruncateUpperBound(text, kString, length);
  return bound ? std::optional(std::get<std::string>(*bound)) : std::nullopt;
}

TEST(Bounds, StringsAreCutByCodePoint) {
  EXPECT_EQ(TruncateLowerBound(std::string("0123456789abcdefXYZ"), kString),
            Value(std::string("0123456789abcdef")));
  EXPECT_EQ(TruncateLowerBound(std::string("héllo"), kString, 2),
            Value(std::string("hé")));
  EXPECT_EQ(Upper("0123456789abcdef"), "0123456789abcdef");
  EXPECT_EQ(Upper("0123456789abcdefg"), "0123456789abcdeg");
  EXPECT_EQ(Upper("héllo", 2), "hê");
  // The last code point before the surrogates is followed by the first after them.
  EXPECT_EQ(Upper("a\xed\x9f\xbfz", 2), "a\xee\x80\x80");
  // U+10FFFF cannot grow, so what is before it does.
  EXPECT_EQ(Upper("a\xf4\x8f\xbf\xbfz", 2), "b");
  EXPECT_EQ(Upper("\xf4\x8f\xbf\xbfz", 1), std::nullopt);
  // 0x7f grows into two bytes.
  EXPECT_EQ(Upper("\x7fz", 1), "\xc2\x80");
}

TEST(Bounds, TextThatIsNoUtf8IsBoundedByBytes) {
  for (const std::string& text :
       {std::string("\xff\xff\xff"), std::string("a\x80\x80\x80\x80\x80\x80zzz"),
        std::string("\xc3zzzz"), std::string("ab\xf8zzz")}) {
    for (std::size_t length = 1; length < 5; ++length) {
      const auto bound = Upper(text, length);
      if (bound) {
        EXPECT_GE(*bound, text);
      }
      EXPECT_LE(std::get<std::string>(TruncateLowerBound(text, kString, length)), text);
    }
  }
}

TEST(Bounds, BinariesAreCutByByte) {
  const Value value = Bytes{std::string("\x01\xff\xff\x05", 4)};
  EXPECT_EQ(TruncateLowerBound(value, kBinary, 2), Value(Bytes{"\x01\xff"}));
  EXPECT_EQ(TruncateUpperBound(value, kBinary, 3), Value(Bytes{"\x02"}));
  EXPECT_EQ(TruncateUpperBound(Bytes{"\xff\xff"}, kBinary, 1), std::nullopt);
  // A fixed value is never cut: its length is part of its type.
  EXPECT_EQ(TruncateUpperBound(Bytes{std::string(20, 'x')}, FixedType(20)),
            Value(Bytes{std::string(20, 'x')}));
}

TEST(Value, OrdersFloatsWithNanLast) {
  const double nan = std::nan("");
  EXPECT_EQ(CompareValues(-0.0, 0.0), -1);
  EXPECT_EQ(CompareValues(nan, std::numeric_limits<double>::infinity()), 1);
  EXPECT_EQ(CompareValues(nan, nan), 0);
  EXPECT_EQ(CompareValues(std::string("\x7f"), std::string("\x80")), -1);
}

TEST(Value, TakesLiteralsThatFit) {
  EXPECT_EQ(*ValueFromLiteral(std::int64_t{5}, kInt), Value(std::int32_t{5}));
  EXPECT_EQ(*ValueFromLiteral(std::int64_t{5}, DecimalType(9, 2)), Value(Decimal{500}));
  EXPECT_EQ(*ValueFromLiteral(expr::Timestamp{7}, kTimestamptz), Value(std::int64_t{7}));
  EXPECT_FALSE(ValueFromLiteral(std::int64_t{1} << 40, kInt).ok());
  EXPECT_FALSE(ValueFromLiteral(std::numeric_limits<std::int64_t>::max(), kDouble).ok());
  EXPECT_FALSE(ValueFromLiteral(0.1, kFloat).ok());
  EXPECT_FALSE(ValueFromLiteral(std::string("x"), kBinary).ok());
  EXPECT_FALSE(ValueFromLiteral(expr::Binary{"x"}, kUuid).ok());

  EXPECT_EQ(*ValueFromLiteral(expr::Decimal{150, 2}, DecimalType(9, 3)),
            Value(Decimal{1500}));
  EXPECT_EQ(*ValueFromLiteral(2.5, DecimalType(9, 1)), Value(Decimal{25}));
  EXPECT_EQ(*ValueFromLiteral(expr::Decimal{500, 2}, kInt), Value(std::int32_t{5}));
  EXPECT_EQ(*ValueFromLiteral(expr::TimeOfDay{7000}, kTime), Value(std::int64_t{7}));
  EXPECT_EQ(*ValueFromLiteral(expr::Timestamp{-1, 999}, kTimestampNs),
            Value(std::int64_t{-1}));
  EXPECT_FALSE(ValueFromLiteral(expr::Decimal{1, 3}, DecimalType(9, 2)).ok());
  EXPECT_FALSE(ValueFromLiteral(expr::Decimal{1'000'000'000, 0}, DecimalType(9, 0)).ok());
  EXPECT_FALSE(ValueFromLiteral(0.1, DecimalType(9, 2)).ok());
  EXPECT_FALSE(ValueFromLiteral(expr::TimeOfDay{7001}, kTime).ok());
  EXPECT_FALSE(ValueFromLiteral(expr::Timestamp{0, 1}, kTimestamp).ok());
  EXPECT_FALSE(
      ValueFromLiteral(expr::Timestamp{std::int64_t{1} << 60}, kTimestampNs).ok());
}

TEST(Value, GoesIntoALiteralAndBack) {
  const std::pair<Value, PrimitiveType> cases[] = {
      {true, kBoolean},
      {std::int32_t{-5}, kInt},
      {std::int64_t{-5}, kLong},
      {1.5f, kFloat},
      {-0.25, kDouble},
      {Decimal{-12345}, DecimalType(9, 2)},
      {std::int32_t{20455}, kDate},
      {std::int64_t{86'399'999'999}, kTime},
      {std::int64_t{-1}, kTimestamp},
      {std::numeric_limits<std::int64_t>::min(), kTimestampNs},
      {std::string("text"), kString},
      {Bytes{std::string(16, 'x')}, kUuid},
      {Bytes{"bytes"}, kBinary}};
  for (const auto& [value, type] : cases) {
    const auto back = ValueFromLiteral(ValueToLiteral(value, type), type);
    ASSERT_TRUE(back.ok()) << ToString(type) << ": " << back.status();
    EXPECT_EQ(*back, value) << ToString(type);
  }
}

TEST(Value, PrintsForPeople) {
  EXPECT_EQ(ValueToString(std::int32_t{20455}, kDate), "2026-01-02");
  EXPECT_EQ(ValueToString(std::int32_t{-1}, kDate), "1969-12-31");
  constexpr std::int64_t kEarliest = std::numeric_limits<std::int64_t>::min();
  EXPECT_EQ(ValueToString(kEarliest, kTimestamp), "-290308-12-21T19:59:05.224192");
  EXPECT_EQ(ValueToString(kEarliest, kTimestampNs), "1677-09-21T00:12:43.145224192");
  EXPECT_EQ(ValueToString(std::int64_t{-1}, kTimestamptz),
            "1969-12-31T23:59:59.999999+00:00");
  EXPECT_EQ(ValueToString(Decimal{-5}, DecimalType(9, 2)), "-0.05");
  EXPECT_EQ(ValueToString(Bytes{FromHex("f79c3e09677c4bbda4793f349cb785e7")}, kUuid),
            "f79c3e09-677c-4bbd-a479-3f349cb785e7");
}

// The table of the specification's appendix B.
TEST(Transform, BucketHashesAreTheSpecified) {
  EXPECT_EQ(BucketHash(kInt, std::int32_t{34}), 2017239379);
  EXPECT_EQ(BucketHash(kLong, std::int64_t{34}), 2017239379);
  EXPECT_EQ(BucketHash(DecimalType(9, 2), Decimal{1420}), -500754589);
  EXPECT_EQ(BucketHash(kDate, std::int32_t{17486}), -653330422);
  EXPECT_EQ(BucketHash(kTime, std::int64_t{81068000000}), -662762989);
  EXPECT_EQ(BucketHash(kTimestamp, std::int64_t{1510871468000000}), -2047944441);
  EXPECT_EQ(BucketHash(kTimestampNs, std::int64_t{1510871468000001001}), -1207196810);
  EXPECT_EQ(BucketHash(kString, std::string("iceberg")), 1210000089);
  EXPECT_EQ(BucketHash(kUuid, Bytes{FromHex("f79c3e09677c4bbda4793f349cb785e7")}),
            1488055340);
  EXPECT_EQ(BucketHash(FixedType(4), Bytes{FromHex("00010203")}), -188683207);
  EXPECT_EQ(BucketHash(kBinary, Bytes{FromHex("00010203")}), -188683207);
}

OptionalValue Apply(const char* transform, const PrimitiveType& type, Value value) {
  return ApplyTransform(ParseTransform(transform), type, std::move(value));
}

TEST(Transform, TimesRoundTowardsThePast) {
  const std::int64_t us = 1510871468000001;  // 2017-11-16T22:31:08
  EXPECT_EQ(Apply("year", kTimestamp, us), Value(std::int32_t{47}));
  EXPECT_EQ(Apply("month", kTimestamp, us), Value(std::int32_t{574}));
  EXPECT_EQ(Apply("day", kTimestamp, us), Value(std::int32_t{17486}));
  EXPECT_EQ(Apply("hour", kTimestamp, us), Value(std::int32_t{419686}));
  for (const char* transform : {"year", "month", "day", "hour"}) {
    EXPECT_EQ(Apply(transform, kTimestamptz, std::int64_t{-1}), Value(std::int32_t{-1}))
        << transform;
    EXPECT_EQ(Apply(transform, kTimestamptz, std::int64_t{0}), Value(std::int32_t{0}))
        << transform;
  }
  EXPECT_EQ(Apply("month", kDate, std::int32_t{58}), Value(std::int32_t{1}));
  EXPECT_EQ(Apply("month", kDate, std::int32_t{59}), Value(std::int32_t{2}));
  EXPECT_EQ(Apply("day", kTimestampNs, std::int64_t{-1}), Value(std::int32_t{-1}));
  EXPECT_EQ(ApplyTransform(Transform::Day(), kTimestamptz, std::nullopt), std::nullopt);
}

TEST(Transform, TruncatesAsSpecified) {
  EXPECT_EQ(Apply("truncate[10]", kInt, std::int32_t{1}), Value(std::int32_t{0}));
  EXPECT_EQ(Apply("truncate[10]", kInt, std::int32_t{-1}), Value(std::int32_t{-10}));
  EXPECT_EQ(Apply("truncate[10]", kLong, std::int64_t{-1}), Value(std::int64_t{-10}));
  EXPECT_EQ(Apply("truncate[50]", DecimalType(9, 2), Decimal{1065}),
            Value(Decimal{1050}));
  EXPECT_EQ(Apply("truncate[3]", kString, std::string("iceberg")),
            Value(std::string("ice")));
  EXPECT_EQ(Apply("void", kString, std::string("iceberg")), std::nullopt);
  EXPECT_EQ(Apply("bucket[16]", kString, std::string("iceberg")),
            Value(std::int32_t{1210000089 % 16}));
}

TEST(Transform, KnowsWhatItTakes) {
  EXPECT_EQ(*ResultType(Transform::Day(), kTimestamptz), kDate);
  EXPECT_EQ(*ResultType(ParseTransform("hour"), kTimestamptz), kInt);
  EXPECT_FALSE(ResultType(ParseTransform("hour"), kDate).ok());
  EXPECT_FALSE(ResultType(ParseTransform("bucket[4]"), kDouble).ok());
  EXPECT_FALSE(ResultType(ParseTransform("truncate[4]"), kDouble).ok());
  const Transform unknown = ParseTransform("zorder[a,b]");
  EXPECT_EQ(unknown.kind, TransformKind::kUnknown);
  EXPECT_EQ(ToString(unknown), "zorder[a,b]");
  EXPECT_EQ(ResultType(unknown, kInt).status().code(), StatusCode::kUnimplemented);
  EXPECT_EQ(ParseTransform("bucket[0]").kind, TransformKind::kUnknown);
}

// Every value lies in the range that its transformed value is turned back into.
TEST(Transform, SourceRangesHoldTheirValues) {
  for (const char* text : {"identity", "year", "month", "day", "hour"}) {
    const Transform transform = ParseTransform(text);
    for (std::int64_t us = -400'000'000'000'000; us < 2'000'000'000'000'000;
         us += 7'777'777'777'777) {
      const OptionalValue value = ApplyTransform(transform, kTimestamptz, Value(us));
      const auto range = SourceRangeOf(transform, kTimestamptz, *value);
      ASSERT_TRUE(range.has_value());
      EXPECT_LE(std::get<std::int64_t>(*range->first), us) << text;
      EXPECT_GE(std::get<std::int64_t>(*range->last), us) << text;
      // The ends belong to the same value, and what lies beyond does not.
      EXPECT_EQ(ApplyTransform(transform, kTimestamptz, range->first), value) << text;
      EXPECT_EQ(ApplyTransform(transform, kTimestamptz, range->last), value) << text;
      const Value after = std::get<std::int64_t>(*range->last) + 1;
      EXPECT_NE(ApplyTransform(transform, kTimestamptz, after), value) << text;
    }
  }
  const Transform truncate = Transform::Truncate(3);
  const auto range = SourceRangeOf(truncate, kString, std::string("ice"));
  EXPECT_LE(std::get<std::string>(*range->first), "iceberg");
  EXPECT_GE(std::get<std::string>(*range->last), "iceberg\xff");
  EXPECT_FALSE(SourceRangeOf(Transform::Bucket(4), kInt, std::int32_t{1}).has_value());
  EXPECT_FALSE(SourceRangeOf(Transform::Day(), kTimestamptz,
                             std::numeric_limits<std::int32_t>::max())
                   .has_value());
}

TEST(Transform, PrintsPartitionValues) {
  const auto print = [](const char* text, std::int32_t value) {
    return TransformedToString(ParseTransform(text), kTimestamptz, Value(value));
  };
  EXPECT_EQ(print("year", 56), "2026");
  EXPECT_EQ(print("month", 56 * 12 + 1), "2026-02");
  EXPECT_EQ(print("month", -1), "1969-12");
  EXPECT_EQ(print("day", 20455), "2026-01-02");
  EXPECT_EQ(print("hour", 20455 * 24 + 3), "2026-01-02-03");
  EXPECT_EQ(print("hour", -1), "1969-12-31-23");
  EXPECT_EQ(TransformedToString(Transform::Day(), kTimestamptz, std::nullopt), "null");
}

}  // namespace
}  // namespace firn::iceberg
