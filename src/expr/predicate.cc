// SPDX-License-Identifier: Apache-2.0
#include "expr/predicate.h"

#include <string_view>
#include <utility>

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
    return p.column + std::string(OpText(p.op)) + ToString(p.literal);
  }
  std::string operator()(const In& p) const {
    std::string out = p.column + " IN (";
    for (std::size_t i = 0; i < p.literals.size(); ++i) {
      if (i > 0) out += ", ";
      out += ToString(p.literals[i]);
    }
    return out + ")";
  }
  std::string operator()(const IsNull& p) const { return p.column + " IS NULL"; }
  std::string operator()(const IsNotNull& p) const { return p.column + " IS NOT NULL"; }
  std::string operator()(const StartsWith& p) const {
    return "starts_with(" + p.column + ", " + ToString(Literal(p.prefix)) + ")";
  }
  std::string operator()(const And& p) const { return Join(p.operands, " AND ", "true"); }
  std::string operator()(const Or& p) const { return Join(p.operands, " OR ", "false"); }
  std::string operator()(const Not& p) const {
    return "NOT (" + ToString(*p.operand) + ")";
  }

  static std::string Join(const std::vector<PredicatePtr>& operands,
                          std::string_view separator, std::string_view empty) {
    if (operands.empty()) return std::string(empty);
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
