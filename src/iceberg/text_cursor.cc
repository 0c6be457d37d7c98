// SPDX-License-Identifier: Apache-2.0
#include "iceberg/text_cursor.h"

#include "base/quote.h"
#include "base/utf8.h"

namespace firn::iceberg {
namespace {

bool IsWordByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         c == '_' || c == '.' || c == '-' || static_cast<unsigned char>(c) >= 0x80;
}

}  // namespace

Status ErrorAt(std::size_t offset, const std::string& message) {
  return Status::InvalidArgument("character " + std::to_string(offset + 1) + ": " +
                                 message);
}

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::string_view TextCursor::PeekWord() const {
  std::size_t end = at_;
  while (end < text_.size() && IsWordByte(text_[end])) ++end;
  return text_.substr(at_, end - at_);
}

bool TextCursor::TakeWord(std::string_view word) {
  const std::string_view next = PeekWord();
  if (Lower(next) != word) return false;
  Skip(next.size());
  return true;
}

bool TextCursor::TakeSymbol(char symbol) {
  if (AtEnd() || text_[at_] != symbol) return false;
  Skip(1);
  return true;
}

Status TextCursor::Expect(char symbol) {
  if (TakeSymbol(symbol)) return Status::OK();
  return Unexpected(std::string("'") + symbol + "'");
}

Result<std::string> TextCursor::Name(std::string_view what) {
  if (AtQuote()) return QuotedName();
  const std::string_view word = PeekWord();
  if (word.empty()) return Unexpected(what);
  FIRN_RETURN_IF_ERROR(CheckUtf8(at_, at_ + word.size()));
  Skip(word.size());
  return std::string(word);
}

Result<std::string> TextCursor::TextUntil(char end) {
  const std::size_t close = text_.find(end, at_);
  if (close == std::string_view::npos) {
    return ErrorAt(at_, std::string("the text does not end with ") + end);
  }
  FIRN_RETURN_IF_ERROR(CheckUtf8(at_, close));
  std::string text(text_.substr(at_, close - at_));
  Skip(close + 1 - at_);
  return text;
}

Result<std::string> TextCursor::Rest() {
  FIRN_RETURN_IF_ERROR(CheckUtf8(at_, text_.size()));
  std::string text(text_.substr(at_));
  at_ = text_.size();
  return text;
}

Status TextCursor::CheckUtf8(std::size_t begin, std::size_t end) const {
  while (begin < end) {
    const std::size_t size =
        base::DecodeUtf8(text_.substr(begin, end - begin)).size_bytes;
    if (size == 0) {
      return ErrorAt(begin, "the byte " + base::Quoted(text_.substr(begin, 1)) +
                                " is not UTF-8: names and texts of a table are");
    }
    begin += size;
  }
  return Status::OK();
}

void TextCursor::SkipSpaces() {
  while (!AtEnd() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n')) {
    ++at_;
  }
}

std::string TextCursor::Found() const {
  if (AtEnd()) return "the end";
  const std::string_view word = PeekWord();
  return "'" + std::string(word.empty() ? text_.substr(at_, 1) : word.substr(0, 100)) +
         "'";
}

Result<std::string> TextCursor::QuotedName() {
  const std::size_t begin = at_;
  std::string name;
  for (++at_; !AtEnd(); ++at_) {
    if (text_[at_] == '"') {
      // Two quotes are one within the name.
      if (at_ + 1 == text_.size() || text_[at_ + 1] != '"') {
        FIRN_RETURN_IF_ERROR(CheckUtf8(begin, at_));
        Skip(1);
        if (name.empty()) return ErrorAt(begin, "the name is empty");
        return name;
      }
      ++at_;
    }
    name.push_back(text_[at_]);
  }
  return ErrorAt(begin, "the quoted name does not end");
}

}  // namespace firn::iceberg
