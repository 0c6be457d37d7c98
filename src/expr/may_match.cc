// SPDX-License-Identifier: Apache-2.0
// may_match.cc: pruning by statistics.
//
// 1. A negation is carried down to the leaves (De Morgan); a leaf then knows whether it
//    is asked for rows where it is true or where it is false. NULL is neither.
// 2. A leaf asks whether some value that the statistics allow would do. The values
//    allowed are those between the bounds, and NaN unless it is known to be absent.
// 3. Whatever is not known, or has no common order, allows everything.
#include <cmath>
#include <optional>
#include <string_view>
#include <variant>

#include "expr/like.h"
#include "expr/literal.h"
#include "expr/predicate.h"

namespace firn::expr {
namespace {

bool IsNaN(const Literal& literal) {
  const double* number = std::get_if<double>(&literal);
  return number != nullptr && std::isnan(*number);
}

// What the values of a column may be, NULL aside.
struct Domain {
  bool ordinary = true;  // Some value may be there that is not NaN.
  bool nan = true;       // NaN may be there.
  const Literal* lower = nullptr;
  const Literal* upper = nullptr;
};

Domain DomainOf(const ColumnStatistics& s) {
  Domain domain;
  // A NaN for a bound is a mistake of some writer and says nothing.
  if (s.lower != nullptr && !IsNaN(*s.lower)) domain.lower = s.lower;
  if (s.upper != nullptr && !IsNaN(*s.upper)) domain.upper = s.upper;
  const Literal* bound = domain.lower != nullptr ? domain.lower : domain.upper;
  // Only a column of doubles, whose bounds are doubles, can hold NaN.
  if (s.nan_count == 0 || (bound != nullptr && !std::holds_alternative<double>(*bound))) {
    domain.nan = false;
  }
  if (s.value_count >= 0) {
    if (s.value_count == 0 || s.null_count == s.value_count) {
      domain.ordinary = domain.nan = false;
    } else if (s.nan_count > 0 && s.null_count >= 0 &&
               s.nan_count + s.null_count >= s.value_count) {
      domain.ordinary = false;
    }
  }
  return domain;
}

// Whether an ordinary value v with `v op literal` may lie between the bounds.
bool OrdinaryMayMatch(const Domain& domain, CompareOp op, const Literal& literal) {
  std::optional<std::weak_ordering> lower;  // lower <=> literal
  std::optional<std::weak_ordering> upper;
  if (domain.lower != nullptr) lower = CompareLiterals(*domain.lower, literal);
  if (domain.upper != nullptr) upper = CompareLiterals(*domain.upper, literal);
  switch (op) {
    case CompareOp::kEq:
      if (IsNaN(literal)) return false;
      return !(lower.has_value() && *lower > 0) && !(upper.has_value() && *upper < 0);
    case CompareOp::kNotEq:
      return !(lower.has_value() && *lower == 0 && upper.has_value() && *upper == 0);
    case CompareOp::kLt:
      return !(lower.has_value() && *lower >= 0);
    case CompareOp::kLtEq:
      return !(lower.has_value() && *lower > 0);
    case CompareOp::kGt:
      if (IsNaN(literal)) return false;
      return !(upper.has_value() && *upper <= 0);
    case CompareOp::kGtEq:
      if (IsNaN(literal)) return false;
      return !(upper.has_value() && *upper < 0);
  }
  return true;
}

bool CompareMayMatch(const Domain& domain, CompareOp op, const Literal& literal) {
  if (domain.ordinary && OrdinaryMayMatch(domain, op, literal)) return true;
  if (!domain.nan) return false;
  const auto nan = CompareLiterals(Literal(std::nan("")), literal);
  return !nan.has_value() || Holds(*nan, op);
}

// The bytes of a text or binary bound, or nothing for another type.
std::optional<std::string_view> BytesOf(const Literal* literal) {
  if (literal == nullptr) return std::nullopt;
  if (const auto* text = std::get_if<std::string>(literal)) return *text;
  if (const auto* binary = std::get_if<Binary>(literal)) return binary->bytes;
  return std::nullopt;
}

bool PrefixMayMatch(const Domain& domain, std::string_view prefix, bool negated) {
  if (!domain.ordinary) return false;
  const auto lower = BytesOf(domain.lower);
  const auto upper = BytesOf(domain.upper);
  if (negated) {
    // Two texts with the prefix have only texts with the prefix between them.
    return !(lower.has_value() && lower->starts_with(prefix) && upper.has_value() &&
             upper->starts_with(prefix));
  }
  if (lower.has_value() && lower->substr(0, prefix.size()) > prefix) return false;
  if (upper.has_value() && *upper < prefix) return false;
  return true;
}

class Pruner {
 public:
  explicit Pruner(const StatisticsSource& statistics) : statistics_(statistics) {}

