// SPDX-License-Identifier: Apache-2.0
#include "iceberg/ref_actions.h"

#include "iceberg/history.h"

namespace firn::iceberg {
namespace {

Status CheckSnapshot(const TableMetadata& base, SnapshotId id) {
  if (base.FindSnapshot(id) != nullptr) return Status::OK();
  return Status::NotFound("snapshot " + id.ToString() +
                          " is not in the table: it was expired, or never was");
}

Status CheckRef(const TableMetadata& base, const std::string& name,
                const SnapshotRef& ref) {
  if (name.empty()) return Status::InvalidArgument("a branch or tag needs a name");
  const bool keeps = ref.min_snapshots_to_keep || ref.max_snapshot_age_ms;
  if (ref.type == RefType::kTag && keeps) {
    return Status::InvalidArgument("tag " + name +
                                   " keeps one snapshot: rules for more are a branch's");
  }
  const bool positive = ref.min_snapshots_to_keep.value_or(1) > 0 &&
                        ref.max_snapshot_age_ms.value_or(1) > 0 &&
                        ref.max_ref_age_ms.value_or(1) > 0;
  if (!positive) {
    return Status::InvalidArgument("ref " + name +
                                   ": ages and counts to keep are above 0");
  }
  return CheckSnapshot(base, ref.snapshot_id).With("ref " + name);
}

Result<std::vector<Update>> MoveMain(const TableMetadata& base, SnapshotId id) {
  FIRN_RETURN_IF_ERROR(CheckSnapshot(base, id));
  if (base.current_snapshot_id == id) return std::vector<Update>();
  return std::vector<Update>{MoveRef(base, std::string(kMainBranch), id)};
}

}  // namespace

Update MoveRef(const TableMetadata& base, const std::string& name,
               SnapshotId snapshot_id) {
  SnapshotRef ref;
  if (const auto is = base.refs.find(name); is != base.refs.end()) ref = is->second;
  ref.snapshot_id = snapshot_id;
  return SetSnapshotRef{name, ref};
}

Result<std::vector<Update>> BuildUpdates(const TableMetadata& base,
                                         const CreateRef& action) {
  FIRN_RETURN_IF_ERROR(CheckRef(base, action.name, action.ref));
  if (base.refs.contains(action.name)) {
    return Status::AlreadyExists("branch or tag " + action.name + " exists already");
  }
  return std::vector<Update>{SetSnapshotRef{action.name, action.ref}};
}

Result<std::vector<Update>> BuildUpdates(const TableMetadata& base,
                                         const ReplaceRef& action) {
  FIRN_RETURN_IF_ERROR(ResolveRef(base, action.name).status());
  FIRN_RETURN_IF_ERROR(CheckRef(base, action.name, action.ref));
  const SnapshotRef& is = base.refs.at(action.name);
  if (is.type != action.ref.type) {
    return Status::InvalidArgument(action.name + (is.type == RefType::kTag
                                                      ? " is a tag and stays one"
                                                      : " is a branch and stays one"));
  }
  if (is == action.ref) return std::vector<Update>();
  return std::vector<Update>{SetSnapshotRef{action.name, action.ref}};
}

Result<std::vector<Update>> BuildUpdates(const TableMetadata& base,
                                         const DropRef& action) {
  if (action.name == kMainBranch) {
    return Status::InvalidArgument("branch main is the table itself and stays");
  }
  FIRN_RETURN_IF_ERROR(ResolveRef(base, action.name).status());
  return std::vector<Update>{RemoveSnapshotRef{action.name}};
}

Result<std::vector<Update>> BuildUpdates(const TableMetadata& base,
                                         const FastForward& action) {
  FIRN_ASSIGN_OR_RETURN(const Snapshot* to, ResolveRef(base, action.to));
  if (const auto is = base.refs.find(action.branch); is != base.refs.end()) {
    if (is->second.type != RefType::kBranch) {
      return Status::InvalidArgument(action.branch +
                                     " is a tag, which stays where it is");
    }
    if (is->second.snapshot_id == to->id) return std::vector<Update>();
    if (!base.IsAncestor(is->second.snapshot_id, to->id)) {
      return Status::InvalidArgument("branch " + action.branch +
                                     " cannot be fast-forwarded to " + action.to +
                                     ": it has snapshots that " + action.to + " has not");
    }
  }
  return std::vector<Update>{MoveRef(base, action.branch, to->id)};
}

Result<std::vector<Update>> BuildUpdates(const TableMetadata& base,
                                         const SetCurrentSnapshot& action) {
  return MoveMain(base, action.id);
}

Result<std::vector<Update>> BuildUpdates(const TableMetadata& base,
                                         const RollbackTo& action) {
  FIRN_RETURN_IF_ERROR(CheckSnapshot(base, action.id));
  if (!base.current_snapshot_id ||
      !base.IsAncestor(action.id, *base.current_snapshot_id)) {
    return Status::InvalidArgument("snapshot " + action.id.ToString() +
                                   " is no ancestor of the current one: a rollback goes "
                                   "back only");
  }
  return MoveMain(base, action.id);
}

Result<std::vector<Update>> BuildUpdates(const TableMetadata& base,
                                         const RollbackToTime& action) {
  if (base.current_snapshot_id) {
    for (const Snapshot* snapshot : AncestorsOf(base, *base.current_snapshot_id)) {
      if (snapshot->timestamp_ms < action.before_ms) return MoveMain(base, snapshot->id);
    }
  }
  return Status::NotFound("the table has no snapshot older than " +
                          std::to_string(action.before_ms) + " ms since 1970");
}

}  // namespace firn::iceberg
