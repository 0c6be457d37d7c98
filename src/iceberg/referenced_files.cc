// SPDX-License-Identifier: Apache-2.0
#include "iceberg/referenced_files.h"

#include <algorithm>
#include <functional>

namespace firn::iceberg {
namespace {

constexpr std::string_view kVersionHint = "version-hint.text";

std::uint64_t HashOf(std::string_view name) {
  static_assert(sizeof(std::size_t) == sizeof(std::uint64_t));
  return std::hash<std::string_view>()(name);
}

}  // namespace

Status ReferencedFiles::Add(const base::Context& context, const ManifestIo& manifests,
                            const LoadedTable& table) {
  const TableMetadata& metadata = *table.metadata;
  FIRN_RETURN_IF_ERROR(AddLocation(table.metadata_location));
  FIRN_RETURN_IF_ERROR(
      AddLocation(metadata.MetadataDirectory() + "/" + std::string(kVersionHint)));
  for (const MetadataLogEntry& entry : metadata.metadata_log) {
    FIRN_RETURN_IF_ERROR(AddLocation(entry.metadata_file));
  }
  for (const StatisticsFile& file : metadata.statistics) {
    FIRN_RETURN_IF_ERROR(AddLocation(file.statistics_path));
  }
  for (const PartitionStatisticsFile& file : metadata.partition_statistics) {
    FIRN_RETURN_IF_ERROR(AddLocation(file.statistics_path));
  }
  for (const Snapshot& snapshot : metadata.snapshots) {
    FIRN_RETURN_IF_ERROR(AddSnapshot(context, manifests, snapshot)
                             .With("snapshot " + snapshot.id.ToString()));
  }
  return Status::OK();
}

Status ReferencedFiles::AddSnapshot(const base::Context& context,
                                    const ManifestIo& manifests,
                                    const Snapshot& snapshot) {
  FIRN_RETURN_IF_ERROR(context.Check());
  if (snapshot.manifest_list.empty()) {
    return Status::Unimplemented("it has no list of manifests, as in tables of old");
  }
  if (read_.contains(snapshot.manifest_list)) return Status::OK();
  FIRN_RETURN_IF_ERROR(AddLocation(snapshot.manifest_list));
  FIRN_ASSIGN_OR_RETURN(const std::vector<ManifestFile> list,
                        manifests.ReadManifestList(context, snapshot));
  for (const ManifestFile& manifest : list) {
    if (read_.contains(manifest.manifest_path)) continue;
    FIRN_RETURN_IF_ERROR(context.Check());
    FIRN_RETURN_IF_ERROR(AddLocation(manifest.manifest_path));
    FIRN_RETURN_IF_ERROR(
        manifests
            .ReadManifest(context, manifest,
                          [&](const ManifestHeader&, ManifestEntry&& entry) {
                            return entry.is_live()
                                       ? AddLocation(entry.data_file.file_path)
                                       : Status::OK();
                          })
            .status());
    read_.insert(manifest.manifest_path);
  }
  read_.insert(snapshot.manifest_list);
  return Status::OK();
}

Status ReferencedFiles::AddLocation(std::string_view location) {
  FIRN_ASSIGN_OR_RETURN(const std::optional<std::string> name, scope_.NameOf(location));
  if (!name) return Status::OK();
  hashes_.push_back(HashOf(*name));
  // Manifests that were merged and split name the same files again.
  constexpr std::size_t kUntidyMin = 1 << 16;
  if (hashes_.size() >= 2 * std::max(tidy_count_, kUntidyMin)) Tidy();
  return Status::OK();
}

void ReferencedFiles::Tidy() {
  std::sort(hashes_.begin(), hashes_.end());
  hashes_.erase(std::unique(hashes_.begin(), hashes_.end()), hashes_.end());
  tidy_count_ = hashes_.size();
}

bool ReferencedFiles::Contains(std::string_view name) {
  if (tidy_count_ != hashes_.size()) Tidy();
  return std::binary_search(hashes_.begin(), hashes_.end(), HashOf(name));
}

}  // namespace firn::iceberg
