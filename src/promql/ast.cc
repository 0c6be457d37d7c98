// SPDX-License-Identifier: Apache-2.0
#include "promql/ast.h"

namespace firn::promql {

std::string_view ValueTypeName(ValueType type) {
  switch (type) {
    case ValueType::kScalar:
      return "scalar";
    case ValueType::kString:
      return "string";
    case ValueType::kVector:
      return "instant vector";
    case ValueType::kMatrix:
      return "range vector";
  }
  return "none";
}

const Expr& Unwrapped(const Expr& expr) {
  const Expr* at = &expr;
  while (const auto* paren = at->As<Paren>()) at = paren->expr.get();
  return *at;
}

Expr& Unwrapped(Expr& expr) {
  Expr* at = &expr;
  while (auto* paren = at->As<Paren>()) at = paren->expr.get();
  return *at;
}

}  // namespace firn::promql
