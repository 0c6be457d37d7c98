// SPDX-License-Identifier: Apache-2.0
#include "iceberg/cherry_pick.h"

#include "iceberg/file_actions.h"
#include "iceberg/history.h"
#include "iceberg/ref_actions.h"

namespace firn::iceberg {
namespace {

const std::string* FindInSummary(const Snapshot& snapshot, const char* key) {
  const auto it = snapshot.summary.find(key);
  return it == snapshot.summary.end() ? nullptr : &it->second;
}

bool Says(const Snapshot& snapshot, const char* key, const std::string& value) {
  const std::string* text = FindInSummary(snapshot, key);
  return text != nullptr && *text == value;
}

// Nothing of `picked` is on main yet.
Status CheckNotPublished(const TableMetadata& base, const Snapshot& picked) {
  if (!base.current_snapshot_id) return Status::OK();
  const std::string* wap_id = FindInSummary(picked, kSummaryWapId);
  for (const Snapshot* ancestor : AncestorsOf(base, *base.current_snapshot_id)) {
    const bool is_it = ancestor->id == picked.id ||
                       Says(*ancestor, kSummarySourceSnapshotId, picked.id.ToString());
    if (is_it) {
      return Status::AlreadyExists("snapshot " + picked.id.ToString() +
                                   " is on main already, as " + ancestor->id.ToString());
    }
    if (wap_id == nullptr) continue;
    if (Says(*ancestor, kSummaryWapId, *wap_id) ||
        Says(*ancestor, kSummaryPublishedWapId, *wap_id)) {
      return Status::AlreadyExists("wap.id " + *wap_id +
                                   " was published already, by snapshot " +
                                   ancestor->id.ToString());
    }
  }
  return Status::OK();
}

Result<std::vector<DataFile>> AddedFiles(const base::Context& context,
                                         const ManifestIo& manifests,
                                         const Snapshot& snapshot) {
  std::vector<DataFile> files;
  FIRN_ASSIGN_OR_RETURN(const std::vector<ManifestFile> list,
                        manifests.ReadManifestList(context, snapshot));
  for (const ManifestFile& manifest : list) {
    if (manifest.added_snapshot_id != snapshot.id) continue;
    FIRN_RETURN_IF_ERROR(context.Check());
    const auto read = manifests.ReadManifest(
        context, manifest, [&](const ManifestHeader&, ManifestEntry&& entry) {
          if (entry.status == EntryStatus::kAdded && entry.snapshot_id == snapshot.id) {
            files.push_back(std::move(entry.data_file));
          }
          return Status::OK();
        });
    FIRN_RETURN_IF_ERROR(read.status());
  }
  return files;
}

}  // namespace

Result<std::vector<Update>> BuildUpdates(const base::Context& context,
                                         const SnapshotEnvironment& environment,
                                         const TableMetadata& base,
                                         const CherryPick& action) {
  const std::string what = "cherry-pick";
  const Snapshot* picked = base.FindSnapshot(action.id);
  if (picked == nullptr) {
    return Status::NotFound(what + ": snapshot " + action.id.ToString() +
                            " is not in the table");
  }
  FIRN_RETURN_IF_ERROR(CheckNotPublished(base, *picked).With(what));
  if (picked->parent_id == base.current_snapshot_id) {
    return BuildUpdates(base, SetCurrentSnapshot{picked->id});
  }
  if (picked->operation != Operation::kAppend) {
    return Status::InvalidArgument(
        what + ": snapshot " + picked->id.ToString() + " is of the operation " +
        std::string(ToString(picked->operation)) +
        " and no child of the current one; only an append can be repeated elsewhere");
  }
  AppendFiles append;
  FIRN_ASSIGN_OR_RETURN(append.files,
                        AddedFiles(context, environment.manifests, *picked));
  append.summary[kSummarySourceSnapshotId] = picked->id.ToString();
  if (const std::string* wap_id = FindInSummary(*picked, kSummaryWapId)) {
    append.summary[kSummaryPublishedWapId] = *wap_id;
  }
  return BuildUpdates(context, environment, base, append);
}

}  // namespace firn::iceberg
