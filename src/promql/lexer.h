// SPDX-License-Identifier: Apache-2.0
// lexer.h: a query's text, cut into words.
#pragma once

#include <string>
#include <string_view>

#include "promql/token.h"

namespace firn::promql {

// Cuts `input` into tokens. What a word means depends on where it stands: inside braces
// there are no keywords, inside brackets there are durations, operators and `:` only.
//
// Thread-compatible. `input` must outlive the lexer and its tokens.
class Lexer {
 public:
  explicit Lexer(std::string_view input) : input_(input) {}
  Lexer(const Lexer&) = delete;
  Lexer& operator=(const Lexer&) = delete;

  // The next token, comments left out. After kEnd or kError the same again.
  Token Next();

 private:
  Token Emit(TokenKind kind, std::size_t length);
  Token Fail(std::string message);
  // False at the end of the input.
  bool SkipSpaceAndComments();
  Token NextStatement();
  Token NextInBraces();
  Token NextInBrackets();
  Token NextWord();
  Token NextNumberOrDuration();
  Token NextString();
  bool ScanEscape(std::size_t* at, char quote, std::string* message) const;
  std::size_t ScanNumber() const;
  std::size_t ScanDuration(std::size_t from) const;
  char At(std::size_t index) const {
    return index < input_.size() ? input_[index] : '\0';
  }
  std::string CharacterAt(std::size_t index) const;

  const std::string_view input_;
  std::size_t offset_ = 0;
  bool in_braces_ = false;
  bool in_brackets_ = false;
  bool colon_seen_ = false;
  int parens_open_ = 0;
  bool failed_ = false;
  std::string message_;
};

}  // namespace firn::promql
