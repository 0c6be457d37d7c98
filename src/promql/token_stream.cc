// SPDX-License-Identifier: Apache-2.0
#include "promql/token_stream.h"

#include <optional>

#include "base/duration.h"
#include "base/quote.h"
#include "promql/literal.h"

namespace firn::promql {

using enum TokenKind;

int Precedence(TokenKind op) {
  switch (op) {
    case kOr:
      return 1;
    case kAnd:
    case kUnless:
      return 2;
    case kAdd:
    case kSub:
      return kAddPrecedence;
    case kMul:
    case kDiv:
    case kMod:
    case kAtan2:
      return kUnaryPrecedence;
    case kPow:
      return kUnaryPrecedence + 1;
    default:
      return IsBinaryOperator(op) ? 3 : 0;
  }
}

Result<double> TokenStream::TakeUnsignedNumber() {
  const Token number = token_;
  Advance();
  if (number.kind == kDuration) {
    const Result<DurationMs> duration = base::ParseDuration(number.text);
    if (!duration.ok()) return Error(number.position, duration.status().message());
    return static_cast<double>(*duration) / 1000;
  }
  const std::optional<double> value = ParseNumber(number.text);
  if (value) return *value;
  return Error(number.position, "error parsing number: " + base::Quoted(number.text));
}

Result<double> TokenStream::TakeSignedNumber(std::string_view context,
                                             std::string_view expected) {
  const bool negative = token_.kind == kSub;
  if (token_.kind == kSub || token_.kind == kAdd) Advance();
  if (token_.kind != kNumber && token_.kind != kDuration) {
    return Unexpected(context, expected);
  }
  FIRN_ASSIGN_OR_RETURN(const double value, TakeUnsignedNumber());
  return negative ? -value : value;
}

Result<std::string> TokenStream::TakeString() {
  Result<std::string> value = Unquote(token_.text);
  if (!value.ok()) {
    return Error(token_.position, "error unquoting string " + std::string(token_.text));
  }
  Advance();
  return value;
}

}  // namespace firn::promql
