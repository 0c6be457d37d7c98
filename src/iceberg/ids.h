// SPDX-License-Identifier: Apache-2.0
// ids.h: the numbers that Iceberg metadata is tied together with, one type each.
//
// None converts to another or to an integer by itself: a schema id is no field id.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <ostream>
#include <string>

namespace firn::iceberg {

template <typename Tag, typename Rep>
struct Id {
  using RepType = Rep;
  Rep value = 0;

  constexpr Id() = default;
  constexpr explicit Id(Rep v) : value(v) {}
  auto operator<=>(const Id&) const = default;
  std::string ToString() const { return std::to_string(value); }
  friend std::ostream& operator<<(std::ostream& out, Id id) { return out << id.value; }
};

// A random positive number, unique within a table.
using SnapshotId = Id<struct SnapshotIdTag, std::int64_t>;
// Orders the snapshots of a table: 1, 2, 3, …
using SequenceNumber = Id<struct SequenceNumberTag, std::int64_t>;
using SchemaId = Id<struct SchemaIdTag, std::int32_t>;
using SpecId = Id<struct SpecIdTag, std::int32_t>;
using SortOrderId = Id<struct SortOrderIdTag, std::int32_t>;
// A column, list element, map key or map value of a schema; or, from 1000 on, a field of
// a partition spec.
using FieldId = Id<struct FieldIdTag, std::int32_t>;

// Ids above this are reserved for metadata columns.
inline constexpr FieldId kFieldIdMax{2147483447};
// Partition fields are numbered from here.
inline constexpr FieldId kPartitionFieldIdFirst{1000};

}  // namespace firn::iceberg

template <typename Tag, typename Rep>
struct std::hash<firn::iceberg::Id<Tag, Rep>> {
  std::size_t operator()(firn::iceberg::Id<Tag, Rep> id) const noexcept {
    return std::hash<Rep>()(id.value);
  }
};
