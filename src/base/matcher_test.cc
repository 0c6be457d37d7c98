// SPDX-License-Identifier: Apache-2.0
#include "base/matcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <re2/re2.h>

#include <thread>

namespace firn::base {
namespace {

Matcher Make(MatchOp op, std::string value) {
  return Matcher::Make({op, "l", std::move(value)}).value();
}

TEST(MatcherTest, EqualAndNotEqual) {
  const Matcher equal = Make(MatchOp::kEqual, "a.c");
  EXPECT_TRUE(equal.Matches("a.c"));
  EXPECT_FALSE(equal.Matches("abc"));
  EXPECT_FALSE(equal.MatchesEmpty());
  const Matcher differs = Make(MatchOp::kNotEqual, "a.c");
  EXPECT_FALSE(differs.Matches("a.c"));
  EXPECT_TRUE(differs.Matches("abc"));
  EXPECT_TRUE(differs.MatchesEmpty());
  // An absent label has the value "".
  EXPECT_TRUE(Make(MatchOp::kEqual, "").MatchesEmpty());
  EXPECT_FALSE(Make(MatchOp::kNotEqual, "").MatchesEmpty());
}

// Every pattern is tried on every value, against RE2 alone by Prometheus's rules.
TEST(MatcherTest, ShortCutsAgreeWithTheExpression) {
  const char* const patterns[] = {
      "",        "a",      "abc",       "a|b",        "a|",          "|",         "(a|b)",
      "(?:a|b)", "(a)",    "()",        "a\\.c",      "a\\.c|b\\|d", ".*",        ".+",
      "a.*",     "a.+",    "ab.*|c",    "ab.*c",      "a?",          "ab?",       "ab*",
      "ab{0,1}", "ab+",    "\xc3\xa9*", "a\xc3\xa9?", "(?i)ab",      "a(?i)b",    "^a$",
      "^a|b$",   "a$",     "[ab]",      "a[|]b",      "(a|b)c",      "(a|b|",     "a|(b)",
      "((a))",   ".",      "a.c",       "a\\d",       "\\d+",        "\\Qa.c\\E", "a\n.*",
      "a(b|c)d", ".*a",    "a||b",      "[^a]*",      "(a|b)(c|d)",  "\\.*",      "a\\",
      "\\.+",    "ab|abc", "(a.*)",     "(?s:.)",     "a\\{1\\}",
  };
  const char* const values[] = {
      "",     "a",   "b",        "c",         "ab",
      "abc",  "a.c", "b|d",      "abcd",      "A",
      "AB",   "aB",  "a\nb",     "\n",        "ac",
      "abd",  "acd", "5",        "a5",        "a|b",
      "|",    "d",   "\xc3\xa9", "a\xc3\xa9", "\xc3\xa9\xc3\xa9",
      "a\n",  ".",   "..",       "bc",        "ad",
      "a{1}",
  };
  int compiled = 0;
  for (const char* pattern : patterns) {
    re2::RE2::Options options;
    options.set_dot_nl(true);
    options.set_log_errors(false);
    const re2::RE2 oracle(pattern, options);
    const auto matcher = Matcher::Make({MatchOp::kRegex, "l", pattern});
    const auto inverse = Matcher::Make({MatchOp::kNotRegex, "l", pattern});
    ASSERT_EQ(matcher.ok(), oracle.ok()) << pattern << ": " << matcher.status();
    if (!oracle.ok()) continue;
    ++compiled;
    for (const char* value : values) {
      const bool expected = re2::RE2::FullMatch(value, oracle);
      EXPECT_EQ(matcher->Matches(value), expected) << pattern << " on " << value;
      EXPECT_EQ(inverse->Matches(value), !expected) << pattern << " on " << value;
      if (!expected) continue;
      EXPECT_TRUE(std::string_view(value).starts_with(matcher->prefix())) << pattern;
      if (matcher->has_literals()) {
        EXPECT_THAT(matcher->literals(), testing::Contains(value)) << pattern;
      }
    }
  }
  EXPECT_GT(compiled, 50);
}

TEST(MatcherTest, TellsWhatItKnowsOfTheValues) {
  using testing::ElementsAre;
  EXPECT_THAT(Make(MatchOp::kRegex, "b|a\\.x|b").literals(), ElementsAre("a.x", "b"));
  EXPECT_THAT(Make(MatchOp::kRegex, "(?:x|y)").literals(), ElementsAre("x", "y"));
  EXPECT_THAT(Make(MatchOp::kRegex, "").literals(), ElementsAre(""));
  EXPECT_THAT(Make(MatchOp::kNotEqual, "x").literals(), ElementsAre("x"));
  EXPECT_FALSE(Make(MatchOp::kRegex, "a.*").has_literals());
  EXPECT_EQ(Make(MatchOp::kRegex, "node_.*").prefix(), "node_");
  EXPECT_EQ(Make(MatchOp::kRegex, "node_[ab]x").prefix(), "node_");
  EXPECT_EQ(Make(MatchOp::kRegex, "nodes?").prefix(), "node");
  EXPECT_EQ(Make(MatchOp::kRegex, "node[a]|x").prefix(), "");
  EXPECT_EQ(Make(MatchOp::kRegex, "node\xc3\xa9*x").prefix(), "node");
}

TEST(MatcherTest, LongListsOfAlternatives) {
  std::string pattern = "v0";
  for (int i = 1; i < 2000; ++i) pattern += "|v" + std::to_string(i);
  const Matcher matcher = Make(MatchOp::kRegex, pattern);
  EXPECT_TRUE(matcher.has_literals());
  EXPECT_TRUE(matcher.Matches("v1999"));
  EXPECT_FALSE(matcher.Matches("v2000"));
}

TEST(MatcherTest, BrokenExpressionsAreErrorsWithAReason) {
  EXPECT_EQ(Matcher::Make({MatchOp::kRegex, "job", "a(b"}).status(),
            Status::InvalidArgument("matcher job=~\"a(b\": invalid regular expression: "
                                    "missing ): a(b"));
  EXPECT_FALSE(Matcher::Make({MatchOp::kNotRegex, "job", "*"}).ok());
  EXPECT_FALSE(Matcher::Make({MatchOp::kRegex, "job", "(?=a)"}).ok());
  // The same text is fine where it is no expression.
  EXPECT_TRUE(Matcher::Make({MatchOp::kEqual, "job", "a(b"}).ok());
}

TEST(MatcherTest, HugeExpressionsAreErrors) {
  EXPECT_TRUE(Matcher::Make({MatchOp::kRegex, "l", "((a{100}){100}){100}"})
                  .status()
                  .Is(StatusCode::kInvalidArgument));
}

TEST(MatcherTest, MakeAllStopsAtTheFirstError) {
  const std::vector<LabelMatcher> good{{MatchOp::kEqual, "a", "1"},
                                       {MatchOp::kNotRegex, "b", "x.*"}};
  const std::vector<Matcher> matchers = Matcher::MakeAll(good).value();
  EXPECT_TRUE(MatchesAll(matchers, Labels{{"a", "1"}}));
  EXPECT_TRUE(MatchesAll(matchers, Labels{{"a", "1"}, {"b", "y"}}));
  EXPECT_FALSE(MatchesAll(matchers, Labels{{"a", "1"}, {"b", "xy"}}));
  EXPECT_FALSE(MatchesAll(matchers, Labels{{"b", "y"}}));
  EXPECT_FALSE(Matcher::MakeAll({{MatchOp::kRegex, "b", "("}}).ok());
}

TEST(MatcherTest, ThreadsShareOneMatcher) {
  const Matcher matcher = Make(MatchOp::kRegex, "a[0-9]+b");
  std::atomic<int> matched{0};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([matcher, &matched] {
        for (int i = 0; i < 200; ++i) {
          matched += matcher.Matches("a" + std::to_string(i) + "b") ? 1 : 0;
        }
      });
    }
  }
  EXPECT_EQ(matched, 800);
}

}  // namespace
}  // namespace firn::base
