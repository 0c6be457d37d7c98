// SPDX-License-Identifier: Apache-2.0
// ast.h: a PromQL expression as a tree of values.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "firn/labels.h"
#include "firn/time.h"
#include "promql/token.h"

namespace firn::promql {

struct Function;

// Trees are at most this high, so that those who walk them by recursion need no more
// stack than a thread has. The parser refuses higher ones.
inline constexpr int kExprHeightMax = 400;

enum class ValueType : std::uint8_t { kScalar, kString, kVector, kMatrix };
// As error messages name it: "scalar", "string", "instant vector", "range vector".
std::string_view ValueTypeName(ValueType type);

// Where an expression stands in the query's text: bytes [begin, end).
struct SourceSpan {
  std::size_t begin = 0;
  std::size_t end = 0;
};

struct Expr;
using ExprPtr = std::unique_ptr<Expr>;

// Arithmetic on spans of time, as in `[step() * 2 + 1m]`.
struct DurationTerm {
  enum class Kind : std::uint8_t { kSeconds, kStep, kRange, kUnary, kBinary };
  Kind kind = Kind::kSeconds;
  // The operator of kUnary (kSub only) and kBinary (+ - * / % ^ min_of max_of).
  TokenKind op = TokenKind::kAdd;
  double seconds = 0;
  bool is_duration_literal = false;  // Written 5m rather than 300.
  bool parenthesised = false;
  std::unique_ptr<DurationTerm> left;
  std::unique_ptr<DurationTerm> right;
  SourceSpan span;
};

// A span of time, either known when the text is read or only when the query's range and
// step are. Once prepared, `ms` holds the span in both cases.
struct DurationSpec {
  DurationMs ms = 0;
  std::unique_ptr<DurationTerm> term;  // Null where `ms` was a plain literal.
};

enum class AtAnchor : std::uint8_t { kNone, kTime, kStart, kEnd };

// `offset` and `@` of a selector or subquery.
struct TimeShift {
  std::optional<DurationSpec> offset;
  AtAnchor anchor = AtAnchor::kNone;
  TimestampMs at_ms = 0;  // With kTime; once prepared, with every anchor but kNone.
  DurationMs offset_ms() const { return offset ? offset->ms : 0; }
};

struct NumberLiteral {
  double value = 0;
  bool is_duration = false;
};

struct StringLiteral {
  std::string value;
};

struct VectorSelector {
  std::string name;  // As written before the braces; among the matchers too.
  std::vector<LabelMatcher> matchers;
  TimeShift shift;
  bool anchored = false;
  bool smoothed = false;
  // The second argument of info() selects labels and may match everything.
  bool may_be_empty = false;
};

// `selector[range]`; offset and @ are the selector's.
struct MatrixSelector {
  VectorSelector selector;
  DurationSpec range;
};

struct Subquery {
  ExprPtr expr;
  DurationSpec range;
  std::optional<DurationSpec> step;
  TimeShift shift;
};

struct Call {
  const Function* function = nullptr;  // Of the function table: lives for ever.
  std::vector<ExprPtr> args;
};

struct Aggregate {
  TokenKind op = TokenKind::kSum;
  ExprPtr expr;
  ExprPtr param;  // Null where the operator takes none.
  bool without = false;
  std::vector<std::string> grouping;
};

enum class MatchCardinality : std::uint8_t {
  kOneToOne,
  kManyToOne,   // group_left
  kOneToMany,   // group_right
  kManyToMany,  // and, or, unless
};

struct VectorMatching {
  MatchCardinality cardinality = MatchCardinality::kOneToOne;
  bool on = false;
  std::vector<std::string> labels;   // of on() or ignoring()
  std::vector<std::string> include;  // of group_left() or group_right()
  std::optional<double> fill_left;
  std::optional<double> fill_right;
};

struct Binary {
  TokenKind op = TokenKind::kAdd;
  std::size_t op_position = 0;
  ExprPtr left;
  ExprPtr right;
  bool return_bool = false;
  VectorMatching matching;  // Used between two vectors only.
};

struct Unary {
  TokenKind op = TokenKind::kSub;
  ExprPtr expr;
};

struct Paren {
  ExprPtr expr;
};

struct Expr {
  using Node = std::variant<NumberLiteral, StringLiteral, VectorSelector, MatrixSelector,
                            Subquery, Call, Aggregate, Binary, Unary, Paren>;
  Node node;
  SourceSpan span;
  ValueType type = ValueType::kScalar;
  // Levels of the tree below and with this node.
  int height = 1;
  // Set by Prepare: whether the value is the same at every evaluation time.
  bool step_invariant = false;

  template <typename T>
  const T* As() const {
    return std::get_if<T>(&node);
  }
  template <typename T>
  T* As() {
    return std::get_if<T>(&node);
  }
};

// The expression inside any parentheses.
const Expr& Unwrapped(const Expr& expr);
Expr& Unwrapped(Expr& expr);

// Call `visit` with the child expressions of `expr`, in the order they are written.
template <typename E, typename Visit>
  requires std::is_same_v<std::remove_const_t<E>, Expr>
void ForEachChild(E& expr, Visit visit) {
  if (auto* subquery = expr.template As<Subquery>()) {
    visit(*subquery->expr);
  } else if (auto* call = expr.template As<Call>()) {
    for (const ExprPtr& arg : call->args) visit(*arg);
  } else if (auto* aggregate = expr.template As<Aggregate>()) {
    if (aggregate->param) visit(*aggregate->param);
    visit(*aggregate->expr);
  } else if (auto* binary = expr.template As<Binary>()) {
    visit(*binary->left);
    visit(*binary->right);
  } else if (auto* unary = expr.template As<Unary>()) {
    visit(*unary->expr);
  } else if (auto* paren = expr.template As<Paren>()) {
    visit(*paren->expr);
  }
}

}  // namespace firn::promql
