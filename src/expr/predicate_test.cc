// SPDX-License-Identifier: Apache-2.0
#include "expr/predicate.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "expr/conjuncts.h"
#include "expr/literal.h"
#include "expr/number.h"

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
            "starts_with(e, 'pre') OR f = 2e0 OR g <> X'00ff')");
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

TEST(Literal, DecimalsCompareExactly) {
  const auto order = [](const Literal& a, const Literal& b) {
    const auto forth = CompareLiterals(a, b);
    const auto back = CompareLiterals(b, a);
    EXPECT_TRUE(forth.has_value() && back.has_value() && *forth == (0 <=> *back));
    return *forth < 0 ? -1 : *forth > 0 ? 1 : 0;
  };
  EXPECT_EQ(order(Decimal{10, 1}, Decimal{100, 2}), 0);
  EXPECT_EQ(order(Decimal{-10, 1}, Decimal{-101, 2}), 1);
  EXPECT_EQ(order(Decimal{-1, 30}, Decimal{1, 0}), -1);
  EXPECT_EQ(order(Decimal{5, 0}, std::int64_t{5}), 0);
  EXPECT_EQ(order(Decimal{55, 1}, std::int64_t{5}), 1);
  EXPECT_EQ(order(Decimal{3, -2}, std::int64_t{300}), 0);
  // Scaling up overflows 128 bits on either side of zero.
  EXPECT_EQ(order(Decimal{kInt128Max, 0}, Decimal{kInt128Max, 1}), 1);
  EXPECT_EQ(order(Decimal{kInt128Min, 0}, Decimal{kInt128Min, 1}), -1);
  EXPECT_EQ(order(Decimal{kInt128Min, 0}, Decimal{kInt128Min, 0}), 0);
  EXPECT_EQ(order(Decimal{0, -76}, Decimal{0, 76}), 0);
  // 0.1 as a double is a little above 0.1, 0.3 a little below 0.3.
  EXPECT_EQ(order(Decimal{1, 1}, 0.1), -1);
  EXPECT_EQ(order(Decimal{3, 1}, 0.3), 1);
  EXPECT_EQ(order(Decimal{-5, 1}, -0.5), 0);
  EXPECT_EQ(order(Decimal{0, 5}, -0.0), 0);
  EXPECT_EQ(order(Decimal{kInt128Max, 0}, 0x1p127), -1);
  EXPECT_EQ(order(Decimal{kInt128Min, 0}, -0x1p127), 0);
  EXPECT_EQ(order(Decimal{kInt128Min, -76}, -INFINITY), 1);
  EXPECT_EQ(order(Decimal{kInt128Max, -76}, std::nan("")), -1);
  EXPECT_EQ(order(Decimal{1, 76}, std::numeric_limits<double>::denorm_min()), 1);
  EXPECT_EQ(order(Decimal{kInt128Max, -76}, std::numeric_limits<double>::max()), -1);
}

TEST(Literal, FloorsAtAScale) {
  const auto at = [](const Literal& literal, int scale) {
    return *FloorAtScale(literal, scale);
  };
  EXPECT_EQ(at(Decimal{-25, 1}, 0), (Floored{-3, false}));
  EXPECT_EQ(at(Decimal{-25, 1}, 1), (Floored{-25, true}));
  EXPECT_EQ(at(Decimal{-25, 1}, 3), (Floored{-2500, true}));
  EXPECT_EQ(at(Decimal{1999, 0}, -2), (Floored{19, false}));
  EXPECT_EQ(at(Decimal{1, 3}, -2), (Floored{0, false}));
  EXPECT_EQ(at(Decimal{-1, 3}, -2), (Floored{-1, false}));
  EXPECT_EQ(at(std::int64_t{-7}, 2), (Floored{-700, true}));
  EXPECT_EQ(at(0.1, 18), (Floored{100000000000000005, false}));
  EXPECT_EQ(at(-1.5, 1), (Floored{-15, true}));
  EXPECT_EQ(at(1e300, 0), (Floored{kInt128Max, false}));
  EXPECT_EQ(at(-INFINITY, 5), (Floored{kInt128Min, false}));
  EXPECT_EQ(at(std::nan(""), 5), (Floored{kInt128Max, false}));
  EXPECT_FALSE(FloorAtScale(Literal("1"), 0).has_value());
}

