// SPDX-License-Identifier: Apache-2.0
#include "parquet/footer_cache.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "parquet/footer.h"
#include "parquet/test_objects.h"
#include "parquet/writer.h"

namespace firn::parquet {
namespace {

std::shared_ptr<const Footer> AnyFooter() {
  std::string bytes;
  auto writer =
      FileWriter::Open(std::make_unique<StringWriter>(bytes), EveryTypeSchema(), {});
  EXPECT_TRUE(writer.ok() && std::move(**writer).Finish().ok());
  StringReader object(bytes);
  FetchCounts counts;
  auto footer = Footer::Load(object, {}, counts);
  EXPECT_TRUE(footer.ok()) << footer.status();
  return footer.ok() ? *footer : nullptr;
}

TEST(FooterCache, KeepsWhatWasUsedLately) {
  const auto footer = AnyFooter();
  FooterCache cache(350);
  cache.Insert("a", 1, "", footer, 100);
  cache.Insert("b", 1, "", footer, 100);
  cache.Insert("c", 1, "", footer, 100);
  EXPECT_EQ(cache.Find("a", 1, ""), footer);
  cache.Insert("d", 1, "", footer, 100);
  EXPECT_EQ(cache.Find("b", 1, ""), nullptr) << "used longest ago";
  EXPECT_NE(cache.Find("a", 1, ""), nullptr);
  EXPECT_EQ(cache.Find("a", 2, ""), nullptr) << "another size is another object";
  EXPECT_EQ(cache.stats().evictions, 1);
  EXPECT_EQ(cache.stats().entries, 3);
  EXPECT_LE(cache.stats().used_bytes, 350);
}

TEST(FooterCache, WhatIsLargerThanTheCacheIsNotKept) {
  const auto footer = AnyFooter();
  FooterCache cache(50);
  cache.Insert("a", 1, "", footer, 51);
  EXPECT_EQ(cache.Find("a", 1, ""), nullptr);
  EXPECT_EQ(cache.stats().used_bytes, 0);
  FooterCache none(0);
  none.Insert("a", 1, "", footer, 0);
  EXPECT_EQ(none.Find("a", 1, ""), nullptr);
}

TEST(FooterCache, AReplacedFileIsAnother) {
  const auto first = AnyFooter();
  const auto second = AnyFooter();
  FooterCache cache(1000);
  cache.Insert("a", 1, "v1", first, 100);
  EXPECT_EQ(cache.Find("a", 1, "v1"), first);
  EXPECT_EQ(cache.Find("a", 1, ""), first) << "its opener vouches for it";
  EXPECT_EQ(cache.Find("a", 1, "v2"), nullptr);
  EXPECT_TRUE(cache.Holds("a"));
  EXPECT_FALSE(cache.Holds("b"));
  cache.Insert("a", 1, "v2", second, 100);
  EXPECT_EQ(cache.Find("a", 1, "v1"), nullptr);
  EXPECT_EQ(cache.Find("a", 1, "v2"), second);
  EXPECT_EQ(cache.stats().entries, 1) << "what was kept of the one before is gone";
  EXPECT_LT(cache.stats().used_bytes, 200);
  cache.Insert("a", 1, "v2", first, 100);
  EXPECT_EQ(cache.Find("a", 1, "v2"), second) << "of two for one object the first stays";
  // Kept without an identity, it is found by those who vouch for it alone.
  cache.Insert("b", 1, "", first, 100);
  EXPECT_EQ(cache.Find("b", 1, "v1"), nullptr);
}

TEST(FooterCache, FromManyThreads) {
  const auto footer = AnyFooter();
  FooterCache cache(1000);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 2000; ++i) {
        const std::string location = "file" + std::to_string((i * (t + 1)) % 20);
        if (cache.Find(location, 1, "") == nullptr)
          cache.Insert(location, 1, "", footer, 90);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(cache.stats().used_bytes, 1000);
  EXPECT_EQ(cache.stats().hits + cache.stats().misses, 8000);
}

}  // namespace
}  // namespace firn::parquet
