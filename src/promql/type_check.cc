// SPDX-License-Identifier: Apache-2.0
#include "promql/type_check.h"

#include <algorithm>
#include <string>

#include "base/quote.h"
#include "promql/function.h"
#include "promql/parser.h"

namespace firn::promql {
namespace {

class TypeChecker {
 public:
  explicit TypeChecker(std::string_view text) : text_(text) {}

  Status Check(Expr& expr) {
    if (auto* selector = expr.As<VectorSelector>()) return CheckSelector(expr, *selector);
    if (auto* matrix = expr.As<MatrixSelector>()) {
      return CheckSelector(expr, matrix->selector);
    }
    if (auto* binary = expr.As<Binary>()) return CheckBinary(expr, *binary);
    if (auto* call = expr.As<Call>()) return CheckCall(expr, *call);
    if (auto* aggregate = expr.As<Aggregate>()) return CheckAggregate(*aggregate);
    if (auto* paren = expr.As<Paren>()) return Check(*paren->expr);
    if (auto* unary = expr.As<Unary>()) {
      FIRN_RETURN_IF_ERROR(Check(*unary->expr));
      const ValueType type = unary->expr->type;
      if (type == ValueType::kScalar || type == ValueType::kVector) return {};
      return Error(expr.span.begin,
                   "unary expression only allowed on expressions of type scalar or "
                   "instant vector, got " +
                       base::Quoted(ValueTypeName(type)));
    }
    if (auto* subquery = expr.As<Subquery>()) {
      FIRN_RETURN_IF_ERROR(Check(*subquery->expr));
      if (subquery->expr->type == ValueType::kVector) return {};
      return Error(expr.span.begin, "subquery is only allowed on instant vector, got " +
                                        Name(subquery->expr->type) + " instead");
    }
    return {};
  }

 private:
  Status Error(std::size_t position, std::string_view message) const {
    return Status::InvalidArgument(LineAndColumn(text_, position) +
                                   ": parse error: " + std::string(message));
  }
  static std::string Name(ValueType type) { return std::string(ValueTypeName(type)); }

  Status Expect(Expr& expr, ValueType want, std::string_view context) {
    FIRN_RETURN_IF_ERROR(Check(expr));
    if (expr.type == want) return {};
    return Error(expr.span.begin, "expected type " + Name(want) + " in " +
                                      std::string(context) + ", got " + Name(expr.type));
  }

  Status CheckSelector(const Expr& expr, const VectorSelector& selector) {
    if (!selector.name.empty()) {
      // The name before the braces is the last matcher.
      for (std::size_t i = 0; i + 1 < selector.matchers.size(); ++i) {
        if (selector.matchers[i].name != kMetricNameLabel) continue;
        return Error(expr.span.begin,
                     "metric name must not be set twice: " + base::Quoted(selector.name) +
                         " or " + base::Quoted(selector.matchers[i].value));
      }
      return {};
    }
    if (selector.may_be_empty ||
        !std::all_of(selector.matchers.begin(), selector.matchers.end(), MatchesEmpty)) {
      return {};
    }
    return Error(expr.span.begin,
                 "vector selector must contain at least one non-empty matcher");
  }

  Status CheckAggregate(Aggregate& aggregate) {
    FIRN_RETURN_IF_ERROR(
        Expect(*aggregate.expr, ValueType::kVector, "aggregation expression"));
    if (!aggregate.param) return {};
    const ValueType want =
        aggregate.op == TokenKind::kCountValues ? ValueType::kString : ValueType::kScalar;
    return Expect(*aggregate.param, want, "aggregation parameter");
  }

