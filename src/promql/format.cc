// SPDX-License-Identifier: Apache-2.0
#include "promql/format.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string_view>

#include "base/duration.h"
#include "base/quote.h"
#include "promql/function.h"
#include "promql/literal.h"

namespace firn::promql {
namespace {

std::string LiteralText(double seconds, bool is_duration) {
  if (!is_duration) return FormatNumber(seconds);
  return base::FormatDuration(static_cast<DurationMs>(std::llround(seconds * 1000)));
}

std::string DurationText(const DurationSpec& spec) {
  return spec.term ? Format(*spec.term) : base::FormatDuration(spec.ms);
}

std::string LabelList(const std::vector<std::string>& labels) {
  std::string out = "(";
  for (const std::string& label : labels) {
    if (out.size() > 1) out += ", ";
    out += IsPlainName(label, /*metric=*/false) ? label : base::Quoted(label);
  }
  return out + ")";
}

std::string AtText(const TimeShift& shift) {
  switch (shift.anchor) {
    case AtAnchor::kNone:
      return "";
    case AtAnchor::kStart:
      return " @ start()";
    case AtAnchor::kEnd:
      return " @ end()";
    case AtAnchor::kTime:
      break;
  }
  // Milliseconds are printed as digits, not through a double: it has too few of them.
  const bool negative = shift.at_ms < 0;
  const auto magnitude = negative ? -static_cast<std::uint64_t>(shift.at_ms)
                                  : static_cast<std::uint64_t>(shift.at_ms);
  std::string fraction = std::to_string(magnitude % 1000);
  fraction.insert(0, 3 - fraction.size(), '0');
  return std::string(" @ ") + (negative ? "-" : "") + std::to_string(magnitude / 1000) +
         "." + fraction;
}

std::string OffsetText(const TimeShift& shift) {
  return shift.offset ? " offset " + DurationText(*shift.offset) : "";
}

std::string ExtensionText(const VectorSelector& selector) {
  return selector.anchored ? " anchored" : selector.smoothed ? " smoothed" : "";
}

// The selector without its modifiers.
std::string SelectorText(const VectorSelector& selector) {
  std::vector<std::string> matchers;
  for (const LabelMatcher& matcher : selector.matchers) {
    const bool is_name = matcher.name == kMetricNameLabel &&
                         matcher.op == MatchOp::kEqual && !matcher.value.empty() &&
                         matcher.value == selector.name;
    if (!is_name) matchers.push_back(matcher.ToString());
  }
  std::sort(matchers.begin(), matchers.end());
  std::string out = selector.name;
  if (matchers.empty()) return out.empty() ? "{}" : out;
  out += "{";
  for (std::size_t i = 0; i < matchers.size(); ++i) {
    if (i > 0) out += ",";
    out += matchers[i];
  }
  return out + "}";
}

std::string MatchingText(const Binary& binary) {
  const VectorMatching& matching = binary.matching;
  std::string out;
  const bool grouped = matching.cardinality == MatchCardinality::kManyToOne ||
                       matching.cardinality == MatchCardinality::kOneToMany;
  if (!matching.labels.empty() || matching.on || grouped) {
    out += (matching.on ? " on " : " ignoring ") + LabelList(matching.labels);
  }
  if (grouped) {
    out += matching.cardinality == MatchCardinality::kManyToOne ? " group_left "
                                                                : " group_right ";
    out += LabelList(matching.include);
  }
  const auto fill = [](std::string_view word, double value) {
    return " " + std::string(word) + " (" + FormatNumber(value) + ")";
  };
  if (matching.fill_left && matching.fill_left == matching.fill_right) {
    return out + fill("fill", *matching.fill_left);
  }
  if (matching.fill_left) out += fill("fill_left", *matching.fill_left);
  if (matching.fill_right) out += fill("fill_right", *matching.fill_right);
  return out;
}

std::string CallText(const Call& call) {
  std::string out(call.function->name);
  out += "(";
  for (std::size_t i = 0; i < call.args.size(); ++i) {
    if (i > 0) out += ", ";
    out += Format(*call.args[i]);
  }
  return out + ")";
}

std::string AggregateText(const Aggregate& aggregate) {
  std::string out(Spelling(aggregate.op));
  if (aggregate.without) {
    out += " without " + LabelList(aggregate.grouping) + " ";
  } else if (!aggregate.grouping.empty()) {
    out += " by " + LabelList(aggregate.grouping) + " ";
  }
  out += "(";
  if (aggregate.param) out += Format(*aggregate.param) + ", ";
  return out + Format(*aggregate.expr) + ")";
}

}  // namespace

std::string Format(const DurationTerm& term) {
  using Kind = DurationTerm::Kind;
  std::string out;
  switch (term.kind) {
    case Kind::kSeconds:
      out = LiteralText(term.seconds, term.is_duration_literal);
      break;
    case Kind::kStep:
      out = "step()";
      break;
    case Kind::kRange:
      out = "range()";
      break;
    case Kind::kUnary:
      out = "-" + Format(*term.right);
      break;
    case Kind::kBinary: {
      const bool named = term.op == TokenKind::kMinOf || term.op == TokenKind::kMaxOf;
      const std::string op(Spelling(term.op));
      const std::string left = Format(*term.left);
      const std::string right = Format(*term.right);
      out = named ? op + "(" + left + ", " + right + ")" : left + " " + op + " " + right;
      break;
    }
  }
  return term.parenthesised ? "(" + out + ")" : out;
}

std::string Format(const Expr& expr) {
  if (const auto* number = expr.As<NumberLiteral>()) {
    return LiteralText(number->value, number->is_duration);
  }
  if (const auto* text = expr.As<StringLiteral>()) return base::Quoted(text->value);
  if (const auto* selector = expr.As<VectorSelector>()) {
    return SelectorText(*selector) + AtText(selector->shift) + ExtensionText(*selector) +
           OffsetText(selector->shift);
  }
  if (const auto* matrix = expr.As<MatrixSelector>()) {
    const VectorSelector& selector = matrix->selector;
    return SelectorText(selector) + "[" + DurationText(matrix->range) + "]" +
           ExtensionText(selector) + AtText(selector.shift) + OffsetText(selector.shift);
  }
  if (const auto* subquery = expr.As<Subquery>()) {
    return Format(*subquery->expr) + "[" + DurationText(subquery->range) + ":" +
           (subquery->step ? DurationText(*subquery->step) : "") + "]" +
           AtText(subquery->shift) + OffsetText(subquery->shift);
  }
  if (const auto* call = expr.As<Call>()) return CallText(*call);
  if (const auto* aggregate = expr.As<Aggregate>()) return AggregateText(*aggregate);
  if (const auto* binary = expr.As<Binary>()) {
    return Format(*binary->left) + " " + std::string(Spelling(binary->op)) +
           (binary->return_bool ? " bool" : "") + MatchingText(*binary) + " " +
           Format(*binary->right);
  }
  if (const auto* unary = expr.As<Unary>()) {
    return std::string(Spelling(unary->op)) + Format(*unary->expr);
  }
  return "(" + Format(*expr.As<Paren>()->expr) + ")";
}

}  // namespace firn::promql
