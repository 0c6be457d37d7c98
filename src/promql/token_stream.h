// SPDX-License-Identifier: Apache-2.0
// token_stream.h: the token at hand, and how to say that it does not fit.
#pragma once

#include <string>
#include <string_view>

#include "firn/status.h"
#include "promql/ast.h"
#include "promql/lexer.h"
#include "promql/parser.h"

namespace firn::promql {

// What the parsers of the grammar's parts share. Thread-compatible. The text must outlive
// the stream.
class TokenStream {
 public:
  explicit TokenStream(std::string_view text) : text_(text), lexer_(text) { Advance(); }

  std::string_view text() const { return text_; }
  const Token& token() const { return token_; }
  TokenKind kind() const { return token_.kind; }
  // Where the last token taken ends.
  std::size_t last_end() const { return last_end_; }

  void Advance() {
    last_end_ = token_.end();
    token_ = lexer_.Next();
  }
  // Take the token if it is of this kind.
  bool Accept(TokenKind kind) {
    if (token_.kind != kind) return false;
    Advance();
    return true;
  }

  Status Error(std::size_t position, std::string_view message) const {
    return Status::InvalidArgument(LineAndColumn(text_, position) +
                                   ": parse error: " + std::string(message));
  }
  // The current token does not fit.
  Status Unexpected(std::string_view context = {}, std::string_view expected = {}) const {
    if (token_.kind == TokenKind::kError) return Error(token_.position, token_.text);
    std::string message = "unexpected " + Describe(token_);
    if (!context.empty()) message += " in " + std::string(context);
    if (!expected.empty()) message += ", expected " + std::string(expected);
    return Error(token_.position, message);
  }
  Status TooDeep(std::size_t position) const {
    return Error(position, "expression nests deeper than " +
                               std::to_string(kExprHeightMax) + " levels");
  }

  // Counts how deep the parsers have called themselves.
  class Level {
   public:
    explicit Level(TokenStream& stream) : stream_(stream) { ++stream_.depth_; }
    ~Level() { --stream_.depth_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

    bool too_deep() const { return stream_.depth_ > kExprHeightMax; }

   private:
    TokenStream& stream_;
  };

  // The value of a number or a duration, in seconds. REQUIRES: the token is one of them.
  Result<double> TakeUnsignedNumber();
  // As above with an optional sign; `context` and `expected` serve the error otherwise.
  Result<double> TakeSignedNumber(std::string_view context, std::string_view expected);
  // The value of a string. REQUIRES: the token is one.
  Result<std::string> TakeString();

 private:
  const std::string_view text_;
  Lexer lexer_;
  Token token_;
  std::size_t last_end_ = 0;
  int depth_ = 0;
};

// How tightly a binary operator binds, from 1; 0 for what is none.
int Precedence(TokenKind op);
inline constexpr int kAddPrecedence = 4;
inline constexpr int kUnaryPrecedence = 5;

}  // namespace firn::promql
