// SPDX-License-Identifier: Apache-2.0
// manifest_merge.h: decides which manifests of a new snapshot become one. Pure.
//
//   oldest                                                         newest
//   [ ······ bin ······ ] [ ······ bin ······ ] [ ··· newest bin ··· ]
//                                                  └── merged tail ──┘
//
//   1. The manifests of one spec, oldest first, are packed into bins of at most the
//      target size. Packing from the old end keeps the bins where they are when the next
//      commit adds a manifest; only the newest bin grows.
//   2. A bin that is full, and so not the newest, becomes one manifest.
//   3. The newest bin is left alone until it has the minimum count. Then its newest
//      manifests are merged, back to the first that holds more than twice the files of
//      all newer ones together: each merge so at least grows what it rewrites by half,
//      and a file is rewritten a logarithmic number of times, not once for each merge.
#pragma once

#include <cstdint>
#include <vector>

#include "iceberg/table_metadata.h"

namespace firn::iceberg {

inline constexpr std::int64_t kManifestMergeMinCountDefault = 100;
inline constexpr std::int64_t kManifestTargetSizeBytesDefault = 8 << 20;

struct MergePolicy {
  bool enabled = true;
  std::int64_t count_min = kManifestMergeMinCountDefault;
  std::int64_t target_bytes = kManifestTargetSizeBytesDefault;

  // By the commit.manifest* properties.
  static MergePolicy Of(const TableMetadata& metadata);
};

struct ManifestSize {
  std::int64_t bytes = 0;
  std::int64_t files = 0;
};

// Groups of positions in `manifests`, which are newest first, in their order: a group of
// one stays as it is, a larger one becomes one manifest.
std::vector<std::vector<std::size_t>> GroupManifests(
    const std::vector<ManifestSize>& manifests, const MergePolicy& policy);

}  // namespace firn::iceberg
