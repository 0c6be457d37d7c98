// SPDX-License-Identifier: Apache-2.0
// cherry_pick.h: makes what a snapshot off the main branch added part of it.
//
// The snapshot is one that was staged to be audited (its summary has a `wap.id`), or is
// on another branch. Where its parent is the current snapshot, main moves to it.
// Otherwise the files that it appended are appended once more, in a snapshot that names
// its source.
#pragma once

#include <vector>

#include "base/context.h"
#include "firn/status.h"
#include "iceberg/snapshot_producer.h"
#include "iceberg/table_metadata.h"
#include "iceberg/update.h"

namespace firn::iceberg {

struct CherryPick {
  SnapshotId id;
};

// NotFound where the snapshot is not in the table. AlreadyExists where main has it, or
// its files by an earlier cherry-pick, or another snapshot with its wap.id.
// InvalidArgument where it is neither an append nor a child of the current snapshot.
Result<std::vector<Update>> BuildUpdates(const base::Context& context,
                                         const SnapshotEnvironment& environment,
                                         const TableMetadata& base,
                                         const CherryPick& action);

}  // namespace firn::iceberg
