// SPDX-License-Identifier: Apache-2.0
// conflicts.h: what others did to a branch since a change was planned, and whether the
// change may still be made.
//
// A change is planned on one snapshot and committed on the head of its branch. In between
// lie the snapshots of others. Of each the manifests that it added itself are read, and
// of their entries those that are its own: the rest of the table is not looked at.
//
// Every fault is a Conflict that names a file: who planned the change has to plan again.
// Retrying the same change cannot help.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <vector>

#include "base/context.h"
#include "firn/status.h"
#include "iceberg/file_change.h"
#include "iceberg/isolation_level.h"
#include "iceberg/manifest_io.h"
#include "iceberg/table_metadata.h"

namespace firn::iceberg {

// Whether a data file may hold rows that the change would have looked at. Null: any may.
using FileFilter = std::function<bool(const DataFile&)>;

// Which deletes may have been added for a file that is replaced.
enum class AddedDeletes : std::uint8_t {
  kRefuse,
  // Equality deletes still apply: what replaces the file keeps its sequence number.
  kAllowEquality,
};

// Thread-compatible. Borrows the metadata and the context.
class ConcurrentChanges {
 public:
  // The snapshots of `branch` after `planned_on`; absent: of the whole branch. Conflict
  // where `planned_on` is no ancestor of the branch's head (the branch was rolled back),
  // or snapshots in between were expired, so that nobody can tell.
  static Result<ConcurrentChanges> Since(const base::Context& context,
                                         const ManifestIo& manifests,
                                         const TableMetadata& metadata,
                                         const std::string& branch,
                                         std::optional<SnapshotId> planned_on);

  // No data file that may match was added by an append or overwrite. (What a replace adds
  // was there before.)
  Status CheckNoneAdded(const FileFilter& may_match) const;
  // No data file that may match was removed by an overwrite, delete or replace.
  Status CheckNoneRemoved(const FileFilter& may_match) const;
  // No delete was added that may apply to rows of one of `files`.
  Status CheckNoDeletesFor(const std::vector<DataFile>& files,
                           AddedDeletes deletes) const;
  // No delete file was added in one of `partitions`.
  Status CheckNoDeletesIn(const std::set<PartitionKey>& partitions) const;

 private:
  using EntryCheck = std::function<Status(const ManifestEntry&)>;

  ConcurrentChanges(const base::Context& context, const ManifestIo& manifests,
                    const TableMetadata& metadata)
      : context_(&context), manifests_(&manifests), metadata_(&metadata) {}
  // Call `check` with each entry that a snapshot of `operations` itself made.
  Status ForEachEntry(const std::set<Operation>& operations, ManifestContent content,
                      EntryStatus status, const EntryCheck& check) const;

  const base::Context* context_;
  const ManifestIo* manifests_;
  const TableMetadata* metadata_;
  std::vector<const Snapshot*> snapshots_;
};

}  // namespace firn::iceberg
