// SPDX-License-Identifier: Apache-2.0
// nearest_word.h: what somebody may have meant.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace firn::base {

// Of `candidates`, the nearest to `word` by edit distance, or "" where none is near.
// Cost: the product of lengths, for each candidate; for the text of errors.
std::string_view NearestWord(std::string_view word,
                             std::span<const std::string_view> candidates);

// The same as the end of an error: `; did you mean host?`, or "".
std::string DidYouMean(std::string_view word,
                       std::span<const std::string_view> candidates);

}  // namespace firn::base
