// SPDX-License-Identifier: Apache-2.0
#include "expr/filter_text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "base/quote.h"
#include "expr/civil_text.h"
#include "expr/column_text.h"
#include "expr/filter_lexer.h"
#include "expr/like.h"
#include "expr/number.h"

namespace firn::expr {
namespace {

using Kind = FilterTokenKind;

std::optional<CompareOp> OpOf(const FilterToken& token) {
  if (token.kind != Kind::kSymbol) return std::nullopt;
  if (token.text == "=") return CompareOp::kEq;
  if (token.text == "<>" || token.text == "!=") return CompareOp::kNotEq;
  if (token.text == "<") return CompareOp::kLt;
  if (token.text == "<=") return CompareOp::kLtEq;
  if (token.text == ">") return CompareOp::kGt;
  if (token.text == ">=") return CompareOp::kGtEq;
  return std::nullopt;
}

// The operator with its sides exchanged.
CompareOp Mirror(CompareOp op) {
  switch (op) {
    case CompareOp::kLt:
      return CompareOp::kGt;
    case CompareOp::kLtEq:
      return CompareOp::kGtEq;
    case CompareOp::kGt:
      return CompareOp::kLt;
    case CompareOp::kGtEq:
      return CompareOp::kLtEq;
    default:
      return op;
  }
}

// Digits, with a point or without one. Nothing where 128 bits do not hold them.
std::optional<Literal> ExactNumber(std::string_view text, bool negative) {
  const std::size_t point = text.find('.');
  Int128 value = 0;
  for (const char c : text) {
    if (c == '.') continue;
    // Down from zero, since the lowest number has no opposite.
    if (__builtin_mul_overflow(value, 10, &value) ||
        __builtin_sub_overflow(value, c - '0', &value)) {
      return std::nullopt;
    }
  }
  if (!negative) {
    if (value == kInt128Min) return std::nullopt;
    value = -value;
  }
  if (point == std::string_view::npos) {
    const auto narrow = static_cast<std::int64_t>(value);
    if (narrow == value) return Literal(narrow);
    return Literal(Decimal{value, 0});
  }
  const std::size_t scale = text.size() - point - 1;
  if (scale > std::size_t{kDecimalScaleMax}) return std::nullopt;
  return Literal(Decimal{value, static_cast<std::int32_t>(scale)});
}

std::optional<Literal> NumberOf(std::string_view text, bool negative) {
  if (text.find_first_of("eE") == std::string_view::npos) {
    return ExactNumber(text, negative);
  }
  double value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return Literal(negative ? -value : value);
}

std::optional<Literal> DoubleOf(std::string_view text) {
  const std::string lower = LowerCase(text);
  if (lower == "nan") return Literal(std::numeric_limits<double>::quiet_NaN());
  if (lower == "infinity") return Literal(std::numeric_limits<double>::infinity());
  if (lower == "-infinity") return Literal(-std::numeric_limits<double>::infinity());
  double value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return Literal(value);
}

template <typename T>
std::optional<Literal> AsLiteral(const std::optional<T>& value) {
  if (!value.has_value()) return std::nullopt;
  return Literal(*value);
}

bool NamesAType(std::string_view word) {
  return word == "date" || word == "time" || word == "timestamp" || word == "uuid" ||
         word == "double";
}

std::optional<Literal> TypedLiteral(std::string_view type, std::string_view text) {
  if (type == "date") return AsLiteral(ParseDate(text));
  if (type == "time") return AsLiteral(ParseTime(text));
  if (type == "timestamp") return AsLiteral(ParseTimestamp(text));
  if (type == "uuid") return AsLiteral(ParseUuid(text));
  return DoubleOf(text);
}

class FilterParser {
 public:
  explicit FilterParser(std::string_view text) : text_(text), lexer_(text) {
    Advance();
    Advance();
  }

  Result<PredicatePtr> Parse() {
    FIRN_ASSIGN_OR_RETURN(PredicatePtr filter, ParseOr());
    if (token_.kind != Kind::kEnd) return Unexpected("AND, OR or the end");
    return filter;
  }

  Status Error(std::size_t position, std::string_view message) const {
    std::size_t line = 1;
    std::size_t line_begin = 0;
    for (std::size_t i = 0; i < std::min(position, text_.size()); ++i) {
      if (text_[i] != '\n') continue;
      ++line;
      line_begin = i + 1;
    }
    return Status::InvalidArgument(std::to_string(line) + ":" +
                                   std::to_string(position - line_begin + 1) +
                                   ": parse error: " + std::string(message));
  }

 private:
  class Level {
   public:
    explicit Level(FilterParser& parser) : parser_(parser) { ++parser_.depth_; }
    ~Level() { --parser_.depth_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    FilterParser& parser_;
  };

