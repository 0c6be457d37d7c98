// SPDX-License-Identifier: Apache-2.0
#include "promql/duration_parser.h"

#include <memory>
#include <optional>
#include <utility>

#include "promql/literal.h"

namespace firn::promql {
namespace {

using enum TokenKind;

// Reads one span. Operators bind as they do between expressions.
class DurationParser {
 public:
  DurationParser(TokenStream& stream, std::string_view context, std::string_view expected)
      : stream_(stream), context_(context), expected_(expected) {}

  Result<DurationSpec> ParsePositive() {
    const std::size_t begin = stream_.token().position;
    FIRN_ASSIGN_OR_RETURN(std::unique_ptr<DurationTerm> term, ParseSum(kAddPrecedence));
    if (term->kind == DurationTerm::Kind::kSeconds && !(term->seconds > 0)) {
      return stream_.Error(begin, "duration must be greater than 0");
    }
    return ToDurationSpec(std::move(term));
  }

  Result<DurationSpec> ParseOffset() {
    const Token sign = stream_.token();
    const bool is_signed = stream_.Accept(kSub) || stream_.Accept(kAdd);
    FIRN_ASSIGN_OR_RETURN(std::unique_ptr<DurationTerm> term, ParseOperand());
    if (is_signed && sign.kind == kSub) term = Negated(std::move(term), sign.position);
    return ToDurationSpec(std::move(term));
  }

 private:
  Result<DurationSpec> ToDurationSpec(std::unique_ptr<DurationTerm> term) {
    DurationSpec spec;
    if (term->kind != DurationTerm::Kind::kSeconds || term->parenthesised) {
      spec.term = std::move(term);
      return spec;
    }
    const std::optional<DurationMs> ms = SecondsToMs(term->seconds);
    if (!ms) return stream_.Error(term->span.begin, "duration out of range");
    spec.ms = *ms;
    return spec;
  }

  std::unique_ptr<DurationTerm> Negated(std::unique_ptr<DurationTerm> term,
                                        std::size_t position) {
    if (term->kind == DurationTerm::Kind::kSeconds && !term->parenthesised) {
      term->seconds = -term->seconds;
      term->span.begin = position;
      return term;
    }
    auto negated = std::make_unique<DurationTerm>();
    negated->kind = DurationTerm::Kind::kUnary;
    negated->op = kSub;
    negated->span = {position, stream_.last_end()};
    negated->right = std::move(term);
    return negated;
  }

  Result<std::unique_ptr<DurationTerm>> ParseSum(int lowest) {
    const TokenStream::Level level(stream_);
    if (level.too_deep()) return stream_.TooDeep(stream_.token().position);
    FIRN_ASSIGN_OR_RETURN(std::unique_ptr<DurationTerm> left, ParseUnary());
    for (;;) {
      const Token op = stream_.token();
      const int precedence = Precedence(op.kind);
      if (precedence < lowest || precedence < kAddPrecedence || op.kind == kAtan2)
        return left;
      if (++operators_ > kExprHeightMax) return stream_.TooDeep(op.position);
      stream_.Advance();
      FIRN_ASSIGN_OR_RETURN(std::unique_ptr<DurationTerm> right,
                            ParseSum(op.kind == kPow ? precedence : precedence + 1));
      const bool zero =
          right->kind == DurationTerm::Kind::kSeconds && right->seconds == 0;
      if (zero && op.kind == kDiv) return stream_.Error(op.position, "division by zero");
      if (zero && op.kind == kMod) return stream_.Error(op.position, "modulo by zero");
      left = Combined(op.kind, std::move(left), std::move(right));
    }
  }

  std::unique_ptr<DurationTerm> Combined(TokenKind op, std::unique_ptr<DurationTerm> left,
                                         std::unique_ptr<DurationTerm> right) {
    auto term = std::make_unique<DurationTerm>();
    term->kind = DurationTerm::Kind::kBinary;
    term->op = op;
    term->span = {left->span.begin, stream_.last_end()};
    term->left = std::move(left);
    term->right = std::move(right);
    return term;
  }

  Result<std::unique_ptr<DurationTerm>> ParseUnary() {
    const Token sign = stream_.token();
    if (sign.kind != kSub && sign.kind != kAdd) {
      return ParseOperand();
    }
    stream_.Advance();
    FIRN_ASSIGN_OR_RETURN(std::unique_ptr<DurationTerm> term,
                          ParseSum(kUnaryPrecedence + 1));
    return sign.kind == kSub ? Negated(std::move(term), sign.position) : std::move(term);
  }

  Result<std::unique_ptr<DurationTerm>> ParseOperand() {
    const Token first = stream_.token();
    auto term = std::make_unique<DurationTerm>();
    switch (first.kind) {
      case kNumber:
      case kDuration: {
        FIRN_ASSIGN_OR_RETURN(term->seconds, stream_.TakeUnsignedNumber());
        term->is_duration_literal = first.kind == kDuration;
        if (!SecondsToMs(term->seconds)) {
          return stream_.Error(first.position, "duration out of range");
        }
        break;
      }
      case kStep:
      case kRange:
        stream_.Advance();
        if (!stream_.Accept(kLeftParen) || !stream_.Accept(kRightParen))
          return stream_.Unexpected(context_, expected_);
        term->kind =
            first.kind == kStep ? DurationTerm::Kind::kStep : DurationTerm::Kind::kRange;
        break;
      case kMinOf:
      case kMaxOf: {
        stream_.Advance();
        if (!stream_.Accept(kLeftParen)) return stream_.Unexpected(context_, "\"(\"");
        FIRN_ASSIGN_OR_RETURN(auto left, ParseSum(kAddPrecedence));
        if (!stream_.Accept(kComma)) return stream_.Unexpected(context_, "\",\"");
        FIRN_ASSIGN_OR_RETURN(auto right, ParseSum(kAddPrecedence));
        if (!stream_.Accept(kRightParen)) return stream_.Unexpected(context_, "\")\"");
        term = Combined(first.kind, std::move(left), std::move(right));
        break;
      }
      case kLeftParen: {
        stream_.Advance();
        FIRN_ASSIGN_OR_RETURN(term, ParseSum(kAddPrecedence));
        if (!stream_.Accept(kRightParen)) return stream_.Unexpected(context_, "\")\"");
        term->parenthesised = true;
        break;
      }
      default:
        return stream_.Unexpected(context_, expected_);
    }
    term->span = {first.position, stream_.last_end()};
    return term;
  }

  TokenStream& stream_;
  const std::string_view context_;
  const std::string_view expected_;
  // How many operators there are: the tree is at most that high.
  int operators_ = 0;
};

}  // namespace

Result<DurationSpec> ParseRangeDuration(TokenStream& stream, std::string_view context,
                                        std::string_view expected) {
  return DurationParser(stream, context, expected).ParsePositive();
}

Result<DurationSpec> ParseOffsetDuration(TokenStream& stream) {
  return DurationParser(stream, "offset", "number, duration, step(), or range()")
      .ParseOffset();
}

}  // namespace firn::promql
