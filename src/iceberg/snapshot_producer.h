// SPDX-License-Identifier: Apache-2.0
// snapshot_producer.h: writes the manifests of a snapshot that changes a table's files.
//
//   1. A manifest of the branch's head that holds none of the removed files is kept as it
//      is. One that may hold some, by its spec and partition summary, is read; if it
//      does, it is written anew: removed files become DELETED by this snapshot, the
//      others EXISTING with the numbers they had.
//   2. The added files go into one new manifest for each spec and content.
//   3. Small data manifests of one spec are merged (manifest_merge.h). Delete manifests
//      are carried along.
//   4. A manifest without live files is left out, unless it says what this snapshot
//      removed.
//   5. A manifest list names them all, newest first, and the snapshot names the list.
//
// Everything is written under names never used before, so the writing can be given up at
// any point: nothing refers to it until a catalog commits the snapshot. Removing what was
// written for an attempt that failed is left to the caller.
//
// One manifest's entries are in memory at a time, or those of one merge, which the
// target size bounds.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/context.h"
#include "firn/status.h"
#include "iceberg/file_change.h"
#include "iceberg/manifest_io.h"
#include "iceberg/random.h"
#include "iceberg/snapshot.h"
#include "iceberg/table_metadata.h"

namespace firn::iceberg {

// What is needed to write a snapshot. All must outlive the call.
struct SnapshotEnvironment {
  const ManifestIo& manifests;
  const base::Clock& clock;
  RandomSource& random;
  // Locations are appended as they are written, also where an error is returned.
  std::vector<std::string>& written;
};

// Write manifests and a manifest list for a snapshot that makes `change` to the head of
// `branch` in `base`; a branch that does not exist is empty. The snapshot's time is the
// larger of the clock and base.last_updated_ms.
// Errors: InvalidArgument for a file that does not fit the table (partition, spec, an
// unknown content), or is added and removed at once; Conflict, naming it, for a removed
// file that is not in the branch (any more); Unimplemented for a table of another format
// version than 2.
Result<Snapshot> WriteSnapshot(const base::Context& context,
                               const SnapshotEnvironment& environment,
                               const TableMetadata& base, const FileChange& change,
                               const std::string& branch);

}  // namespace firn::iceberg
