// SPDX-License-Identifier: Apache-2.0
#include "iceberg/unreachable_files.h"

#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/assert.h"

namespace firn::iceberg {
namespace {

using FileVisitor = std::function<Status(const UnreachableFile&)>;

class Finder {
 public:
  Finder(const base::Context& context, const ManifestIo& manifests,
         const TableMetadata& before, const TableMetadata& after,
         const FileVisitor& visit, std::size_t candidates_max)
      : context_(context),
        manifests_(manifests),
        before_(before),
        after_(after),
        visit_(visit),
        candidates_max_(candidates_max) {}

  Status Run() {
    FIRN_RETURN_IF_ERROR(VisitStatistics());
    std::unordered_set<SnapshotId> left;
    for (const Snapshot& snapshot : after_.snapshots) left.insert(snapshot.id);
    std::vector<const Snapshot*> gone;
    for (const Snapshot& snapshot : before_.snapshots) {
      if (!left.contains(snapshot.id)) gone.push_back(&snapshot);
    }
    if (gone.empty()) return Status::OK();
    FIRN_RETURN_IF_ERROR(ReadLists(gone));
    for (const ManifestContent content :
         {ManifestContent::kData, ManifestContent::kDeletes}) {
      FIRN_RETURN_IF_ERROR(VisitFiles(content));
    }
    for (const auto& [path, manifest] : candidates_) {
      FIRN_RETURN_IF_ERROR(Visit({UnreachableKind::kManifest, path}));
    }
    for (const Snapshot* snapshot : gone) {
      FIRN_RETURN_IF_ERROR(
          Visit({UnreachableKind::kManifestList, snapshot->manifest_list}));
    }
    return Status::OK();
  }

 private:
  using Manifests = std::unordered_map<std::string, ManifestFile>;

  Status Visit(const UnreachableFile& file) {
    FIRN_RETURN_IF_ERROR(context_.Check());
    return visit_(file);
  }

  Status VisitStatistics() {
    std::unordered_set<std::string> left;
    for (const StatisticsFile& file : after_.statistics)
      left.insert(file.statistics_path);
    for (const PartitionStatisticsFile& file : after_.partition_statistics) {
      left.insert(file.statistics_path);
    }
    const auto visit = [&](const auto& files) -> Status {
      for (const auto& file : files) {
        if (left.contains(file.statistics_path)) continue;
        FIRN_RETURN_IF_ERROR(Visit({UnreachableKind::kStatistics, file.statistics_path}));
      }
      return Status::OK();
    };
    FIRN_RETURN_IF_ERROR(visit(before_.statistics));
    return visit(before_.partition_statistics);
  }

  Status ReadLists(const std::vector<const Snapshot*>& gone) {
    for (const Snapshot& snapshot : after_.snapshots) {
      FIRN_RETURN_IF_ERROR(context_.Check());
      FIRN_ASSIGN_OR_RETURN(auto list, manifests_.ReadManifestList(context_, snapshot));
      for (ManifestFile& manifest : list) {
        staying_.emplace(manifest.manifest_path, std::move(manifest));
      }
    }
    for (const Snapshot* snapshot : gone) {
      FIRN_RETURN_IF_ERROR(context_.Check());
      auto list = manifests_.ReadManifestList(context_, *snapshot);
      // Its list goes last: an earlier removal got through with this one.
      if (list.status().Is(StatusCode::kNotFound)) continue;
      if (!list.ok()) return list.status();
      for (ManifestFile& manifest : *list) {
        if (staying_.contains(manifest.manifest_path)) continue;
        candidates_.emplace(manifest.manifest_path, std::move(manifest));
      }
    }
    return Status::OK();
  }

  Status VisitFiles(ManifestContent content) {
    std::unordered_set<std::string> files;
    for (const auto& [path, manifest] : candidates_) {
      if (manifest.content != content) continue;
      FIRN_RETURN_IF_ERROR(context_.Check());
      const auto read = manifests_.ReadManifest(
          context_, manifest,
          [&](const ManifestHeader&, ManifestEntry&& entry) -> Status {
            if (entry.is_live()) files.insert(std::move(entry.data_file.file_path));
            if (files.size() < candidates_max_) return Status::OK();
            return VisitUnshared(content, &files);
          });
      // Manifests go after the files: those of one that is gone are gone, too.
      if (read.status().Is(StatusCode::kNotFound)) continue;
      FIRN_RETURN_IF_ERROR(read.status());
    }
    return VisitUnshared(content, &files);
  }

  // Visit those of `files` that no manifest that stays holds, and clear the set.
  Status VisitUnshared(ManifestContent content, std::unordered_set<std::string>* files) {
    for (const auto& [path, manifest] : staying_) {
      if (files->empty()) return Status::OK();
      if (manifest.content != content || !manifest.has_live_files()) continue;
      FIRN_RETURN_IF_ERROR(context_.Check());
      const auto read = manifests_.ReadManifest(
          context_, manifest, [&](const ManifestHeader&, ManifestEntry&& entry) {
            if (entry.is_live()) files->erase(entry.data_file.file_path);
            return Status::OK();
          });
      FIRN_RETURN_IF_ERROR(read.status());
    }
    const UnreachableKind kind = content == ManifestContent::kData
                                     ? UnreachableKind::kDataFile
                                     : UnreachableKind::kDeleteFile;
    for (const std::string& file : *files) FIRN_RETURN_IF_ERROR(Visit({kind, file}));
    files->clear();
    return Status::OK();
  }

  const base::Context& context_;
  const ManifestIo& manifests_;
  const TableMetadata& before_;
  const TableMetadata& after_;
  const FileVisitor& visit_;
  const std::size_t candidates_max_;
  Manifests staying_;
  Manifests candidates_;
};

std::int64_t& CountOf(UnreachableKind kind, CleanupCounts* counts) {
  switch (kind) {
    case UnreachableKind::kStatistics:
      return counts->statistics;
    case UnreachableKind::kDataFile:
      return counts->data_files;
    case UnreachableKind::kDeleteFile:
      return counts->delete_files;
    case UnreachableKind::kManifest:
      return counts->manifests;
    case UnreachableKind::kManifestList:
      break;
  }
  return counts->manifest_lists;
}

}  // namespace

Status VisitUnreachable(const base::Context& context, const ManifestIo& manifests,
                        const TableMetadata& before, const TableMetadata& after,
                        const std::function<Status(const UnreachableFile&)>& visit,
                        std::size_t candidates_max) {
  FIRN_ASSERT(before.table_uuid == after.table_uuid);
  if (!after.PropertyFlag(kPropertyGcEnabled, true)) {
    return Status::InvalidArgument(
        "files are not removed: gc.enabled is false, so that another table may use them");
  }
  return Finder(context, manifests, before, after, visit, candidates_max)
      .Run()
      .With("find the files of expired snapshots");
}

Result<CleanupCounts> RemoveUnreachable(const base::Context& context,
                                        const ManifestIo& manifests,
                                        const TableMetadata& before,
                                        const TableMetadata& after,
                                        const CleanupOptions& options) {
  CleanupCounts counts;
  FIRN_RETURN_IF_ERROR(VisitUnreachable(
      context, manifests, before, after,
      [&](const UnreachableFile& file) -> Status {
        if (!options.dry_run) {
          FIRN_RETURN_IF_ERROR(manifests.store()
                                   .Remove(context, file.location)
                                   .With("remove " + file.location));
        }
        ++CountOf(file.kind, &counts);
        if (options.progress) options.progress(file, counts);
        return Status::OK();
      },
      options.candidates_max));
  return counts;
}

}  // namespace firn::iceberg
