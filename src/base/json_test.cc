// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <limits>

namespace firn::base {
namespace {

std::string Double(double v) {
  std::string out;
  AppendJsonDouble(out, v);
  return out;
}

TEST(JsonTest, EscapesWhatMustBe) {
  EXPECT_EQ(JsonString(""), "\"\"");
  EXPECT_EQ(JsonString("a\"b\\c\n\r\t/"), R"("a\"b\\c\n\r\t/")");
  EXPECT_EQ(JsonString(std::string_view("\0\x1f\x7f", 3)), "\"\\u0000\\u001f\x7f\"");
  EXPECT_EQ(JsonString("\xe2\x82\xac"), "\"\xe2\x82\xac\"");
}

TEST(JsonTest, ReplacesWhatIsNoUtf8) {
  EXPECT_EQ(JsonString("a\xff"
                       "b\xc3"),
            "\"a\xef\xbf\xbd"
            "b\xef\xbf\xbd\"");
}

TEST(JsonTest, NumbersReadBack) {
  EXPECT_EQ(Double(0.1), "0.1");
  EXPECT_EQ(Double(-0.0), "-0");
  for (const double v : {1e300, 5e-324, 1.0 / 3, 123456789012345678.0}) {
    EXPECT_EQ(std::strtod(Double(v).c_str(), nullptr), v);
  }
  EXPECT_EQ(Double(std::numeric_limits<double>::infinity()), "null");
  EXPECT_EQ(Double(std::numeric_limits<double>::quiet_NaN()), "null");
  std::string out;
  AppendJsonInt(out, std::numeric_limits<std::int64_t>::min());
  AppendJsonUint(out, std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(out, "-922337203685477580818446744073709551615");
}

}  // namespace
}  // namespace firn::base
