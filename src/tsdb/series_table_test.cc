// SPDX-License-Identifier: Apache-2.0
#include "tsdb/series_table.h"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <random>
#include <set>
#include <vector>

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
  const auto second =
      table.Resolve("", "alias-2", up);  // The same series otherwise named.
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
  EXPECT_TRUE(table.Restore({5}, "", {{"__name__", "c"}}).Is(StatusCode::kCorruption));
  EXPECT_TRUE(table.Restore({6}, "", {{"__name__", "a"}}).Is(StatusCode::kCorruption));
  EXPECT_FALSE(table.defined({0}));
  EXPECT_TRUE(table.defined({2}));
  EXPECT_EQ(table.ResolveLabels("", {{"__name__", "d"}})->value, 6u);
  EXPECT_EQ(Selected(table, {}).size(), 3u);
}

TEST(SeriesTable, AForgottenSeriesIsFoundByNothing) {
  SeriesTable table(100);
  const Labels gone = {{"__name__", "gone"}, {"job", "x"}};
  const Labels stays = {{"__name__", "stays"}, {"job", "x"}};
  const SeriesRef ref = table.Resolve("", "alias", gone)->ref;
  ASSERT_TRUE(table.Resolve("", "alias 2", gone).ok());
  ASSERT_TRUE(table.ResolveLabels("", stays).ok());
  std::optional<EpochPins::Pin> pin = table.TakePin();
  const std::uint64_t epoch = table.epoch();
  table.Forget(std::vector{ref});
  table.Sweep();
  EXPECT_NE(table.epoch(), epoch);
  EXPECT_EQ(table.size(), 1);
  EXPECT_FALSE(table.FindAlias("", "alias").has_value());
  EXPECT_FALSE(table.FindAlias("", "alias 2").has_value());
  EXPECT_FALSE(table.Find(base::ComputeSeriesId("", gone)).has_value());
  EXPECT_EQ(Selected(table, {}), (std::set<std::string>{stays.ToString()}));
  EXPECT_EQ(Selected(table, {{MatchOp::kEqual, "job", "x"}}).size(), 1u);
  EXPECT_EQ(Selected(table, {{MatchOp::kEqual, "__name__", "gone"}}).size(), 0u);
  // Who was there before reads on.
  EXPECT_TRUE(table.defined(ref));
  EXPECT_FALSE(table.Live()[ref.value]);
  EXPECT_EQ(table.labels(ref), gone);
  EXPECT_EQ(table.tenant(ref), "");
  // And its reference is not given to another while that lasts.
  EXPECT_NE(table.ResolveLabels("", {{"__name__", "new"}})->value, ref.value);
  pin.reset();
  table.Sweep();
  EXPECT_FALSE(table.defined(ref));
  EXPECT_EQ(*table.ResolveLabels("", {{"__name__", "newer"}}), ref);
  EXPECT_TRUE(table.ChangedSince(epoch)[ref.value]);
  EXPECT_FALSE(table.ChangedSince(epoch)[1]);
  EXPECT_FALSE(table.ChangedSince(table.epoch())[ref.value]);
}

TEST(SeriesTable, ALatePinHoldsNothingThatWasForgottenBefore) {
  SeriesTable table(100);
  const SeriesRef ref = *table.ResolveLabels("", {{"__name__", "a"}});
  table.Forget(std::vector{ref});
  const EpochPins::Pin between = table.TakePin();  // May find it in the index.
  table.Sweep();
  EXPECT_TRUE(table.defined(ref));
  const SeriesRef second = *table.ResolveLabels("", {{"__name__", "b"}});
  SeriesTable other(100);
  const SeriesRef third = *other.ResolveLabels("", {{"__name__", "a"}});
  other.Forget(std::vector{third});
  other.Sweep();
  const EpochPins::Pin late = other.TakePin();
  EXPECT_FALSE(other.defined(third));
  EXPECT_NE(second, ref);
}

TEST(SeriesTable, AForgottenSeriesIsBoundAnew) {
  SeriesTable table(2);
  const Labels a = {{"__name__", "a"}};
  const EpochPins::Pin pin = table.TakePin();
  const SeriesRef old = table.Resolve("", "a", a)->ref;
  EXPECT_EQ(*table.Rebind(old), old);
  table.Forget(std::vector{old});
  const Result<SeriesRef> anew = table.Rebind(old);
  ASSERT_TRUE(anew.ok());
  EXPECT_NE(*anew, old);
  EXPECT_EQ(table.labels(*anew), a);
  EXPECT_EQ(*table.Rebind(old), *anew);
  EXPECT_EQ(table.Resolve("", "a", a)->ref, *anew);
  table.Sweep();
  EXPECT_EQ(Selected(table, {}).size(), 1u);
  // The limit counts what is live.
  table.Forget(std::vector{*anew});
  ASSERT_TRUE(table.Resolve("", "b", {{"__name__", "b"}}).ok());
  ASSERT_TRUE(table.Resolve("", "c", {{"__name__", "c"}}).ok());
  EXPECT_TRUE(table.Rebind(old).status().Is(StatusCode::kResourceExhausted));
}

