// SPDX-License-Identifier: Apache-2.0
// text_cursor.h: reads a text that a person wrote, from its beginning. Internal to this
// room.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "firn/status.h"

namespace firn::iceberg {

// InvalidArgument that names the character, counted from 1.
Status ErrorAt(std::size_t offset, const std::string& message);

// ASCII letters as small ones.
std::string Lower(std::string_view text);

// Words are of letters, digits, `_`, `.`, `-` and whatever is not ASCII; names that are
// no word stand between double quotes. Spaces between them are passed over. Names and
// texts are UTF-8: metadata is JSON, which holds nothing else. Borrows the text.
// Thread-compatible.
class TextCursor {
 public:
  explicit TextCursor(std::string_view text) : text_(text) { SkipSpaces(); }

  bool AtEnd() const { return at_ == text_.size(); }
  bool AtQuote() const { return !AtEnd() && text_[at_] == '"'; }
  std::size_t offset() const { return at_; }  // In bytes.

  // The next word, or an empty one where something else stands.
  std::string_view PeekWord() const;
  void TakeWord() { Skip(PeekWord().size()); }
  // Take the next word where it is `word` in any case.
  bool TakeWord(std::string_view word);
  bool TakeSymbol(char symbol);
  Status Expect(char symbol);
  // A word or a quoted name; `what` is what an error says was expected.
  Result<std::string> Name(std::string_view what);
  // All up to `end`, which is taken and must come.
  Result<std::string> TextUntil(char end);
  // All that is left.
  Result<std::string> Rest();

  Status Unexpected(std::string_view expected) const {
    return ErrorAt(at_, "expected " + std::string(expected) + ", found " + Found());
  }

 private:
  void SkipSpaces();
  void Skip(std::size_t size) {
    at_ += size;
    SkipSpaces();
  }
  // Whether [begin, end) is UTF-8; else what is wrong, at its character.
  Status CheckUtf8(std::size_t begin, std::size_t end) const;
  std::string Found() const;
  Result<std::string> QuotedName();

  const std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace firn::iceberg
