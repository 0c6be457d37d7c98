// SPDX-License-Identifier: Apache-2.0
#include "promql/prepare.h"

#include <cmath>
#include <optional>
#include <string>

#include "promql/function.h"
#include "promql/literal.h"

namespace firn::promql {
namespace {

// Functions that read the clock or their argument's timestamps.
bool ReadsTime(FunctionId id) {
  switch (id) {
    case FunctionId::kDaysInMonth:
    case FunctionId::kDayOfMonth:
    case FunctionId::kDayOfWeek:
    case FunctionId::kDayOfYear:
    case FunctionId::kHour:
    case FunctionId::kMinute:
    case FunctionId::kMonth:
    case FunctionId::kYear:
    case FunctionId::kPredictLinear:
    case FunctionId::kTime:
    case FunctionId::kTimestamp:
    case FunctionId::kStartTimestamp:
      return true;
    default:
      return false;
  }
}

class Preparer {
 public:
  Preparer(TimestampMs start_ms, TimestampMs end_ms, DurationMs step_ms)
      : start_ms_(start_ms), end_ms_(end_ms), step_ms_(step_ms) {}

  Status Visit(Expr& expr) {
    FoldContextFunction(expr);
    FIRN_RETURN_IF_ERROR(ResolveTimes(expr));
    Status status;
    ForEachChild(expr, [&](Expr& child) {
      if (status.ok()) status = Visit(child);
    });
    FIRN_RETURN_IF_ERROR(status);
    expr.step_invariant = IsStepInvariant(expr);
    return {};
  }

 private:
  double RangeSeconds() const {
    return (static_cast<double>(end_ms_) - static_cast<double>(start_ms_)) / 1000;
  }

  void FoldContextFunction(Expr& expr) const {
    const auto* call = expr.As<Call>();
    if (call == nullptr || call->function->family != FunctionFamily::kContext) return;
    double value = 0;
    switch (call->function->id) {
      case FunctionId::kStart:
        value = static_cast<double>(start_ms_) / 1000;
        break;
      case FunctionId::kEnd:
        value = static_cast<double>(end_ms_) / 1000;
        break;
      case FunctionId::kRange:
        value = RangeSeconds();
        break;
      default:
        value = static_cast<double>(start_ms_ == end_ms_ ? 0 : step_ms_) / 1000;
    }
    expr.node = NumberLiteral{value, false};
  }

  Status ResolveTimes(Expr& expr) const {
    if (auto* selector = expr.As<VectorSelector>()) return ResolveShift(selector->shift);
    if (auto* matrix = expr.As<MatrixSelector>()) {
      FIRN_RETURN_IF_ERROR(Resolve(matrix->range, /*may_be_negative=*/false));
      return ResolveShift(matrix->selector.shift);
    }
    if (auto* subquery = expr.As<Subquery>()) {
      FIRN_RETURN_IF_ERROR(Resolve(subquery->range, /*may_be_negative=*/false));
      if (subquery->step) {
        FIRN_RETURN_IF_ERROR(Resolve(*subquery->step, /*may_be_negative=*/false));
      }
      return ResolveShift(subquery->shift);
    }
    return {};
  }

  Status ResolveShift(TimeShift& shift) const {
    if (shift.anchor == AtAnchor::kStart) shift.at_ms = start_ms_;
    if (shift.anchor == AtAnchor::kEnd) shift.at_ms = end_ms_;
    return shift.offset ? Resolve(*shift.offset, /*may_be_negative=*/true) : Status();
  }

  Status Resolve(DurationSpec& spec, bool may_be_negative) const {
    if (spec.term == nullptr) {
      // Below a millisecond is nothing at all.
      if (spec.ms > 0 || may_be_negative) return {};
      return Status::InvalidArgument("duration must be greater than 0");
    }
    const std::string place = std::to_string(spec.term->span.begin) + ":" +
                              std::to_string(spec.term->span.end) + ": ";
    FIRN_ASSIGN_OR_RETURN(const double seconds, Evaluate(*spec.term));
    if (!std::isfinite(seconds)) {
      return Status::InvalidArgument(place + "duration is NaN or infinite");
    }
    if (!may_be_negative && !(seconds > 0)) {
      return Status::InvalidArgument(place + "duration must be greater than 0");
    }
    const std::optional<DurationMs> ms = SecondsToMs(seconds);
    if (!ms) return Status::InvalidArgument(place + "duration is out of range");
    if (!may_be_negative && *ms <= 0) {
      return Status::InvalidArgument(place + "duration must be greater than 0");
    }
    spec.ms = *ms;
    return {};
  }

  Result<double> Evaluate(const DurationTerm& term) const {
    using Kind = DurationTerm::Kind;
    switch (term.kind) {
      case Kind::kSeconds:
        return term.seconds;
      case Kind::kStep:
        return static_cast<double>(step_ms_) / 1000;
      case Kind::kRange:
        return RangeSeconds();
      case Kind::kUnary: {
        FIRN_ASSIGN_OR_RETURN(const double value, Evaluate(*term.right));
        return -value;
      }
      case Kind::kBinary:
        break;
    }
    FIRN_ASSIGN_OR_RETURN(const double left, Evaluate(*term.left));
    FIRN_ASSIGN_OR_RETURN(const double right, Evaluate(*term.right));
    const std::string place =
        std::to_string(term.span.begin) + ":" + std::to_string(term.span.end) + ": ";
    switch (term.op) {
      case TokenKind::kAdd:
        return left + right;
      case TokenKind::kSub:
        return left - right;
      case TokenKind::kMul:
        return left * right;
      case TokenKind::kPow:
        return std::pow(left, right);
      case TokenKind::kMinOf:
        return std::fmin(left, right);
      case TokenKind::kMaxOf:
        return std::fmax(left, right);
      case TokenKind::kDiv:
        if (right == 0) return Status::InvalidArgument(place + "division by zero");
        return left / right;
      default:
        if (right == 0) return Status::InvalidArgument(place + "modulo by zero");
        return std::fmod(left, right);
    }
  }

  // REQUIRES: the children are marked.
  static bool IsStepInvariant(Expr& expr) {
    if (const auto* selector = expr.As<VectorSelector>()) {
      return selector->shift.anchor != AtAnchor::kNone;
    }
    if (const auto* matrix = expr.As<MatrixSelector>()) {
      return matrix->selector.shift.anchor != AtAnchor::kNone;
    }
    if (const auto* subquery = expr.As<Subquery>()) {
      return subquery->shift.anchor != AtAnchor::kNone;
    }
    if (const auto* call = expr.As<Call>()) {
      if (call->function->id == FunctionId::kTimestamp) {
        // The samples of a fixed selector have fixed timestamps; those of other vectors
        // are the evaluation time.
        const Expr& arg = Unwrapped(*call->args[0]);
        return arg.As<VectorSelector>() != nullptr && arg.step_invariant;
      }
      if (ReadsTime(call->function->id)) return false;
    }
    bool invariant = true;
    ForEachChild(expr, [&](const Expr& child) { invariant &= child.step_invariant; });
    return invariant;
  }

  const TimestampMs start_ms_;
  const TimestampMs end_ms_;
  const DurationMs step_ms_;
};

}  // namespace

Status Prepare(Expr& expr, TimestampMs start_ms, TimestampMs end_ms, DurationMs step_ms) {
  return Preparer(start_ms, end_ms, step_ms).Visit(expr);
}

}  // namespace firn::promql