TEST(SeriesTable, ForgettingGivesMemoryBack) {
  SeriesTable table(100'000);
  const auto labels = [](int i) {
    return Labels{{"__name__", "requests_total"},
                  {"pod", "pod-with-a-long-name-" + std::to_string(i)},
                  {"job", "j" + std::to_string(i % 10)}};
  };
  const std::int64_t empty = table.bytes();
  std::vector<SeriesRef> refs;
  for (int i = 0; i < 10'000; ++i) {
    refs.push_back(
        table.Resolve("", std::string(150, 'a') + std::to_string(i), labels(i))->ref);
  }
  const std::int64_t full = table.bytes();
  EXPECT_GT(full, empty + 10'000 * 300);
  table.Forget(std::span(refs).first(9'000));
  table.Sweep();
  EXPECT_EQ(table.size(), 1'000);
  EXPECT_LT(table.bytes(), full / 4);
  table.Forget(std::span(refs).subspan(9'000));
  table.Sweep();
  EXPECT_EQ(table.ref_end(), 0u);
  EXPECT_LT(table.bytes(), full / 20);
  EXPECT_EQ(Selected(table, {}).size(), 0u);
}

TEST(SeriesTable, AliasesThatMoveAreFoundAndOldViewsStayUnderAPin) {
  SeriesTable table(100'000);
  const auto alias = [](int i) { return std::string(100, 'a') + std::to_string(i); };
  std::vector<SeriesTable::Found> found;
  for (int i = 0; i < 5'000; ++i) {
    const Labels labels = {{"__name__", "m"}, {"i", std::to_string(i)}};
    found.push_back(*table.Resolve("", alias(i), labels));
    ASSERT_TRUE(table.Resolve("", alias(i) + "'", labels).ok());
  }
  std::optional<EpochPins::Pin> pin = table.TakePin();
  std::vector<SeriesRef> gone;
  for (int i = 0; i < 5'000; ++i) {
    if (i % 5 != 0) gone.push_back(found[static_cast<std::size_t>(i)].ref);
  }
  table.Forget(gone);
  table.Sweep();
  const std::int64_t pinned = table.bytes();
  const std::vector<bool> changed = table.ChangedSince(pin->epoch());
  for (int i = 0; i < 5'000; ++i) {
    const SeriesTable::Found& before = found[static_cast<std::size_t>(i)];
    ASSERT_EQ(before.alias, alias(i));
    const std::optional<SeriesTable::Found> now = table.FindAlias("", alias(i));
    ASSERT_EQ(now.has_value(), i % 5 == 0);
    if (!now.has_value()) continue;
    EXPECT_EQ(now->ref, before.ref);
    EXPECT_EQ(table.FindAlias("", alias(i) + "'")->ref, before.ref);
    // A view that was learnt before the move must not be kept beyond its pin.
    EXPECT_TRUE(now->alias.data() == before.alias.data() || changed[before.ref.value]);
  }
  EXPECT_NE(table.FindAlias("", alias(0))->alias.data(), found[0].alias.data());
  pin.reset();
  table.Sweep();
  EXPECT_LT(table.bytes(), pinned / 2);
  EXPECT_EQ(table.FindAlias("", alias(0))->alias, alias(0));
}

TEST(SeriesTable, WhatALogLeftOutIsFree) {
  SeriesTable table(100);
  ASSERT_TRUE(table.Restore({3}, "", {{"__name__", "a"}}).ok());
  table.FreeGaps();
  for (const std::uint32_t expected : {0u, 1u, 2u, 4u}) {
    EXPECT_EQ(
        table.ResolveLabels("", {{"__name__", "n" + std::to_string(expected)}})->value,
        expected);
  }
}

TEST(SeriesTable, MatchersSeeAbsentLabelsAsEmpty) {
  SeriesTable table(100);
  for (const auto& labels :
       {Labels{{"__name__", "m"}, {"host", "a"}},
        Labels{{"__name__", "m"}, {"host", "b"}}, Labels{{"__name__", "m"}},
        Labels{{"__name__", "n"}, {"host", "a"}}}) {
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

// Random matchers against matching every label set one by one, while series come and go.
TEST(SeriesTable, SelectAgreesWithLookingAtEachSeries) {
  std::mt19937_64 random(11);
  SeriesTable table(10'000);
  const auto word = [&] { return std::string(1, static_cast<char>('a' + random() % 4)); };
  std::map<std::string, Labels> all;
  const char* const patterns[] = {"a", "", "a|b", ".*", ".+", "a.*", "[ab]c?", "a?"};
  for (int round = 0; round < 2000; ++round) {
    for (std::uint64_t i = 0, count = round == 0 ? 300 : random() % 10; i < count; ++i) {
      std::vector<Label> labels = {{"__name__", word()}};
      if (random() % 2 == 0) labels.push_back({"x", word()});
      if (random() % 2 == 0) labels.push_back({"y", word() + word()});
      const Labels made = Labels::FromUnsorted(labels);
      all.emplace(made.ToString(), made);
      ASSERT_TRUE(table.ResolveLabels("", made).ok());
    }
    std::vector<SeriesRef> forgotten;
    for (auto it = all.begin(); it != all.end();) {
      if (random() % 40 != 0) {
        ++it;
        continue;
      }
      forgotten.push_back(*table.Find(base::ComputeSeriesId("", it->second)));
      it = all.erase(it);
    }
    if (!forgotten.empty()) table.Forget(forgotten);
    table.Sweep();
    ASSERT_EQ(table.size(), std::ssize(all));
    std::vector<LabelMatcher> matchers;
    for (std::uint64_t i = 0, count = random() % 4; i < count; ++i) {
      const char* const names[] = {"__name__", "x", "y", "none"};
      matchers.push_back({static_cast<MatchOp>(random() % 4), names[random() % 4],
                          patterns[random() % std::size(patterns)]});
    }
    std::set<std::string> expected;
    const auto compiled = Matchers(matchers);
    for (const auto& [text, labels] : all) {
      if (base::MatchesAll(compiled, labels)) expected.insert(text);
    }
    ASSERT_EQ(Selected(table, matchers), expected);
  }
  EXPECT_LT(table.ref_end(), 1000u);
}

}  // namespace
}  // namespace firn::tsdb
