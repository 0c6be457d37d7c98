// SPDX-License-Identifier: Apache-2.0
#include "promql/lexer.h"

#include <cctype>
#include <utility>

#include "base/quote.h"
#include "base/utf8.h"
#include "promql/literal.h"

namespace firn::promql {
namespace {

using enum TokenKind;

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool IsDigit(char c) { return '0' <= c && c <= '9'; }
bool IsAlpha(char c) {
  return c == '_' || ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z');
}
bool IsWordCharacter(char c) { return IsAlpha(c) || IsDigit(c); }

}  // namespace

Token Lexer::Next() {
  if (failed_) return {kError, offset_, message_};
  const bool more = SkipSpaceAndComments();
  if (!more) {
    if (in_braces_) return Fail("unexpected end of input inside braces");
    if (parens_open_ != 0) return Fail("unclosed left parenthesis");
    if (in_brackets_) return Fail("unexpected end of input in duration expression");
    return {kEnd, offset_, {}};
  }
  if (in_braces_) return NextInBraces();
  if (in_brackets_) return NextInBrackets();
  return NextStatement();
}

Token Lexer::Emit(TokenKind kind, std::size_t length) {
  const Token token{kind, offset_, input_.substr(offset_, length)};
  offset_ += length;
  return token;
}

Token Lexer::Fail(std::string message) {
  failed_ = true;
  message_ = std::move(message);
  return {kError, offset_, message_};
}

std::string Lexer::CharacterAt(std::size_t index) const {
  const base::Utf8Rune rune = base::DecodeUtf8(input_.substr(index));
  return QuoteCharacter(rune.size_bytes == 0 ? U'\uFFFD' : rune.code_point);
}

bool Lexer::SkipSpaceAndComments() {
  for (; offset_ < input_.size(); ++offset_) {
    if (IsSpace(At(offset_))) continue;
    if (At(offset_) != '#') return true;
    offset_ = input_.find_first_of("\r\n", offset_);
    if (offset_ == std::string_view::npos) offset_ = input_.size() - 1;
  }
  return false;
}

Token Lexer::NextStatement() {
  const char c = At(offset_);
  const char after = At(offset_ + 1);
  if (IsDigit(c) || (c == '.' && IsDigit(after))) return NextNumberOrDuration();
  if (IsAlpha(c) || c == ':') return NextWord();
  switch (c) {
    case ',':
      return Emit(kComma, 1);
    case '*':
      return Emit(kMul, 1);
    case '/':
      return Emit(kDiv, 1);
    case '%':
      return Emit(kMod, 1);
    case '+':
      return Emit(kAdd, 1);
    case '-':
      return Emit(kSub, 1);
    case '^':
      return Emit(kPow, 1);
    case '@':
      return Emit(kAt, 1);
    case '=':
      if (after == '=') return Emit(kEqual, 2);
      if (after == '~') return Fail("unexpected character after '=': '~'");
      return Emit(kAssign, 1);
    case '!':
      if (after == '=') return Emit(kNotEqual, 2);
      if (offset_ + 1 >= input_.size()) return Fail("unexpected end of input after '!'");
      return Fail("unexpected character after '!': " + CharacterAt(offset_ + 1));
    case '<':
      if (after == '=') return Emit(kLessEqual, 2);
      return after == '/' ? Emit(kTrimUpper, 2) : Emit(kLess, 1);
    case '>':
      if (after == '=') return Emit(kGreaterEqual, 2);
      return after == '/' ? Emit(kTrimLower, 2) : Emit(kGreater, 1);
    case '"':
    case '\'':
    case '`':
      return NextString();
    case '(':
      ++parens_open_;
      return Emit(kLeftParen, 1);
    case ')':
      if (parens_open_ == 0) return Fail("unexpected right parenthesis ')'");
      --parens_open_;
      return Emit(kRightParen, 1);
    case '{':
      in_braces_ = true;
      return Emit(kLeftBrace, 1);
    case '[':
      in_brackets_ = true;
      colon_seen_ = false;
      return Emit(kLeftBracket, 1);
    case ']':
      return Fail("unexpected right bracket ']'");
    default:
      return Fail("unexpected character: " + CharacterAt(offset_));
  }
}

Token Lexer::NextInBraces() {
  const char c = At(offset_);
  const char after = At(offset_ + 1);
  if (IsAlpha(c)) {
    std::size_t end = offset_;
    while (IsWordCharacter(At(end))) ++end;
    return Emit(kIdentifier, end - offset_);
  }
  switch (c) {
    case ',':
      return Emit(kComma, 1);
    case '"':
    case '\'':
    case '`':
      return NextString();
    case '=':
      return after == '~' ? Emit(kRegexMatch, 2) : Emit(kAssign, 1);
    case '!':
      if (after == '~') return Emit(kRegexNotMatch, 2);
      if (after == '=') return Emit(kNotEqual, 2);
      if (offset_ + 1 >= input_.size()) return Fail("unexpected end of input after '!'");
      return Fail("unexpected character after '!' inside braces: " +
                  CharacterAt(offset_ + 1));
    case '{':
      return Fail("unexpected left brace '{'");
    case '}':
      in_braces_ = false;
      return Emit(kRightBrace, 1);
    default:
      return Fail("unexpected character inside braces: " + CharacterAt(offset_));
  }
}

Token Lexer::NextInBrackets() {
  const char c = At(offset_);
  if (IsDigit(c) || (c == '.' && IsDigit(At(offset_ + 1)))) return NextNumberOrDuration();
  if (IsAlpha(c)) {
    std::size_t end = offset_;
    while (IsWordCharacter(At(end))) ++end;
    const std::string_view word = input_.substr(offset_, end - offset_);
    const TokenKind kind = KeywordKind(word);
    if (kind == kStep || kind == kRange || kind == kMaxOf || kind == kMinOf) {
      return Emit(kind, word.size());
    }
    return Fail("unexpected character in duration expression: " + CharacterAt(offset_));
  }
  switch (c) {
    case ']':
      in_brackets_ = false;
      return Emit(kRightBracket, 1);
    case ':':
      if (colon_seen_) return Fail("unexpected repeated colon in duration expression");
      colon_seen_ = true;
      return Emit(kColon, 1);
    case '(':
      ++parens_open_;
      return Emit(kLeftParen, 1);
    case ')':
      if (parens_open_ == 0) return Fail("unexpected right parenthesis ')'");
      --parens_open_;
      return Emit(kRightParen, 1);
    case '+':
      return Emit(kAdd, 1);
    case '-':
      return Emit(kSub, 1);
    case '*':
      return Emit(kMul, 1);
    case '/':
      return Emit(kDiv, 1);
    case '%':
      return Emit(kMod, 1);
    case '^':
      return Emit(kPow, 1);
    case ',':
      return Emit(kComma, 1);
    case '[':
      return Fail("unexpected left bracket '['");
    default:
      return Fail("unexpected character in duration expression: " + CharacterAt(offset_));
  }
}

Token Lexer::NextWord() {
  std::size_t end = offset_;
  while (IsWordCharacter(At(end)) || At(end) == ':') ++end;
  const std::string_view word = input_.substr(offset_, end - offset_);
  TokenKind kind = KeywordKind(word);
  if (kind == kFill || kind == kFillLeft || kind == kFillRight) {
    // A metric may be called `fill`: the modifier is known by its parenthesis.
    std::size_t next = end;
    while (IsSpace(At(next))) ++next;
    if (At(next) != '(') kind = kIdentifier;
  }
  if (kind == kIdentifier && word.find(':') != std::string_view::npos) {
    kind = kMetricIdentifier;
  }
  return Emit(kind, word.size());
}

// The length of the number at the cursor, or 0 if it is none: digits with at most one
// point and one exponent, `_` between digits, or hexadecimal digits after 0x.
std::size_t Lexer::ScanNumber() const {
  std::size_t at = offset_;
  const auto is_hex = [](char c) { return std::isxdigit(static_cast<unsigned char>(c)); };
  if (At(at) == '0' && (At(at + 1) == 'x' || At(at + 1) == 'X')) {
    at += 2;
    const std::size_t digits = at;
    while (is_hex(At(at)) || (At(at) == '_' && is_hex(At(at + 1)))) ++at;
    return at > digits && !IsWordCharacter(At(at)) && At(at) != '.' ? at - offset_ : 0;
  }
  const auto digits = [&] {
    while (IsDigit(At(at)) || (At(at) == '_' && IsDigit(At(at + 1)) && at > offset_ &&
                               IsDigit(At(at - 1)))) {
      ++at;
    }
  };
  digits();
  if (At(at) == '.') {
    ++at;
    digits();
    if (At(at) == '.') return 0;
  }
  if (At(at) == 'e' || At(at) == 'E') {
    ++at;
    if (At(at) == '+' || At(at) == '-') ++at;
    if (!IsDigit(At(at))) return 0;
    digits();
  }
  return IsWordCharacter(At(at)) ? 0 : at - offset_;
}

// The length of the duration at `from`, or 0: digits and units by turns. Whether the
// units exist and come in order is left to ParseDuration.
std::size_t Lexer::ScanDuration(std::size_t from) const {
  std::size_t at = from;
  bool any = false;
  while (IsDigit(At(at))) {
    while (IsDigit(At(at))) ++at;
    constexpr std::string_view kUnits = "smhdwy";
    if (At(at) == '\0' || kUnits.find(At(at)) == std::string_view::npos) return 0;
    ++at;
    if (At(at) == 's') ++at;
    any = true;
  }
  return any && !IsWordCharacter(At(at)) ? at - from : 0;
}

Token Lexer::NextNumberOrDuration() {
  if (const std::size_t length = ScanNumber(); length > 0) return Emit(kNumber, length);
  if (const std::size_t length = ScanDuration(offset_); length > 0) {
    return Emit(kDuration, length);
  }
  std::size_t end = offset_;
  while (IsWordCharacter(At(end)) || At(end) == '.') ++end;
  return Fail("bad number or duration syntax: " +
              base::Quoted(input_.substr(offset_, end - offset_)));
}

// Step over an escape whose backslash is at `*at`; false with a message if it is not one.
bool Lexer::ScanEscape(std::size_t* at, char quote, std::string* message) const {
  const char c = At(++*at);
  if (*at >= input_.size()) {
    *message = "escape sequence not terminated";
    return false;
  }
  constexpr std::string_view kSimple = "abfnrtv\\";
  if (c == quote || kSimple.find(c) != std::string_view::npos) {
    ++*at;
    return true;
  }
  std::size_t count = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
  const bool octal = '0' <= c && c <= '7';
  if (octal) count = 3;
  if (count == 0) {
    *message = "unknown escape sequence " + CharacterAt(*at);
    return false;
  }
  const std::size_t begin = octal ? *at : *at + 1;
  std::uint64_t value = 0;
  for (*at = begin; *at < begin + count; ++*at) {
    const char d = At(*at);
    const bool valid = octal ? ('0' <= d && d <= '7')
                             : std::isxdigit(static_cast<unsigned char>(d)) != 0;
    if (!valid) {
      *message = *at >= input_.size()
                     ? "escape sequence not terminated"
                     : "illegal character " + CharacterAt(*at) + " in escape sequence";
      return false;
    }
    const int digit = IsDigit(d) ? d - '0' : std::tolower(d) - 'a' + 10;
    value = value * (octal ? 8 : 16) + static_cast<unsigned>(digit);
  }
  const std::uint64_t highest = c == 'u' || c == 'U' ? 0x10FFFF : 255;
  if (value > highest || (highest > 255 && 0xD800 <= value && value < 0xE000)) {
    *message = "escape sequence is an invalid Unicode code point";
    return false;
  }
  return true;
}

Token Lexer::NextString() {
  const char quote = At(offset_);
  const bool raw = quote == '`';
  std::size_t at = offset_ + 1;
  std::string message;
  for (;;) {
    if (at >= input_.size() || (!raw && At(at) == '\n')) {
      return Fail(raw ? "unterminated raw string" : "unterminated quoted string");
    }
    if (At(at) == quote) return Emit(kString, at + 1 - offset_);
    if (!raw && At(at) == '\\') {
      if (!ScanEscape(&at, quote, &message)) return Fail(std::move(message));
      continue;
    }
    const base::Utf8Rune rune = base::DecodeUtf8(input_.substr(at));
    if (rune.size_bytes == 0) return Fail("invalid UTF-8 rune");
    at += rune.size_bytes;
  }
}

}  // namespace firn::promql
