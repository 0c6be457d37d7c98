// SPDX-License-Identifier: Apache-2.0
// append.h: adds data files to a table as a new snapshot.
//
//   1. The new files go into one new manifest for each partition spec among them.
//   2. The manifests of the current snapshot are kept as they are (a fast append), unless
//      `commit.manifest.min-count-to-merge` or more have gathered: then small ones of one
//      spec are merged, up to `commit.manifest.target-size-bytes` each, so that what a
//      scan must open stays few.
//   3. A manifest list names them all, and a snapshot names the list.
//
// Everything is written under names never used before, so the writing can be given up at
// any point: nothing refers to it until a catalog commits the snapshot. Removing what was
// written for an attempt that failed is left to the caller.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/context.h"
#include "firn/status.h"
#include "iceberg/data_file.h"
#include "iceberg/manifest_io.h"
#include "iceberg/random.h"
#include "iceberg/snapshot.h"
#include "iceberg/table_metadata.h"

namespace firn::iceberg {

inline constexpr std::int64_t kManifestMergeMinCountDefault = 100;
inline constexpr std::int64_t kManifestTargetSizeBytesDefault = 8 << 20;

struct AppendRequest {
  std::vector<DataFile> files;
  // Added to the snapshot's summary beside the counts.
  std::map<std::string, std::string> summary;
};

// Write manifests and a manifest list for a snapshot that adds `request.files` to `base`.
// The snapshot's time is the larger of the clock and base.last_updated_ms. What was
// written is appended to `written` as it goes, also when an error is returned.
// InvalidArgument for a file that does not fit the table (partition, content, spec).
Result<Snapshot> WriteAppend(const base::Context& context, const ManifestIo& manifests,
                             const base::Clock& clock, RandomSource& random,
                             const TableMetadata& base, const AppendRequest& request,
                             std::vector<std::string>* written);

}  // namespace firn::iceberg
