// SPDX-License-Identifier: Apache-2.0
// layout_text.h: partition fields and sort orders as people write them.
//
//   partition   day(ts), bucket(16, host), truncate(4, path), region, hour(at) as h
//   sort        service, ts desc nulls last, bucket(8, host)
//
// A column alone is its identity. Columns are dotted paths; a name that is no word goes
// between double quotes. Words of the language are read in any case. Pure functions.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "firn/status.h"
#include "iceberg/schema.h"
#include "iceberg/sort_order.h"
#include "iceberg/transform.h"

namespace firn::iceberg {

struct PartitionTerm {
  Transform transform;
  std::string column;
  std::string name{};             // Empty: made from the column and transform.
  std::size_t column_offset = 0;  // Of the column in the text, in bytes; for errors.
  bool operator==(const PartitionTerm&) const = default;
};

struct SortTerm {
  Transform transform;
  std::string column;
  // Unless the text says otherwise NULLs are first where values ascend, and last where
  // they descend.
  SortDirection direction = SortDirection::kAscending;
  NullOrder null_order = NullOrder::kNullsFirst;
  std::size_t column_offset = 0;
  bool operator==(const SortTerm&) const = default;
};

// Nothing for a text of spaces. InvalidArgument names the character, counted from 1, and
// what was expected there.
Result<std::vector<PartitionTerm>> ParsePartitionTerms(std::string_view text);
Result<std::vector<SortTerm>> ParseSortTerms(std::string_view text);

// The order of these terms, with the id 1, or the unsorted order where there are none.
// InvalidArgument names the character of a column that `schema` lacks or that its
// transform does not take.
Result<SortOrder> MakeSortOrder(const std::vector<SortTerm>& terms, const Schema& schema);

// The primitive column that a term means. InvalidArgument as above.
Result<const NestedField*> FindTermColumn(const std::string& column,
                                          std::size_t column_offset,
                                          const Transform& transform,
                                          const Schema& schema);

}  // namespace firn::iceberg
