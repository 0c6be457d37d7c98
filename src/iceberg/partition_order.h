// SPDX-License-Identifier: Apache-2.0
// partition_order.h: the order of partitions, which is that of their values.
#pragma once

#include <algorithm>

#include "iceberg/value.h"

namespace firn::iceberg {

// NULL first; NaN last. A value that is not of its column's type any more, since that was
// promoted, has a place of its own.
struct PartitionLess {
  bool operator()(const PartitionValues& a, const PartitionValues& b) const {
    return std::lexicographical_compare(
        a.begin(), a.end(), b.begin(), b.end(),
        [](const OptionalValue& x, const OptionalValue& y) {
          if (!x || !y) return !x && y;
          if (x->index() != y->index()) return x->index() < y->index();
          return CompareValues(*x, *y) < 0;
        });
  }
};

}  // namespace firn::iceberg
