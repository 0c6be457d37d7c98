// SPDX-License-Identifier: Apache-2.0
#include "promql/token.h"

#include <array>
#include <cctype>
#include <utility>

#include "base/quote.h"

namespace firn::promql {
namespace {

using enum TokenKind;

constexpr std::array<std::pair<std::string_view, TokenKind>, 37> kKeywords = {{
    {"and", kAnd},
    {"or", kOr},
    {"unless", kUnless},
    {"atan2", kAtan2},
    {"sum", kSum},
    {"avg", kAvg},
    {"count", kCount},
    {"min", kMin},
    {"max", kMax},
    {"group", kGroup},
    {"stddev", kStddev},
    {"stdvar", kStdvar},
    {"topk", kTopK},
    {"bottomk", kBottomK},
    {"count_values", kCountValues},
    {"quantile", kQuantile},
    {"limitk", kLimitK},
    {"limit_ratio", kLimitRatio},
    {"offset", kOffset},
    {"smoothed", kSmoothed},
    {"anchored", kAnchored},
    {"by", kBy},
    {"without", kWithout},
    {"on", kOn},
    {"ignoring", kIgnoring},
    {"group_left", kGroupLeft},
    {"group_right", kGroupRight},
    {"fill", kFill},
    {"fill_left", kFillLeft},
    {"fill_right", kFillRight},
    {"bool", kBool},
    {"start", kStart},
    {"end", kEndKeyword},
    {"step", kStep},
    {"range", kRange},
    {"max_of", kMaxOf},
    {"min_of", kMinOf},
}};

constexpr std::array<std::pair<std::string_view, TokenKind>, 26> kSymbols = {{
    {"(", kLeftParen},
    {")", kRightParen},
    {"{", kLeftBrace},
    {"}", kRightBrace},
    {"[", kLeftBracket},
    {"]", kRightBracket},
    {",", kComma},
    {"=", kAssign},
    {":", kColon},
    {"=~", kRegexMatch},
    {"!~", kRegexNotMatch},
    {"@", kAt},
    {"+", kAdd},
    {"-", kSub},
    {"*", kMul},
    {"/", kDiv},
    {"%", kMod},
    {"^", kPow},
    {"==", kEqual},
    {"!=", kNotEqual},
    {"<", kLess},
    {"<=", kLessEqual},
    {">", kGreater},
    {">=", kGreaterEqual},
    {"</", kTrimUpper},
    {">/", kTrimLower},
}};

bool EqualsIgnoringCase(std::string_view word, std::string_view lower) {
  if (word.size() != lower.size()) return false;
  for (std::size_t i = 0; i < word.size(); ++i) {
    if (std::tolower(static_cast<unsigned char>(word[i])) != lower[i]) return false;
  }
  return true;
}

}  // namespace

bool IsAggregation(TokenKind kind) { return kAvg <= kind && kind <= kLimitRatio; }

bool AggregationTakesParameter(TokenKind kind) {
  return kind == kTopK || kind == kBottomK || kind == kCountValues || kind == kQuantile ||
         kind == kLimitK || kind == kLimitRatio;
}

bool IsBinaryOperator(TokenKind kind) { return kAdd <= kind && kind <= kAtan2; }

bool IsComparison(TokenKind kind) { return kEqual <= kind && kind <= kGreaterEqual; }

bool IsSetOperator(TokenKind kind) {
  return kind == kAnd || kind == kOr || kind == kUnless;
}

std::string_view Spelling(TokenKind kind) {
  for (const auto& [text, symbol] : kSymbols) {
    if (symbol == kind) return text;
  }
  for (const auto& [text, keyword] : kKeywords) {
    if (keyword == kind) return text;
  }
  return {};
}

TokenKind KeywordKind(std::string_view word) {
  for (const auto& [text, kind] : kKeywords) {
    if (EqualsIgnoringCase(word, text)) return kind;
  }
  if (EqualsIgnoringCase(word, "inf") || EqualsIgnoringCase(word, "nan")) return kNumber;
  return kIdentifier;
}

std::string Describe(const Token& token) {
  switch (token.kind) {
    case kEnd:
      return "end of input";
    case kError:
      return std::string(token.text);
    case kIdentifier:
      return "identifier " + base::Quoted(token.text);
    case kMetricIdentifier:
      return "metric identifier " + base::Quoted(token.text);
    case kNumber:
      return "number " + base::Quoted(token.text);
    case kDuration:
      return "duration " + base::Quoted(token.text);
    case kString:
      return "string " + base::Quoted(token.text);
    default:
      break;
  }
  const std::string word(token.text);
  if (token.kind >= kBool) return "<" + word + ">";
  if (IsAggregation(token.kind)) return "<aggr:" + word + ">";
  if (IsBinaryOperator(token.kind)) return "<op:" + word + ">";
  return base::Quoted(word);
}

}  // namespace firn::promql
