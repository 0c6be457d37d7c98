// SPDX-License-Identifier: Apache-2.0
#include "expr/predicate.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <string_view>
#include <utility>

#include "expr/column_text.h"
#include "expr/conjuncts.h"
#include "expr/literal.h"

namespace firn::expr {
namespace {

std::string_view OpText(CompareOp op) {
  switch (op) {
    case CompareOp::kEq:
      return " = ";
    case CompareOp::kNotEq:
      return " <> ";
    case CompareOp::kLt:
      return " < ";
    case CompareOp::kLtEq:
      return " <= ";
    case CompareOp::kGt:
      return " > ";
    case CompareOp::kGtEq:
      return " >= ";
  }
  return " ? ";
}

struct TextVisitor {
  std::string operator()(const Compare& p) const {
    return ColumnText(p.column) + std::string(OpText(p.op)) + ToString(p.literal);
  }
  std::string operator()(const In& p) const {
    std::string out = ColumnText(p.column) + " IN (";
    for (std::size_t i = 0; i < p.literals.size(); ++i) {
      if (i > 0) out += ", ";
      out += ToString(p.literals[i]);
    }
    return out + ")";
  }
  std::string operator()(const IsNull& p) const {
    return ColumnText(p.column) + " IS NULL";
  }
  std::string operator()(const IsNotNull& p) const {
    return ColumnText(p.column) + " IS NOT NULL";
  }
  std::string operator()(const StartsWith& p) const {
    return "starts_with(" + ColumnText(p.column) + ", " + ToString(Literal(p.prefix)) +
           ")";
  }
  std::string operator()(const Like& p) const {
    const bool escapes = p.pattern.find('\\') != std::string::npos;
    return ColumnText(p.column) + " LIKE " + ToString(Literal(p.pattern)) +
           (escapes ? " ESCAPE '\\'" : "");
  }
  std::string operator()(const And& p) const { return Join(p.operands, " AND ", "true"); }
  std::string operator()(const Or& p) const { return Join(p.operands, " OR ", "false"); }
  std::string operator()(const Not& p) const {
    return "NOT (" + ToString(*p.operand) + ")";
  }

  static std::string Join(const std::vector<PredicatePtr>& operands,
                          std::string_view separator, std::string_view empty) {
    if (operands.empty()) return std::string(empty);
    if (operands.size() == 1) return ToString(*operands.front());
    std::string out = "(";
    for (std::size_t i = 0; i < operands.size(); ++i) {
      if (i > 0) out += separator;
      out += ToString(*operands[i]);
    }
    return out + ")";
  }
};

void SplitInto(const PredicatePtr& predicate, std::vector<PredicatePtr>& out) {
  if (const auto* conjunction = std::get_if<And>(&predicate->node())) {
    for (const PredicatePtr& operand : conjunction->operands) SplitInto(operand, out);
  } else {
    out.push_back(predicate);
  }
}

void CollectColumns(const Predicate& predicate, std::set<std::string>& out) {
  std::visit(
      [&out](const auto& node) {
        if constexpr (requires { node.column; }) {
          out.insert(node.column);
        } else if constexpr (requires { node.operands; }) {
          for (const PredicatePtr& operand : node.operands) CollectColumns(*operand, out);
        } else {
          CollectColumns(*node.operand, out);
        }
      },
      predicate.node());
}

bool AreEqual(const Literal& a, const Literal& b) {
  const auto* x = std::get_if<double>(&a);
  const auto* y = std::get_if<double>(&b);
  if (x == nullptr || y == nullptr) return a == b;
  return (std::isnan(*x) && std::isnan(*y)) ||
         std::bit_cast<std::uint64_t>(*x) == std::bit_cast<std::uint64_t>(*y);
}

bool AreEqual(const PredicatePtr& a, const PredicatePtr& b) {
  return expr::AreEqual(*a, *b);
}

template <typename T>
bool AreEqual(const std::vector<T>& a, const std::vector<T>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const T& x, const T& y) { return AreEqual(x, y); });
}

struct EqualVisitor {
  bool operator()(const Compare& a, const Compare& b) const {
    return a.column == b.column && a.op == b.op && AreEqual(a.literal, b.literal);
  }
  bool operator()(const In& a, const In& b) const {
    return a.column == b.column && AreEqual(a.literals, b.literals);
  }
  bool operator()(const IsNull& a, const IsNull& b) const { return a.column == b.column; }
  bool operator()(const IsNotNull& a, const IsNotNull& b) const {
    return a.column == b.column;
  }
  bool operator()(const StartsWith& a, const StartsWith& b) const {
    return a.column == b.column && a.prefix == b.prefix;
  }
  bool operator()(const Like& a, const Like& b) const {
    return a.column == b.column && a.pattern == b.pattern;
  }
  bool operator()(const And& a, const And& b) const {
    return AreEqual(a.operands, b.operands);
  }
  bool operator()(const Or& a, const Or& b) const {
    return AreEqual(a.operands, b.operands);
  }
  bool operator()(const Not& a, const Not& b) const {
    return AreEqual(a.operand, b.operand);
  }
  template <typename A, typename B>
  bool operator()(const A&, const B&) const {
    return false;
  }
};

}  // namespace

PredicatePtr Conjoin(PredicatePtr a, PredicatePtr b) {
  if (a == nullptr) return b;
  if (b == nullptr) return a;
  And both;
  SplitInto(a, both.operands);
  SplitInto(b, both.operands);
  return MakePredicate(std::move(both));
}

std::string ToString(const Predicate& predicate) {
  return std::visit(TextVisitor(), predicate.node());
}

bool AreEqual(const Predicate& a, const Predicate& b) {
  return std::visit(EqualVisitor(), a.node(), b.node());
}

std::vector<PredicatePtr> SplitConjuncts(const PredicatePtr& predicate) {
  std::vector<PredicatePtr> out;
  if (predicate != nullptr) SplitInto(predicate, out);
  return out;
}

std::set<std::string> ColumnsOf(const Predicate& predicate) {
  std::set<std::string> out;
  CollectColumns(predicate, out);
  return out;
}

}  // namespace firn::expr
