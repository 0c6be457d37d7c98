// SPDX-License-Identifier: Apache-2.0
// action.h: one change of a table, as a value: what a transaction is a list of.
#pragma once

#include <variant>
#include <vector>

#include "iceberg/cherry_pick.h"
#include "iceberg/expire.h"
#include "iceberg/file_actions.h"
#include "iceberg/ref_actions.h"
#include "iceberg/rewrite_manifests.h"
#include "iceberg/schema_actions.h"
#include "iceberg/update.h"

namespace firn::iceberg {

// Updates that hold for the table whatever it is: properties, location, sort order,
// statistics, format version. The later writer wins.
struct ChangeMetadata {
  std::vector<Update> updates;
};

using Action = std::variant<AppendFiles, OverwriteFiles, ReplacePartitions, DeleteFiles,
                            ReplaceFiles, RewriteManifests, CherryPick, CreateRef,
                            ReplaceRef, DropRef, FastForward, SetCurrentSnapshot,
                            RollbackTo, RollbackToTime, AddRegisteredColumn,
                            ReplaceSchema, ReplaceSpec, ExpireSnapshots, ChangeMetadata>;

}  // namespace firn::iceberg
