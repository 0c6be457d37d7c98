// SPDX-License-Identifier: Apache-2.0
// ndjson_line.h: one line of NDJSON: whether it is an object, and what is in it. Internal
// to row_file.h.
//
// The grammar is that of RFC 8259. Two things are added: NaN, Infinity, Inf and these
// with a minus are numbers, as Python and others write them; and bytes that are no UTF-8
// may be in text, since the table says of which row and column they are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace firn::table {

// Why the line is not one object. Empty where it is.
std::string FaultOfLine(std::string_view line);

enum class JsonKind : std::uint8_t { kNull, kBool, kNumber, kText, kObject, kArray };

// Walks over one value, from its beginning.
//
//   for (bool more = json.Open(); more; more = json.More()) {  // an object
//     const std::string_view name = json.TakeName();
//     json.Skip();
//   }
//
// REQUIRES: FaultOfLine() finds nothing wrong with the text. Thread-compatible.
class JsonCursor {
 public:
  explicit JsonCursor(std::string_view text) : text_(text) {}

  // Of the value at which it stands.
  JsonKind kind();
  // Past a null, a boolean or a number: as it is written.
  std::string_view TakeWord();
  // Past a text: what it stands for, usable until the next text or name is taken.
  std::string_view TakeText();
  // Past a value of any kind: as it is written.
  std::string_view Skip();

  // Into an object or an array, to its first name or value. False, and past it, where it
  // is empty.
  bool Open();
  // The same after a value inside, to the next one.
  bool More();
  // Past a name and its colon, as TakeText().
  std::string_view TakeName();

 private:
  void SkipBlanks();

  const std::string_view text_;
  std::size_t at_ = 0;
  std::string unescaped_;
};

}  // namespace firn::table
