// SPDX-License-Identifier: Apache-2.0
#include "tsdb/hot_range.h"

#include <algorithm>

#include "tsdb/emitted_days.h"

namespace firn::tsdb {
namespace {

void NarrowTime(const expr::Compare& compare, TimestampUs us, ClosedRangeMs* range) {
  // Hot samples lie on whole milliseconds; rounding down keeps every one that may match.
  const TimestampMs ms = FloorMs(us);
  using expr::CompareOp;
  switch (compare.op) {
    case CompareOp::kEq:
      range->first_ms = std::max(range->first_ms, ms);
      range->last_ms = std::min(range->last_ms, ms);
      break;
    case CompareOp::kGt:
    case CompareOp::kGtEq:
      range->first_ms = std::max(range->first_ms, ms);
      break;
    case CompareOp::kLt:
    case CompareOp::kLtEq:
      range->last_ms = std::min(range->last_ms, ms);
      break;
    case CompareOp::kNotEq:
      break;
  }
}

void Gather(const expr::Predicate& predicate, HotFilter* filter) {
  if (const auto* both = std::get_if<expr::And>(&predicate.node())) {
    for (const expr::PredicatePtr& operand : both->operands) Gather(*operand, filter);
  } else if (const auto* compare = std::get_if<expr::Compare>(&predicate.node())) {
    const auto* time = std::get_if<expr::Timestamp>(&compare->literal);
    const auto* text = std::get_if<std::string>(&compare->literal);
    if (compare->column == "ts" && time != nullptr) {
      NarrowTime(*compare, time->us, &filter->range);
    } else if (compare->column == "metric" && text != nullptr &&
               compare->op == expr::CompareOp::kEq) {
      filter->matchers.push_back({MatchOp::kEqual, std::string(kMetricNameLabel), *text});
    }
  }
}

}  // namespace

HotFilter MakeHotFilter(const expr::PredicatePtr& predicate) {
  HotFilter filter;
  if (predicate != nullptr) Gather(*predicate, &filter);
  return filter;
}

}  // namespace firn::tsdb
