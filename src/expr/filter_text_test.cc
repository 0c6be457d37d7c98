// SPDX-License-Identifier: Apache-2.0
#include "expr/filter_text.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <string>

#include "expr/civil_text.h"
#include "expr/like.h"
#include "expr/literal.h"
#include "expr/number.h"

namespace firn::expr {
namespace {

// The filter as ToString() writes it, or the error.
std::string Parsed(std::string_view text) {
  const auto parsed = ParseFilter(text);
  return parsed.ok() ? ToString(**parsed) : std::string(parsed.status().message());
}

std::string Repeat(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

TEST(ParseFilter, Comparisons) {
  EXPECT_EQ(Parsed("status_code = 200"), "status_code = 200");
  EXPECT_EQ(Parsed("timestamp >= '2024-01-01'"), "timestamp >= '2024-01-01'");
  EXPECT_EQ(Parsed("200<>a"), "a <> 200");
  EXPECT_EQ(Parsed("-2.50 < a"), "a > -2.50");
  EXPECT_EQ(Parsed("a != 'it''s'"), "a <> 'it''s'");
  EXPECT_EQ(Parsed("a = x'00fF'"), "a = X'00ff'");
  EXPECT_EQ(Parsed("true = a"), "a = true");
  EXPECT_EQ(Parsed("a = +5"), "a = 5");
  EXPECT_EQ(Parsed("a = .5"), "a = 0.5");
  EXPECT_EQ(Parsed("a = 1.5E3"), "a = 1500e0");
  EXPECT_EQ(Parsed("a = -9223372036854775808"), "a = -9223372036854775808");
  EXPECT_EQ(Parsed("a = 18446744073709551615"), "a = 18446744073709551615.");
  EXPECT_EQ(Parsed("a = double 'NAN'"), "a = DOUBLE 'NaN'");
  EXPECT_EQ(Parsed("a = DATE '2026-01-02'"), "a = DATE '2026-01-02'");
  EXPECT_EQ(Parsed("a = time '03:04'"), "a = TIME '03:04:00'");
  EXPECT_EQ(Parsed("a = Timestamp '2026-01-02 03:04:05.6+01:00'"),
            "a = TIMESTAMP '2026-01-02T02:04:05.600Z'");
  EXPECT_EQ(Parsed("a = UUID '00112233-4455-6677-8899-AAbbccddeeff'"),
            "a = X'00112233445566778899aabbccddeeff'");
}

TEST(ParseFilter, TestsAndConnectives) {
  EXPECT_EQ(Parsed("a in (1, 2) or b not in ('x')"), "(a IN (1, 2) OR NOT (b IN ('x')))");
  EXPECT_EQ(Parsed("a IN ()"), "a IN ()");
  EXPECT_EQ(Parsed("a between 1 and 2 and b = 3"), "((a >= 1 AND a <= 2) AND b = 3)");
  EXPECT_EQ(Parsed("a not between 1 and 2"), "NOT ((a >= 1 AND a <= 2))");
  EXPECT_EQ(Parsed("a is null and b IS NOT NULL"), "(a IS NULL AND b IS NOT NULL)");
  EXPECT_EQ(Parsed("a = 1 or b = 2 and not c = 3"), "(a = 1 OR (b = 2 AND NOT (c = 3)))");
  EXPECT_EQ(Parsed("(a = 1 or b = 2) and c = 3"), "((a = 1 OR b = 2) AND c = 3)");
  EXPECT_EQ(Parsed("((a = 1))"), "a = 1");
  EXPECT_EQ(Parsed("true and not false"), "(true AND NOT (false))");
  EXPECT_EQ(Parsed("STARTS_WITH ( a , 'x' )"), "starts_with(a, 'x')");
}

TEST(ParseFilter, Patterns) {
  EXPECT_EQ(Parsed("a like 'abc'"), "a = 'abc'");
  EXPECT_EQ(Parsed("a like 'abc%'"), "starts_with(a, 'abc')");
  EXPECT_EQ(Parsed("a like '%'"), "starts_with(a, '')");
  EXPECT_EQ(Parsed("a not like 'a%c_'"), "NOT (a LIKE 'a%c_')");
  EXPECT_EQ(Parsed("a like '50!%%' escape '!'"), "starts_with(a, '50%')");
  EXPECT_EQ(Parsed("a like '_!_!!' escape '!'"), "a LIKE '_\\_!' ESCAPE '\\'");
  EXPECT_EQ(Parsed("a like 'c:\\_'"), "a LIKE 'c:\\\\_' ESCAPE '\\'");
}

TEST(ParseFilter, Names) {
  EXPECT_EQ(Parsed("\"a b\" = 1"), "\"a b\" = 1");
  EXPECT_EQ(Parsed("\"say \"\"hi\"\"\" = 1"), "\"say \"\"hi\"\"\" = 1");
  EXPECT_EQ(Parsed("\"In\" = 1"), "\"In\" = 1");
  EXPECT_EQ(Parsed("a.b . \"c d\" = 1"), "\"a.b.c d\" = 1");
  EXPECT_EQ(Parsed("Host.Name = 1"), "Host.Name = 1");
  EXPECT_EQ(Parsed("\"\" = 1"), "\"\" = 1");
  EXPECT_EQ(Parsed("gr\xc3\xb6\xc3\x9f"
                   "e = 1"),
            "gr\xc3\xb6\xc3\x9f"
            "e = 1");
  // Words of the grammar only where a text follows.
  EXPECT_EQ(Parsed("date = 1 and time is null and uuid > 2 and starts_with = 3"),
            "(date = 1 AND time IS NULL AND uuid > 2 AND starts_with = 3)");
}

TEST(ParseFilter, ErrorsPointAtTheCharacter) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"", "1:1: parse error: unexpected end of input, expected a column"},
      {"status_code == 200", "1:14: parse error: unexpected \"=\", expected a literal"},
      {"a = 1\n  and or b = 2", "2:7: parse error: unexpected \"or\", expected a column"},
      {"a = 1 b", "1:7: parse error: unexpected \"b\", expected AND, OR or the end"},
      {"a", "1:2: parse error: unexpected end of input, expected a comparison"},
      {"a not 5", "1:7: parse error: unexpected \"5\", expected IN, BETWEEN or LIKE"},
      {"a is 5", "1:6: parse error: unexpected \"5\", expected \"null\""},
      {"(a = 1", "1:7: parse error: unexpected end of input, expected \")\""},
      {"a in (1, )", "1:10: parse error: unexpected \")\", expected a literal"},
      {"a between 1 or 2", "1:13: parse error: unexpected \"or\", expected \"and\""},
      {"a = null", "1:5: parse error: nothing equals NULL: write IS NULL or IS NOT NULL"},
      {"5 and a = 1", "1:3: parse error: unexpected \"and\", expected a comparison"},
      {"a = b", "1:5: parse error: unexpected \"b\", expected a literal"},
      {"a = 'x", "1:5: parse error: text without an end"},
      {"\"a = 1", "1:1: parse error: quoted name without an end"},
      {"a = x'0'", "1:5: parse error: bytes are written in pairs of hexadecimal digits"},
      {"a = 12ab", "1:5: parse error: a number ends in \"a\""},
      {"a = 1e999", "1:5: parse error: number out of range: 1e999"},
      {"a = 170141183460469231731687303715884105728",
       "1:5: parse error: number out of range: 170141183460469231731687303715884105728"},
      {"a = date '2026-02-30'", "1:10: parse error: '2026-02-30' is no date"},
      {"a = -b", "1:6: parse error: unexpected \"b\", expected a number"},
      {"a # 1", "1:3: parse error: unexpected character \"#\""},
      {"a like 5", "1:8: parse error: unexpected \"5\", expected a text such as 'a'"},
      {"a like 'x' escape ''", "1:19: parse error: an escape is one ASCII character"},
      {"a like 'x!y' escape '!'",
       "1:8: parse error: the pattern's escape character stands before none of %, _ and "
       "itself"},
      {"and = 1", "1:1: parse error: unexpected \"and\", expected a column"},
  };
  for (const auto& [text, error] : cases) {
    EXPECT_EQ(Parsed(text), error) << text;
    EXPECT_EQ(ParseFilter(text).status().code(), StatusCode::kInvalidArgument) << text;
  }
}

