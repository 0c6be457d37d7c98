// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <gtest/gtest.h>
#include <re2/re2.h>

#include <string>

namespace firn::base {
namespace {

std::string Logged(LogLevel level, std::string_view event,
                   std::initializer_list<LogField> fields = {}) {
  testing::internal::CaptureStderr();
  Log(level, event, fields);
  return testing::internal::GetCapturedStderr();
}

TEST(LogTest, OneLineWithTimeLevelEventAndFields) {
  const std::string line =
      Logged(LogLevel::kInfo, "settle done", {{"table", "metrics.samples"}});
  const std::string time = R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)";
  const std::string rest = R"( INFO settle done table=metrics\.samples\n)";
  EXPECT_TRUE(re2::RE2::FullMatch(line, time + rest)) << line;
}

TEST(LogTest, ValuesAreQuotedWhereTheyMustBe) {
  const std::string line = Logged(LogLevel::kError, "failed",
                                  {{"why", "two words"},
                                   {"quote", "a\"b"},
                                   {"line", "a\nb"},
                                   {"empty", ""},
                                   {"count", "12"}});
  EXPECT_NE(line.find(R"(ERROR failed why="two words" quote="a\"b" line="a\nb" empty="" )"
                      "count=12\n"),
            std::string::npos)
      << line;
}

TEST(LogTest, LinesBelowTheLevelAreDropped) {
  EXPECT_EQ(Logged(LogLevel::kDebug, "detail"), "");
  SetLogLevel(LogLevel::kWarn);
  EXPECT_EQ(Logged(LogLevel::kInfo, "quiet"), "");
  EXPECT_NE(Logged(LogLevel::kWarn, "loud"), "");
  SetLogLevel(LogLevel::kInfo);
}

}  // namespace
}  // namespace firn::base
