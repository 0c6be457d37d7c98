// SPDX-License-Identifier: Apache-2.0
// file_change.h: the files that enter and leave a table by one snapshot.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "iceberg/data_file.h"
#include "iceberg/ids.h"
#include "iceberg/partition_order.h"
#include "iceberg/snapshot.h"

namespace firn::iceberg {

struct FileChange {
  Operation operation = Operation::kAppend;
  // Data files and delete files, told apart by their content.
  std::vector<DataFile> added;
  // The data sequence number of the added data files; absent: that of the snapshot. A
  // replace keeps the number of what it replaces, so that deletes made meanwhile apply.
  std::optional<SequenceNumber> added_sequence_number;
  // Found by path; content, spec and partition say which manifests to look into. Each
  // must be in the table.
  std::vector<DataFile> removed;
  // Every live data file of these partitions is removed as well.
  std::set<PartitionKey> removed_partitions;
  // Added to the snapshot's summary beside the counts.
  std::map<std::string, std::string> summary;
  // Whether manifests may be merged on the way (snapshot_producer.h).
  bool merge_manifests = true;
};

// Where the snapshot goes.
struct SnapshotTarget {
  std::string branch = std::string(kMainBranch);
  // Leave the branch where it is: the snapshot is there to be looked at, and published by
  // a cherry-pick.
  bool stage_only = false;
  bool operator==(const SnapshotTarget&) const = default;
};

}  // namespace firn::iceberg