TEST(ParseFilter, DepthAndLengthAreBounded) {
  for (const std::string& text :
       {Repeat("(", 100'000), Repeat("not ", 100'000), Repeat("a = 1 and (", 50'000)}) {
    EXPECT_NE(Parsed(text).find("filter nests deeper than 200 levels"), std::string::npos)
        << text.substr(0, 20);
  }
  EXPECT_EQ(Parsed(std::string(kFilterBytesMax + 1, ' ')),
            "1:1: parse error: filter of 1048577 bytes is longer than 1048576");
  const auto wide = ParseFilter(Repeat("a = 1 or ", 10'000) + "a = 1");
  ASSERT_TRUE(wide.ok()) << wide.status();
  EXPECT_EQ(std::get<Or>((*wide)->node()).operands.size(), 10'001u);
}

TEST(CivilText, RefusesWhatNoCalendarHas) {
  for (const char* text : {"", "2026", "2026-1-02", "2026-13-01", "2025-02-29",
                           "02026-01-01", "2026-01-02x", "+99999999-01-01"}) {
    EXPECT_FALSE(ParseDate(text).has_value()) << text;
  }
  for (const char* text : {"24:00", "1:00", "00:60", "00:00:60", "00:00:00.",
                           "00:00:00.1234567890", "00:00:00Z"}) {
    EXPECT_FALSE(ParseTime(text).has_value()) << text;
  }
  for (const char* text : {"2026-01-02T", "2026-01-02Z", "2026-01-02T00:00+24",
                           "+0299999-01-01", "2026-01-02T00:00:00 Z"}) {
    EXPECT_FALSE(ParseTimestamp(text).has_value()) << text;
  }
  EXPECT_EQ(ParseTimestamp("1969-12-31T23:59:59.999999999"), (Timestamp{-1, 999}));
  EXPECT_EQ(ParseTimestamp("2026-01-02"), ParseTimestamp("2026-01-01t23:00-01"));
  EXPECT_EQ(ParseDate("-0001-12-31"), (Date{-719529}));
  EXPECT_EQ(ParseTime("01:02:03.4"), (TimeOfDay{3'723'400'000'000}));
}

TEST(LikePattern, Matches) {
  const auto matches = [](std::string_view text, std::string_view pattern) {
    return LikePattern(pattern).Matches(text);
  };
  EXPECT_TRUE(matches("", ""));
  EXPECT_TRUE(matches("", "%"));
  EXPECT_FALSE(matches("", "_"));
  EXPECT_TRUE(matches("abc", "a_c"));
  EXPECT_TRUE(matches("abcbc", "a%bc"));
  EXPECT_TRUE(matches("abcbcd", "%bc_"));
  EXPECT_FALSE(matches("abcbc", "%bc_"));
  EXPECT_TRUE(matches("xaxbxc", "%a%b%c"));
  EXPECT_FALSE(matches("xbxaxc", "%a%b%c"));
  EXPECT_FALSE(matches("ABC", "abc"));
  EXPECT_TRUE(matches("a%", "a\\%"));
  EXPECT_FALSE(matches("ab", "a\\%"));
  EXPECT_TRUE(matches("a\xc3\xb6z", "a_z")) << "a character, not a byte";
  EXPECT_TRUE(matches("a\xffz", "a_z")) << "no character, but a byte";
  EXPECT_EQ(LikePattern("a\\_b%c").prefix(), "a_b");
  EXPECT_EQ(LikePattern("%a").prefix(), "");
  // Time grows with the product of the lengths, not with its powers.
  EXPECT_FALSE(matches(std::string(5000, 'a'), Repeat("%a", 500) + "b"));
}

// Random trees of every kind of leaf and literal.
class TreeMaker {
 public:
  explicit TreeMaker(std::uint64_t seed) : random_(seed) {}

  PredicatePtr Tree(int depth) {
    if (depth == 0 || Below(3) == 0) return Leaf();
    if (Below(3) == 0) return MakePredicate(Not{Tree(depth - 1)});
    std::vector<PredicatePtr> operands;
    const int count = Below(4);
    for (int i = 0; i < (count == 1 ? 2 : count); ++i) {
      operands.push_back(Tree(depth - 1));
    }
    if (Below(2) == 0) return MakePredicate(And{std::move(operands)});
    return MakePredicate(Or{std::move(operands)});
  }

 private:
  int Below(int n) { return static_cast<int>(random_() % static_cast<std::uint64_t>(n)); }
  std::string Text() {
    static constexpr std::string_view kPieces[] = {
        "a", "'", "\"", "%", "_", "\\", ".", " ", "\n", "\xff", "In", "\xc3\xb6"};
    std::string text;
    for (int n = Below(5); n > 0; --n) text += kPieces[Below(12)];
    return text;
  }
  std::string Column() {
    static const char* const kNames[] = {"a", "a.b", "date", "NULL", "_1", "1a", "X"};
    return Below(3) == 0 ? Text() : kNames[Below(7)];
  }
  Literal AnyLiteral() {
    const auto number = static_cast<std::int64_t>(random_());
    switch (Below(9)) {
      case 0:
        return Below(2) == 0;
      case 1:
        return Below(4) == 0 ? std::numeric_limits<std::int64_t>::min()
                             : number >> Below(64);
      case 2: {
        static const double kEdges[] = {0.0,
                                        -0.0,
                                        INFINITY,
                                        -INFINITY,
                                        std::nan(""),
                                        std::numeric_limits<double>::max(),
                                        std::numeric_limits<double>::denorm_min()};
        return Below(2) == 0 ? kEdges[Below(7)] : static_cast<double>(number) / 1024;
      }
      case 3:
        return Text();
      case 4:
        return Timestamp{number >> Below(30), static_cast<std::int16_t>(Below(1000))};
      case 5:
        return Date{static_cast<std::int32_t>(number)};
      case 6:
        return Binary{Text()};
      case 7:
        return Decimal{Int128{number} * (number >> Below(60)), Below(77)};
      default:
        return TimeOfDay{static_cast<std::int64_t>(random_() % 86'400'000'000'000)};
    }
  }
  PredicatePtr Leaf() {
    switch (Below(6)) {
      case 0:
        return MakePredicate(IsNull{Column()});
      case 1:
        return MakePredicate(IsNotNull{Column()});
      case 2: {
        In in{Column(), {}};
        for (int n = Below(4); n > 0; --n) in.literals.push_back(AnyLiteral());
        return MakePredicate(std::move(in));
      }
      case 3:
        return MakePredicate(StartsWith{Column(), Text()});
      case 4:
        return MakeLike(Column(), Text(), std::nullopt);
      default:
        return MakePredicate(
            Compare{Column(), static_cast<CompareOp>(Below(6)), AnyLiteral()});
    }
  }

  std::mt19937_64 random_;
};

TEST(ParseFilter, ReadsBackWhatToStringWrites) {
  for (std::uint64_t seed = 0; seed < 5000; ++seed) {
    const PredicatePtr tree = TreeMaker(seed).Tree(4);
    const std::string text = ToString(*tree);
    const auto parsed = ParseFilter(text);
    ASSERT_TRUE(parsed.ok()) << "seed " << seed << ": " << text << ": "
                             << parsed.status();
    ASSERT_TRUE(AreEqual(*tree, **parsed))
        << "seed " << seed << ": " << text << " became " << ToString(**parsed);
  }
}

TEST(AreEqual, TellsLiteralsApart) {
  const auto compare = [](Literal literal) {
    return MakePredicate(Compare{"a", CompareOp::kEq, std::move(literal)});
  };
  const Literal literals[] = {
      std::int64_t{1}, 1.0,         Decimal{1, 0}, Decimal{10, 1}, 0.0,     -0.0,
      std::nan(""),    true,        Literal("1"),  Binary{"1"},    Date{1}, Timestamp{1},
      Timestamp{1, 1}, TimeOfDay{1}};
  for (const Literal& a : literals) {
    for (const Literal& b : literals) {
      EXPECT_EQ(AreEqual(*compare(a), *compare(b)), &a == &b)
          << ToString(a) << " and " << ToString(b);
    }
  }
  EXPECT_FALSE(AreEqual(*MakePredicate(IsNull{"a"}), *MakePredicate(IsNotNull{"a"})));
  EXPECT_FALSE(AreEqual(*MakePredicate(And{}), *MakePredicate(Or{})));
}

}  // namespace
}  // namespace firn::expr