  void Advance() {
    token_ = std::move(next_);
    next_ = lexer_.Next();
  }
  bool Accept(std::string_view word_or_symbol) {
    if (!token_.Is(word_or_symbol)) return false;
    Advance();
    return true;
  }
  Status Expect(std::string_view word_or_symbol) {
    if (Accept(word_or_symbol)) return Status::OK();
    return Unexpected(base::Quoted(word_or_symbol));
  }
  Status Unexpected(std::string_view expected) const {
    if (token_.kind == Kind::kError) return Error(token_.position, token_.value);
    const std::string found =
        token_.kind == Kind::kEnd ? "end of input" : base::Quoted(token_.text);
    return Error(token_.position,
                 "unexpected " + found + ", expected " + std::string(expected));
  }

  Result<PredicatePtr> ParseOr() {
    Or either;
    do {
      FIRN_ASSIGN_OR_RETURN(either.operands.emplace_back(), ParseAnd());
    } while (Accept("or"));
    if (either.operands.size() == 1) return std::move(either.operands.front());
    return MakePredicate(std::move(either));
  }

  Result<PredicatePtr> ParseAnd() {
    And both;
    do {
      FIRN_ASSIGN_OR_RETURN(both.operands.emplace_back(), ParseNot());
    } while (Accept("and"));
    if (both.operands.size() == 1) return std::move(both.operands.front());
    return MakePredicate(std::move(both));
  }

  Result<PredicatePtr> ParseNot() {
    const Level level(*this);
    if (depth_ > kFilterDepthMax) {
      return Error(token_.position, "filter nests deeper than " +
                                        std::to_string(kFilterDepthMax) + " levels");
    }
    if (Accept("not")) {
      FIRN_ASSIGN_OR_RETURN(PredicatePtr operand, ParseNot());
      return MakePredicate(Not{std::move(operand)});
    }
    if (Accept("(")) {
      FIRN_ASSIGN_OR_RETURN(PredicatePtr inner, ParseOr());
      FIRN_RETURN_IF_ERROR(Expect(")"));
      return inner;
    }
    if (token_.Is("starts_with") && next_.Is("(")) return ParseStartsWith();
    if (StartsLiteral()) return ParseLiteralFirst();
    return ParseColumnFirst();
  }

  Result<PredicatePtr> ParseStartsWith() {
    Advance();
    Advance();
    StartsWith leaf;
    FIRN_ASSIGN_OR_RETURN(leaf.column, ParseColumn());
    FIRN_RETURN_IF_ERROR(Expect(","));
    FIRN_ASSIGN_OR_RETURN(leaf.prefix, ParseText());
    FIRN_RETURN_IF_ERROR(Expect(")"));
    return MakePredicate(std::move(leaf));
  }

  Result<PredicatePtr> ParseLiteralFirst() {
    const bool truth = token_.Is("true");
    const bool constant = truth || token_.Is("false");
    FIRN_ASSIGN_OR_RETURN(Literal literal, ParseLiteral());
    const auto op = OpOf(token_);
    if (!op.has_value()) {
      if (!constant) return Unexpected("a comparison");
      return truth ? MakePredicate(And{}) : MakePredicate(Or{});
    }
    Advance();
    FIRN_ASSIGN_OR_RETURN(std::string column, ParseColumn());
    return MakePredicate(Compare{std::move(column), Mirror(*op), std::move(literal)});
  }

  Result<PredicatePtr> ParseColumnFirst() {
    FIRN_ASSIGN_OR_RETURN(std::string column, ParseColumn());
    if (const auto op = OpOf(token_)) {
      Advance();
      FIRN_ASSIGN_OR_RETURN(Literal literal, ParseLiteral());
      return MakePredicate(Compare{std::move(column), *op, std::move(literal)});
    }
    if (Accept("is")) {
      const bool negated = Accept("not");
      FIRN_RETURN_IF_ERROR(Expect("null"));
      return negated ? MakePredicate(IsNotNull{std::move(column)})
                     : MakePredicate(IsNull{std::move(column)});
    }
    const bool negated = Accept("not");
    FIRN_ASSIGN_OR_RETURN(PredicatePtr test, ParseTest(std::move(column), negated));
    return negated ? MakePredicate(Not{std::move(test)}) : test;
  }

  // IN, BETWEEN and LIKE, behind a column and perhaps NOT.
  Result<PredicatePtr> ParseTest(std::string column, bool negated) {
    if (Accept("in")) return ParseIn(std::move(column));
    if (Accept("between")) {
      FIRN_ASSIGN_OR_RETURN(Literal first, ParseLiteral());
      FIRN_RETURN_IF_ERROR(Expect("and"));
      FIRN_ASSIGN_OR_RETURN(Literal last, ParseLiteral());
      return MakePredicate(
          And{{MakePredicate(Compare{column, CompareOp::kGtEq, std::move(first)}),
               MakePredicate(Compare{column, CompareOp::kLtEq, std::move(last)})}});
    }
    if (Accept("like")) return ParseLike(std::move(column));
    return Unexpected(negated ? "IN, BETWEEN or LIKE" : "a comparison");
  }

