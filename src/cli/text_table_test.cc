// SPDX-License-Identifier: Apache-2.0
#include "cli/text_table.h"

#include <gtest/gtest.h>

namespace firn::cli {
namespace {

TEST(TextTable, ACellIsOnItsLine) {
  TextTable table({"column", "type"});
  table.AddRow({"a\tb\n", "int"});
  table.AddRow({"\"q\" \\ \u00fc", "struct<\x7f: int>"});
  EXPECT_EQ(table.ToString(),
            "column    type\n"
            "\"a\\tb\\n\"  int\n"
            "\"q\" \\ \u00fc  \"struct<\\x7f: int>\"\n");
}

}  // namespace
}  // namespace firn::cli
