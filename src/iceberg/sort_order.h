// SPDX-License-Identifier: Apache-2.0
// sort_order.h: how the rows of a file are sorted.
#pragma once

#include <string>
#include <vector>

#include "firn/status.h"
#include "iceberg/ids.h"
#include "iceberg/schema.h"
#include "iceberg/transform.h"

namespace firn::iceberg {

enum class SortDirection : std::uint8_t { kAscending, kDescending };
enum class NullOrder : std::uint8_t { kNullsFirst, kNullsLast };

struct SortField {
  FieldId source_id;
  Transform transform;
  SortDirection direction = SortDirection::kAscending;
  NullOrder null_order = NullOrder::kNullsFirst;
  bool operator==(const SortField&) const = default;
};

// Id 0 is the unsorted order, and no other order is empty.
struct SortOrder {
  SortOrderId id;
  std::vector<SortField> fields;
  bool operator==(const SortOrder&) const = default;
  bool is_unsorted() const { return fields.empty(); }
};

inline constexpr SortOrderId kUnsortedOrderId{0};

// Sources that exist and that the transforms take; the id and emptiness agree.
Status CheckSortOrder(const SortOrder& order, const Schema& schema);

// `[metric asc nulls-first, ts desc nulls-last]`, for people.
std::string ToString(const SortOrder& order, const Schema& schema);

}  // namespace firn::iceberg
