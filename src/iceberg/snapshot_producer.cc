// SPDX-License-Identifier: Apache-2.0
#include "iceberg/snapshot_producer.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string_view>

#include "iceberg/manifest_merge.h"
#include "iceberg/metadata_file.h"
#include "iceberg/new_snapshot.h"
#include "iceberg/removed_files.h"
#include "iceberg/snapshot_summary.h"

namespace firn::iceberg {
namespace {

Status CheckFile(const TableMetadata& base, const DataFile& file) {
  if (file.file_path.empty()) return Status::InvalidArgument("file has no path");
  const PartitionSpec* spec = base.FindSpec(file.spec_id);
  if (spec == nullptr) {
    return Status::InvalidArgument("partition spec " + file.spec_id.ToString() +
                                   " is not the table's");
  }
  if (file.partition.size() != spec->fields.size()) {
    return Status::InvalidArgument(
        "partition has " + std::to_string(file.partition.size()) + " values, its spec " +
        std::to_string(spec->fields.size()) + " fields");
  }
  return Status::OK();
}

Status CheckChange(const TableMetadata& base, const FileChange& change) {
  FIRN_RETURN_IF_ERROR(CheckFilesAreWritable(base));
  std::set<std::string_view> paths;
  for (const DataFile& file : change.removed) paths.insert(file.file_path);
  for (const DataFile& file : change.added) {
    FIRN_RETURN_IF_ERROR(CheckFile(base, file).With("add " + file.file_path));
    if (paths.insert(file.file_path).second) continue;
    return Status::InvalidArgument("add " + file.file_path +
                                   ": the same change names the file twice");
  }
  return Status::OK();
}

// A manifest of the snapshot: one that is there, or new entries that are not written yet.
struct PendingManifest {
  std::optional<ManifestFile> file;
  SpecId spec_id;
  std::vector<ManifestEntry> entries;

  ManifestSize Size() const {
    if (!file) return {0, static_cast<std::int64_t>(entries.size())};
    return {file->manifest_length_bytes,
            std::int64_t{file->added_files_count} + file->existing_files_count};
  }
};

// Puts the manifests that are there and the changed files together to those of a new
// snapshot.
class ManifestAssembler {
 public:
  ManifestAssembler(const base::Context& context, const SnapshotEnvironment& environment,
                    const TableMetadata& base, SnapshotId snapshot_id)
      : context_(context),
        env_(environment),
        base_(base),
        snapshot_id_(snapshot_id),
        manifests_(context, environment, base, snapshot_id) {}

  Result<std::vector<ManifestFile>> Assemble(const FileChange& change,
                                             std::vector<ManifestFile> existing);
  const SnapshotSummary& summary() const { return summary_; }

 private:
  using Groups = std::map<SpecId, std::vector<PendingManifest>>;

  Status Keep(RemovedFiles& removed, ManifestFile&& manifest,
              std::vector<ManifestFile>* kept);
  Status WriteAddedDeletes(const FileChange& change, std::vector<ManifestFile>* out);
  Status WriteGroup(SpecId spec_id, std::vector<PendingManifest>& manifests,
                    const MergePolicy& policy, std::vector<ManifestFile>* out);
  Status ReadForMerge(const ManifestFile& manifest, std::vector<ManifestEntry>* entries);
  void TakeBack(const ManifestFile& manifest);
  ManifestEntry NewEntry(const FileChange& change, const DataFile& file);

