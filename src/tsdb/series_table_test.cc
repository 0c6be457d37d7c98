// SPDX-License-Identifier: Apache-2.0
#include "tsdb/series_table.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace firn::tsdb {
namespace {

std::vector<base::Matcher> Matchers(std::vector<LabelMatcher> matchers) {
  auto made = base::Matcher::MakeAll(matchers);
  EXPECT_TRUE(made.ok()) << made.status();
  return *made;
}

std::set<std::string> Selected(const SeriesTable& table,
                               std::vector<LabelMatcher> matchers,
                               std::string_view tenant = "") {
  std::set<std::string> selected;
  for (const SeriesRef ref : table.Select(tenant, Matchers(std::move(matchers)))) {
    selected.insert(table.labels(ref).ToString());
  }
  return selected;
}

TEST(SeriesTable, LabelsSurvivePacking) {
  const Labels labels = {{"__name__", "up"}, {"z", "ü"}, {"a", std::string(300, 'x')}};
  const auto unpacked = UnpackLabels(PackLabels(labels));
  ASSERT_TRUE(unpacked.ok());
  EXPECT_EQ(*unpacked, labels);
  const std::string packed = PackLabels(labels);
  EXPECT_TRUE(UnpackLabels(packed.substr(0, packed.size() - 1))
                  .status()
                  .Is(StatusCode::kCorruption));
}

TEST(SeriesTable, AnAliasIsComparedByteForByte) {
  SeriesTable table(100);
  const Labels up = {{"__name__", "up"}};
  const auto first = table.Resolve("", "alias-1", up);
  const auto second = table.Resolve("", "alias-2", up);  // The same series otherwise named.
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(first->ref, second->ref);
  EXPECT_EQ(table.FindAlias("", "alias-1")->ref, first->ref);
  EXPECT_FALSE(table.FindAlias("", "alias-").has_value());
  EXPECT_FALSE(table.FindAlias("", "alias-11").has_value());
  EXPECT_FALSE(table.FindAlias("other", "alias-1").has_value());
  EXPECT_EQ(table.size(), 1);
}

TEST(SeriesTable, TenantsDoNotMeet) {
  SeriesTable table(100);
  const Labels up = {{"__name__", "up"}};
  const auto a = table.ResolveLabels("a", up);
  const auto b = table.ResolveLabels("b", up);
  ASSERT_TRUE(a.ok() && b.ok());
  EXPECT_NE(*a, *b);
  EXPECT_NE(table.id(*a), table.id(*b));
  EXPECT_EQ(table.tenant(*b), "b");
  EXPECT_EQ(Selected(table, {}, "a").size(), 1u);
  EXPECT_EQ(Selected(table, {}, "c").size(), 0u);
}

TEST(SeriesTable, TheLimitNamesTheSeries) {
  SeriesTable table(1);
  ASSERT_TRUE(table.Resolve("", "a", {{"__name__", "a"}}).ok());
  const auto refused = table.Resolve("", "b", {{"__name__", "b"}});
  EXPECT_TRUE(refused.status().Is(StatusCode::kResourceExhausted));
  EXPECT_NE(refused.status().message().find("b"), std::string_view::npos);
  EXPECT_TRUE(table.Resolve("", "a again", {{"__name__", "a"}}).ok());
  // What a table or a log names is there already.
  EXPECT_TRUE(table.ResolveLabels("", {{"__name__", "c"}}).ok());
  EXPECT_TRUE(table.Restore({9}, "", {{"__name__", "d"}}).ok());
}

TEST(SeriesTable, ARestoredReferenceKeepsItsSeries) {
  SeriesTable table(100);
  ASSERT_TRUE(table.Restore({5}, "", {{"__name__", "a"}}).ok());
  ASSERT_TRUE(table.Restore({2}, "", {{"__name__", "b"}}).ok());
  ASSERT_TRUE(table.Restore({5}, "", {{"__name__", "a"}}).ok());  // As a checkpoint does.
  EXPECT_TRUE(
      table.Restore({5}, "", {{"__name__", "c"}}).Is(StatusCode::kCorruption));
  EXPECT_TRUE(
      table.Restore({6}, "", {{"__name__", "a"}}).Is(StatusCode::kCorruption));
  EXPECT_FALSE(table.defined({0}));
  EXPECT_TRUE(table.defined({2}));
  EXPECT_EQ(table.ResolveLabels("", {{"__name__", "d"}})->value, 6u);
  EXPECT_EQ(Selected(table, {}).size(), 3u);
}

TEST(SeriesTable, MatchersSeeAbsentLabelsAsEmpty) {
  SeriesTable table(100);
  for (const auto& labels :
       {Labels{{"__name__", "m"}, {"host", "a"}}, Labels{{"__name__", "m"}, {"host", "b"}},
        Labels{{"__name__", "m"}}, Labels{{"__name__", "n"}, {"host", "a"}}}) {
    ASSERT_TRUE(table.ResolveLabels("", labels).ok());
  }
  using Set = std::set<std::string>;
  const std::string ma = R"(m{host="a"})", mb = R"(m{host="b"})", na = R"(n{host="a"})";
  EXPECT_EQ(Selected(table, {{MatchOp::kEqual, "host", "a"}}), (Set{ma, na}));
  EXPECT_EQ(Selected(table, {{MatchOp::kEqual, "host", ""}}), (Set{"m"}));
  EXPECT_EQ(Selected(table, {{MatchOp::kNotEqual, "host", "a"}}), (Set{mb, "m"}));
  EXPECT_EQ(Selected(table, {{MatchOp::kNotEqual, "host", ""}}), (Set{ma, mb, na}));
  EXPECT_EQ(Selected(table, {{MatchOp::kRegex, "host", "a|b"},
                             {MatchOp::kEqual, "__name__", "m"}}),
            (Set{ma, mb}));
  EXPECT_EQ(Selected(table, {{MatchOp::kRegex, "host", "b?"}}), (Set{mb, "m"}));
  EXPECT_EQ(Selected(table, {{MatchOp::kNotRegex, "host", ".+"}}), (Set{"m"}));
  EXPECT_EQ(Selected(table, {{MatchOp::kEqual, "none", "x"}}), Set{});
}

// Random matchers against matching every label set one by one.
TEST(SeriesTable, SelectAgreesWithLookingAtEachSeries) {
  std::mt19937_64 random(11);
  SeriesTable table(10'000);
  const auto word = [&] { return std::string(1, static_cast<char>('a' + random() % 4)); };
  std::vector<Labels> all;
  for (int i = 0; i < 300; ++i) {
    std::vector<Label> labels = {{"__name__", word()}};
    if (random() % 2 == 0) labels.push_back({"x", word()});
    if (random() % 2 == 0) labels.push_back({"y", word() + word()});
    all.push_back(Labels::FromUnsorted(labels));
    ASSERT_TRUE(table.ResolveLabels("", all.back()).ok());
  }
  const char* const patterns[] = {"a", "", "a|b", ".*", ".+", "a.*", "[ab]c?", "a?"};
  for (int round = 0; round < 2000; ++round) {
    std::vector<LabelMatcher> matchers;
    for (std::uint64_t i = 0, count = random() % 4; i < count; ++i) {
      const char* const names[] = {"__name__", "x", "y", "none"};
      matchers.push_back({static_cast<MatchOp>(random() % 4), names[random() % 4],
                          patterns[random() % std::size(patterns)]});
    }
    std::set<std::string> expected;
    const auto compiled = Matchers(matchers);
    for (const Labels& labels : all) {
      if (base::MatchesAll(compiled, labels)) expected.insert(labels.ToString());
    }
    ASSERT_EQ(Selected(table, matchers), expected);
  }
}

}  // namespace
}  // namespace firn::tsdb
