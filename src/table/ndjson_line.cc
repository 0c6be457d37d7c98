// SPDX-License-Identifier: Apache-2.0
#include "table/ndjson_line.h"

#include <algorithm>
#include <cstddef>

#include "base/hex.h"
#include "base/utf8.h"

namespace firn::table {
namespace {

constexpr int kNestingMax = 64;
constexpr std::string_view kBlanks = " \t\r";
constexpr std::string_view kNotFinite[] = {"NaN", "Infinity", "Inf"};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// The four hexadecimal digits at the beginning of `text`, or -1.
int HexUnit(std::string_view text) {
  if (text.size() < 4) return -1;
  int unit = 0;
  for (const char c : text.substr(0, 4)) {
    const int digit = base::HexDigit(c);
    if (digit < 0) return -1;
    unit = unit << 4 | digit;
  }
  return unit;
}
bool IsHighSurrogate(int unit) { return unit >= 0xd800 && unit < 0xdc00; }
bool IsLowSurrogate(int unit) { return unit >= 0xdc00 && unit < 0xe000; }

class Grammar {
 public:
  explicit Grammar(std::string_view line) : line_(line) {}

  std::string Fault() {
    SkipBlanks();
    if (AtEnd()) return "";
    if (line_[at_] != '{') return "it is no object, such as {\"id\": 1}";
    if (!Value(1)) return fault_;
    SkipBlanks();
    return AtEnd() ? "" : "there is more on it than one object";
  }

 private:
  bool AtEnd() const { return at_ >= line_.size(); }
  bool Is(char c) const { return !AtEnd() && line_[at_] == c; }
  void SkipBlanks() {
    while (!AtEnd() && kBlanks.find(line_[at_]) != std::string_view::npos) ++at_;
  }
  bool Take(char c) {
    SkipBlanks();
    if (!Is(c)) return false;
    ++at_;
    return true;
  }

  bool Fail(const std::string& why) {
    fault_ = AtEnd() ? "its object does not end"
                     : "byte " + std::to_string(at_ + 1) + ": " + why;
    return false;
  }

  bool Value(int depth) {
    SkipBlanks();
    if (AtEnd()) return Fail("");
    switch (line_[at_]) {
      case '{':
        return Object(depth);
      case '[':
        return Array(depth);
      case '"':
        return Text();
      default:
        return Word() || Fail("a value is missing");
    }
  }

  bool Enter(int depth) {
    ++at_;
    if (depth <= kNestingMax) return true;
    fault_ = "it is nested deeper than " + std::to_string(kNestingMax) + " levels";
    return false;
  }

  bool Object(int depth) {
    if (!Enter(depth)) return false;
    if (Take('}')) return true;
    do {
      SkipBlanks();
      if (!Is('"')) return Fail("a name between quotes is missing");
      const std::size_t begin = at_;
      if (!Text()) return false;
      if (!base::IsValidUtf8(line_.substr(begin, at_ - begin))) {
        fault_ = "a name on it is not UTF-8";
        return false;
      }
      if (!Take(':')) return Fail("a colon is missing");
      if (!Value(depth + 1)) return false;
    } while (Take(','));
    return Take('}') || Fail("a comma or } is missing");
  }

  bool Array(int depth) {
    if (!Enter(depth)) return false;
    if (Take(']')) return true;
    do {
      if (!Value(depth + 1)) return false;
    } while (Take(','));
    return Take(']') || Fail("a comma or ] is missing");
  }

  bool Text() {
    ++at_;
    for (; !AtEnd(); ++at_) {
      const char c = line_[at_];
      if (c == '"') {
        ++at_;
        return true;
      }
      if (static_cast<unsigned char>(c) < 0x20) {
        return Fail("a control character is not escaped");
      }
      if (c == '\\' && !Escape()) return false;
    }
    return Fail("");
  }

  // To the last character of the escape at which it stands.
  bool Escape() {
    if (++at_ >= line_.size()) return Fail("");
    if (line_[at_] != 'u') {
      return std::string_view("\"\\/bfnrt").find(line_[at_]) != std::string_view::npos ||
             Fail("the escape is none that JSON has");
    }
    const int unit = HexUnit(line_.substr(at_ + 1));
    if (unit < 0) return Fail("the escape has not four hexadecimal digits");
    at_ += 4;
    if (IsLowSurrogate(unit)) return Fail("half a surrogate pair is missing");
    if (!IsHighSurrogate(unit)) return true;
    const std::string_view rest = line_.substr(at_ + 1);
    if (!rest.starts_with("\\u") || !IsLowSurrogate(HexUnit(rest.substr(2)))) {
      return Fail("half a surrogate pair is missing");
    }
    at_ += 6;
    return true;
  }

