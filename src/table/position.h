// SPDX-License-Identifier: Apache-2.0
// position.h: how far a writer's log is in a table.
//
// The commit that makes rows visible sets the table property
//
//   firn.position.<writer> = <log>:<offset>
//
// writer and log being ULIDs: everything in that log up to that offset is in the table,
// or had no rows for it. The property decides; a snapshot's summary repeats it for people
// and dies with the snapshot. Other engines' commits keep properties they do not know.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/ulid.h"
#include "firn/status.h"
#include "iceberg/table_metadata.h"

namespace firn::table {

struct Position {
  base::Ulid log;
  std::uint64_t offset = 0;
  bool operator==(const Position&) const = default;

  std::string ToString() const;
  // InvalidArgument for text that is no position.
  static Result<Position> Parse(std::string_view text);
};

inline constexpr char kPositionPrefix[] = "firn.position.";
std::string PositionKey(const base::Ulid& writer);

// The position of `writer`, absent where it never committed. Corruption where the
// property is there and unreadable: nobody can say then what is settled.
Result<std::optional<Position>> FindPosition(const iceberg::TableMetadata& metadata,
                                             const base::Ulid& writer);

}  // namespace firn::table