  bool Visit(const Predicate& predicate, bool negated) const {
    return std::visit([&](const auto& node) { return Ask(node, negated); },
                      predicate.node());
  }

 private:
  ColumnStatistics Find(const std::string& column) const {
    ColumnStatistics found;
    if (!statistics_.Find(column, &found)) return {};
    return found;
  }

  bool Ask(const Compare& p, bool negated) const {
    return CompareMayMatch(DomainOf(Find(p.column)), negated ? Negate(p.op) : p.op,
                           p.literal);
  }
  bool Ask(const In& p, bool negated) const {
    // NULL is not in an empty list either, so its negation holds everywhere.
    if (p.literals.empty()) return negated;
    const Domain domain = DomainOf(Find(p.column));
    if (!negated) {
      for (const Literal& literal : p.literals) {
        if (CompareMayMatch(domain, CompareOp::kEq, literal)) return true;
      }
      return false;
    }
    // Only a column of a single value is surely in the list, by one literal of it.
    for (const Literal& literal : p.literals) {
      if (!CompareMayMatch(domain, CompareOp::kNotEq, literal)) return false;
    }
    return true;
  }
  bool Ask(const IsNull& p, bool negated) const {
    return NullMayMatch(p.column, !negated);
  }
  bool Ask(const IsNotNull& p, bool negated) const {
    return NullMayMatch(p.column, negated);
  }
  bool NullMayMatch(const std::string& column, bool want_null) const {
    const ColumnStatistics s = Find(column);
    if (s.value_count == 0) return false;
    if (want_null) return s.null_count != 0;
    return s.value_count < 0 || s.null_count != s.value_count;
  }
  bool Ask(const StartsWith& p, bool negated) const {
    return PrefixMayMatch(DomainOf(Find(p.column)), p.prefix, negated);
  }
  bool Ask(const Like& p, bool negated) const {
    const Domain domain = DomainOf(Find(p.column));
    const LikePattern pattern(p.pattern);
    const auto lower = BytesOf(domain.lower);
    const auto upper = BytesOf(domain.upper);
    if (domain.ordinary && lower.has_value() && lower == upper) {
      return pattern.Matches(*lower) != negated;  // The only value there is.
    }
    return negated ? domain.ordinary : PrefixMayMatch(domain, pattern.prefix(), false);
  }
  bool Ask(const And& p, bool negated) const {
    return negated ? Any(p.operands, true) : All(p.operands, false);
  }
  bool Ask(const Or& p, bool negated) const {
    return negated ? All(p.operands, true) : Any(p.operands, false);
  }
  bool Ask(const Not& p, bool negated) const { return Visit(*p.operand, !negated); }

  bool All(const std::vector<PredicatePtr>& operands, bool negated) const {
    for (const PredicatePtr& operand : operands) {
      if (!Visit(*operand, negated)) return false;
    }
    return true;
  }
  bool Any(const std::vector<PredicatePtr>& operands, bool negated) const {
    for (const PredicatePtr& operand : operands) {
      if (Visit(*operand, negated)) return true;
    }
    return false;
  }

  const StatisticsSource& statistics_;
};

}  // namespace

bool MayMatch(const Predicate& predicate, const StatisticsSource& statistics) {
  return Pruner(statistics).Visit(predicate, false);
}

}  // namespace firn::expr
