// SPDX-License-Identifier: Apache-2.0
#include "iceberg/snapshot_producer.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string_view>

#include "base/assert.h"
#include "iceberg/apply_updates.h"
#include "iceberg/history.h"
#include "iceberg/manifest_merge.h"
#include "iceberg/metadata_file.h"
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
  if (base.format_version != kFormatVersionWrittenMax) {
    return Status::Unimplemented(
        "files of a table of format version " + std::to_string(base.format_version) +
        " are not changed" +
        (base.format_version < kFormatVersionWrittenMax ? ": upgrade it to version 2"
                                                        : ""));
  }
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
        sequence_number_(base.last_sequence_number.value + 1),
        prefix_(base.MetadataDirectory() + "/" + environment.random.NextUuid()) {}

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
  Result<ManifestHeader> HeaderOf(SpecId spec_id, ManifestContent content) const;
  ManifestEntry NewEntry(const FileChange& change, const DataFile& file);
  Status Write(const ManifestHeader& header, std::vector<ManifestEntry> entries,
               std::vector<ManifestFile>* out);

  const base::Context& context_;
  const SnapshotEnvironment& env_;
  const TableMetadata& base_;
  const SnapshotId snapshot_id_;
  const SequenceNumber sequence_number_;
  const std::string prefix_;
  SnapshotSummary summary_;
  int manifests_written_ = 0;
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
  if (touched) return Write(*header, std::move(entries), kept);
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
                          HeaderOf(spec_id, ManifestContent::kDeletes));
    FIRN_RETURN_IF_ERROR(Write(header, std::move(list), out));
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
                          HeaderOf(spec_id, ManifestContent::kData));
    FIRN_RETURN_IF_ERROR(Write(header, std::move(entries), out));
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

// The header of a manifest written now: with the current schema, or the newest that still
// has the columns the spec is made of.
Result<ManifestHeader> ManifestAssembler::HeaderOf(SpecId spec_id,
                                                   ManifestContent content) const {
  const PartitionSpec& spec = *base_.FindSpec(spec_id);
  const Schema* schema = &base_.current_schema();
  if (!PartitionType(spec, *schema).ok()) {
    const auto fits =
        std::find_if(base_.schemas.rbegin(), base_.schemas.rend(),
                     [&](const Schema& s) { return PartitionType(spec, s).ok(); });
    if (fits == base_.schemas.rend()) {
      return PartitionType(spec, *schema)
          .status()
          .With("partition spec " + spec_id.ToString());
    }
    schema = &*fits;
  }
  return ManifestHeader{*schema, spec, content, base_.format_version};
}

Status ManifestAssembler::Write(const ManifestHeader& header,
                                std::vector<ManifestEntry> entries,
                                std::vector<ManifestFile>* out) {
  FIRN_RETURN_IF_ERROR(context_.Check());
  FIRN_ASSIGN_OR_RETURN(const StructType type, PartitionType(header.spec, header.schema));
  for (ManifestEntry& entry : entries) {
    PartitionValues& values = entry.data_file.partition;
    for (std::size_t i = 0; i < values.size() && i < type.fields.size(); ++i) {
      // Written before a column was promoted, a value has the older type.
      if (values[i]) values[i] = Promote(*values[i], *type.fields[i].type.primitive());
    }
  }
  const std::string location =
      prefix_ + "-m" + std::to_string(manifests_written_++) + ".avro";
  env_.written.push_back(location);
  const auto length = env_.manifests.WriteManifest(context_, location, header, entries);
  if (!length.ok()) {
    // A name that was taken holds another's object, which must not be removed as ours.
    if (length.status().Is(StatusCode::kAlreadyExists)) env_.written.pop_back();
    return length.status();
  }
  ManifestFile manifest =
      SummarizeManifest(header, entries, snapshot_id_, sequence_number_);
  manifest.manifest_path = location;
  manifest.manifest_length_bytes = *length;
  out->push_back(std::move(manifest));
  return Status::OK();
}

}  // namespace

Result<Snapshot> WriteSnapshot(const base::Context& context,
                               const SnapshotEnvironment& environment,
                               const TableMetadata& base, const FileChange& change,
                               const std::string& branch) {
  FIRN_RETURN_IF_ERROR(CheckChange(base, change));
  const Snapshot* parent = FindRef(base, branch);
  Snapshot snapshot;
  do {
    snapshot.id = environment.random.NextSnapshotId();
  } while (base.FindSnapshot(snapshot.id) != nullptr);
  if (parent != nullptr) snapshot.parent_id = parent->id;
  snapshot.sequence_number = SequenceNumber(base.last_sequence_number.value + 1);
  snapshot.timestamp_ms = std::max(environment.clock.NowMs(), base.last_updated_ms);
  snapshot.operation = change.operation;
  snapshot.schema_id = base.current_schema_id;
  snapshot.manifest_list = base.MetadataDirectory() + "/snap-" + snapshot.id.ToString() +
                           "-0-" + environment.random.NextUuid() + ".avro";

  std::vector<ManifestFile> existing;
  if (parent != nullptr) {
    FIRN_ASSIGN_OR_RETURN(existing,
                          environment.manifests.ReadManifestList(context, *parent));
  }
  ManifestAssembler assembler(context, environment, base, snapshot.id);
  FIRN_ASSIGN_OR_RETURN(const auto assembled,
                        assembler.Assemble(change, std::move(existing)));
  snapshot.summary = assembler.summary().Finish(change.summary, parent, base);
  environment.written.push_back(snapshot.manifest_list);
  const Status list =
      environment.manifests.WriteManifestList(context, snapshot, assembled);
  if (list.Is(StatusCode::kAlreadyExists)) environment.written.pop_back();
  FIRN_RETURN_IF_ERROR(list);
  FIRN_ASSERT(snapshot.timestamp_ms >= base.last_updated_ms);
  return snapshot;
}

}  // namespace firn::iceberg
