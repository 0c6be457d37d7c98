// SPDX-License-Identifier: Apache-2.0
// Recursive descent, with precedence climbing for the binary operators. From loosest:
//   or | and unless | == != < <= > >= </ >/ | + - | * / % atan2 and unary - + | ^ (right)
// and tightest of all the suffixes [range], [range:step], offset, @, anchored, smoothed.
#include "promql/parser.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "base/matcher.h"
#include "base/quote.h"
#include "base/utf8.h"
#include "promql/duration_parser.h"
#include "promql/function.h"
#include "promql/literal.h"
#include "promql/token_stream.h"
#include "promql/type_check.h"

namespace firn::promql {
namespace {

using enum TokenKind;

// Whether the word may stand where a metric's name is expected.
bool CanNameMetric(TokenKind kind) {
  if (kind == kIdentifier || kind == kMetricIdentifier || IsAggregation(kind))
    return true;
  switch (kind) {
    case kAnd:
    case kOr:
    case kUnless:
    case kBy:
    case kWithout:
    case kFill:
    case kFillLeft:
    case kFillRight:
    case kOffset:
    case kAnchored:
    case kSmoothed:
    case kStart:
    case kEndKeyword:
    case kStep:
    case kRange:
    case kMaxOf:
    case kMinOf:
      return true;
    default:
      return false;
  }
}

bool CanNameLabel(TokenKind kind) {
  return kind == kIdentifier || kind == kMetricIdentifier || kind >= kAnd;
}

// Whether the word calls a function when "(" follows.
bool CanNameFunction(TokenKind kind) {
  return kind == kIdentifier || kind == kStart || kind == kEndKeyword || kind == kStep ||
         kind == kRange || kind == kMaxOf || kind == kMinOf;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : stream_(text) {}

  Result<ExprPtr> ParseWhole() {
    if (kind() == kEnd) return Error(0, "no expression found in input");
    FIRN_ASSIGN_OR_RETURN(ExprPtr expr, ParseBinary(1));
    if (kind() != kEnd) return Unexpected();
    FIRN_RETURN_IF_ERROR(CheckTypes(stream_.text(), *expr));
    return expr;
  }

  Result<std::vector<LabelMatcher>> ParseWholeSelector() {
    if (!CanNameMetric(kind()) && kind() != kLeftBrace) return Unexpected();
    FIRN_ASSIGN_OR_RETURN(ExprPtr expr, ParseSelectorExpr());
    if (kind() != kEnd) return Unexpected();
    return std::move(expr->As<VectorSelector>()->matchers);
  }

  Result<Labels> ParseMetric(std::size_t* length) {
    if (!CanNameMetric(kind()) && kind() != kLeftBrace) return Unexpected();
    std::vector<Label> labels;
    if (kind() != kLeftBrace) {
      labels.push_back({std::string(kMetricNameLabel), std::string(token().text)});
      *length = token().end();
      const std::string_view text = stream_.text();
      if (*length < text.size() && text[*length] != '{') {
        return Labels::Make(std::move(labels));
      }
      Advance();
    }
    if (kind() == kLeftBrace) {
      FIRN_RETURN_IF_ERROR(ParseLabelSet(&labels, length));
    }
    return Labels::Make(std::move(labels));
  }

 private:
  Status Error(std::size_t position, std::string_view message) const {
    return stream_.Error(position, message);
  }
  Status Unexpected(std::string_view context = {}, std::string_view expected = {}) const {
    return stream_.Unexpected(context, expected);
  }
  bool Accept(TokenKind kind) { return stream_.Accept(kind); }
  void Advance() { stream_.Advance(); }
  TokenKind kind() const { return stream_.kind(); }
  const Token& token() const { return stream_.token(); }

  // Make a node that began at `begin` and ends with the last token taken.
  Result<ExprPtr> Make(Expr::Node node, ValueType type, std::size_t begin) {
    auto expr = std::make_unique<Expr>();
    expr->node = std::move(node);
    expr->type = type;
    expr->span = {begin, stream_.last_end()};
    ForEachChild(*expr, [&](const Expr& child) {
      expr->height = std::max(expr->height, child.height + 1);
    });
    if (expr->height > kExprHeightMax) return stream_.TooDeep(begin);
    return expr;
  }

  Result<ExprPtr> ParseBinary(int lowest) {
    const TokenStream::Level level(stream_);
    if (level.too_deep()) return stream_.TooDeep(token().position);
    FIRN_ASSIGN_OR_RETURN(ExprPtr left, ParseUnary());
    for (;;) {
      const Token op = token();
      const int precedence = Precedence(op.kind);
      if (precedence < lowest || precedence == 0) return left;
      Advance();
      Binary binary;
      binary.op = op.kind;
      binary.op_position = op.position;
      FIRN_RETURN_IF_ERROR(ParseMatching(&binary));
      const int right_lowest = op.kind == kPow ? precedence : precedence + 1;
      FIRN_ASSIGN_OR_RETURN(binary.right, ParseBinary(right_lowest));
      binary.left = std::move(left);
      const bool scalar = binary.left->type == ValueType::kScalar &&
                          binary.right->type == ValueType::kScalar;
      const std::size_t begin = binary.left->span.begin;
      FIRN_ASSIGN_OR_RETURN(
          left, Make(std::move(binary), scalar ? ValueType::kScalar : ValueType::kVector,
                     begin));
    }
  }

  Status ParseMatching(Binary* binary) {
    VectorMatching& matching = binary->matching;
    binary->return_bool = Accept(kBool);
    if (kind() == kOn || kind() == kIgnoring) {
      matching.on = kind() == kOn;
      Advance();
      FIRN_RETURN_IF_ERROR(ParseGroupingLabels(&matching.labels));
      if (kind() == kGroupLeft || kind() == kGroupRight) {
        matching.cardinality = kind() == kGroupLeft ? MatchCardinality::kManyToOne
                                                    : MatchCardinality::kOneToMany;
        Advance();
        if (kind() == kLeftParen) {
          FIRN_RETURN_IF_ERROR(ParseGroupingLabels(&matching.include));
        }
      }
    }
    if (Accept(kFill)) {
      FIRN_ASSIGN_OR_RETURN(matching.fill_left, ParseFillValue());
      matching.fill_right = matching.fill_left;
      return {};
    }
    while (kind() == kFillLeft || kind() == kFillRight) {
      std::optional<double>& fill =
          kind() == kFillLeft ? matching.fill_left : matching.fill_right;
      if (fill) return Unexpected();
      Advance();
      FIRN_ASSIGN_OR_RETURN(fill, ParseFillValue());
    }
    return {};
  }

  Result<double> ParseFillValue() {
    if (!Accept(kLeftParen)) return Unexpected("fill modifier", "\"(\"");
    FIRN_ASSIGN_OR_RETURN(const double value,
                          stream_.TakeSignedNumber("fill modifier", "number"));
    if (!Accept(kRightParen)) return Unexpected("fill modifier", "\")\"");
    return value;
  }

  Result<ExprPtr> ParseUnary() {
    if (kind() != kAdd && kind() != kSub) return ParseSuffixed();
    const TokenStream::Level level(stream_);
    if (level.too_deep()) return stream_.TooDeep(token().position);
    const Token op = token();
    Advance();
    // The operand ends before * and +, but takes ^ with it.
    FIRN_ASSIGN_OR_RETURN(ExprPtr operand, ParseBinary(kUnaryPrecedence + 1));
    if (auto* number = operand->As<NumberLiteral>()) {
      if (op.kind == kSub) number->value = -number->value;
      operand->span.begin = op.position;
      return operand;
    }
    const ValueType type = operand->type;
    return Make(Unary{op.kind, std::move(operand)}, type, op.position);
  }

  Result<ExprPtr> ParseSuffixed() {
    FIRN_ASSIGN_OR_RETURN(ExprPtr expr, ParsePrimary());
    for (;;) {
      switch (kind()) {
        case kLeftBracket: {
          FIRN_ASSIGN_OR_RETURN(expr, ParseRange(std::move(expr)));
          break;
        }
        case kOffset:
          FIRN_RETURN_IF_ERROR(ParseOffset(expr.get()));
          break;
        case kAt:
          FIRN_RETURN_IF_ERROR(ParseAt(expr.get()));
          break;
        case kAnchored:
        case kSmoothed:
          FIRN_RETURN_IF_ERROR(ParseExtension(expr.get()));
          break;
        default:
          return expr;
      }
      expr->span.end = stream_.last_end();
    }
  }

  Result<ExprPtr> ParsePrimary() {
    const Token first = token();
    switch (first.kind) {
      case kNumber:
      case kDuration: {
        FIRN_ASSIGN_OR_RETURN(const double value, stream_.TakeUnsignedNumber());
        return Make(NumberLiteral{value, first.kind == kDuration}, ValueType::kScalar,
                    first.position);
      }
      case kString: {
        FIRN_ASSIGN_OR_RETURN(std::string value, stream_.TakeString());
        return Make(StringLiteral{std::move(value)}, ValueType::kString, first.position);
      }
      case kLeftParen: {
        Advance();
        FIRN_ASSIGN_OR_RETURN(ExprPtr inner, ParseBinary(1));
        if (!Accept(kRightParen)) return Unexpected();
        const ValueType type = inner->type;
        return Make(Paren{std::move(inner)}, type, first.position);
      }
      default:
        break;
    }
    if (!CanNameMetric(first.kind)) {
      return first.kind == kLeftBrace ? ParseSelectorExpr() : Unexpected();
    }
    // What a word is shows in what follows it.
    Advance();
    if (IsAggregation(first.kind) &&
        (kind() == kLeftParen || kind() == kBy || kind() == kWithout)) {
      return ParseAggregate(first);
    }
    if (CanNameFunction(first.kind) && kind() == kLeftParen) return ParseCall(first);
    return ParseSelectorAfterName(first);
  }

  Result<ExprPtr> ParseAggregate(const Token& op) {
    Aggregate aggregate;
    aggregate.op = op.kind;
    bool grouped = false;
    FIRN_RETURN_IF_ERROR(ParseGrouping(&aggregate, &grouped));
    if (kind() != kLeftParen) return Unexpected("aggregation");
    FIRN_ASSIGN_OR_RETURN(std::vector<ExprPtr> args, ParseArguments());
    if (!grouped) FIRN_RETURN_IF_ERROR(ParseGrouping(&aggregate, &grouped));
    if (args.empty()) {
      return Error(op.position, "no arguments for aggregate expression provided");
    }
    const std::size_t want = AggregationTakesParameter(op.kind) ? 2 : 1;
    if (args.size() != want) {
      return Error(
          op.position,
          "wrong number of arguments for aggregate expression provided, expected " +
              std::to_string(want) + ", got " + std::to_string(args.size()));
    }
    if (want == 2) aggregate.param = std::move(args[0]);
    aggregate.expr = std::move(args[want - 1]);
    return Make(std::move(aggregate), ValueType::kVector, op.position);
  }

  Status ParseGrouping(Aggregate* aggregate, bool* grouped) {
    if (kind() != kBy && kind() != kWithout) return {};
    *grouped = true;
    aggregate->without = kind() == kWithout;
    Advance();
    return ParseGroupingLabels(&aggregate->grouping);
  }

  Status ParseGroupingLabels(std::vector<std::string>* labels) {
    if (!Accept(kLeftParen)) return Unexpected("grouping opts", "\"(\"");
    while (!Accept(kRightParen)) {
      const Token label = token();
      std::string name(label.text);
      if (label.kind == kString) {
        FIRN_ASSIGN_OR_RETURN(name, stream_.TakeString());
      } else if (CanNameLabel(label.kind)) {
        Advance();
      } else {
        return Unexpected("grouping opts", "label");
      }
      if (name.empty() || !base::IsValidUtf8(name)) {
        return Error(label.position,
                     "invalid label name for grouping: " + base::Quoted(name));
      }
      labels->push_back(std::move(name));
      if (kind() != kRightParen && !Accept(kComma)) {
        return Unexpected("grouping opts", "\",\" or \")\"");
      }
    }
    return {};
  }

  // "(a, b)". REQUIRES: the current token is "(".
  Result<std::vector<ExprPtr>> ParseArguments() {
    Advance();
    std::vector<ExprPtr> args;
    if (Accept(kRightParen)) return args;
    for (;;) {
      FIRN_ASSIGN_OR_RETURN(ExprPtr arg, ParseBinary(1));
      args.push_back(std::move(arg));
      const std::size_t comma = token().position;
      if (Accept(kRightParen)) return args;
      if (!Accept(kComma)) return Unexpected();
      if (kind() == kRightParen) {
        return Error(comma, "trailing commas not allowed in function call args");
      }
    }
  }

  Result<ExprPtr> ParseCall(const Token& name) {
    const Function* function = FindFunction(name.text);
    FIRN_ASSIGN_OR_RETURN(std::vector<ExprPtr> args, ParseArguments());
    if (function == nullptr) {
      return Error(name.position,
                   "unknown function with name " + base::Quoted(name.text));
    }
    return Make(Call{function, std::move(args)}, function->returns, name.position);
  }

  Result<ExprPtr> ParseSelectorExpr() {
    if (kind() == kLeftBrace) return ParseSelectorAfterName({kEnd, token().position, {}});
    const Token name = token();
    Advance();
    return ParseSelectorAfterName(name);
  }

  Result<ExprPtr> ParseSelectorAfterName(const Token& name) {
    VectorSelector selector;
    selector.name = std::string(name.text);
    if (kind() == kLeftBrace) {
      Advance();
      while (!Accept(kRightBrace)) {
        FIRN_ASSIGN_OR_RETURN(LabelMatcher matcher, ParseMatcher());
        selector.matchers.push_back(std::move(matcher));
        if (kind() != kRightBrace && !Accept(kComma)) {
          return Unexpected("label matching", "\",\" or \"}\"");
        }
      }
    }
    if (!selector.name.empty()) {
      selector.matchers.push_back(
          {MatchOp::kEqual, std::string(kMetricNameLabel), selector.name});
    }
    return Make(std::move(selector), ValueType::kVector, name.position);
  }

  Result<LabelMatcher> ParseMatcher() {
    const Token name = token();
    LabelMatcher matcher;
    if (name.kind == kString) {
      FIRN_ASSIGN_OR_RETURN(matcher.name, stream_.TakeString());
      if (kind() == kComma || kind() == kRightBrace) {
        // A quoted string alone is the metric's name.
        return LabelMatcher{MatchOp::kEqual, std::string(kMetricNameLabel), matcher.name};
      }
    } else if (name.kind == kIdentifier) {
      matcher.name = std::string(name.text);
      Advance();
    } else {
      return Unexpected("label matching", "identifier or \"}\"");
    }
    switch (kind()) {
      case kAssign:
        matcher.op = MatchOp::kEqual;
        break;
      case kNotEqual:
        matcher.op = MatchOp::kNotEqual;
        break;
      case kRegexMatch:
        matcher.op = MatchOp::kRegex;
        break;
      case kRegexNotMatch:
        matcher.op = MatchOp::kNotRegex;
        break;
      default:
        return Unexpected("label matching", "label matching operator");
    }
    Advance();
    if (kind() != kString) return Unexpected("label matching", "string");
    FIRN_ASSIGN_OR_RETURN(matcher.value, stream_.TakeString());
    if (const auto made = base::Matcher::Make(matcher); !made.ok()) {
      return Error(name.position, made.status().message());
    }
    return matcher;
  }

  // `{a="b", "c d"="e", "metric"}` of a series. REQUIRES: the current token is "{".
  Status ParseLabelSet(std::vector<Label>* labels, std::size_t* length) {
    Advance();
    while (kind() != kRightBrace) {
      const Token name = token();
      Label label;
      if (name.kind == kString) {
        FIRN_ASSIGN_OR_RETURN(label.name, stream_.TakeString());
      } else if (name.kind == kIdentifier) {
        label.name = std::string(name.text);
        Advance();
      } else {
        return Unexpected("label set", "identifier or \"}\"");
      }
      if (name.kind == kString && (kind() == kComma || kind() == kRightBrace)) {
        label = {std::string(kMetricNameLabel), label.name};
      } else {
        if (!Accept(kAssign)) return Unexpected("label set", "\"=\"");
        if (kind() != kString) return Unexpected("label set", "string");
        FIRN_ASSIGN_OR_RETURN(label.value, stream_.TakeString());
      }
      labels->push_back(std::move(label));
      if (kind() == kRightBrace) break;
      if (!Accept(kComma)) return Unexpected("label set", "\",\" or \"}\"");
    }
    *length = token().end();
    return {};
  }

  // "[range]" makes a range vector of a selector, "[range:step]" a subquery of anything.
  Result<ExprPtr> ParseRange(ExprPtr expr) {
    const std::size_t bracket = token().position;
    Advance();
    FIRN_ASSIGN_OR_RETURN(DurationSpec range,
                          ParseRangeDuration(stream_, "subquery or range selector",
                                             "number, duration, step(), or range()"));
    const std::size_t begin = expr->span.begin;
    if (Accept(kRightBracket)) {
      auto* selector = expr->As<VectorSelector>();
      std::string_view problem;
      if (selector == nullptr) {
        problem = "ranges only allowed for vector selectors";
      } else if (selector->shift.offset) {
        problem = "no offset modifiers allowed before range";
      } else if (selector->shift.anchor != AtAnchor::kNone) {
        problem = "no @ modifiers allowed before range";
      }
      if (!problem.empty()) return Error(bracket, problem);
      return Make(MatrixSelector{std::move(*selector), std::move(range)},
                  ValueType::kMatrix, begin);
    }
    if (!Accept(kColon)) return Unexpected("subquery or range", "\":\" or \"]\"");
    Subquery subquery;
    subquery.range = std::move(range);
    if (kind() != kRightBracket) {
      FIRN_ASSIGN_OR_RETURN(
          subquery.step,
          ParseRangeDuration(stream_, "subquery selector",
                             "number, duration, step(), range(), or \"]\""));
    }
    if (!Accept(kRightBracket)) return Unexpected("subquery selector", "\"]\"");
    subquery.expr = std::move(expr);
    return Make(std::move(subquery), ValueType::kMatrix, begin);
  }

  // The modifiers of a selector or subquery, or null for what takes none.
  static TimeShift* ShiftOf(Expr* expr) {
    if (auto* selector = expr->As<VectorSelector>()) return &selector->shift;
    if (auto* matrix = expr->As<MatrixSelector>()) return &matrix->selector.shift;
    if (auto* subquery = expr->As<Subquery>()) return &subquery->shift;
    return nullptr;
  }

  Status ParseOffset(Expr* expr) {
    Advance();
    FIRN_ASSIGN_OR_RETURN(DurationSpec offset, ParseOffsetDuration(stream_));
    TimeShift* shift = ShiftOf(expr);
    if (shift == nullptr) {
      return Error(
          expr->span.begin,
          "offset modifier must be preceded by an instant vector selector or range "
          "vector selector or a subquery");
    }
    if (shift->offset) {
      return Error(expr->span.begin, "offset may not be set multiple times");
    }
    shift->offset = std::move(offset);
    return {};
  }

  Status ParseAt(Expr* expr) {
    Advance();
    AtAnchor anchor = AtAnchor::kTime;
    TimestampMs at_ms = 0;
    if (kind() == kStart || kind() == kEndKeyword) {
      anchor = kind() == kStart ? AtAnchor::kStart : AtAnchor::kEnd;
      Advance();
      if (!Accept(kLeftParen) || !Accept(kRightParen))
        return Unexpected("@", "timestamp");
    } else {
      FIRN_ASSIGN_OR_RETURN(const double seconds,
                            stream_.TakeSignedNumber("@", "timestamp"));
      // The same bound as Prometheus's seconds, less what would overflow milliseconds.
      if (!(std::fabs(seconds) < 9.2e15)) {
        return Error(expr->span.begin,
                     "timestamp out of bounds for @ modifier: " + FormatNumber(seconds));
      }
      at_ms = static_cast<TimestampMs>(std::round(seconds * 1000));
    }
    TimeShift* shift = ShiftOf(expr);
    if (shift == nullptr) {
      return Error(expr->span.begin,
                   "@ modifier must be preceded by an instant vector selector or range "
                   "vector selector or a subquery");
    }
    if (shift->anchor != AtAnchor::kNone) {
      return Error(expr->span.begin, "@ <timestamp> may not be set multiple times");
    }
    shift->anchor = anchor;
    shift->at_ms = at_ms;
    return {};
  }

  Status ParseExtension(Expr* expr) {
    const bool anchored = kind() == kAnchored;
    const std::string word = anchored ? "anchored" : "smoothed";
    Advance();
    auto* selector = expr->As<VectorSelector>();
    if (auto* matrix = expr->As<MatrixSelector>()) selector = &matrix->selector;
    if (selector == nullptr) {
      return Error(expr->span.begin,
                   word + (expr->As<Subquery>() != nullptr
                               ? " modifier is not supported for subqueries"
                               : " modifier not implemented"));
    }
    (anchored ? selector->anchored : selector->smoothed) = true;
    if (selector->anchored && selector->smoothed) {
      return Error(expr->span.begin,
                   "anchored and smoothed modifiers cannot be used together");
    }
    return {};
  }

  TokenStream stream_;
};

Status CheckLength(std::string_view text) {
  if (text.size() <= kExpressionBytesMax) return {};
  return Status::InvalidArgument("1:1: parse error: expression of " +
                                 std::to_string(text.size()) + " bytes is longer than " +
                                 std::to_string(kExpressionBytesMax));
}

}  // namespace

Result<ExprPtr> ParseExpr(std::string_view text) {
  FIRN_RETURN_IF_ERROR(CheckLength(text));
  return Parser(text).ParseWhole();
}

Result<std::vector<LabelMatcher>> ParseSelector(std::string_view text) {
  FIRN_RETURN_IF_ERROR(CheckLength(text));
  return Parser(text).ParseWholeSelector();
}

Result<Labels> ParseMetricPrefix(std::string_view text, std::size_t* length) {
  FIRN_RETURN_IF_ERROR(CheckLength(text));
  return Parser(text).ParseMetric(length);
}

bool MatchesEmpty(const LabelMatcher& matcher) {
  const auto made = base::Matcher::Make(matcher);
  return made.ok() && made->MatchesEmpty();
}

std::string LineAndColumn(std::string_view text, std::size_t position) {
  std::size_t line = 1;
  std::size_t line_begin = 0;
  const std::size_t end = std::min(position, text.size());
  for (std::size_t i = 0; i < end; ++i) {
    if (text[i] != '\n') continue;
    ++line;
    line_begin = i + 1;
  }
  return std::to_string(line) + ":" + std::to_string(end - line_begin + 1);
}

}  // namespace firn::promql
