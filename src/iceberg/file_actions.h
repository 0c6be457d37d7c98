// SPDX-License-Identifier: Apache-2.0
// file_actions.h: the changes of a table's files, as values, and what each makes of a
// table.
//
// BuildUpdates checks that the action still holds for `base`, writes a snapshot for it
// (snapshot_producer.h) and returns the updates that add the snapshot and move the
// branch. An action that changes nothing returns none. After a conflict the same action
// is built again on newer metadata: what was planned on one snapshot is then compared
// with all that was committed since.
//
// Errors of every one: those of WriteSnapshot; InvalidArgument for a branch that does not
// exist (main may: the table is then empty) or is a tag.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/context.h"
#include "firn/status.h"
#include "iceberg/conflicts.h"
#include "iceberg/data_file.h"
#include "iceberg/file_change.h"
#include "iceberg/snapshot_producer.h"
#include "iceberg/table_metadata.h"
#include "iceberg/update.h"

namespace firn::iceberg {

// Add data files. Depends on nothing, so it never conflicts.
struct AppendFiles {
  std::vector<DataFile> files;
  std::map<std::string, std::string> summary = {};
  SnapshotTarget target = {};
  // Leave every manifest as it is: the quickest commit, and the most manifests to read.
  bool fast = false;
};

// Remove files and add others: the copy-on-write form of an update or delete.
// Conflict where a removed file is gone, where deletes were added for it since
// `planned_on`, or, serializable, where a data file that `may_match` was added.
struct OverwriteFiles {
  std::vector<DataFile> added;
  std::vector<DataFile> removed;
  // What the branch was when the removed files were chosen; absent: empty.
  std::optional<SnapshotId> planned_on = {};
  IsolationLevel isolation = IsolationLevel::kSerializable;
  FileFilter may_match = {};
  std::map<std::string, std::string> summary = {};
  SnapshotTarget target = {};
};

// Replace the partitions of `files` by them, other specs' files untouched. Without a
// level nothing is compared: the last writer wins. With one, Conflict where since
// `planned_on` a data file was removed from the partitions or deletes were added to them,
// or, serializable, where a data file was added.
struct ReplacePartitions {
  std::vector<DataFile> files;
  std::optional<SnapshotId> planned_on = {};
  std::optional<IsolationLevel> isolation = {};
  std::map<std::string, std::string> summary = {};
  SnapshotTarget target = {};
};

// Remove files. Conflict where one is gone.
struct DeleteFiles {
  std::vector<DataFile> removed;
  std::map<std::string, std::string> summary = {};
  SnapshotTarget target = {};
};

// Rewrite files into others that hold the same rows: compaction. Delete files may be
// among the removed ones. Conflict where a removed file is gone or deletes were added for
// it since `planned_on`. InvalidArgument where the rows added are not as many as those
// removed, unless `folds_deletes`: then there may be fewer.
struct ReplaceFiles {
  std::vector<DataFile> added;
  std::vector<DataFile> removed;
  std::optional<SnapshotId> planned_on = {};
  // Of the added files: that of `planned_on`, so that equality deletes made meanwhile
  // still apply to them. Absent: of the snapshot, and such deletes are a Conflict.
  std::optional<SequenceNumber> sequence_number = {};
  bool folds_deletes = false;
  std::map<std::string, std::string> summary = {};
  SnapshotTarget target = {};
};

Result<std::vector<Update>> BuildUpdates(const base::Context& context,
                                         const SnapshotEnvironment& environment,
                                         const TableMetadata& base,
                                         const AppendFiles& action);
Result<std::vector<Update>> BuildUpdates(const base::Context& context,
                                         const SnapshotEnvironment& environment,
                                         const TableMetadata& base,
                                         const OverwriteFiles& action);
Result<std::vector<Update>> BuildUpdates(const base::Context& context,
                                         const SnapshotEnvironment& environment,
                                         const TableMetadata& base,
                                         const ReplacePartitions& action);
Result<std::vector<Update>> BuildUpdates(const base::Context& context,
                                         const SnapshotEnvironment& environment,
                                         const TableMetadata& base,
                                         const DeleteFiles& action);
Result<std::vector<Update>> BuildUpdates(const base::Context& context,
                                         const SnapshotEnvironment& environment,
                                         const TableMetadata& base,
                                         const ReplaceFiles& action);

}  // namespace firn::iceberg
