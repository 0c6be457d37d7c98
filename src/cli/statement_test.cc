// SPDX-License-Identifier: Apache-2.0
#include "cli/statement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace firn::cli {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> Split(std::string_view text) {
  StatementSplitter splitter;
  std::vector<std::string> out;
  // Byte by byte, as a terminal might deliver it.
  for (const char c : text) {
    splitter.Add(std::string_view(&c, 1));
    while (auto statement = splitter.Next()) out.push_back(*statement);
  }
  if (splitter.has_partial()) out.push_back("rest: " + splitter.Rest());
  return out;
}

TEST(StatementSplitter, CutsAtSemicolonsThatEndSomething) {
  EXPECT_THAT(Split("a; b ;\n;c"), ElementsAre("a", "b", "rest: c"));
  EXPECT_THAT(Split("SELECT ';', \";\", 'it''s;';x;"),
              ElementsAre("SELECT ';', \";\", 'it''s;'", "x"));
  EXPECT_THAT(Split("a -- ; no\n;b"), ElementsAre("a -- ; no", "rest: b"));
  EXPECT_THAT(Split("a /* ; ; */;"), ElementsAre("a /* ; ; */"));
  EXPECT_THAT(Split("$$;$$;$t$;$$;$t$;"), ElementsAre("$$;$$", "$t$;$$;$t$"));
  EXPECT_THAT(Split("$1;"), ElementsAre("$1"));
  EXPECT_THAT(Split("'open;"), ElementsAre("rest: 'open;"));
  EXPECT_THAT(Split("  \n"), ElementsAre());
  EXPECT_THAT(Split("-- only\n; /* these */ ;a; -- end"), ElementsAre("a"));
}

}  // namespace
}  // namespace firn::cli
