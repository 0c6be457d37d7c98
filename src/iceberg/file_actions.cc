// SPDX-License-Identifier: Apache-2.0
#include "iceberg/file_actions.h"

#include "iceberg/ref_actions.h"

namespace firn::iceberg {
namespace {

Status CheckTarget(const TableMetadata& base, const SnapshotTarget& target) {
  const auto ref = base.refs.find(target.branch);
  if (ref == base.refs.end()) {
    if (target.branch == kMainBranch) return Status::OK();
    return Status::InvalidArgument("branch " + target.branch +
                                   " does not exist: create it first");
  }
  if (ref->second.type == RefType::kBranch) return Status::OK();
  return Status::InvalidArgument(target.branch + " is a tag, which stays where it is");
}

Status CheckContent(const std::vector<DataFile>& files) {
  for (const DataFile& file : files) {
    if (file.content != FileContent::kData) {
      return Status::InvalidArgument("add " + file.file_path +
                                     ": delete files are not added by this change");
    }
  }
  return Status::OK();
}

// Write the snapshot and name it.
Result<std::vector<Update>> Produce(const base::Context& context,
                                    const SnapshotEnvironment& environment,
                                    const TableMetadata& base, const FileChange& change,
                                    const SnapshotTarget& target) {
  FIRN_RETURN_IF_ERROR(CheckContent(change.added));
  FIRN_RETURN_IF_ERROR(CheckTarget(base, target));
  FIRN_ASSIGN_OR_RETURN(Snapshot snapshot,
                        WriteSnapshot(context, environment, base, change, target.branch));
  std::vector<Update> updates;
  const Update move = MoveRef(base, target.branch, snapshot.id);
  updates.push_back(AddSnapshot{std::move(snapshot)});
  if (!target.stage_only) updates.push_back(move);
  return updates;
}

std::int64_t DataRows(const std::vector<DataFile>& files) {
  std::int64_t rows = 0;
  for (const DataFile& file : files) {
    if (file.content == FileContent::kData) rows += file.record_count;
  }
  return rows;
}

std::vector<DataFile> DataFilesOf(const std::vector<DataFile>& files) {
  std::vector<DataFile> out;
  for (const DataFile& file : files) {
    if (file.content == FileContent::kData) out.push_back(file);
  }
  return out;
}

}  // namespace

Result<std::vector<Update>> BuildUpdates(const base::Context& context,
                                         const SnapshotEnvironment& environment,
                                         const TableMetadata& base,
                                         const AppendFiles& action) {
  if (action.files.empty()) return std::vector<Update>();
  FileChange change;
  change.added = action.files;
  change.summary = action.summary;
  change.merge_manifests = !action.fast;
  return Produce(context, environment, base, change, action.target);
}

Result<std::vector<Update>> BuildUpdates(const base::Context& context,
                                         const SnapshotEnvironment& environment,
                                         const TableMetadata& base,
                                         const OverwriteFiles& action) {
  if (action.added.empty() && action.removed.empty()) return std::vector<Update>();
  FIRN_ASSIGN_OR_RETURN(
      const ConcurrentChanges since,
      ConcurrentChanges::Since(context, environment.manifests, base, action.target.branch,
                               action.planned_on));
  if (action.isolation == IsolationLevel::kSerializable) {
    FIRN_RETURN_IF_ERROR(since.CheckNoneAdded(action.may_match));
  }
  FIRN_RETURN_IF_ERROR(
      since.CheckNoDeletesFor(DataFilesOf(action.removed), AddedDeletes::kRefuse));
  FileChange change;
  change.operation = action.removed.empty() ? Operation::kAppend
                     : action.added.empty() ? Operation::kDelete
                                            : Operation::kOverwrite;
  change.added = action.added;
  change.removed = action.removed;
  change.summary = action.summary;
  return Produce(context, environment, base, change, action.target);
}

Result<std::vector<Update>> BuildUpdates(const base::Context& context,
                                         const SnapshotEnvironment& environment,
                                         const TableMetadata& base,
                                         const ReplacePartitions& action) {
  if (action.files.empty()) return std::vector<Update>();
  FileChange change;
  change.operation = Operation::kOverwrite;
  change.added = action.files;
  for (const DataFile& file : action.files) {
    change.removed_partitions.insert({file.spec_id, file.partition});
  }
  change.summary = action.summary;
  change.summary[kSummaryReplacePartitions] = "true";
  if (action.isolation) {
    FIRN_ASSIGN_OR_RETURN(
        const ConcurrentChanges since,
        ConcurrentChanges::Since(context, environment.manifests, base,
                                 action.target.branch, action.planned_on));
    const FileFilter inside = [&](const DataFile& file) {
      return change.removed_partitions.contains({file.spec_id, file.partition});
    };
    if (*action.isolation == IsolationLevel::kSerializable) {
      FIRN_RETURN_IF_ERROR(since.CheckNoneAdded(inside));
    }
    FIRN_RETURN_IF_ERROR(since.CheckNoneRemoved(inside));
    FIRN_RETURN_IF_ERROR(since.CheckNoDeletesIn(change.removed_partitions));
  }
  return Produce(context, environment, base, change, action.target);
}

Result<std::vector<Update>> BuildUpdates(const base::Context& context,
                                         const SnapshotEnvironment& environment,
                                         const TableMetadata& base,
                                         const DeleteFiles& action) {
  if (action.removed.empty()) return std::vector<Update>();
  FileChange change;
  change.operation = Operation::kDelete;
  change.removed = action.removed;
  change.summary = action.summary;
  return Produce(context, environment, base, change, action.target);
}

Result<std::vector<Update>> BuildUpdates(const base::Context& context,
                                         const SnapshotEnvironment& environment,
                                         const TableMetadata& base,
                                         const ReplaceFiles& action) {
  if (action.added.empty() && action.removed.empty()) return std::vector<Update>();
  const std::int64_t rows_in = DataRows(action.added);
  const std::int64_t rows_out = DataRows(action.removed);
  if (action.folds_deletes ? rows_in > rows_out : rows_in != rows_out) {
    return Status::InvalidArgument(
        "a replace keeps the rows: " + std::to_string(rows_in) +
        " would take the place of " + std::to_string(rows_out));
  }
  if (action.sequence_number && *action.sequence_number > base.last_sequence_number) {
    return Status::InvalidArgument("sequence number " +
                                   action.sequence_number->ToString() +
                                   " is above the table's last one");
  }
  FIRN_ASSIGN_OR_RETURN(
      const ConcurrentChanges since,
      ConcurrentChanges::Since(context, environment.manifests, base, action.target.branch,
                               action.planned_on));
  FIRN_RETURN_IF_ERROR(since.CheckNoDeletesFor(
      DataFilesOf(action.removed),
      action.sequence_number ? AddedDeletes::kAllowEquality : AddedDeletes::kRefuse));
  FileChange change;
  change.operation = Operation::kReplace;
  change.added = action.added;
  change.added_sequence_number = action.sequence_number;
  change.removed = action.removed;
  change.summary = action.summary;
  return Produce(context, environment, base, change, action.target);
}

}  // namespace firn::iceberg
