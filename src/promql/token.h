// SPDX-License-Identifier: Apache-2.0
// token.h: the words of PromQL.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace firn::promql {

// Kinds in the ranges kAdd..kAtan2 and kAvg..kLimitRatio are also the operators of
// Binary, Unary, DurationTerm and Aggregate expressions.
enum class TokenKind : std::uint8_t {
  kEnd,
  kError,  // The text is the message.

  kIdentifier,        // No colon in it.
  kMetricIdentifier,  // With a colon: never a label's name.
  kNumber,
  kDuration,
  kString,  // With its quotes.

  kLeftParen,
  kRightParen,
  kLeftBrace,
  kRightBrace,
  kLeftBracket,
  kRightBracket,
  kComma,
  kColon,
  kAssign,
  kRegexMatch,
  kRegexNotMatch,
  kAt,

  // Operators.
  kAdd,
  kSub,
  kMul,
  kDiv,
  kMod,
  kPow,
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kTrimUpper,
  kTrimLower,
  kAnd,
  kOr,
  kUnless,
  kAtan2,

  // Aggregations.
  kAvg,
  kBottomK,
  kCount,
  kCountValues,
  kGroup,
  kMax,
  kMin,
  kQuantile,
  kStddev,
  kStdvar,
  kSum,
  kTopK,
  kLimitK,
  kLimitRatio,

  // Keywords.
  kBool,
  kBy,
  kWithout,
  kOn,
  kIgnoring,
  kGroupLeft,
  kGroupRight,
  kFill,
  kFillLeft,
  kFillRight,
  kOffset,
  kAnchored,
  kSmoothed,
  kStart,
  kEndKeyword,
  kStep,
  kRange,
  kMaxOf,
  kMinOf,
};

// A word and where it begins: a byte offset into the query. `text` borrows from the
// query, or from the lexer for kError.
struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::size_t position = 0;
  std::string_view text;
  std::size_t end() const { return position + text.size(); }
};

bool IsAggregation(TokenKind kind);
bool AggregationTakesParameter(TokenKind kind);
bool IsBinaryOperator(TokenKind kind);
bool IsComparison(TokenKind kind);
bool IsSetOperator(TokenKind kind);

// The canonical spelling of an operator, bracket or keyword; "" for the other kinds.
std::string_view Spelling(TokenKind kind);
// The kind of `word`, compared without regard to case, or kIdentifier if it is no
// keyword. `inf` and `nan` are numbers.
TokenKind KeywordKind(std::string_view word);
// How an error message names the token: `identifier "x"`, `"+"`, `end of input`.
std::string Describe(const Token& token);

}  // namespace firn::promql
