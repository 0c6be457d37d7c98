// SPDX-License-Identifier: Apache-2.0
// filter_lexer.h: a filter's text, cut into words. Internal to this room.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace firn::expr {

enum class FilterTokenKind : std::uint8_t {
  kEnd,
  kError,   // `value` says what is wrong.
  kWord,    // `value` is in lower case.
  kQuoted,  // A name between double quotes; `value` is the name.
  kNumber,
  kText,   // Between single quotes; `value` is the text.
  kBytes,  // X'…'; `value` is the bytes.
  kSymbol  // ( ) , . - + and the operators.
};

struct FilterToken {
  FilterTokenKind kind = FilterTokenKind::kEnd;
  std::size_t position = 0;  // In bytes.
  std::string_view text;     // As it was written.
  std::string value;

  bool Is(std::string_view word_or_symbol) const {
    return kind == FilterTokenKind::kSymbol
               ? text == word_or_symbol
               : kind == FilterTokenKind::kWord && value == word_or_symbol;
  }
};

// Thread-compatible. The text must outlive the lexer and its tokens.
class FilterLexer {
 public:
  explicit FilterLexer(std::string_view text) : text_(text) {}

  // The next token. After kEnd and kError the same again.
  FilterToken Next();

 private:
  FilterToken Take(FilterTokenKind kind, std::size_t size);
  FilterToken Fail(std::string message) const;
  FilterToken TakeWord();
  FilterToken TakeNumber();
  FilterToken TakeQuoted(char quote, FilterTokenKind kind, std::size_t offset);
  FilterToken TakeBytes();
  char At(std::size_t index) const { return index < text_.size() ? text_[index] : '\0'; }

  const std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace firn::expr
