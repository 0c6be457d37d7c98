// SPDX-License-Identifier: Apache-2.0
#include "iceberg/conflicts.h"

#include <unordered_map>

#include "iceberg/delete_index.h"
#include "iceberg/history.h"

namespace firn::iceberg {
namespace {

bool IsUnpartitioned(const TableMetadata& metadata, SpecId id) {
  const PartitionSpec* spec = metadata.FindSpec(id);
  return spec != nullptr && spec->fields.empty();
}

// Whether a file of position deletes may name `path`, by its bounds of the paths in it.
// An upper bound that was cut short is still a bound.
bool MayName(const DataFile& deletes, const std::string& path) {
  if (deletes.referenced_data_file) return *deletes.referenced_data_file == path;
  const auto lower = deletes.lower_bounds.find(kDeletedFilePath);
  if (lower != deletes.lower_bounds.end() && path < lower->second) return false;
  const auto upper = deletes.upper_bounds.find(kDeletedFilePath);
  return upper == deletes.upper_bounds.end() || path <= upper->second;
}

}  // namespace

Result<ConcurrentChanges> ConcurrentChanges::Since(const base::Context& context,
                                                   const ManifestIo& manifests,
                                                   const TableMetadata& metadata,
                                                   const std::string& branch,
                                                   std::optional<SnapshotId> planned_on) {
  ConcurrentChanges changes(context, manifests, metadata);
  const Snapshot* head = FindRef(metadata, branch);
  if (head == nullptr) {
    if (!planned_on) return changes;
    return Status::Conflict("branch " + branch + " has no snapshot any more");
  }
  auto range = SnapshotsBetween(metadata, planned_on, head->id);
  if (!range.ok()) {
    return Status::Conflict("what was committed to branch " + branch +
                            " since this was planned cannot be told: " +
                            std::string(range.status().message()));
  }
  changes.snapshots_ = std::move(range).value();
  return changes;
}

Status ConcurrentChanges::ForEachEntry(const std::set<Operation>& operations,
                                       ManifestContent content, EntryStatus status,
                                       const EntryCheck& check) const {
  for (const Snapshot* snapshot : snapshots_) {
    if (!operations.contains(snapshot->operation)) continue;
    FIRN_RETURN_IF_ERROR(context_->Check());
    FIRN_ASSIGN_OR_RETURN(const std::vector<ManifestFile> list,
                          manifests_->ReadManifestList(*context_, *snapshot));
    for (const ManifestFile& manifest : list) {
      if (manifest.content != content || manifest.added_snapshot_id != snapshot->id) {
        continue;
      }
      FIRN_RETURN_IF_ERROR(context_->Check());
      const auto read = manifests_->ReadManifest(
          *context_, manifest, [&](const ManifestHeader&, ManifestEntry&& entry) {
            const bool own = entry.status == status && entry.snapshot_id == snapshot->id;
            return own ? check(entry) : Status::OK();
          });
      FIRN_RETURN_IF_ERROR(read.status());
    }
  }
  return Status::OK();
}

Status ConcurrentChanges::CheckNoneAdded(const FileFilter& may_match) const {
  return ForEachEntry(
      {Operation::kAppend, Operation::kOverwrite}, ManifestContent::kData,
      EntryStatus::kAdded, [&](const ManifestEntry& entry) {
        if (may_match && !may_match(entry.data_file)) return Status::OK();
        return Status::Conflict("file " + entry.data_file.file_path +
                                " was added meanwhile by snapshot " +
                                entry.snapshot_id->ToString() +
                                " and may hold rows that this change is about");
      });
}

Status ConcurrentChanges::CheckNoneRemoved(const FileFilter& may_match) const {
  return ForEachEntry({Operation::kOverwrite, Operation::kDelete, Operation::kReplace},
                      ManifestContent::kData, EntryStatus::kDeleted,
                      [&](const ManifestEntry& entry) {
                        if (may_match && !may_match(entry.data_file)) return Status::OK();
                        return Status::Conflict("file " + entry.data_file.file_path +
                                                " was removed meanwhile by snapshot " +
                                                entry.snapshot_id->ToString());
                      });
}

Status ConcurrentChanges::CheckNoDeletesFor(const std::vector<DataFile>& files,
                                            AddedDeletes deletes) const {
  std::map<PartitionKey, std::vector<const DataFile*>> by_partition;
  std::unordered_map<std::string_view, const DataFile*> by_path;
  for (const DataFile& file : files) {
    by_partition[{file.spec_id, file.partition}].push_back(&file);
    by_path[file.file_path] = &file;
  }
  if (files.empty()) return Status::OK();
  // The file that an added delete file may apply to, or null.
  const auto target = [&](const DataFile& added) -> const DataFile* {
    const bool equality = added.content == FileContent::kEqualityDeletes;
    if (equality && deletes == AddedDeletes::kAllowEquality) return nullptr;
    // Equality deletes of an unpartitioned spec hold for every partition.
    if (equality && IsUnpartitioned(*metadata_, added.spec_id)) return &files.front();
    if (!equality && added.referenced_data_file) {
      const auto named = by_path.find(*added.referenced_data_file);
      return named == by_path.end() ? nullptr : named->second;
    }
    const auto same = by_partition.find({added.spec_id, added.partition});
    if (same == by_partition.end()) return nullptr;
    for (const DataFile* file : same->second) {
      if (equality || MayName(added, file->file_path)) return file;
    }
    return nullptr;
  };
  return ForEachEntry(
      {Operation::kAppend, Operation::kOverwrite, Operation::kDelete},
      ManifestContent::kDeletes, EntryStatus::kAdded, [&](const ManifestEntry& entry) {
        const DataFile* file = target(entry.data_file);
        if (file == nullptr) return Status::OK();
        return Status::Conflict("delete file " + entry.data_file.file_path +
                                " was added meanwhile by snapshot " +
                                entry.snapshot_id->ToString() +
                                " and may apply to rows of " + file->file_path);
      });
}

Status ConcurrentChanges::CheckNoDeletesIn(
    const std::set<PartitionKey>& partitions) const {
  return ForEachEntry(
      {Operation::kAppend, Operation::kOverwrite, Operation::kDelete},
      ManifestContent::kDeletes, EntryStatus::kAdded, [&](const ManifestEntry& entry) {
        const DataFile& file = entry.data_file;
        const bool global = file.content == FileContent::kEqualityDeletes &&
                            IsUnpartitioned(*metadata_, file.spec_id);
        if (!global && !partitions.contains({file.spec_id, file.partition})) {
          return Status::OK();
        }
        return Status::Conflict(
            "delete file " + file.file_path + " was added meanwhile by snapshot " +
            entry.snapshot_id->ToString() + " to a partition that this change replaces");
      });
}

}  // namespace firn::iceberg
