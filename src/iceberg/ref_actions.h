// SPDX-License-Identifier: Apache-2.0
// ref_actions.h: changes of branches and tags, as values.
//
// No file is written: snapshots that are there get names, or a branch moves. The updates
// are made for `base`; where nothing changes there are none. Errors common to all:
// NotFound for a snapshot or ref that is not there, InvalidArgument where the ref is of
// the other kind. Pure.
#pragma once

#include <string>
#include <vector>

#include "firn/status.h"
#include "firn/time.h"
#include "iceberg/table_metadata.h"
#include "iceberg/update.h"

namespace firn::iceberg {

// A new branch or tag. AlreadyExists.
struct CreateRef {
  std::string name;
  SnapshotRef ref;
};
// Let a branch or tag name another snapshot, or be kept by other rules; the kind stays.
struct ReplaceRef {
  std::string name;
  SnapshotRef ref;
};
// Forget a branch or tag. InvalidArgument for main.
struct DropRef {
  std::string name;
};
// Move `branch` to where the branch or tag `to` is, creating it where absent.
// InvalidArgument unless that is a descendant: a fast-forward loses nothing.
struct FastForward {
  std::string branch;
  std::string to;
};
// Make any snapshot the current one of main.
struct SetCurrentSnapshot {
  SnapshotId id;
};
// Go back on main. InvalidArgument unless the snapshot is an ancestor of the current one.
struct RollbackTo {
  SnapshotId id;
};
// Go back to the newest ancestor that is older than `before_ms`. NotFound.
struct RollbackToTime {
  TimestampMs before_ms = 0;
};

Result<std::vector<Update>> BuildUpdates(const TableMetadata& base,
                                         const CreateRef& action);
Result<std::vector<Update>> BuildUpdates(const TableMetadata& base,
                                         const ReplaceRef& action);
Result<std::vector<Update>> BuildUpdates(const TableMetadata& base,
                                         const DropRef& action);
Result<std::vector<Update>> BuildUpdates(const TableMetadata& base,
                                         const FastForward& action);
Result<std::vector<Update>> BuildUpdates(const TableMetadata& base,
                                         const SetCurrentSnapshot& action);
Result<std::vector<Update>> BuildUpdates(const TableMetadata& base,
                                         const RollbackTo& action);
Result<std::vector<Update>> BuildUpdates(const TableMetadata& base,
                                         const RollbackToTime& action);

// `name` set to `snapshot_id`, its rules of retention kept; a branch where it is new.
Update MoveRef(const TableMetadata& base, const std::string& name,
               SnapshotId snapshot_id);

}  // namespace firn::iceberg
