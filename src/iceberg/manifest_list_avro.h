// SPDX-License-Identifier: Apache-2.0
// manifest_list_avro.h: manifest lists as Avro files: those of version 1 to 3 read, 2
// written.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "firn/status.h"
#include "iceberg/manifest.h"

namespace firn::iceberg {

inline constexpr std::uint64_t kManifestListBytesMax = std::uint64_t{64} << 20;

Result<std::string> EncodeManifestList(SnapshotId snapshot_id,
                                       std::optional<SnapshotId> parent_id,
                                       SequenceNumber sequence_number,
                                       const std::vector<ManifestFile>& manifests);

// Counts that a list of version 1 leaves out are unknown: added_files_count is
// ManifestFile::kCountUnknown. Corruption where the bytes are no manifest list.
Result<std::vector<ManifestFile>> DecodeManifestList(std::string_view bytes);

}  // namespace firn::iceberg
