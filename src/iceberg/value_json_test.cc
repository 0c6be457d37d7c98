// SPDX-License-Identifier: Apache-2.0
#include "iceberg/value_json.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <tuple>
#include <utility>

#include "iceberg/json.h"

namespace firn::iceberg {
namespace {

TEST(ValueJson, HasTheSpecifiedText) {
  const std::tuple<PrimitiveType, Value, std::string> cases[] = {
      {kBoolean, true, "true"},
      {kInt, std::int32_t{34}, "34"},
      {kLong, std::numeric_limits<std::int64_t>::min(), "-9223372036854775808"},
      {kFloat, 1.0F, "1.0"},
      {kDouble, -0.1, "-0.1"},
      {DecimalType(9, 2), Decimal{1420}, R"("14.20")"},
      {DecimalType(9, 2), Decimal{-5}, R"("-0.05")"},
      {DecimalType(38, 0), Decimal{7}, R"("7")"},
      {kDate, std::int32_t{17486}, R"("2017-11-16")"},
      {kDate, std::int32_t{-1}, R"("1969-12-31")"},
      {kTime, std::int64_t{81068123456}, R"("22:31:08.123456")"},
      {kTimestamp, std::int64_t{1510871468123456}, R"("2017-11-16T22:31:08.123456")"},
      {kTimestamptz, std::int64_t{-1}, R"("1969-12-31T23:59:59.999999+00:00")"},
      {kTimestampNs, std::int64_t{1510871468123456789},
       R"("2017-11-16T22:31:08.123456789")"},
      {kTimestamptzNs, std::int64_t{1510871468123456789},
       R"("2017-11-16T22:31:08.123456789+00:00")"},
      {kString, std::string("ice\"berg"), R"("ice\"berg")"},
      {kUuid, Bytes{"\xf7\x9c\x3e\x09\x67\x7c\x4b\xbd\xa4\x79\x3f\x34\x9c\xb7\x85\xe7"},
       R"("f79c3e09-677c-4bbd-a479-3f349cb785e7")"},
      {FixedType(4), Bytes{std::string("\0\1\2\xff", 4)}, R"("000102ff")"},
      {kBinary, Bytes{""}, R"("")"},
      // A year of five digits has a sign.
      {kTimestamp, std::int64_t{253402300800000000}, R"("+10000-01-01T00:00:00.000000")"},
  };
  for (const auto& [type, value, text] : cases) {
    EXPECT_EQ(JsonText(ToJson(value, type)), text) << ToString(type);
    const auto parsed = ValueFromJson(*ParseJson(text), type);
    ASSERT_TRUE(parsed.ok()) << text << ": " << parsed.status();
    EXPECT_EQ(*parsed, value) << text;
  }
}

TEST(ValueJson, RefusesWhatIsNoSuchValue) {
  const std::pair<PrimitiveType, const char*> cases[] = {
      {kBoolean, "1"},
      {kBoolean, R"("true")"},
      {kInt, "2147483648"},
      {kInt, "1.0"},
      {kLong, "9223372036854775808"},
      {kFloat, "1e39"},
      {kFloat, R"("1.0")"},
      {DecimalType(9, 2), R"("14.2")"},
      {DecimalType(9, 2), R"("14")"},
      {DecimalType(9, 2), R"("12345678.90")"},
      {DecimalType(9, 2), R"("1.4.20")"},
      {DecimalType(9, 2), "14.20"},
      {DecimalType(38, 0), R"("999999999999999999999999999999999999999")"},
      {DecimalType(9, 0), R"("")"},
      {kDate, R"("2017-02-30")"},
      {kDate, "17486"},
      {kTime, R"("24:00:00")"},
      {kTime, R"("22:31:08.123456789")"},
      {kTimestamp, R"("2017-11-16T22:31:08+00:00")"},
      {kTimestamp, R"("2017-11-16")"},
      {kTimestamp, R"("2017-11-16T22:31:08.123456789")"},
      {kTimestamptz, R"("2017-11-16T22:31:08")"},
      {kTimestamptz, R"("2017-11-16T22:31:08+01:00")"},
      {kTimestampNs, R"("2600-11-16T22:31:08")"},
      {kUuid, R"("f79c3e09-677c-4bbd-a479-3f349cb785e")"},
      {kUuid, R"("f79c3e0-9677c-4bbd-a479-3f349cb785e7")"},
      {FixedType(4), R"("0001ff")"},
      {kBinary, R"("0g")"},
      {kBinary, R"("000")"},
      {kString, "7"},
      {kString, "null"},
  };
  for (const auto& [type, text] : cases) {
    EXPECT_EQ(ValueFromJson(*ParseJson(text), type).status().code(),
              StatusCode::kCorruption)
        << ToString(type) << " " << text;
  }
  EXPECT_EQ(ValueFromJson(*ParseJson(R"("14.2")"), DecimalType(9, 2)).status().message(),
            R"("14.2" is no value of type decimal(9, 2))");
  EXPECT_EQ(ValueFromJson(*ParseJson("1"), kVariant).status().code(),
            StatusCode::kUnimplemented);
}

}  // namespace
}  // namespace firn::iceberg
