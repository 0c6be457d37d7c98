// SPDX-License-Identifier: Apache-2.0
#include "iceberg/manifest_io.h"

#include "iceberg/manifest_avro.h"
#include "iceberg/manifest_list_avro.h"
#include "iceberg/metadata_file.h"

namespace firn::iceberg {

Result<std::vector<ManifestFile>> ManifestIo::ReadManifestList(
    const base::Context& context, const Snapshot& snapshot) const {
  const std::string what = "manifest list " + snapshot.manifest_list;
  auto bytes = store_.Get(context, snapshot.manifest_list, kManifestListBytesMax);
  if (!bytes.ok()) return bytes.status().With(what);
  auto manifests = DecodeManifestList(*bytes);
  if (!manifests.ok()) return manifests.status().With(what);
  return manifests;
}

Result<ManifestHeader> ManifestIo::ReadManifest(
    const base::Context& context, const ManifestFile& manifest,
    const std::function<Status(const ManifestHeader&, ManifestEntry&&)>& visit) const {
  const std::string what = "manifest " + manifest.manifest_path;
  if (manifest.key_metadata) {
    return Status::Unimplemented(what + " is encrypted, which is not read");
  }
  auto bytes = store_.Get(context, manifest.manifest_path, kManifestBytesMax);
  if (!bytes.ok()) return bytes.status().With(what);
  // An error of the visitor is its own and gets no clause of this file.
  Status visit_status;
  auto header = DecodeManifest(
      *bytes, [&](const ManifestHeader& head, ManifestEntry&& entry) -> Status {
        FIRN_RETURN_IF_ERROR(InheritFrom(manifest, &entry));
        visit_status = visit(head, std::move(entry));
        return visit_status;
      });
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
