// SPDX-License-Identifier: Apache-2.0
// matcher.h: a label matcher made ready to run.
//
// Prometheus's rules: a regular expression is RE2, anchored at both ends, and its dot
// matches a line feed too; a label that is absent has the value "". The common shapes of
// expression (`a|b|c`, `.*`, `.+`, `foo.*`, `foo.+`, a plain word) run without RE2.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "firn/labels.h"
#include "firn/status.h"

namespace re2 {
class RE2;
}  // namespace re2

namespace firn::base {

// Immutable and cheap to copy; any number of threads may match at once.
class Matcher {
 public:
  // Most bytes of memory one compiled expression may take.
  static constexpr std::int64_t kRegexBytesMax = 16 << 20;

  // InvalidArgument for a broken regular expression, or one that needs more than
  // kRegexBytesMax: the text quotes it and gives RE2's reason.
  static Result<Matcher> Make(LabelMatcher matcher);
  static Result<std::vector<Matcher>> MakeAll(const std::vector<LabelMatcher>& matchers);

  MatchOp op() const { return source_.op; }
  const std::string& name() const { return source_.name; }
  // As it was written: text for = and !=, an expression for =~ and !~.
  const std::string& value() const { return source_.value; }
  const LabelMatcher& source() const { return source_; }

  // Whether a label of this value passes. "" stands for an absent label.
  bool Matches(std::string_view value) const {
    const bool negative = op() == MatchOp::kNotEqual || op() == MatchOp::kNotRegex;
    return PatternMatches(value) != negative;
  }
  // Whether series without the label pass.
  bool MatchesEmpty() const { return Matches(std::string_view()); }
  bool Matches(const Labels& labels) const { return Matches(labels.Get(name())); }

  // What is known of the values that the pattern of an = or =~ accepts, or that of a !=
  // or
  // !~ rejects: it serves to look values up instead of trying each.
  //
  // The values themselves, sorted, each once, where they are known; empty otherwise.
  const std::vector<std::string>& literals() const { return literals_; }
  bool has_literals() const { return shape_ == Shape::kLiterals; }
  // What each of the values starts with; may be empty.
  const std::string& prefix() const { return prefix_; }

 private:
  enum class Shape : std::uint8_t {
    kLiterals,    // one of literals_
    kPrefix,      // prefix_ and then anything; `.*` has an empty prefix
    kPrefixMore,  // prefix_ and at least one character more
    kRegex,       // whatever regex_ says, after prefix_
  };
  Matcher() = default;
  bool PatternMatches(std::string_view value) const;
  bool RegexMatches(std::string_view value) const;

  LabelMatcher source_;
  Shape shape_ = Shape::kLiterals;
  std::vector<std::string> literals_;
  std::string prefix_;
  std::shared_ptr<const re2::RE2> regex_;  // Null unless shape_ is kRegex.
};

// Whether every matcher passes.
bool MatchesAll(const std::vector<Matcher>& matchers, const Labels& labels);

}  // namespace firn::base
