// SPDX-License-Identifier: Apache-2.0
#include "iceberg/append.h"

#include <algorithm>
#include <set>

#include "base/assert.h"

namespace firn::iceberg {
namespace {

Status CheckFile(const TableMetadata& base, const DataFile& file) {
  if (file.content != FileContent::kData) {
    return Status::InvalidArgument("an append takes data files only");
  }
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

// A name that was taken holds another's object, which must not be removed as ours.
void DisownIfTaken(const Status& status, std::vector<std::string>* written) {
  if (status.Is(StatusCode::kAlreadyExists)) written->pop_back();
}

// Puts the new files and the manifests that are there together to the manifests of a new
// snapshot.
class ManifestAssembler {
 public:
  ManifestAssembler(const base::Context& context, const ManifestIo& io,
                    RandomSource& random, const TableMetadata& base,
                    SnapshotId snapshot_id, std::vector<std::string>* written)
      : context_(context),
        io_(io),
        base_(base),
        snapshot_id_(snapshot_id),
        sequence_number_(base.last_sequence_number.value + 1),
        prefix_(base.MetadataDirectory() + "/" + random.NextUuid()),
        written_(written) {}

  Result<std::vector<ManifestFile>> Assemble(const std::vector<DataFile>& files,
                                             std::vector<ManifestFile> existing) {
    std::map<SpecId, std::vector<ManifestEntry>> added;
    for (const DataFile& file : files) {
      added[file.spec_id].push_back({EntryStatus::kAdded, snapshot_id_, {}, {}, file});
    }
    std::vector<ManifestFile> manifests;
    for (auto& [spec_id, entries] : added) {
      std::vector<ManifestFile> group = TakeMergeable(spec_id, &existing);
      FIRN_RETURN_IF_ERROR(WriteMerged(spec_id, std::move(entries), group, &manifests));
    }
    manifests.insert(manifests.end(), existing.begin(), existing.end());
    return manifests;
  }

 private:
  // Take out of `existing` the small data manifests of one spec, where together with the
  // new one they are enough to be merged.
  std::vector<ManifestFile> TakeMergeable(SpecId spec_id,
                                          std::vector<ManifestFile>* existing) const {
    const std::int64_t count_min =
        base_.PropertyCount(kPropertyMergeMinCount, kManifestMergeMinCountDefault);
    if (!base_.PropertyFlag(kPropertyMergeEnabled, true)) return {};
    const auto mergeable = [&](const ManifestFile& manifest) {
      return manifest.content == ManifestContent::kData && manifest.spec_id == spec_id &&
             !manifest.key_metadata && manifest.manifest_length_bytes < target_bytes();
    };
    const auto count = std::count_if(existing->begin(), existing->end(), mergeable);
    if (count + 1 < std::max<std::int64_t>(count_min, 2)) return {};
    const auto taken = std::stable_partition(
        existing->begin(), existing->end(),
        [&](const ManifestFile& manifest) { return !mergeable(manifest); });
    std::vector<ManifestFile> out(taken, existing->end());
    existing->erase(taken, existing->end());
    return out;
  }

  // Write the new entries with those of `group`, beginning another manifest whenever the
  // target size is reached, and drop what `group` says was deleted before.
  Status WriteMerged(SpecId spec_id, std::vector<ManifestEntry> entries,
                     const std::vector<ManifestFile>& group,
                     std::vector<ManifestFile>* out) {
    const ManifestHeader header = {base_.current_schema(), *base_.FindSpec(spec_id),
                                   ManifestContent::kData, base_.format_version};
    std::int64_t bytes = 0;
    for (const ManifestFile& manifest : group) {
      if (bytes > 0 && bytes + manifest.manifest_length_bytes > target_bytes()) {
        FIRN_RETURN_IF_ERROR(Write(header, entries, out));
        entries.clear();
        bytes = 0;
      }
      bytes += manifest.manifest_length_bytes;
      const auto read = io_.ReadManifest(
          context_, manifest, [&](const ManifestHeader&, ManifestEntry&& entry) {
            if (!entry.is_live()) return Status::OK();
            entry.status = EntryStatus::kExisting;
            entries.push_back(std::move(entry));
            return Status::OK();
          });
      FIRN_RETURN_IF_ERROR(read.status().With("merge manifests"));
    }
    return entries.empty() ? Status::OK() : Write(header, entries, out);
  }

  Status Write(const ManifestHeader& header, const std::vector<ManifestEntry>& entries,
               std::vector<ManifestFile>* out) {
    FIRN_RETURN_IF_ERROR(context_.Check());
    const std::string location =
        prefix_ + "-m" + std::to_string(manifests_written_++) + ".avro";
    written_->push_back(location);
    const auto length = io_.WriteManifest(context_, location, header, entries);
    if (!length.ok()) {
      DisownIfTaken(length.status(), written_);
      return length.status();
    }
    ManifestFile manifest =
        SummarizeManifest(header, entries, snapshot_id_, sequence_number_);
    manifest.manifest_path = location;
    manifest.manifest_length_bytes = *length;
    out->push_back(std::move(manifest));
    return Status::OK();
  }

  std::int64_t target_bytes() const {
    return base_.PropertyCount(kPropertyManifestTargetSize,
                               kManifestTargetSizeBytesDefault);
  }

  const base::Context& context_;
  const ManifestIo& io_;
  const TableMetadata& base_;
  const SnapshotId snapshot_id_;
  const SequenceNumber sequence_number_;
  const std::string prefix_;
  std::vector<std::string>* written_;
  int manifests_written_ = 0;
};

// Counts of what is added, and totals where the parent has them.
std::map<std::string, std::string> Summarize(const AppendRequest& request,
                                             const Snapshot* parent) {
  std::int64_t records = 0;
  std::int64_t bytes = 0;
  std::set<std::pair<SpecId, PartitionValues>> partitions;
  for (const DataFile& file : request.files) {
    records += file.record_count;
    bytes += file.file_size_bytes;
    partitions.emplace(file.spec_id, file.partition);
  }
  const auto files = static_cast<std::int64_t>(request.files.size());
  std::map<std::string, std::string> summary = request.summary;
  summary.erase("operation");
  summary[kSummaryAddedDataFiles] = std::to_string(files);
  summary[kSummaryAddedRecords] = std::to_string(records);
  summary[kSummaryAddedFilesSize] = std::to_string(bytes);
  summary[kSummaryChangedPartitions] = std::to_string(partitions.size());
  const std::pair<const char*, std::int64_t> totals[] = {
      {kSummaryTotalDataFiles, files},   {kSummaryTotalRecords, records},
      {kSummaryTotalFilesSize, bytes},   {kSummaryTotalDeleteFiles, 0},
      {kSummaryTotalPositionDeletes, 0}, {kSummaryTotalEqualityDeletes, 0}};
  for (const auto& [key, added] : totals) {
    // A total that the parent does not state is not known.
    const std::int64_t before = parent == nullptr ? 0 : parent->SummaryCount(key, -1);
    if (before >= 0) summary[key] = std::to_string(before + added);
  }
  return summary;
}

}  // namespace

Result<Snapshot> WriteAppend(const base::Context& context, const ManifestIo& manifests,
                             const base::Clock& clock, RandomSource& random,
                             const TableMetadata& base, const AppendRequest& request,
                             std::vector<std::string>* written) {
  for (const DataFile& file : request.files) {
    FIRN_RETURN_IF_ERROR(CheckFile(base, file).With("append " + file.file_path));
  }
  const Snapshot* parent = base.current_snapshot();
  Snapshot snapshot;
  do {
    snapshot.id = random.NextSnapshotId();
  } while (base.FindSnapshot(snapshot.id) != nullptr);
  if (parent != nullptr) snapshot.parent_id = parent->id;
  snapshot.sequence_number = SequenceNumber(base.last_sequence_number.value + 1);
  snapshot.timestamp_ms = std::max(clock.NowMs(), base.last_updated_ms);
  snapshot.operation = Operation::kAppend;
  snapshot.summary = Summarize(request, parent);
  snapshot.schema_id = base.current_schema_id;
  snapshot.manifest_list = base.MetadataDirectory() + "/snap-" + snapshot.id.ToString() +
                           "-0-" + random.NextUuid() + ".avro";

  std::vector<ManifestFile> existing;
  if (parent != nullptr) {
    FIRN_ASSIGN_OR_RETURN(existing, manifests.ReadManifestList(context, *parent));
    std::erase_if(existing, [](const ManifestFile& m) { return !m.has_live_files(); });
  }
  ManifestAssembler assembler(context, manifests, random, base, snapshot.id, written);
  FIRN_ASSIGN_OR_RETURN(const auto assembled,
                        assembler.Assemble(request.files, std::move(existing)));
  written->push_back(snapshot.manifest_list);
  const Status list = manifests.WriteManifestList(context, snapshot, assembled);
  DisownIfTaken(list, written);
  FIRN_RETURN_IF_ERROR(list);
  FIRN_ASSERT(snapshot.timestamp_ms >= base.last_updated_ms);
  return snapshot;
}

}  // namespace firn::iceberg
