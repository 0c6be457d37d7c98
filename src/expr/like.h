// SPDX-License-Identifier: Apache-2.0
// like.h: texts of a pattern's shape. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "expr/predicate.h"

namespace firn::expr {

// The pattern of a Like, taken apart. Immutable. A character is a code point of UTF-8; a
// byte that belongs to none is one by itself.
class LikePattern {
 public:
  explicit LikePattern(std::string_view pattern);

  // Cost: at most the product of both lengths.
  bool Matches(std::string_view text) const;
  // What every text of this shape begins with.
  const std::string& prefix() const { return prefix_; }

 private:
  struct Piece {
    enum Kind : std::uint8_t { kBytes, kOne, kAny } kind;
    std::string bytes;
  };
  // Whether the pieces [first, end), none of them kAny, match the front of `text`; how
  // long that is, if so.
  std::optional<std::size_t> MatchRun(std::size_t first, std::size_t end,
                                      std::string_view text) const;

  std::vector<Piece> pieces_;
  std::string prefix_;
};

// The predicate that `column LIKE pattern` means, with `escape` as the pattern's escape
// character, if there is one: an equality or a StartsWith where that will do. Nothing
// where the pattern has an escape character before anything but %, _ and itself.
PredicatePtr MakeLike(std::string column, std::string_view pattern,
                      std::optional<char> escape);

}  // namespace firn::expr
