// SPDX-License-Identifier: Apache-2.0
#include "iceberg/manifest_io.h"

#include "iceberg/manifest_avro.h"
#include "iceberg/manifest_list_avro.h"
#include "iceberg/metadata_file.h"

namespace firn::iceberg {

Result<std::vector<ManifestFile>> ManifestIo::ReadManifestList(
    const base::Context& context, const Snapshot& snapshot) const {
  std::vector<ManifestFile> unlisted;
  if (snapshot.manifest_list.empty()) {
    for (const std::string& location : snapshot.manifests) {
      ManifestFile& manifest = unlisted.emplace_back();
      manifest.manifest_path = location;
      manifest.added_snapshot_id = snapshot.id;
      FIRN_RETURN_IF_ERROR(CountFiles(context, &manifest));
    }
    return unlisted;
  }
  const std::string what = "manifest list " + snapshot.manifest_list;
  auto bytes = store_.Get(context, snapshot.manifest_list, kManifestListBytesMax);
  if (!bytes.ok()) return bytes.status().With(what);
  auto manifests = DecodeManifestList(*bytes);
  if (!manifests.ok()) return manifests.status().With(what);
  for (ManifestFile& manifest : *manifests) {
    if (manifest.added_files_count != ManifestFile::kCountUnknown) continue;
    FIRN_RETURN_IF_ERROR(CountFiles(context, &manifest));
  }
  return manifests;
}

// The manifest's length, spec and counts, from itself. Of version 1, so that it holds
// data files.
Status ManifestIo::CountFiles(const base::Context& context,
                              ManifestFile* manifest) const {
  const std::string what = "manifest " + manifest->manifest_path;
  FIRN_RETURN_IF_ERROR(context.Check());
  auto bytes = store_.Get(context, manifest->manifest_path, kManifestBytesMax);
  if (!bytes.ok()) return bytes.status().With(what);
  std::int32_t files[3] = {0, 0, 0};  // By EntryStatus.
  std::int64_t rows[3] = {0, 0, 0};
  const MetricsOf no_metrics;
  const auto header = DecodeManifest(
      *bytes,
      [&](const ManifestHeader&, ManifestEntry&& entry) -> Status {
        const auto status = static_cast<std::size_t>(entry.status);
        ++files[status];
        rows[status] += entry.data_file.record_count;
        return Status::OK();
      },
      &no_metrics);
  if (!header.ok()) return header.status().With(what);
  manifest->manifest_length_bytes = static_cast<std::int64_t>(bytes->size());
  manifest->spec_id = header->spec.id;
  manifest->existing_files_count = files[0];
  manifest->added_files_count = files[1];
  manifest->deleted_files_count = files[2];
  manifest->existing_rows_count = rows[0];
  manifest->added_rows_count = rows[1];
  manifest->deleted_rows_count = rows[2];
  return Status::OK();
}

Result<ManifestHeader> ManifestIo::ReadManifest(
    const base::Context& context, const ManifestFile& manifest,
    const std::function<Status(const ManifestHeader&, ManifestEntry&&)>& visit,
    const MetricsOf* metrics_of) const {
  const std::string what = "manifest " + manifest.manifest_path;
  if (manifest.key_metadata) {
    return Status::Unimplemented(what + " is encrypted, which is not read");
  }
  auto bytes = store_.Get(context, manifest.manifest_path, kManifestBytesMax);
  if (!bytes.ok()) return bytes.status().With(what);
  // An error of the visitor is its own and gets no clause of this file.
  Status visit_status;
  auto header = DecodeManifest(
      *bytes,
      [&](const ManifestHeader& head, ManifestEntry&& entry) -> Status {
        FIRN_RETURN_IF_ERROR(InheritFrom(manifest, &entry));
        visit_status = visit(head, std::move(entry));
        return visit_status;
      },
      metrics_of);
  FIRN_RETURN_IF_ERROR(visit_status);
  if (!header.ok()) return header.status().With(what);
  return header;
}

Result<std::int64_t> ManifestIo::WriteManifest(
    const base::Context& context, const std::string& location,
    const ManifestHeader& header, const std::vector<ManifestEntry>& entries) const {
  FIRN_ASSIGN_OR_RETURN(const std::string bytes, EncodeManifest(header, entries));
  FIRN_RETURN_IF_ERROR(
      PutUnnamed(context, store_, location, bytes).With("manifest " + location));
  return static_cast<std::int64_t>(bytes.size());
}

Status ManifestIo::WriteManifestList(const base::Context& context,
                                     const Snapshot& snapshot,
                                     const std::vector<ManifestFile>& manifests) const {
  FIRN_ASSIGN_OR_RETURN(const std::string bytes,
                        EncodeManifestList(snapshot.id, snapshot.parent_id,
                                           snapshot.sequence_number, manifests));
  return PutUnnamed(context, store_, snapshot.manifest_list, bytes)
      .With("manifest list " + snapshot.manifest_list);
}

}  // namespace firn::iceberg