  const base::Context& context_;
  const SnapshotEnvironment& env_;
  const TableMetadata& base_;
  const SnapshotId snapshot_id_;
  SnapshotManifests manifests_;
  SnapshotSummary summary_;
};

Result<std::vector<ManifestFile>> ManifestAssembler::Assemble(
    const FileChange& change, std::vector<ManifestFile> existing) {
  RemovedFiles removed(base_, change);
  std::vector<ManifestFile> kept;
  for (ManifestFile& manifest : existing) {
    FIRN_RETURN_IF_ERROR(context_.Check());
    FIRN_RETURN_IF_ERROR(Keep(removed, std::move(manifest), &kept));
  }
  FIRN_RETURN_IF_ERROR(removed.CheckAllFound());

  Groups groups;
  for (const DataFile& file : change.added) {
    if (file.content != FileContent::kData) continue;
    std::vector<PendingManifest>& group = groups[file.spec_id];
    if (group.empty()) group.push_back({std::nullopt, file.spec_id, {}});
    group.front().entries.push_back(NewEntry(change, file));
  }
  std::vector<ManifestFile> manifests;
  std::vector<ManifestFile> unmerged;
  FIRN_RETURN_IF_ERROR(WriteAddedDeletes(change, &unmerged));
  for (ManifestFile& manifest : kept) {
    // What is encrypted is carried along unread.
    if (manifest.content == ManifestContent::kDeletes || manifest.key_metadata) {
      unmerged.push_back(std::move(manifest));
    } else {
      const SpecId spec_id = manifest.spec_id;
      groups[spec_id].push_back({std::move(manifest), spec_id, {}});
    }
  }
  MergePolicy policy = MergePolicy::Of(base_);
  policy.enabled = policy.enabled && change.merge_manifests;
  // The newest spec first: its manifests are the ones most often looked for.
  for (auto group = groups.rbegin(); group != groups.rend(); ++group) {
    FIRN_RETURN_IF_ERROR(WriteGroup(group->first, group->second, policy, &manifests));
  }
  std::move(unmerged.begin(), unmerged.end(), std::back_inserter(manifests));
  return manifests;
}

// Keep a manifest, written anew without the removed files where it holds any.
Status ManifestAssembler::Keep(RemovedFiles& removed, ManifestFile&& manifest,
                               std::vector<ManifestFile>* kept) {
  if (!manifest.has_live_files()) return Status::OK();
  if (!removed.MayBeIn(manifest)) {
    kept->push_back(std::move(manifest));
    return Status::OK();
  }
  std::vector<ManifestEntry> entries;
  bool touched = false;
  const auto header = env_.manifests.ReadManifest(
      context_, manifest, [&](const ManifestHeader&, ManifestEntry&& entry) {
        if (!entry.is_live()) return Status::OK();
        entry.status = EntryStatus::kExisting;
        if (removed.Take(entry.data_file)) {
          touched = true;
          entry.status = EntryStatus::kDeleted;
          entry.snapshot_id = snapshot_id_;
          summary_.Remove(entry.data_file);
        }
        entries.push_back(std::move(entry));
        return Status::OK();
      });
  FIRN_RETURN_IF_ERROR(header.status().With("look for removed files"));
  if (touched) return manifests_.Write(*header, std::move(entries), kept);
  kept->push_back(std::move(manifest));
  return Status::OK();
}

ManifestEntry ManifestAssembler::NewEntry(const FileChange& change,
                                          const DataFile& file) {
  summary_.Add(file);
  ManifestEntry entry{EntryStatus::kAdded, snapshot_id_, {}, {}, file};
  if (file.content == FileContent::kData) {
    entry.sequence_number = change.added_sequence_number;
  }
  return entry;
}

Status ManifestAssembler::WriteAddedDeletes(const FileChange& change,
                                            std::vector<ManifestFile>* out) {
  std::map<SpecId, std::vector<ManifestEntry>> entries;
  for (const DataFile& file : change.added) {
    if (file.content == FileContent::kData) continue;
    entries[file.spec_id].push_back(NewEntry(change, file));
  }
  for (auto& [spec_id, list] : entries) {
    FIRN_ASSIGN_OR_RETURN(const ManifestHeader header,
                          manifests_.HeaderOf(spec_id, ManifestContent::kDeletes));
    FIRN_RETURN_IF_ERROR(manifests_.Write(header, std::move(list), out));
  }
  return Status::OK();
}

// Write what is new and what is merged of the data manifests of one spec.
Status ManifestAssembler::WriteGroup(SpecId spec_id,
                                     std::vector<PendingManifest>& manifests,
                                     const MergePolicy& policy,
                                     std::vector<ManifestFile>* out) {
  std::vector<ManifestSize> sizes;
  for (const PendingManifest& manifest : manifests) sizes.push_back(manifest.Size());
  for (const std::vector<std::size_t>& group : GroupManifests(sizes, policy)) {
    PendingManifest& first = manifests[group.front()];
    if (group.size() == 1 && first.file) {
      out->push_back(std::move(*first.file));
      continue;
    }
    std::vector<ManifestEntry> entries;
    for (const std::size_t i : group) {
      PendingManifest& manifest = manifests[i];
      if (manifest.file) {
        FIRN_RETURN_IF_ERROR(ReadForMerge(*manifest.file, &entries));
        TakeBack(*manifest.file);
      } else {
        std::move(manifest.entries.begin(), manifest.entries.end(),
                  std::back_inserter(entries));
      }
    }
    FIRN_ASSIGN_OR_RETURN(const ManifestHeader header,
                          manifests_.HeaderOf(spec_id, ManifestContent::kData));
    FIRN_RETURN_IF_ERROR(manifests_.Write(header, std::move(entries), out));
  }
  return Status::OK();
}

// Append the entries of a manifest that is merged: what this snapshot removed stays said,
// what an earlier one removed goes.
Status ManifestAssembler::ReadForMerge(const ManifestFile& manifest,
                                       std::vector<ManifestEntry>* entries) {
  FIRN_RETURN_IF_ERROR(context_.Check());
  return env_.manifests
      .ReadManifest(context_, manifest,
                    [&](const ManifestHeader&, ManifestEntry&& entry) {
                      if (entry.is_live()) {
                        entry.status = EntryStatus::kExisting;
                      } else if (entry.snapshot_id != snapshot_id_) {
                        return Status::OK();
                      }
                      entries->push_back(std::move(entry));
                      return Status::OK();
                    })
      .status()
      .With("merge manifests");
}

// Remove a manifest that this snapshot wrote without a removed file and then merged.
void ManifestAssembler::TakeBack(const ManifestFile& manifest) {
  if (manifest.added_snapshot_id != snapshot_id_) return;
  std::erase(env_.written, manifest.manifest_path);
  RemoveUnnamed(env_.manifests.store(), {manifest.manifest_path});
}

}  // namespace

Result<Snapshot> WriteSnapshot(const base::Context& context,
                               const SnapshotEnvironment& environment,
                               const TableMetadata& base, const FileChange& change,
                               const std::string& branch) {
  FIRN_RETURN_IF_ERROR(CheckChange(base, change));
  NewSnapshot snapshot(context, environment, base, branch);
  ManifestAssembler assembler(context, environment, base, snapshot.id());
  FIRN_ASSIGN_OR_RETURN(auto existing, snapshot.ParentManifests());
  FIRN_ASSIGN_OR_RETURN(const auto assembled,
                        assembler.Assemble(change, std::move(existing)));
  return std::move(snapshot).Write(
      change.operation, assembled,
      assembler.summary().Finish(change.summary, snapshot.parent(), base));
}

}  // namespace firn::iceberg
