// SPDX-License-Identifier: Apache-2.0
#include "expr/filter_lexer.h"

#include <array>
#include <optional>
#include <utility>

#include "base/hex.h"
#include "base/quote.h"
#include "expr/column_text.h"

namespace firn::expr {
namespace {

using Kind = FilterTokenKind;

bool IsDigit(char c) { return '0' <= c && c <= '9'; }
bool IsSpace(char c) { return c == ' ' || ('\t' <= c && c <= '\r'); }

}  // namespace

FilterToken FilterLexer::Take(Kind kind, std::size_t size) {
  FilterToken token{kind, at_, text_.substr(at_, size), {}};
  at_ += size;
  return token;
}

FilterToken FilterLexer::Fail(std::string message) const {
  return {Kind::kError, at_, text_.substr(at_), std::move(message)};
}

FilterToken FilterLexer::Next() {
  while (at_ < text_.size() && IsSpace(text_[at_])) ++at_;
  if (at_ == text_.size()) return Take(Kind::kEnd, 0);
  const char c = text_[at_];
  const char next = At(at_ + 1);
  if (c == '\'') return TakeQuoted('\'', Kind::kText, 0);
  if (c == '"') return TakeQuoted('"', Kind::kQuoted, 0);
  if ((c == 'x' || c == 'X') && next == '\'') return TakeBytes();
  if (IsNameStart(c)) return TakeWord();
  if (IsDigit(c) || (c == '.' && IsDigit(next))) return TakeNumber();
  constexpr std::array<std::string_view, 4> kPairs = {"<=", ">=", "<>", "!="};
  for (const std::string_view pair : kPairs) {
    if (text_.substr(at_).starts_with(pair)) return Take(Kind::kSymbol, pair.size());
  }
  if (std::string_view("()=<>,.-+").find(c) != std::string_view::npos) {
    return Take(Kind::kSymbol, 1);
  }
  return Fail("unexpected character " + base::Quoted(text_.substr(at_, 1)));
}

FilterToken FilterLexer::TakeWord() {
  std::size_t end = at_;
  while (end < text_.size() && IsNameCharacter(text_[end])) ++end;
  FilterToken token = Take(Kind::kWord, end - at_);
  token.value = LowerCase(token.text);
  return token;
}

FilterToken FilterLexer::TakeNumber() {
  std::size_t end = at_;
  while (IsDigit(At(end))) ++end;
  if (At(end) == '.') ++end;
  while (IsDigit(At(end))) ++end;
  if (At(end) == 'e' || At(end) == 'E') {
    std::size_t digits = end + 1;
    if (At(digits) == '+' || At(digits) == '-') ++digits;
    if (IsDigit(At(digits))) {
      while (IsDigit(At(digits))) ++digits;
      end = digits;
    }
  }
  if (end < text_.size() && IsNameCharacter(text_[end])) {
    return Fail("a number ends in " + base::Quoted(text_.substr(end, 1)));
  }
  return Take(Kind::kNumber, end - at_);
}

FilterToken FilterLexer::TakeQuoted(char quote, Kind kind, std::size_t offset) {
  std::string value;
  for (std::size_t i = at_ + offset + 1; i < text_.size(); ++i) {
    if (text_[i] == quote) {
      if (At(i + 1) != quote) {
        FilterToken token = Take(kind, i + 1 - at_);
        token.value = std::move(value);
        return token;
      }
      ++i;  // Two quotes stand for one.
    }
    value += text_[i];
  }
  return Fail(quote == '"' ? "quoted name without an end" : "text without an end");
}

FilterToken FilterLexer::TakeBytes() {
  FilterToken token = TakeQuoted('\'', Kind::kBytes, 1);
  if (token.kind != Kind::kBytes) return token;
  std::string bytes;
  for (std::size_t i = 0; i < token.value.size(); i += 2) {
    const int high = base::HexDigit(token.value[i]);
    const int low = i + 1 < token.value.size() ? base::HexDigit(token.value[i + 1]) : -1;
    if (high < 0 || low < 0) {
      at_ = token.position;
      return Fail("bytes are written in pairs of hexadecimal digits");
    }
    bytes += static_cast<char>(high * 16 + low);
  }
  token.value = std::move(bytes);
  return token;
}

}  // namespace firn::expr