  Result<PredicatePtr> ParseIn(std::string column) {
    FIRN_RETURN_IF_ERROR(Expect("("));
    In in{std::move(column), {}};
    if (Accept(")")) return MakePredicate(std::move(in));
    do {
      FIRN_ASSIGN_OR_RETURN(in.literals.emplace_back(), ParseLiteral());
    } while (Accept(","));
    FIRN_RETURN_IF_ERROR(Expect(")"));
    return MakePredicate(std::move(in));
  }

  Result<PredicatePtr> ParseLike(std::string column) {
    const std::size_t position = token_.position;
    FIRN_ASSIGN_OR_RETURN(const std::string pattern, ParseText());
    std::optional<char> escape;
    if (Accept("escape")) {
      const std::size_t escape_position = token_.position;
      FIRN_ASSIGN_OR_RETURN(const std::string text, ParseText());
      if (text.size() != 1 || static_cast<unsigned char>(text[0]) >= 0x80) {
        return Error(escape_position, "an escape is one ASCII character");
      }
      escape = text[0];
    }
    PredicatePtr like = MakeLike(std::move(column), pattern, escape);
    if (like != nullptr) return like;
    return Error(position,
                 "the pattern's escape character stands before none of %, _ and itself");
  }

  Result<std::string> ParseColumn() {
    std::string column;
    while (true) {
      const bool name = token_.kind == Kind::kQuoted ||
                        (token_.kind == Kind::kWord && !IsReservedWord(token_.value));
      if (!name) return Unexpected("a column");
      column += token_.kind == Kind::kQuoted ? token_.value : std::string(token_.text);
      Advance();
      if (!Accept(".")) return column;
      column += '.';
    }
  }

  Result<std::string> ParseText() {
    if (token_.kind != Kind::kText) return Unexpected("a text such as 'a'");
    std::string text = std::move(token_.value);
    Advance();
    return text;
  }

  bool StartsLiteral() const {
    switch (token_.kind) {
      case Kind::kNumber:
      case Kind::kText:
      case Kind::kBytes:
        return true;
      case Kind::kWord:
        return token_.Is("true") || token_.Is("false") ||
               (NamesAType(token_.value) && next_.kind == Kind::kText);
      default:
        return token_.Is("-") || token_.Is("+");
    }
  }

  Result<Literal> ParseLiteral() {
    if (token_.Is("null")) {
      return Error(token_.position, "nothing equals NULL: write IS NULL or IS NOT NULL");
    }
    if (!StartsLiteral()) return Unexpected("a literal");
    const FilterToken first = token_;
    Advance();
    switch (first.kind) {
      case Kind::kText:
        return Literal(first.value);
      case Kind::kBytes:
        return Literal(Binary{first.value});
      case Kind::kNumber:
        return ParseNumber(first, false);
      case Kind::kSymbol: {
        if (token_.kind != Kind::kNumber) return Unexpected("a number");
        const FilterToken number = token_;
        Advance();
        return ParseNumber(number, first.text == "-");
      }
      default:
        break;
    }
    if (!NamesAType(first.value)) return Literal(first.value == "true");
    const FilterToken text = token_;
    Advance();
    auto literal = TypedLiteral(first.value, text.value);
    if (literal.has_value()) return *std::move(literal);
    return Error(text.position,
                 std::string(text.text) + " is no " + LowerCase(first.value));
  }

  Result<Literal> ParseNumber(const FilterToken& number, bool negative) const {
    auto literal = NumberOf(number.text, negative);
    if (literal.has_value()) return *std::move(literal);
    return Error(number.position, "number out of range: " + std::string(number.text));
  }

  const std::string_view text_;
  FilterLexer lexer_;
  FilterToken token_;
  FilterToken next_;
  int depth_ = 0;
};

}  // namespace

std::optional<Binary> ParseUuid(std::string_view text) {
  constexpr std::size_t kTextSize = 36;
  if (text.size() != kTextSize) return std::nullopt;
  Binary uuid;
  for (std::size_t i = 0; i < kTextSize;) {
    if (i == 8 || i == 13 || i == 18 || i == 23) {
      if (text[i++] != '-') return std::nullopt;
      continue;
    }
    unsigned byte = 0;
    const auto [end, error] =
        std::from_chars(text.data() + i, text.data() + i + 2, byte, 16);
    if (error != std::errc() || end != text.data() + i + 2) return std::nullopt;
    uuid.bytes += static_cast<char>(byte);
    i += 2;
  }
  return uuid;
}

Result<PredicatePtr> ParseFilter(std::string_view text) {
  FilterParser parser(text.substr(0, kFilterBytesMax));
  if (text.size() > kFilterBytesMax) {
    return parser.Error(0, "filter of " + std::to_string(text.size()) +
                               " bytes is longer than " +
                               std::to_string(kFilterBytesMax));
  }
  return parser.Parse();
}

}  // namespace firn::expr
