// SPDX-License-Identifier: Apache-2.0
// new_snapshot.h: the files of a snapshot that is being made: its manifests and its list.
//
// Everything is written under names never used before; nothing refers to it until a
// catalog commits the snapshot. Locations are added to the environment's `written` as
// they are. What goes into the manifests is decided by who makes the snapshot
// (snapshot_producer.h, rewrite_manifests.h).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/context.h"
#include "firn/status.h"
#include "iceberg/manifest.h"
#include "iceberg/snapshot.h"
#include "iceberg/snapshot_producer.h"
#include "iceberg/table_metadata.h"

namespace firn::iceberg {

// Unimplemented for a table of another format version than 2.
Status CheckFilesAreWritable(const TableMetadata& base);

// Writes manifests of one snapshot. Thread-compatible; borrows all.
class SnapshotManifests {
 public:
  SnapshotManifests(const base::Context& context, const SnapshotEnvironment& environment,
                    const TableMetadata& base, SnapshotId snapshot_id);

  // With the current schema, or the newest that still has the columns the spec is made
  // of. REQUIRES: the table has the spec.
  Result<ManifestHeader> HeaderOf(SpecId spec_id, ManifestContent content) const;
  // Write a manifest, partition values promoted to the header's types, and append it to
  // `out`.
  Status Write(const ManifestHeader& header, std::vector<ManifestEntry> entries,
               std::vector<ManifestFile>* out);

 private:
  const base::Context& context_;
  const SnapshotEnvironment& env_;
  const TableMetadata& base_;
  const SnapshotId snapshot_id_;
  const SequenceNumber sequence_number_;
  const std::string prefix_;
  int manifests_written_ = 0;
};

// The next snapshot of a branch; a branch that does not exist is empty. Its time is the
// larger of the clock and base.last_updated_ms. Thread-compatible; borrows all.
class NewSnapshot {
 public:
  NewSnapshot(const base::Context& context, const SnapshotEnvironment& environment,
              const TableMetadata& base, const std::string& branch);

  SnapshotId id() const { return snapshot_.id; }
  const Snapshot* parent() const { return parent_; }  // Null: there is none.
  Result<std::vector<ManifestFile>> ParentManifests() const;

  // Write the manifest list, and return the snapshot that names it.
  Result<Snapshot> Write(Operation operation, const std::vector<ManifestFile>& manifests,
                         std::map<std::string, std::string> summary) &&;

 private:
  const base::Context& context_;
  const SnapshotEnvironment& env_;
  const Snapshot* const parent_;
  Snapshot snapshot_;
};

}  // namespace firn::iceberg
