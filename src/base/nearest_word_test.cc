// SPDX-License-Identifier: Apache-2.0
#include "base/nearest_word.h"

#include <gtest/gtest.h>

namespace firn::base {
namespace {

TEST(NearestWord, IsSilentWhereNothingIsNear) {
  const std::string_view words[] = {"listen", "data"};
  EXPECT_EQ(NearestWord("lisen", words), "listen");
  EXPECT_EQ(NearestWord("dta", words), "data");
  EXPECT_EQ(NearestWord("wholly different", words), "");
  EXPECT_EQ(NearestWord("data", {}), "");
}

}  // namespace
}  // namespace firn::base