TEST(Literal, NearestReals) {
  EXPECT_EQ(NearestDouble(Decimal{1, 1}), 0.1);
  EXPECT_EQ(NearestFloat(Decimal{1, 1}), 0.1f);
  EXPECT_EQ(NearestDouble(Decimal{-123456789, 3}), -123456.789);
  EXPECT_EQ(NearestDouble(Decimal{0, 9}), 0.0);
  EXPECT_EQ(NearestFloat(Decimal{1, 76}), 0.0f);
  EXPECT_EQ(NearestFloat(Decimal{-1, -76}), -INFINITY);
}

TEST(Literal, TextIsThatOfAFilter) {
  EXPECT_EQ(ToString(Literal(Decimal{-5, 2})), "-0.05");
  EXPECT_EQ(ToString(Literal(Decimal{0, 0})), "0.");
  EXPECT_EQ(ToString(Literal(Decimal{7, -2})), "700.");
  EXPECT_EQ(ToString(Literal(Decimal{kInt128Min, 0})),
            "-170141183460469231731687303715884105728.");
  EXPECT_EQ(ToString(Literal(1e300)), "1e+300");
  EXPECT_EQ(ToString(Literal(-0.0)), "-0e0");
  EXPECT_EQ(ToString(Literal(-INFINITY)), "DOUBLE '-Infinity'");
  EXPECT_EQ(ToString(Literal(Date{-1})), "DATE '1969-12-31'");
  EXPECT_EQ(ToString(Literal(TimeOfDay{3'723'000'000'500})), "TIME '01:02:03.000000500'");
  EXPECT_EQ(ToString(Literal(Timestamp{-1, 1})),
            "TIMESTAMP '1969-12-31T23:59:59.999999001Z'");
  EXPECT_EQ(ToString(Literal(Timestamp{1'000})), "TIMESTAMP '1970-01-01T00:00:00.001Z'");
}

TEST(Literal, ForeignTypesHaveNoOrder) {
  EXPECT_FALSE(CompareLiterals(Literal("1"), Literal(std::int64_t{1})).has_value());
  EXPECT_FALSE(CompareLiterals(Literal(Timestamp{1}), Literal(Date{1})).has_value());
  EXPECT_FALSE(CompareLiterals(Literal(Binary{"a"}), Literal("a")).has_value());
  EXPECT_TRUE(*CompareLiterals(Literal("a"), Literal("\xff")) < 0);
  EXPECT_TRUE(*CompareLiterals(Literal(2.5), Literal(std::int64_t{2})) > 0);
  EXPECT_FALSE(CompareLiterals(Literal(TimeOfDay{1}), Literal(std::int64_t{1})));
  EXPECT_FALSE(CompareLiterals(Literal(true), Literal(Decimal{1, 0})));
  EXPECT_TRUE(*CompareLiterals(Literal(Timestamp{5}), Literal(Timestamp{5, 1})) < 0);
  EXPECT_TRUE(*CompareLiterals(Literal(Timestamp{-1, 999}), Literal(Timestamp{0})) < 0);
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

TEST(MayMatch, PatternsByTheirPrefix) {
  OneColumn c;
  c.lower = Literal("ab");
  c.upper = Literal("ae");
  const auto like = [](const char* pattern) { return MakePredicate(Like{"c", pattern}); };
  EXPECT_TRUE(MayMatch(*like("abc%d"), c));
  EXPECT_TRUE(MayMatch(*like("%x"), c));
  EXPECT_FALSE(MayMatch(*like("af%d"), c));
  EXPECT_FALSE(MayMatch(*like("a\\_%d"), c)) << "the underscore stands for itself";
  EXPECT_TRUE(MayMatch(*MakePredicate(Not{like("ab%d")}), c));
  c.upper = c.lower;
  EXPECT_TRUE(MayMatch(*like("_b"), c));
  EXPECT_FALSE(MayMatch(*like("_c"), c));
  EXPECT_FALSE(MayMatch(*MakePredicate(Not{like("_b")}), c));
  c.value_count = c.null_count = 2;
  EXPECT_FALSE(MayMatch(*like("_b"), c));
  EXPECT_FALSE(MayMatch(*MakePredicate(Not{like("_c")}), c));
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
