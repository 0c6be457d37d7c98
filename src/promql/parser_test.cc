// SPDX-License-Identifier: Apache-2.0
#include "promql/parser.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "promql/format.h"
#include "promql/function.h"

namespace firn::promql {
namespace {

std::string Canonical(std::string_view text) {
  const Result<ExprPtr> expr = ParseExpr(text);
  return expr.ok() ? Format(**expr) : expr.status().ToString();
}

std::string ErrorOf(std::string_view text) {
  const Result<ExprPtr> expr = ParseExpr(text);
  return expr.ok() ? "parsed as " + Format(**expr) : std::string(expr.status().message());
}

struct FormatCase {
  std::string_view text;
  std::string_view canonical;
};

TEST(ParseExprTest, ReadsAndPrints) {
  const std::vector<FormatCase> cases = {
      {"1", "1"},
      {"0x1F", "31"},
      {"010", "8"},
      {"1_000.5e-1", "100.05"},
      {".5 + 5.", "0.5 + 5"},
      {"-iNf", "-Inf"},
      {"1h30m", "1h30m"},
      {"-5m", "-5m"},
      {"'a\\x41\\u00e9\\101'", "\"aA\u00e9A\""},
      {"`raw\\n`", R"("raw\\n")"},
      {"# only a comment\n1 # and one more", "1"},
      {"foo", "foo"},
      {"foo:bar", "foo:bar"},
      {"sum", "sum"},
      {"by + offset", "by + offset"},
      {"fill + fill_left", "fill + fill_left"},
      {"foo{b!~\"x\", a=\"y\",}", R"(foo{a="y",b!~"x"})"},
      {R"({"my.metric", "a.b"='c'})", R"({"a.b"="c",__name__="my.metric"})"},
      {"foo{on='x', sum='y'}", R"(foo{on="x",sum="y"})"},
      {"foo[90s] offset -1h @ 1.5", "foo[1m30s] @ 1.500 offset -1h"},
      {"foo @ -0.001", "foo @ -0.001"},
      {"foo @ end() offset 1d", "foo @ end() offset 1d"},
      {"foo[5m:] offset 1w", "foo[5m:] offset 1w"},
      {"max_over_time(foo[5m:1m])[1h:]", "max_over_time(foo[5m:1m])[1h:]"},
      {"foo[step() * 2 + 1m]", "foo[step() * 2 + 1m]"},
      {"foo[max_of(1m, -(2s)^2)]", "foo[max_of(1m, -(2s) ^ 2)]"},
      {"foo offset -step() * 2", "foo offset -step() * 2"},
      {"foo[5m] anchored @ 0", "foo[5m] anchored @ 0.000"},
      {"foo smoothed", "foo smoothed"},
      {"SUM BY (a, \"b c\", on) (foo)", "sum by (a, \"b c\", on) (foo)"},
      {"sum(foo) without ()", "sum without () (foo)"},
      {"topk(5, foo)", "topk(5, foo)"},
      {"a + on(x) group_left(y,) b", "a + on (x) group_left (y) b"},
      {"a / ignoring(x) group_right b", "a / ignoring (x) group_right () b"},
      {"a > bool b", "a > bool b"},
      {"a + fill(0) b", "a + fill (0) b"},
      {"a + fill_right(-1) fill_left(2) b", "a + fill_left (2) fill_right (-1) b"},
      {"a and ignoring(x) b or c unless d", "a and ignoring (x) b or c unless d"},
      {"a </ 5", "a </ 5"},
      {"quantile_over_time(0.9, foo[5m])", "quantile_over_time(0.9, foo[5m])"},
      {"time() - start()", "time() - start()"},
  };
  for (const FormatCase& c : cases) {
    EXPECT_EQ(Canonical(c.text), c.canonical) << c.text;
    EXPECT_EQ(Canonical(c.canonical), c.canonical) << c.text;
  }
}

// Parentheses show how the tree leans.
std::string Shape(const Expr& expr) {
  if (const auto* binary = expr.As<Binary>()) {
    return "(" + Shape(*binary->left) + std::string(Spelling(binary->op)) +
           Shape(*binary->right) + ")";
  }
  if (const auto* unary = expr.As<Unary>()) {
    return "(" + std::string(Spelling(unary->op)) + Shape(*unary->expr) + ")";
  }
  return Format(expr);
}

TEST(ParseExprTest, OperatorsBind) {
  const std::vector<FormatCase> cases = {
      {"a or b and c == d + e * f ^ g", "(aor(band(c==(d+(e*(f^g))))))"},
      {"a - b - c", "((a-b)-c)"},
      {"a ^ b ^ c", "(a^(b^c))"},
      {"a unless b and c", "((aunlessb)andc)"},
      {"-a ^ b", "(-(a^b))"},
      {"-a * b", "((-a)*b)"},
      {"a ^ -b", "(a^(-b))"},
      {"a % b atan2 c / d", "(((a%b)atan2c)/d)"},
      {"2 ^ -1", "(2^-1)"},
  };
  for (const FormatCase& c : cases) {
    const Result<ExprPtr> expr = ParseExpr(c.text);
    ASSERT_TRUE(expr.ok()) << expr.status();
    EXPECT_EQ(Shape(**expr), c.canonical) << c.text;
  }
}

struct ErrorCase {
  std::string_view text;
  std::string_view error;
};

TEST(ParseExprTest, ErrorsPointAtThePlace) {
  const std::vector<ErrorCase> cases = {
      {"", "1:1: parse error: no expression found in input"},
      {"# nothing", "1:1: parse error: no expression found in input"},
      {"foo bar", "1:5: parse error: unexpected identifier \"bar\""},
      {"foo +", "1:6: parse error: unexpected end of input"},
      {"a\n  + $", "2:5: parse error: unexpected character: '$'"},
      {"(1", "1:3: parse error: unclosed left parenthesis"},
      {"1)", "1:2: parse error: unexpected right parenthesis ')'"},
      {"foo{", "1:5: parse error: unexpected end of input inside braces"},
      {"foo{a}",
       "1:6: parse error: unexpected \"}\" in label matching, expected label "
       "matching operator"},
      {"foo{a=b}",
       "1:7: parse error: unexpected identifier \"b\" in label matching, "
       "expected string"},
      {"foo{a=\"b\" c=\"d\"}",
       "1:11: parse error: unexpected identifier \"c\" in label "
       "matching, expected \",\" or \"}\""},
      {"{}",
       "1:1: parse error: vector selector must contain at least one non-empty "
       "matcher"},
      {"{a=~\".*\"}",
       "1:1: parse error: vector selector must contain at least one "
       "non-empty matcher"},
      {"foo{__name__=\"bar\"}",
       "1:1: parse error: metric name must not be set twice: "
       "\"foo\" or \"bar\""},
      {"foo[5m", "1:7: parse error: unexpected end of input in duration expression"},
      {"foo[0]", "1:5: parse error: duration must be greater than 0"},
      {"foo[5m] [5m]", "1:9: parse error: ranges only allowed for vector selectors"},
      {"foo offset 5m[5m]",
       "1:14: parse error: no offset modifiers allowed before range"},
      {"foo @ 5[5m]", "1:8: parse error: no @ modifiers allowed before range"},
      {"foo[1m / 0]", "1:8: parse error: division by zero"},
      {"foo offset",
       "1:11: parse error: unexpected end of input in offset, expected "
       "number, duration, step(), or range()"},
      {"foo offset 1m offset 1m",
       "1:1: parse error: offset may not be set multiple times"},
      {"1 offset 5m",
       "1:1: parse error: offset modifier must be preceded by an instant "
       "vector selector or range vector selector or a subquery"},
      {"foo @ bar",
       "1:7: parse error: unexpected identifier \"bar\" in @, expected "
       "timestamp"},
      {"foo @ 1 @ 2", "1:1: parse error: @ <timestamp> may not be set multiple times"},
      {"foo @ 1e30",
       "1:1: parse error: timestamp out of bounds for @ modifier: "
       "1000000000000000019884624838656"},
      {"foo anchored smoothed",
       "1:1: parse error: anchored and smoothed modifiers cannot "
       "be used together"},
      {"sum(", "1:5: parse error: unclosed left parenthesis"},
      {"sum()", "1:1: parse error: no arguments for aggregate expression provided"},
      {"topk(foo)",
       "1:1: parse error: wrong number of arguments for aggregate expression "
       "provided, expected 2, got 1"},
      {"sum by foo (bar)",
       "1:8: parse error: unexpected identifier \"foo\" in grouping "
       "opts, expected \"(\""},
      {"sum by (1) (bar)",
       "1:9: parse error: unexpected number \"1\" in grouping opts, expected label"},
      {"sum(1)",
       "1:5: parse error: expected type instant vector in aggregation "
       "expression, got scalar"},
      {"nope(foo)", "1:1: parse error: unknown function with name \"nope\""},
      {"rate(foo)",
       "1:6: parse error: expected type range vector in call to function "
       "\"rate\", got instant vector"},
      {"rate(foo[5m],)",
       "1:13: parse error: trailing commas not allowed in function call args"},
      {"rate()", "1:1: parse error: expected 1 argument(s) in call to \"rate\", got 0"},
      {"round(a, 1, 2)",
       "1:1: parse error: expected at most 2 argument(s) in call to \"round\", got 3"},
      {"label_join(a, \"b\")",
       "1:1: parse error: expected at least 3 argument(s) in call to \"label_join\", got "
       "2"},
      {"1 == 1", "1:3: parse error: comparisons between scalars must use BOOL modifier"},
      {"a + bool b",
       "1:3: parse error: bool modifier can only be used on comparison "
       "operators"},
      {"a and 1",
       "1:1: parse error: set operator \"and\" not allowed in binary scalar "
       "expression"},
      {"a and on(x) group_left b",
       "1:1: parse error: no grouping allowed for \"and\" "
       "operation"},
      {"a + on(x) group_left(x) b",
       "1:3: parse error: label \"x\" must not occur in ON and "
       "GROUP clause at once"},
      {"1 + on(x) b",
       "1:1: parse error: vector matching only allowed between instant "
       "vectors"},
      {"a + fill(1) 2",
       "1:1: parse error: filling in missing series only allowed between "
       "instant vectors"},
      {"a or fill(1) b",
       "1:1: parse error: filling in missing series not allowed for set "
       "operators"},
      {"a + \"b\"",
       "1:5: parse error: binary expression must contain only scalar and "
       "instant vector types"},
      {"-\"a\"",
       "1:1: parse error: unary expression only allowed on expressions of type "
       "scalar or instant vector, got \"string\""},
      {"foo[5m][1h:]",
       "1:1: parse error: subquery is only allowed on instant vector, got "
       "range vector instead"},
      {"\"a\\q\"", "1:1: parse error: unknown escape sequence 'q'"},
      {"\"abc", "1:1: parse error: unterminated quoted string"},
      {"`abc", "1:1: parse error: unterminated raw string"},
      {"\"\xff\"", "1:1: parse error: invalid UTF-8 rune"},
      {"1e", "1:1: parse error: bad number or duration syntax: \"1e\""},
      {"5mm", "1:1: parse error: bad number or duration syntax: \"5mm\""},
      {"foo{a=~\"(\"}", "1:5: parse error: "},
  };
  for (const ErrorCase& c : cases) {
    const std::string error = ErrorOf(c.text);
    if (c.error.ends_with(": ")) {
      EXPECT_TRUE(error.starts_with(c.error)) << c.text << " gave " << error;
    } else {
      EXPECT_EQ(error, c.error) << c.text;
    }
  }
}

std::string Repeat(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

TEST(ParseExprTest, DepthAndLengthAreBounded) {
  const std::size_t deep = kExpressionBytesMax / 2 - 10;
  for (const std::string& text :
       {Repeat("(", deep), Repeat("-", deep) + "a", Repeat("a^", deep) + "a",
        Repeat("a+", deep) + "a", "a" + Repeat("[1m:]", deep / 5),
        Repeat("abs(", deep / 4) + "a", "a[" + Repeat("(", deep),
        "a[1" + Repeat("+1", deep) + "]"}) {
    EXPECT_NE(ErrorOf(text).find("nests deeper than 400 levels"), std::string::npos)
        << text.substr(0, 20);
  }
  EXPECT_EQ(ErrorOf(std::string(kExpressionBytesMax + 1, ' ')),
            "1:1: parse error: expression of 1048577 bytes is longer than 1048576");
  EXPECT_EQ(Canonical(Repeat("a + ", 300) + "a"), Repeat("a + ", 300) + "a");
}

TEST(ParseSelectorTest, GivesMatchers) {
  const auto matchers = ParseSelector(R"(up{job!="a", x=~"b|c"})");
  ASSERT_TRUE(matchers.ok()) << matchers.status();
  ASSERT_EQ(matchers->size(), 3U);
  EXPECT_EQ((*matchers)[0], (LabelMatcher{MatchOp::kNotEqual, "job", "a"}));
  EXPECT_EQ((*matchers)[1], (LabelMatcher{MatchOp::kRegex, "x", "b|c"}));
  EXPECT_EQ((*matchers)[2], (LabelMatcher{MatchOp::kEqual, "__name__", "up"}));
  EXPECT_TRUE(MatchesEmpty((*matchers)[0]));
  EXPECT_FALSE(MatchesEmpty((*matchers)[1]));

  EXPECT_TRUE(ParseSelector("{}").ok());
  EXPECT_EQ(ParseSelector("up[5m]").status().message(),
            "1:3: parse error: unexpected \"[\"");
  EXPECT_EQ(ParseSelector("rate(x)").status().message(),
            "1:5: parse error: unexpected \"(\"");
  EXPECT_EQ(ParseSelector("1").status().message(),
            "1:1: parse error: unexpected number \"1\"");
}

TEST(FunctionTest, TableIsSortedAndComplete) {
  EXPECT_EQ(FindFunction("rate")->id, FunctionId::kRate);
  EXPECT_EQ(FindFunction("Rate"), nullptr);
  for (const Function& function : AllFunctions()) {
    EXPECT_EQ(FindFunction(function.name), &function);
  }
}

}  // namespace
}  // namespace firn::promql
