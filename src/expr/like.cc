// SPDX-License-Identifier: Apache-2.0
// like.cc: matching a pattern.
//
// 1. The pattern is cut at every %. The first run of pieces must match at the beginning.
// 2. Each run between two % is taken where it matches first: a later place leaves less
//    for the runs that follow, and the % before it takes anything.
// 3. The last run must end where the text does, so it is tried at every place left.
#include "expr/like.h"

#include <utility>

#include "base/utf8.h"

namespace firn::expr {
namespace {

std::size_t CharacterSize(std::string_view text) {
  const std::size_t size = base::DecodeUtf8(text).size_bytes;
  return size == 0 ? 1 : size;
}

}  // namespace

LikePattern::LikePattern(std::string_view pattern) {
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '%') {
      if (pieces_.empty() || pieces_.back().kind != Piece::kAny) {
        pieces_.push_back({Piece::kAny, {}});
      }
    } else if (pattern[i] == '_') {
      pieces_.push_back({Piece::kOne, {}});
    } else {
      if (pattern[i] == '\\' && i + 1 < pattern.size()) ++i;
      if (pieces_.empty() || pieces_.back().kind != Piece::kBytes) {
        pieces_.push_back({Piece::kBytes, {}});
      }
      pieces_.back().bytes += pattern[i];
    }
  }
  if (!pieces_.empty() && pieces_.front().kind == Piece::kBytes) {
    prefix_ = pieces_.front().bytes;
  }
}

std::optional<std::size_t> LikePattern::MatchRun(std::size_t first, std::size_t end,
                                                 std::string_view text) const {
  std::size_t at = 0;
  for (std::size_t i = first; i < end; ++i) {
    const std::string_view rest = text.substr(at);
    if (pieces_[i].kind == Piece::kBytes) {
      if (!rest.starts_with(pieces_[i].bytes)) return std::nullopt;
      at += pieces_[i].bytes.size();
    } else {
      if (rest.empty()) return std::nullopt;
      at += CharacterSize(rest);
    }
  }
  return at;
}

bool LikePattern::Matches(std::string_view text) const {
  bool floating = false;  // Whether a % stands before the run.
  for (std::size_t first = 0; first < pieces_.size();) {
    if (pieces_[first].kind == Piece::kAny) {
      floating = true;
      if (++first == pieces_.size()) return true;
    }
    std::size_t end = first;
    while (end < pieces_.size() && pieces_[end].kind != Piece::kAny) ++end;
    const bool last = end == pieces_.size();
    std::optional<std::size_t> size = MatchRun(first, end, text);
    while (floating && (!size.has_value() || (last && *size != text.size()))) {
      if (text.empty()) return false;
      text.remove_prefix(CharacterSize(text));
      size = MatchRun(first, end, text);
    }
    if (!size.has_value()) return false;
    text.remove_prefix(*size);
    first = end;
  }
  return text.empty();
}

PredicatePtr MakeLike(std::string column, std::string_view pattern,
                      std::optional<char> escape) {
  std::string canonical;
  std::string literal;
  std::size_t wildcards = 0;
  bool any_last = false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    char c = pattern[i];
    any_last = false;
    if (escape.has_value() && c == *escape) {
      if (++i == pattern.size()) return nullptr;
      c = pattern[i];
      if (c != '%' && c != '_' && c != *escape) return nullptr;
    } else if (c == '%' || c == '_') {
      ++wildcards;
      any_last = c == '%';
      canonical += c;
      continue;
    }
    if (c == '%' || c == '_' || c == '\\') canonical += '\\';
    canonical += c;
    literal += c;
  }
  if (wildcards == 0) {
    return MakePredicate(
        Compare{std::move(column), CompareOp::kEq, Literal(std::move(literal))});
  }
  if (wildcards == 1 && any_last) {
    return MakePredicate(StartsWith{std::move(column), std::move(literal)});
  }
  return MakePredicate(Like{std::move(column), std::move(canonical)});
}

}  // namespace firn::expr
