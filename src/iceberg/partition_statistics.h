// SPDX-License-Identifier: Apache-2.0
// partition_statistics.h: what the files of each partition come to.
//
// Counted from the manifests alone: rows are those of data files, whatever delete files
// take away again, and bounds are those that manifests have, which may be wider than the
// values and are cut for long text. Names follow "Partition Statistics File" of the
// specification.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/context.h"
#include "firn/status.h"
#include "firn/time.h"
#include "iceberg/manifest_io.h"
#include "iceberg/table_metadata.h"

namespace firn::iceberg {

// A column over all data files of a partition.
struct ColumnStatistics {
  // Absent where some file with a value does not say its bound; or there is none.
  OptionalValue lower_bound;
  OptionalValue upper_bound;
  std::optional<std::int64_t> null_count;  // Absent where some file does not say.
  std::optional<std::int64_t> nan_count;   // Of float and double columns.
};

struct PartitionStatistics {
  SpecId spec_id;
  PartitionValues partition;
  std::int64_t data_record_count = 0;
  std::int64_t data_file_count = 0;
  std::int64_t total_data_file_size_bytes = 0;
  std::int64_t position_delete_record_count = 0;  // Of deletion vectors, too.
  std::int64_t position_delete_file_count = 0;
  std::int64_t equality_delete_record_count = 0;
  std::int64_t equality_delete_file_count = 0;
  // When its youngest file came; absent where that snapshot is gone.
  std::optional<TimestampMs> last_updated_ms;
  std::optional<SnapshotId> last_updated_snapshot_id;
  std::vector<ColumnStatistics> columns;  // As they were asked for.
};

// By spec and values, NULL first. `columns` are ids of primitive columns of the current
// schema. Held in memory: a value for each partition, of files nothing. Corruption as in
// planning (plan.h); a bound that does not parse is none.
Result<std::vector<PartitionStatistics>> ComputePartitionStatistics(
    const base::Context& context, const ManifestIo& manifests,
    const TableMetadata& metadata, const Snapshot& snapshot,
    const std::vector<FieldId>& columns);

}  // namespace firn::iceberg
