// SPDX-License-Identifier: Apache-2.0
#include "cli/name_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace firn::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(NameListTest, SplitsAtCommasOutsideOfQuotes) {
  EXPECT_THAT(SplitAtCommas("a,b"), ElementsAre("a", "b"));
  EXPECT_THAT(SplitAtCommas(" a b , c ,"), ElementsAre("a b", "c"));
  EXPECT_THAT(SplitAtCommas(R"("a,b", " c ",d"e)"), ElementsAre("a,b", " c ", "d\"e"));
  EXPECT_THAT(SplitAtCommas(R"("say ""x""")"), ElementsAre("say \"x\""));
  EXPECT_THAT(SplitAtCommas(""), IsEmpty());
  EXPECT_THAT(SplitAtCommas(" , "), IsEmpty());
}

TEST(NameListTest, JoinsForPeopleAndPrograms) {
  EXPECT_EQ(JoinedNames({"a", "b"}), "a, b");
  EXPECT_EQ(JsonNames({"a\"", "b"}), R"(["a\"","b"])");
}

}  // namespace
}  // namespace firn::cli
