// SPDX-License-Identifier: Apache-2.0
// manifest_avro.h: manifests as Avro files: those of version 1 to 3 read, 2 and 3
// written.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "firn/status.h"
#include "iceberg/manifest.h"

namespace firn::iceberg {

// Largest manifest that is read, and largest after decompression of one block.
inline constexpr std::uint64_t kManifestBytesMax = std::uint64_t{256} << 20;

// InvalidArgument where an entry does not fit the header's spec: wrong number or type of
// partition values, deletes in a data manifest.
Result<std::string> EncodeManifest(const ManifestHeader& header,
                                   const std::vector<ManifestEntry>& entries);

// Call `visit` with each entry in order. Entries are as they are stored: call InheritFrom
// on each. The first error of `visit` ends the reading and is returned. Corruption where
// the bytes are no manifest; Unimplemented for a manifest newer than format version 3.
Result<ManifestHeader> DecodeManifest(
    std::string_view bytes,
    const std::function<Status(const ManifestHeader&, ManifestEntry&&)>& visit,
    const MetricsOf* metrics_of = nullptr);

}  // namespace firn::iceberg
