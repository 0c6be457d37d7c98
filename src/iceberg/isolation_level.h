// SPDX-License-Identifier: Apache-2.0
// isolation_level.h: what of others' work a change of rows puts up with, as Iceberg's
// table properties say it.
#pragma once

#include <cstdint>
#include <string_view>

#include "firn/status.h"
#include "iceberg/table_metadata.h"

namespace firn::iceberg {

enum class IsolationLevel : std::uint8_t {
  // As if nobody had written in between: a row that the change would have seen is a
  // conflict.
  kSerializable,
  // Rows added in between are no conflict; only changes of the rows it touches are.
  kSnapshot,
};

// `serializable` or `snapshot`, in any case as Iceberg's library takes it;
// InvalidArgument.
Result<IsolationLevel> ParseIsolationLevel(std::string_view text);

// What the table's `property` says, one of kPropertyDeleteIsolation and its like;
// serializable where it is not set. InvalidArgument, naming the property.
Result<IsolationLevel> IsolationLevelOf(const TableMetadata& metadata,
                                        std::string_view property);

}  // namespace firn::iceberg
