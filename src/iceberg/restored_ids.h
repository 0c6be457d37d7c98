// SPDX-License-Identifier: Apache-2.0
// restored_ids.h: the updates that give the columns of a new table the ids that were
// asked for, where a catalog's server has numbered them by itself. Pure.
//
// Nessie does so even of a table that is made by a commit. What is told it of a table
// that is there already it keeps, if ids of schemas, specs and orders are such as are
// free.
#pragma once

#include <vector>

#include "iceberg/apply_updates.h"
#include "iceberg/table_metadata.h"
#include "iceberg/update.h"

namespace firn::iceberg {

// Of `made`, a table without rows, to what `wanted` says of columns, partitions and
// order. Partition fields get ids that are free. Empty where the columns have their ids.
std::vector<Update> RestoringIds(const TableMetadata& made, const NewTable& wanted);

}  // namespace firn::iceberg
