// SPDX-License-Identifier: Apache-2.0
#include "base/matcher.h"

#include <re2/re2.h>

#include <algorithm>
#include <functional>
#include <optional>

#include "base/quote.h"

namespace firn::base {
namespace {

// Longest list of alternatives kept as literals; RE2's automaton is better beyond it.
constexpr std::size_t kLiteralsMax = 10'000;

bool IsMeta(char c) {
  return std::string_view("\\.+*?()|[]{}^$").find(c) != std::string_view::npos;
}

bool IsPunctuation(char c) {
  return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') ||
         (c >= '{' && c <= '~');
}

// Take literal characters, and escaped punctuation such as `\.`, off the front of
// `pattern`, and return what they stand for.
std::string TakeLiteral(std::string_view& pattern) {
  std::string literal;
  while (!pattern.empty()) {
    if (pattern[0] == '\\' && pattern.size() > 1 && IsPunctuation(pattern[1])) {
      literal.push_back(pattern[1]);
      pattern.remove_prefix(2);
    } else if (!IsMeta(pattern[0])) {
      literal.push_back(pattern[0]);
      pattern.remove_prefix(1);
    } else {
      break;
    }
  }
  return literal;
}

// The alternatives of `a|b|c`, `(a|b|c)` or `(?:a|b|c)`, or nothing where the pattern is
// of another shape.
std::optional<std::vector<std::string>> ParseAlternatives(std::string_view pattern) {
  bool group = false;
  for (const std::string_view open : {"(?:", "("}) {
    if (!pattern.starts_with(open)) continue;
    pattern.remove_prefix(open.size());
    group = true;
    break;
  }
  std::vector<std::string> literals;
  while (literals.size() < kLiteralsMax) {
    literals.push_back(TakeLiteral(pattern));
    if (pattern.empty() || pattern[0] != '|') break;
    pattern.remove_prefix(1);
  }
  if (pattern != (group ? ")" : "")) return std::nullopt;
  std::sort(literals.begin(), literals.end());
  literals.erase(std::unique(literals.begin(), literals.end()), literals.end());
  return literals;
}

// Whether an alternative follows outside every group and class of `pattern`. Errs on the
// side of yes: a `|` anywhere counts.
bool MayAlternate(std::string_view pattern) {
  return pattern.find('|') != std::string_view::npos;
}

// Drop the last character of `literal`: a quantifier after it made it optional.
void DropLastRune(std::string& literal) {
  while (!literal.empty()) {
    const auto byte = static_cast<unsigned char>(literal.back());
    literal.pop_back();
    if ((byte & 0xc0) != 0x80) return;
  }
}

}  // namespace

Result<Matcher> Matcher::Make(LabelMatcher source) {
  Matcher matcher;
  matcher.source_ = std::move(source);
  const LabelMatcher& from = matcher.source_;
  if (from.op == MatchOp::kEqual || from.op == MatchOp::kNotEqual) {
    matcher.literals_ = {from.value};
    matcher.prefix_ = from.value;
    return matcher;
  }

  if (auto literals = ParseAlternatives(from.value)) {
    matcher.literals_ = std::move(*literals);
    if (matcher.literals_.size() == 1) matcher.prefix_ = matcher.literals_[0];
    return matcher;
  }
  std::string_view rest = from.value;
  matcher.prefix_ = TakeLiteral(rest);
  if (rest == ".*" || rest == ".+") {
    matcher.shape_ = rest == ".*" ? Shape::kPrefix : Shape::kPrefixMore;
    return matcher;
  }
  if (MayAlternate(rest)) {
    matcher.prefix_.clear();
  } else if (!rest.empty() && (rest[0] == '*' || rest[0] == '?' || rest[0] == '{')) {
    DropLastRune(matcher.prefix_);
  }

  matcher.shape_ = Shape::kRegex;
  re2::RE2::Options options;
  options.set_dot_nl(true);
  options.set_never_capture(true);
  options.set_log_errors(false);
  options.set_max_mem(kRegexBytesMax);
  matcher.regex_ = std::make_shared<const re2::RE2>(from.value, options);
  if (!matcher.regex_->ok()) {
    return Status::InvalidArgument(
        "matcher " + from.ToString() +
        ": invalid regular expression: " + matcher.regex_->error());
  }
  return matcher;
}

Result<std::vector<Matcher>> Matcher::MakeAll(const std::vector<LabelMatcher>& matchers) {
  std::vector<Matcher> made;
  made.reserve(matchers.size());
  for (const LabelMatcher& matcher : matchers) {
    FIRN_ASSIGN_OR_RETURN(Matcher one, Make(matcher));
    made.push_back(std::move(one));
  }
  return made;
}

bool Matcher::PatternMatches(std::string_view value) const {
  switch (shape_) {
    case Shape::kLiterals:
      if (literals_.size() == 1) return value == literals_[0];
      return std::binary_search(literals_.begin(), literals_.end(), value,
                                std::less<std::string_view>());
    case Shape::kPrefix:
      return value.starts_with(prefix_);
    case Shape::kPrefixMore:
      return value.size() > prefix_.size() && value.starts_with(prefix_);
    case Shape::kRegex:
      return value.starts_with(prefix_) && RegexMatches(value);
  }
  return false;
}

bool Matcher::RegexMatches(std::string_view value) const {
  return re2::RE2::FullMatch(re2::StringPiece(value.data(), value.size()), *regex_);
}

bool MatchesAll(const std::vector<Matcher>& matchers, const Labels& labels) {
  return std::all_of(matchers.begin(), matchers.end(),
                     [&labels](const Matcher& m) { return m.Matches(labels); });
}

}  // namespace firn::base