  bool Word() {
    for (const std::string_view word : {"null", "true", "false"}) {
      if (TakeWord(word)) return true;
    }
    if (Is('-')) ++at_;
    for (const std::string_view word : kNotFinite) {
      if (TakeWord(word)) return true;
    }
    return Number();
  }
  bool TakeWord(std::string_view word) {
    if (!line_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }

  bool Digits() {
    const std::size_t begin = at_;
    while (!AtEnd() && IsDigit(line_[at_])) ++at_;
    return at_ > begin;
  }
  // After its minus.
  bool Number() {
    if (Is('0')) {
      ++at_;
    } else if (!Digits()) {
      return false;
    }
    if (Is('.')) {
      ++at_;
      if (!Digits()) return false;
    }
    if (Is('e') || Is('E')) {
      ++at_;
      if (Is('+') || Is('-')) ++at_;
      if (!Digits()) return false;
    }
    return true;
  }

  const std::string_view line_;
  std::size_t at_ = 0;
  std::string fault_;
};

// Append what the escape at the beginning of `text` stands for. How long it is.
std::size_t Unescape(std::string_view text, std::string& out) {
  constexpr std::string_view kLetters = "bfnrt";
  constexpr std::string_view kStandFor = "\b\f\n\r\t";
  if (text[1] != 'u') {
    const std::size_t letter = kLetters.find(text[1]);
    out += letter == std::string_view::npos ? text[1] : kStandFor[letter];
    return 2;
  }
  const int unit = HexUnit(text.substr(2));
  if (!IsHighSurrogate(unit)) {
    base::AppendUtf8(static_cast<char32_t>(unit), out);
    return 6;
  }
  const int low = HexUnit(text.substr(8));
  base::AppendUtf8(0x10000U + (static_cast<char32_t>(unit - 0xd800) << 10) +
                       static_cast<char32_t>(low - 0xdc00),
                   out);
  return 12;
}

// Where the text that begins at text[begin] ends: past its quote.
std::size_t EndOfText(std::string_view text, std::size_t begin) {
  std::size_t at = begin + 1;
  for (;;) {
    at = text.find_first_of("\"\\", at);
    if (text[at] == '"') return at + 1;
    at += 2;
  }
}

}  // namespace

std::string FaultOfLine(std::string_view line) { return Grammar(line).Fault(); }

void JsonCursor::SkipBlanks() {
  while (at_ < text_.size() && kBlanks.find(text_[at_]) != std::string_view::npos) ++at_;
}

JsonKind JsonCursor::kind() {
  SkipBlanks();
  switch (text_[at_]) {
    case '{':
      return JsonKind::kObject;
    case '[':
      return JsonKind::kArray;
    case '"':
      return JsonKind::kText;
    case 'n':
      return JsonKind::kNull;
    case 't':
    case 'f':
      return JsonKind::kBool;
    default:
      return JsonKind::kNumber;
  }
}

std::string_view JsonCursor::TakeWord() {
  SkipBlanks();
  const std::size_t end = std::min(text_.find_first_of(" \t\r,}]", at_), text_.size());
  const std::string_view word = text_.substr(at_, end - at_);
  at_ = end;
  return word;
}

std::string_view JsonCursor::TakeText() {
  SkipBlanks();
  const std::size_t end = EndOfText(text_, at_);
  std::string_view text = text_.substr(at_ + 1, end - at_ - 2);
  at_ = end;
  std::size_t escape = text.find('\\');
  if (escape == std::string_view::npos) return text;
  unescaped_.clear();
  while (escape != std::string_view::npos) {
    unescaped_ += text.substr(0, escape);
    text.remove_prefix(escape);
    text.remove_prefix(Unescape(text, unescaped_));
    escape = text.find('\\');
  }
  unescaped_ += text;
  return unescaped_;
}

std::string_view JsonCursor::Skip() {
  SkipBlanks();
  const std::size_t begin = at_;
  int depth = 0;
  do {
    const char c = text_[at_];
    if (c == '"') {
      at_ = EndOfText(text_, at_);
    } else if (c == '{' || c == '[') {
      ++depth;
      ++at_;
    } else if (c == '}' || c == ']') {
      --depth;
      ++at_;
    } else if (c == ',' || c == ':') {
      ++at_;
    } else {
      at_ = std::min(text_.find_first_of(" \t\r,}]", at_), text_.size());
    }
    if (depth > 0) SkipBlanks();
  } while (depth > 0);
  return text_.substr(begin, at_ - begin);
}

bool JsonCursor::Open() {
  SkipBlanks();
  ++at_;
  SkipBlanks();
  const bool is_empty = text_[at_] == '}' || text_[at_] == ']';
  if (is_empty) ++at_;
  return !is_empty;
}

bool JsonCursor::More() {
  SkipBlanks();
  return text_[at_++] == ',';
}

std::string_view JsonCursor::TakeName() {
  const std::string_view name = TakeText();
  SkipBlanks();
  ++at_;
  return name;
}

}  // namespace firn::table
