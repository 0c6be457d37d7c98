// SPDX-License-Identifier: Apache-2.0
#include "firn/status.h"

#include <gtest/gtest.h>

#include <memory>
#include <sstream>
#include <string>

namespace firn {
namespace {

TEST(StatusTest, OkHasNoMessage) {
  const Status ok;
  EXPECT_TRUE(ok.ok());
  EXPECT_EQ(ok.code(), StatusCode::kOk);
  EXPECT_EQ(ok.message(), "");
  EXPECT_EQ(ok.ToString(), "OK");
  EXPECT_TRUE(ok.With("context").ok());
}

TEST(StatusTest, ContextGoesInFrontAndKeepsTheCode) {
  const Status status = Status::Conflict("row changed").With("commit").With("settle");
  EXPECT_TRUE(status.Is(StatusCode::kConflict));
  EXPECT_EQ(status.message(), "settle: commit: row changed");
  std::ostringstream out;
  out << status;
  EXPECT_EQ(out.str(), "Conflict: settle: commit: row changed");
}

TEST(StatusTest, EveryCodeHasANameOfItsOwn) {
  std::string seen = ",";
  for (int code = 0; code <= static_cast<int>(StatusCode::kInternal); ++code) {
    const std::string name(StatusCodeName(static_cast<StatusCode>(code)));
    EXPECT_NE(name, "Unknown") << code;
    EXPECT_EQ(seen.find("," + name + ","), std::string::npos) << name;
    seen += name + ",";
  }
}

Result<int> Half(int n) {
  if (n % 2 != 0) return Status::InvalidArgument(std::to_string(n) + " is odd");
  return n / 2;
}

Result<int> Quarter(int n) {
  FIRN_ASSIGN_OR_RETURN(const int half, Half(n));
  FIRN_ASSIGN_OR_RETURN(const int quarter, Half(half));
  return quarter;
}

Status CheckQuarter(int n) {
  FIRN_RETURN_IF_ERROR(Quarter(n).status());
  return {};
}

TEST(ResultTest, MacrosPassValuesAndErrorsOn) {
  EXPECT_EQ(Quarter(12).value(), 3);
  EXPECT_EQ(Quarter(6).status(), Status::InvalidArgument("3 is odd"));
  EXPECT_TRUE(CheckQuarter(8).ok());
  EXPECT_EQ(CheckQuarter(7).message(), "7 is odd");
}

TEST(ResultTest, HoldsWhatCannotBeCopied) {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(7);
  ASSERT_TRUE(result.ok());
  const std::unique_ptr<int> taken = std::move(result).value();
  EXPECT_EQ(*taken, 7);
}

TEST(ResultDeathTest, ValueOfAnErrorEndsTheProcessWithTheReason) {
  const Result<int> result = Status::NotFound("no such table");
  EXPECT_DEATH((void)result.value(), "NotFound: no such table");
  EXPECT_DEATH((void)Result<int>(Status::OK()), "made from an OK Status");
}

}  // namespace
}  // namespace firn
