// SPDX-License-Identifier: Apache-2.0
// next_id.h: the first free id of a table's schemas, partition specs or sort orders.
#pragma once

#include <algorithm>
#include <vector>

namespace firn::iceberg {

template <typename T>
auto NextId(const std::vector<T>& values) {
  decltype(T::id) next(0);
  for (const T& value : values)
    next = std::max(next, decltype(T::id)(value.id.value + 1));
  return next;
}

}  // namespace firn::iceberg
