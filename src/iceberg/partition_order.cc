// SPDX-License-Identifier: Apache-2.0
#include "iceberg/partition_order.h"

#include <algorithm>

namespace firn::iceberg {
namespace {

// As the widest type has it that a column of this one may be promoted to.
Value Widest(const Value& value) {
  if (const auto* v = std::get_if<std::int32_t>(&value)) return std::int64_t{*v};
  if (const auto* v = std::get_if<float>(&value)) return double{*v};
  return value;
}

bool IsLess(const OptionalValue& a, const OptionalValue& b) {
  if (!a || !b) return !a && b;
  if (a->index() == b->index()) return CompareValues(*a, *b) < 0;
  const Value left = Widest(*a);
  const Value right = Widest(*b);
  if (left.index() != right.index()) return left.index() < right.index();
  return CompareValues(left, right) < 0;
}

}  // namespace

bool PartitionLess::operator()(const PartitionValues& a, const PartitionValues& b) const {
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(), IsLess);
}

}  // namespace firn::iceberg
