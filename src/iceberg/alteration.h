// SPDX-License-Identifier: Apache-2.0
// alteration.h: changes of a table's columns, partitions and sort order that go together.
//
// Pure: the actions are built and committed as one transaction. Worked out anew for newer
// metadata, the same alteration goes on from there (commit.h).
#pragma once

#include <optional>
#include <vector>

#include "firn/status.h"
#include "iceberg/action.h"
#include "iceberg/layout_text.h"
#include "iceberg/schema_update.h"
#include "iceberg/table_metadata.h"

namespace firn::iceberg {

struct Alteration {
  std::vector<SchemaChange> columns;  // One after the other.
  // In the place of those that the table has; their columns are named as they are called
  // after `columns`. Empty: not partitioned, or not sorted. Absent: as they are.
  std::optional<std::vector<PartitionTerm>> partition;
  std::optional<std::vector<SortTerm>> sort;
};

// What makes `table` what `alteration` says, in an order in which each action holds for
// what the former made: a column that partitions or sorts may be dropped with what
// replaces those. Names of columns for files without ids follow. Actions that change
// nothing are among them. Errors: those of EvolveSchema, EvolvePartitionSpec and
// MakeSortOrder, by what they are about, and of UpdateNameMapping.
Result<std::vector<Action>> ActionsOf(const TableMetadata& table,
                                      const Alteration& alteration);

}  // namespace firn::iceberg
