// SPDX-License-Identifier: Apache-2.0
#include "iceberg/plan_stream.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/assert.h"

namespace firn::iceberg {
namespace {

// Looking at the clock for each of millions of files would cost more than the file.
constexpr std::int64_t kEntriesPerCheck = 1024;
// Room is made at once for so many files of a manifest, whatever the list says of it.
constexpr std::int64_t kTasksReservedMax = 1 << 15;

// Tasks are counted so many bytes at a time: a budget is shared by all threads.
constexpr std::int64_t kBytesPerCount = std::int64_t{64} << 10;

// As the manifest list says; one that lies takes no more than all that is read ahead.
std::int64_t EncodedBytesOf(const ManifestFile& manifest) {
  return std::clamp<std::int64_t>(manifest.manifest_length_bytes, 0,
                                  kManifestBytesAheadMax);
}

Status Count(std::shared_ptr<base::ByteReservation>& memory, std::int64_t& bytes) {
  if (memory == nullptr) return Status::OK();
  return memory->Grow(std::exchange(bytes, 0)).With("plan the files of a table");
}

// What is known of a manifest after reading it, into what is known of all.
void AddRead(const PlanStats& part, PlanStats& all) {
  all.files_total += part.files_total;
  all.files_pruned_by_partition += part.files_pruned_by_partition;
  all.files_pruned_by_metrics += part.files_pruned_by_metrics;
  all.files_planned += part.files_planned;
  all.delete_files_total += part.delete_files_total;
}

}  // namespace

PlanStream::PlanStream(const base::Context& context, const ManifestIo& manifests,
                       const TableMetadata& metadata, const Schema& schema,
                       const expr::PredicatePtr& predicate, PlanOptions options)
    : context_(context),
      manifests_(manifests),
      metadata_(metadata),
      pruner_(schema, predicate),
      threads_(options.threads),
      metrics_of_(std::move(options.metrics_of)),
      deletes_(metadata, context.budget()) {
  FIRN_ASSERT(threads_ > 0);
  for (const FilePruner::Column& column : pruner_.columns()) {
    metrics_of_.insert(column.id);
  }
}

Result<std::unique_ptr<PlanStream>> PlanStream::Open(
    const base::Context& context, const ManifestIo& manifests,
    const TableMetadata& metadata, const Snapshot& snapshot, const Schema& schema,
    const expr::PredicatePtr& predicate, PlanOptions options) {
  std::unique_ptr<PlanStream> stream(new PlanStream(context, manifests, metadata, schema,
                                                    predicate, std::move(options)));
  FIRN_ASSIGN_OR_RETURN(auto list, manifests.ReadManifestList(context, snapshot));
  for (ManifestFile& manifest : list) {
    FIRN_RETURN_IF_ERROR(stream->AddSource(std::move(manifest), std::nullopt));
  }
  return stream;
}

Result<std::unique_ptr<PlanStream>> PlanStream::OpenAppends(
    const base::Context& context, const ManifestIo& manifests,
    const TableMetadata& metadata, const std::vector<const Snapshot*>& snapshots,
    const Schema& schema, const expr::PredicatePtr& predicate, PlanOptions options) {
  std::unique_ptr<PlanStream> stream(new PlanStream(context, manifests, metadata, schema,
                                                    predicate, std::move(options)));
  for (const Snapshot* snapshot : snapshots) {
    FIRN_ASSIGN_OR_RETURN(auto list, manifests.ReadManifestList(context, *snapshot));
    for (ManifestFile& manifest : list) {
      if (manifest.added_snapshot_id != snapshot->id ||
          manifest.content != ManifestContent::kData) {
        continue;
      }
      FIRN_RETURN_IF_ERROR(stream->AddSource(std::move(manifest), snapshot->id));
    }
  }
  return stream;
}

// Prune the manifest, or remember it.
Status PlanStream::AddSource(ManifestFile manifest, std::optional<SnapshotId> added_by) {
  if (!manifest.has_live_files()) return Status::OK();
  const bool is_data = manifest.content == ManifestContent::kData;
  ++(is_data ? stats_.manifests_total : stats_.delete_manifests_total);
  const PartitionSpec* spec = metadata_.FindSpec(manifest.spec_id);
  if (spec == nullptr) {
    return Status::Corruption("manifest " + manifest.manifest_path +
                              " has the partition spec " + manifest.spec_id.ToString() +
                              ", which the table does not have");
  }
  if (!pruner_.ManifestMayMatch(*spec, manifest)) {
    ++(is_data ? stats_.manifests_pruned : stats_.delete_manifests_pruned);
    if (is_data) {
      stats_.files_in_pruned_manifests +=
          manifest.added_files_count + manifest.existing_files_count;
    }
    return Status::OK();
  }
  if (is_data) row_count_ += manifest.added_rows_count + manifest.existing_rows_count;
  manifest.partitions.clear();  // Not asked about again, and most of what it takes.
  (is_data ? data_sources_ : delete_sources_)
      .push_back({std::move(manifest), spec, added_by});
  return Status::OK();
}

std::unique_ptr<PlanStream::Ahead> PlanStream::ReadAhead(
    const std::vector<Source>& sources) const {
  std::vector<std::int64_t> sizes_bytes;
  for (const Source& source : sources) {
    sizes_bytes.push_back(EncodedBytesOf(source.manifest));
  }
  return std::make_unique<Ahead>(
      std::move(sizes_bytes), threads_,
      [this, &sources](std::size_t index, const std::atomic<bool>& stopped) {
        return Read(sources[index], stopped);
      });
}

Status PlanStream::ReadDeletes() {
  const std::unique_ptr<Ahead> ahead = ReadAhead(delete_sources_);
  while (true) {
    FIRN_ASSIGN_OR_RETURN(std::optional<Part> part, ahead->Next());
    if (!part) break;
    AddRead(part->stats, stats_);
    for (ManifestEntry& entry : part->deletes) {
      FIRN_RETURN_IF_ERROR(deletes_.Add(std::move(entry)));
    }
  }
  deletes_.Finish();
  metrics_of_.insert(deletes_.metrics_of().begin(), deletes_.metrics_of().end());
  is_planned_.resize(deletes_.size(), false);
  return Status::OK();
}

Result<std::vector<ScanTask>> PlanStream::Next() {
  if (!failed_.ok()) return failed_;
  auto tasks = PlanNext();
  if (!tasks.ok()) failed_ = tasks.status();
  return tasks;
}

Result<std::vector<ScanTask>> PlanStream::PlanNext() {
  if (data_ == nullptr) {
    FIRN_RETURN_IF_ERROR(ReadDeletes());
    data_ = ReadAhead(data_sources_);
  }
  while (true) {
    FIRN_RETURN_IF_ERROR(context_.Check());
    FIRN_ASSIGN_OR_RETURN(std::optional<Part> part, data_->Next());
    if (!part) return std::vector<ScanTask>();
    AddRead(part->stats, stats_);
    FIRN_ASSERT(stats_.files_total == stats_.files_planned +
                                          stats_.files_pruned_by_partition +
                                          stats_.files_pruned_by_metrics);
    if (part->tasks.empty()) continue;
    for (const ScanTask& task : part->tasks) {
      for (const DeleteFilePtr& file : task.deletes) {
        if (is_planned_[file->index]) continue;
        is_planned_[file->index] = true;
        ++stats_.delete_files_planned;
      }
    }
    return std::move(part->tasks);
  }
}

Result<PlanStream::Part> PlanStream::Read(const Source& source,
                                          const std::atomic<bool>& stopped) const {
  FIRN_RETURN_IF_ERROR(context_.Check());
  const bool is_data = source.manifest.content == ManifestContent::kData;
  Part part;
  base::ByteReservation encoded;
  if (context_.budget() != nullptr) {
    FIRN_ASSIGN_OR_RETURN(base::ByteReservation memory,
                          base::ByteReservation::Make(context_.budget(), 0));
    part.memory = std::make_shared<base::ByteReservation>(std::move(memory));
    auto made =
        base::ByteReservation::Make(context_.budget(), EncodedBytesOf(source.manifest));
    if (!made.ok()) return made.status().With("plan the files of a table");
    encoded = std::move(*made);
  }
  if (is_data && !pruner_.prunes()) {
    const std::int64_t files = std::int64_t{source.manifest.added_files_count} +
                               source.manifest.existing_files_count;
    part.tasks.reserve(
        static_cast<std::size_t>(std::clamp<std::int64_t>(files, 0, kTasksReservedMax)));
  }
  std::int64_t visited = 0;
  FIRN_RETURN_IF_ERROR(
      manifests_
          .ReadManifest(
              context_, source.manifest,
              [&](const ManifestHeader&, ManifestEntry&& entry) -> Status {
                if (visited++ % kEntriesPerCheck == 0) {
                  FIRN_RETURN_IF_ERROR(context_.Check());
                  if (stopped.load()) return Status::Cancelled("the plan was dropped");
                }
                return Visit(source, std::move(entry), part);
              },
              is_data ? &metrics_of_ : nullptr)
          .status());
  FIRN_RETURN_IF_ERROR(Count(part.memory, part.bytes_uncounted));
  return part;
}

Status PlanStream::Visit(const Source& source, ManifestEntry&& entry, Part& part) const {
  if (!entry.is_live()) return Status::OK();
  if (source.added_by &&
      (entry.status != EntryStatus::kAdded || entry.snapshot_id != source.added_by)) {
    return Status::OK();
  }
  const bool is_data = entry.data_file.content == FileContent::kData;
  if (is_data != (source.manifest.content == ManifestContent::kData)) {
    return Status::Corruption(
        (is_data ? "data file " : "delete file ") + entry.data_file.file_path +
        (is_data ? " in a delete manifest" : " in a data manifest"));
  }
  if (is_data) return PlanData(source, std::move(entry), part);
  // What a delete file deletes lies in its partition, but for equality deletes of an
  // unpartitioned spec, whose partition excludes nothing.
  ++part.stats.delete_files_total;
  if (pruner_.PartitionMayMatch(*source.spec, entry.data_file)) {
    part.deletes.push_back(std::move(entry));
  }
  return Status::OK();
}

Status PlanStream::PlanData(const Source& source, ManifestEntry&& entry,
                            Part& part) const {
  ++part.stats.files_total;
  if (!pruner_.PartitionMayMatch(*source.spec, entry.data_file)) {
    ++part.stats.files_pruned_by_partition;
    return Status::OK();
  }
  if (!pruner_.MetricsMayMatch(entry.data_file)) {
    ++part.stats.files_pruned_by_metrics;
    return Status::OK();
  }
  ++part.stats.files_planned;
  ScanTask& task = part.tasks.emplace_back();
  task.deletes = deletes_.Find(entry);
  task.sequence_number = *entry.sequence_number;
  task.file = std::move(entry.data_file);
  if (part.memory == nullptr) return Status::OK();
  task.memory = part.memory;
  part.bytes_uncounted += static_cast<std::int64_t>(sizeof(ScanTask) - sizeof(DataFile)) +
                          MemoryBytesOf(task.file);
  return part.bytes_uncounted < kBytesPerCount ? Status::OK()
                                               : Count(part.memory, part.bytes_uncounted);
}

}  // namespace firn::iceberg
