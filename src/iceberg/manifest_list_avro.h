// SPDX-License-Identifier: Apache-2.0
// manifest_list_avro.h: manifest lists as Avro files, format version 2.
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

// Corruption where the bytes are no manifest list of version 2.
Result<std::vector<ManifestFile>> DecodeManifestList(std::string_view bytes);

}  // namespace firn::iceberg