  Status CheckCall(const Expr& expr, Call& call) {
    const Function& function = *call.function;
    const std::string name = base::Quoted(function.name);
    const auto want = static_cast<int>(function.args.size());
    const auto got = static_cast<int>(call.args.size());
    const auto count_error = [&](std::string_view bound, int count) {
      return Error(expr.span.begin, "expected " + std::string(bound) +
                                        std::to_string(count) +
                                        " argument(s) in call to " + name + ", got " +
                                        std::to_string(got));
    };
    if (function.variadic == 0 && got != want) return count_error("", want);
    if (function.variadic != 0 && got < want - 1) {
      return count_error("at least ", want - 1);
    }
    if (function.variadic > 0 && got > want - 1 + function.variadic) {
      return count_error("at most ", want - 1 + function.variadic);
    }
    if (function.id == FunctionId::kInfo && got > 1) {
      auto* labels = call.args[1]->As<VectorSelector>();
      if (labels == nullptr) {
        return Error(call.args[1]->span.begin, "expected label selectors only");
      }
      if (!labels->name.empty()) {
        return Error(call.args[1]->span.begin,
                     "expected label selectors only, got vector selector instead");
      }
      labels->may_be_empty = true;
    }
    for (int i = 0; i < got; ++i) {
      const ValueType type =
          function.args[static_cast<std::size_t>(std::min(i, want - 1))];
      FIRN_RETURN_IF_ERROR(Expect(*call.args[static_cast<std::size_t>(i)], type,
                                  "call to function " + name));
    }
    return {};
  }

  Status CheckBinary(const Expr& expr, Binary& binary) {
    FIRN_RETURN_IF_ERROR(Check(*binary.left));
    FIRN_RETURN_IF_ERROR(Check(*binary.right));
    const ValueType left = binary.left->type;
    const ValueType right = binary.right->type;
    const std::size_t begin = expr.span.begin;
    VectorMatching& matching = binary.matching;
    if (binary.return_bool && !IsComparison(binary.op)) {
      return Error(binary.op_position,
                   "bool modifier can only be used on comparison operators");
    }
    const bool scalars = left == ValueType::kScalar && right == ValueType::kScalar;
    if (IsComparison(binary.op) && !binary.return_bool && scalars) {
      return Error(binary.op_position,
                   "comparisons between scalars must use BOOL modifier");
    }
    const bool is_set = IsSetOperator(binary.op);
    if (is_set && matching.cardinality == MatchCardinality::kOneToOne) {
      matching.cardinality = MatchCardinality::kManyToMany;
    }
    for (const std::string& label : matching.labels) {
      if (!matching.on || std::find(matching.include.begin(), matching.include.end(),
                                    label) == matching.include.end()) {
        continue;
      }
      return Error(binary.op_position,
                   "label " + base::Quoted(label) +
                       " must not occur in ON and GROUP clause at once");
    }
    for (const Expr* side : {binary.left.get(), binary.right.get()}) {
      if (side->type == ValueType::kScalar || side->type == ValueType::kVector) continue;
      return Error(side->span.begin,
                   "binary expression must contain only scalar and instant vector types");
    }
    const bool fills = matching.fill_left || matching.fill_right;
    const std::string op = base::Quoted(Spelling(binary.op));
    if (left != ValueType::kVector || right != ValueType::kVector) {
      if (!matching.labels.empty()) {
        return Error(begin, "vector matching only allowed between instant vectors");
      }
      if (fills) {
        return Error(begin,
                     "filling in missing series only allowed between instant vectors");
      }
      if (is_set) {
        return Error(begin,
                     "set operator " + op + " not allowed in binary scalar expression");
      }
      const bool scalar_trims =
          binary.op == TokenKind::kTrimLower || binary.op == TokenKind::kTrimUpper;
      if (scalars && scalar_trims) {
        return Error(binary.op_position,
                     "operator " + op + " not allowed for scalar operations");
      }
      return {};
    }
    if (is_set && matching.cardinality != MatchCardinality::kManyToMany) {
      return Error(begin, "no grouping allowed for " + op + " operation");
    }
    if (is_set && fills) {
      return Error(begin, "filling in missing series not allowed for set operators");
    }
    return {};
  }

  const std::string_view text_;
};

}  // namespace

Status CheckTypes(std::string_view text, Expr& expr) {
  return TypeChecker(text).Check(expr);
}

}  // namespace firn::promql
