// SPDX-License-Identifier: Apache-2.0
// compaction_plan.h: which data files of a snapshot are to be written anew, and together.
//
//   1. A file is a candidate where its size is outside of [min, max], or its partition
//      spec is not the table's default one (any more), or rows of it were deleted.
//   2. Candidates are grouped by partition; those of older specs by their spec, for their
//      rows may belong to many partitions of the new one.
//   3. A partition's candidates are packed, in the order in which their rows came, into
//      groups of at most the group size.
//   4. A group is rewritten where it has enough files; or more than one and enough bytes
//      for a file of the target size; or a file above the maximum; or an older spec; or
//      deleted rows, which are gone afterwards.
//
// The names and defaults are those of Iceberg's own rewrite of data files.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/context.h"
#include "firn/status.h"
#include "iceberg/data_file.h"
#include "iceberg/manifest_io.h"
#include "iceberg/plan.h"
#include "iceberg/table_metadata.h"

namespace firn::table {

struct CompactionOptions {
  // target-file-size-bytes; absent: write.target-file-size-bytes, or 512 MiB.
  std::optional<std::int64_t> target_file_bytes = {};
  std::optional<std::int64_t> file_bytes_min =
      {};  // min-file-size-bytes; 0.75 of the target.
  std::optional<std::int64_t> file_bytes_max =
      {};  // max-file-size-bytes; 1.8 of the target.
  // What the writer ends files at. The sizes that are not given above are such that no
  // file is rewritten for being as large as that. REQUIRES: above 0.
  std::int64_t output_bytes_max = INT64_MAX;
  std::int64_t input_files_min = 5;                        // min-input-files.
  std::int64_t group_bytes_max = std::int64_t{100} << 30;  // max-file-group-size-bytes.
  bool rewrite_all = false;  // rewrite-all: every file and group.
  // Candidates looked at; what is left is for the next time. Some 200 MB.
  std::int64_t candidates_max = 500'000;
};

struct CompactionSizes {
  std::int64_t target_bytes = 0;
  std::int64_t min_bytes = 0;
  std::int64_t max_bytes = 0;
};
// InvalidArgument where min < target < max does not hold, or something is not above 0.
Result<CompactionSizes> SizesOf(const CompactionOptions& options,
                                const iceberg::TableMetadata& metadata);

struct CompactionGroup {
  // Without their metrics, in the order in which their rows came.
  std::vector<iceberg::ScanTask> tasks;
  std::int64_t bytes = 0;
  std::int64_t rows = 0;  // With those that were deleted.
  bool has_deletes = false;
  // How large the new files are to be: so that the last is not a small one again.
  std::int64_t file_bytes_target = 0;
};

struct CompactionPlan {
  std::optional<iceberg::SnapshotId> planned_on;  // Absent: an empty table, no groups.
  iceberg::SequenceNumber sequence_number;        // Of that snapshot.
  std::int64_t files = 0;                         // Of the snapshot.
  std::vector<CompactionGroup> groups;
};

// Plan for the current snapshot. Files that are not Parquet, or are encrypted, are passed
// over. Unimplemented for a table of another format version than 2; otherwise what
// iceberg::PlanFiles returns.
Result<CompactionPlan> PlanCompaction(const base::Context& context,
                                      const iceberg::ManifestIo& manifests,
                                      const iceberg::TableMetadata& metadata,
                                      const CompactionOptions& options);

}  // namespace firn::table
