// SPDX-License-Identifier: Apache-2.0
// removed_files.h: finds the files that a change takes out of a table.
//
// Manifests are asked about first, by spec and partition summary, so that only those are
// read that may hold a removed file. Thread-compatible; borrows the change.
#pragma once

#include <map>
#include <set>
#include <string_view>

#include "firn/status.h"
#include "iceberg/file_change.h"
#include "iceberg/manifest.h"
#include "iceberg/table_metadata.h"

namespace firn::iceberg {

class RemovedFiles {
 public:
  // `change` must outlive it.
  RemovedFiles(const TableMetadata& base, const FileChange& change);

  // False where none that is still looked for can be in the manifest.
  bool MayBeIn(const ManifestFile& manifest) const;

  // Whether the file is to be removed. One named by its path is found once by this.
  bool Take(const DataFile& file);

  // Conflict that names a file which no manifest held.
  Status CheckAllFound() const;

 private:
  struct PartitionCount {
    std::int64_t sought = 0;  // Files not found yet.
    bool whole = false;       // All data files of the partition go.
  };
  // By content, spec and partition.
  using Key = std::pair<ManifestContent, PartitionKey>;

  static bool SummaryAdmits(const ManifestFile& manifest, const StructType& type,
                            const PartitionValues& partition);

  std::map<SpecId, StructType> partition_types_;
  std::map<Key, PartitionCount> partitions_;
  std::map<std::string_view, const DataFile*> sought_;
};

}  // namespace firn::iceberg
