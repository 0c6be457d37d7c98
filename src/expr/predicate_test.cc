// SPDX-License-Identifier: Apache-2.0
#include "expr/predicate.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "expr/conjuncts.h"
#include "expr/literal.h"

namespace firn::expr {
namespace {

PredicatePtr Cmp(std::string column, CompareOp op, Literal literal) {
  return MakePredicate(Compare{std::move(column), op, std::move(literal)});
}

TEST(Predicate, TextReadsAsSql) {
  const PredicatePtr p = MakePredicate(
      Or{{Cmp("a", CompareOp::kLtEq, std::int64_t{3}),
          MakePredicate(Not{MakePredicate(In{"b", {Literal("it's"), Literal("x")}})}),
          MakePredicate(And{{MakePredicate(IsNull{"c"}), MakePredicate(IsNotNull{"d"})}}),
          MakePredicate(StartsWith{"e", "pre"}), Cmp("f", CompareOp::kEq, 2.0),
          Cmp("g", CompareOp::kNotEq, Binary{std::string("\x00\xff", 2)})}});
  EXPECT_EQ(ToString(*p),
            "(a <= 3 OR NOT (b IN ('it''s', 'x')) OR (c IS NULL AND d IS NOT NULL) OR "
            "starts_with(e, 'pre') OR f = 2.0 OR g <> X'00ff')");
  EXPECT_EQ(ToString(*MakePredicate(And{})), "true");
  EXPECT_EQ(ToString(*MakePredicate(Or{})), "false");
}

TEST(Predicate, ConjoinTreatsNullAsTrueAndFlattens) {
  const PredicatePtr a = Cmp("a", CompareOp::kEq, true);
  const PredicatePtr b = Cmp("b", CompareOp::kEq, false);
  EXPECT_EQ(Conjoin(nullptr, nullptr), nullptr);
  EXPECT_EQ(Conjoin(a, nullptr), a);
  EXPECT_EQ(Conjoin(nullptr, b), b);
  EXPECT_EQ(ToString(*Conjoin(Conjoin(a, b), a)),
            "(a = true AND b = false AND a = true)");
}

TEST(Predicate, TakenApart) {
  const PredicatePtr a = Cmp("a", CompareOp::kEq, true);
  const PredicatePtr either = MakePredicate(Or{{a, Cmp("b", CompareOp::kEq, true)}});
  const PredicatePtr p = MakePredicate(And{
      {a, MakePredicate(And{{either, MakePredicate(Not{MakePredicate(IsNull{"c"})})}})}});
  EXPECT_EQ(SplitConjuncts(p).size(), 3u);
  EXPECT_TRUE(SplitConjuncts(nullptr).empty());
  EXPECT_EQ(SplitConjuncts(either), std::vector<PredicatePtr>{either});
  EXPECT_EQ(ColumnsOf(*p), (std::set<std::string>{"a", "b", "c"}));
}

TEST(Literal, IntegersAndDoublesCompareExactly) {
  const std::int64_t big = (std::int64_t{1} << 53) + 1;
  EXPECT_TRUE(CompareNumbers(big, 9007199254740992.0) > 0);
  EXPECT_TRUE(CompareNumbers(big - 1, 9007199254740992.0) == 0);
  const auto max = std::numeric_limits<std::int64_t>::max();
  const auto min = std::numeric_limits<std::int64_t>::min();
  EXPECT_TRUE(CompareNumbers(max, 9223372036854775808.0) < 0);
  EXPECT_TRUE(CompareNumbers(min, -9223372036854775808.0) == 0);
  EXPECT_TRUE(CompareNumbers(min, -9223372036854777856.0) > 0);
  EXPECT_TRUE(CompareNumbers(max, std::nan("")) < 0);
  EXPECT_TRUE(CompareNumbers(min, -INFINITY) > 0);
  EXPECT_TRUE(CompareNumbers(std::int64_t{-1}, -1.5) > 0);
  EXPECT_TRUE(CompareNumbers(std::int64_t{1}, 1.5) < 0);
  EXPECT_TRUE(CompareNumbers(-0.0, 0.0) == 0);
  EXPECT_TRUE(CompareNumbers(INFINITY, std::nan("")) < 0);
  EXPECT_TRUE(CompareNumbers(std::nan(""), -std::nan("")) == 0);
}

TEST(Literal, ForeignTypesHaveNoOrder) {
  EXPECT_FALSE(CompareLiterals(Literal("1"), Literal(std::int64_t{1})).has_value());
  EXPECT_FALSE(CompareLiterals(Literal(Timestamp{1}), Literal(Date{1})).has_value());
  EXPECT_FALSE(CompareLiterals(Literal(Binary{"a"}), Literal("a")).has_value());
  EXPECT_TRUE(*CompareLiterals(Literal("a"), Literal("\xff")) < 0);
  EXPECT_TRUE(*CompareLiterals(Literal(2.5), Literal(std::int64_t{2})) > 0);
}

// One column "c" with the given statistics.
class OneColumn final : public StatisticsSource {
 public:
  bool Find(const std::string& column, ColumnStatistics* out) const override {
    if (column != "c") return false;
    *out = {value_count, null_count, nan_count, lower ? &*lower : nullptr,
            upper ? &*upper : nullptr};
    return true;
  }
  std::int64_t value_count = -1;
  std::int64_t null_count = -1;
  std::int64_t nan_count = -1;
  std::optional<Literal> lower;
  std::optional<Literal> upper;
};

TEST(MayMatch, NothingKnownPrunesNothing) {
  const OneColumn unknown;
  for (const CompareOp op : {CompareOp::kEq, CompareOp::kNotEq, CompareOp::kLt,
                             CompareOp::kLtEq, CompareOp::kGt, CompareOp::kGtEq}) {
    EXPECT_TRUE(MayMatch(*Cmp("c", op, std::int64_t{1}), unknown));
    EXPECT_TRUE(MayMatch(*Cmp("other", op, std::int64_t{1}), unknown));
    EXPECT_TRUE(MayMatch(*MakePredicate(Not{Cmp("c", op, std::int64_t{1})}), unknown));
  }
  EXPECT_TRUE(MayMatch(*MakePredicate(IsNull{"c"}), unknown));
  EXPECT_TRUE(MayMatch(*MakePredicate(IsNotNull{"c"}), unknown));
  EXPECT_TRUE(MayMatch(*MakePredicate(StartsWith{"c", "x"}), unknown));
}

TEST(MayMatch, NaNLiesAboveTheUpperBound) {
  OneColumn c;
  c.lower = 1.0;
  c.upper = 2.0;
  EXPECT_TRUE(MayMatch(*Cmp("c", CompareOp::kGt, 5.0), c)) << "NaN may be there";
  EXPECT_TRUE(MayMatch(*Cmp("c", CompareOp::kEq, std::nan("")), c));
  c.nan_count = 0;
  EXPECT_FALSE(MayMatch(*Cmp("c", CompareOp::kGt, 5.0), c));
  EXPECT_FALSE(MayMatch(*Cmp("c", CompareOp::kEq, std::nan("")), c));
  EXPECT_TRUE(MayMatch(*Cmp("c", CompareOp::kLt, std::nan("")), c));
  c.lower.reset();
  c.upper.reset();
  c.value_count = 3;
  c.null_count = 1;
  c.nan_count = 2;
  EXPECT_FALSE(MayMatch(*Cmp("c", CompareOp::kLt, 5.0), c)) << "NaN and NULL only";
  EXPECT_TRUE(MayMatch(*Cmp("c", CompareOp::kGtEq, 5.0), c));
}

TEST(MayMatch, NullsMatchNoComparison) {
  OneColumn c;
  c.value_count = 4;
  c.null_count = 4;
  EXPECT_FALSE(MayMatch(*Cmp("c", CompareOp::kNotEq, std::int64_t{1}), c));
  EXPECT_FALSE(MayMatch(*MakePredicate(IsNotNull{"c"}), c));
  EXPECT_FALSE(MayMatch(*MakePredicate(Not{MakePredicate(IsNull{"c"})}), c));
  EXPECT_TRUE(MayMatch(*MakePredicate(IsNull{"c"}), c));
  c.null_count = 0;
  EXPECT_FALSE(MayMatch(*MakePredicate(IsNull{"c"}), c));
  EXPECT_TRUE(MayMatch(*MakePredicate(IsNotNull{"c"}), c));
}

TEST(MayMatch, PrefixesAgainstTruncatedBounds) {
  OneColumn c;
  c.lower = Literal("ab");  // Of "abc…"
  c.upper = Literal("ae");  // Of "adz…", cut and incremented
  EXPECT_TRUE(MayMatch(*MakePredicate(StartsWith{"c", "abc"}), c));
  EXPECT_TRUE(MayMatch(*MakePredicate(StartsWith{"c", ""}), c));
  EXPECT_FALSE(MayMatch(*MakePredicate(StartsWith{"c", "aa"}), c));
  EXPECT_FALSE(MayMatch(*MakePredicate(StartsWith{"c", "af"}), c));
  EXPECT_FALSE(MayMatch(*MakePredicate(Not{MakePredicate(StartsWith{"c", "a"})}), c));
  EXPECT_TRUE(MayMatch(*MakePredicate(Not{MakePredicate(StartsWith{"c", "ab"})}), c));
}

TEST(MayMatch, ListsAndConnectives) {
  OneColumn c;
  c.lower = std::int64_t{10};
  c.upper = std::int64_t{10};
  const PredicatePtr in = MakePredicate(In{"c", {std::int64_t{10}, std::int64_t{20}}});
  EXPECT_TRUE(MayMatch(*in, c));
  EXPECT_FALSE(MayMatch(*MakePredicate(Not{in}), c));
  EXPECT_FALSE(MayMatch(*MakePredicate(In{"c", {9.5, 10.5}}), c));
  EXPECT_FALSE(MayMatch(*MakePredicate(In{"c", {}}), c));
  EXPECT_TRUE(MayMatch(*MakePredicate(Not{MakePredicate(In{"c", {}})}), c));
  const PredicatePtr low = Cmp("c", CompareOp::kLt, std::int64_t{10});
  const PredicatePtr high = Cmp("c", CompareOp::kGt, std::int64_t{5});
  EXPECT_FALSE(MayMatch(*MakePredicate(And{{low, high}}), c));
  EXPECT_TRUE(MayMatch(*MakePredicate(Or{{low, high}}), c));
  EXPECT_FALSE(MayMatch(*MakePredicate(Not{MakePredicate(Or{{low, high}})}), c));
  EXPECT_TRUE(MayMatch(*MakePredicate(Not{MakePredicate(And{{low, high}})}), c));
}

}  // namespace
}  // namespace firn::expr
