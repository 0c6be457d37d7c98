// SPDX-License-Identifier: Apache-2.0
#include "tsdb/alias_blocks.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace firn::tsdb {
namespace {

std::vector<std::string> Chain(const char* first) {
  std::vector<std::string> chain;
  AliasBlocks::VisitChain(first,
                          [&](std::string_view alias) { chain.emplace_back(alias); });
  return chain;
}

TEST(AliasBlocks, AliasesOfASeriesAreAChain) {
  AliasBlocks blocks;
  const std::string_view one = blocks.Add(7, "one", nullptr);
  const std::string_view other = blocks.Add(8, "other", nullptr);
  const std::string_view large =
      blocks.Add(7, std::string(2 * AliasBlocks::kBlockBytes, 'x'), one.data());
  const std::string_view empty = blocks.Add(7, "", large.data());
  EXPECT_EQ(Chain(empty.data()),
            (std::vector<std::string>{"", std::string(large), "one"}));
  EXPECT_EQ(Chain(other.data()), (std::vector<std::string>{"other"}));
  EXPECT_EQ(Chain(nullptr).size(), 0u);
}

TEST(AliasBlocks, ABlockGoesWhenNothingOfItIsInUse) {
  AliasBlocks blocks;
  const std::string text(1000, 'a');
  std::vector<std::string_view> added;
  for (std::uint32_t ref = 0; ref < 500; ++ref) {
    added.push_back(blocks.Add(ref, text, nullptr));
  }
  const std::size_t full = blocks.allocated_bytes();
  EXPECT_EQ(blocks.FindSparse().size(), 0u);
  EXPECT_EQ(blocks.TakeEmpty().size(), 0u);
  // One of ten stays.
  for (std::uint32_t ref = 0; ref < 500; ++ref) {
    if (ref % 10 != 0) blocks.DropChain(added[ref].data());
  }
  const std::vector<std::uint32_t> sparse = blocks.FindSparse();
  EXPECT_EQ(sparse.size(), 50u);
  for (const std::uint32_t ref : sparse) {
    ASSERT_EQ(ref % 10, 0u);
    blocks.DropChain(added[ref].data());
    added[ref] = blocks.Add(ref, added[ref], nullptr);
  }
  const std::vector<AliasBlocks::Block> taken = blocks.TakeEmpty();
  EXPECT_GE(taken.size(), 7u);
  EXPECT_LE(blocks.allocated_bytes(), full / 5);
  for (const std::uint32_t ref : sparse) EXPECT_EQ(added[ref], text);
  EXPECT_EQ(blocks.FindSparse().size(), 0u);
  for (const std::uint32_t ref : sparse) blocks.DropChain(added[ref].data());
  EXPECT_EQ(blocks.TakeEmpty().size(), 1u);
  EXPECT_EQ(blocks.allocated_bytes(), 0u);
  EXPECT_EQ(blocks.Add(1, "anew", nullptr), "anew");
}

}  // namespace
}  // namespace firn::tsdb
