// SPDX-License-Identifier: Apache-2.0
// compactor.h: writes groups of data files anew, and commits what takes their place.
//
//   for each group of the plan (compaction_plan.h)
//     1. read its files, one after the other (table_source.h)
//     2. write their rows for the current schema, spec and sort order (table_writer.h)
//     3. the rows written are as many as the files said they had, or it is given up
//   once enough groups are written: commit them together, as a `replace`
//     4. Conflict: commit each by itself; one that conflicts alone is given up, and what
//        was written for it removed. A rival has removed one of its files, or added
//        deletes for them, and what it did stays.
//
// The new files keep the sequence number of the snapshot that was planned on, so that
// equality deletes committed meanwhile apply to them as to the old ones. Properties are
// not touched: a writer's position (position.h) stays what it is.
//
// Cancelled, or failed, at any point: groups that were committed are, of the others no
// file is left. Where the outcome of a commit is not known its files stay.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/context.h"
#include "firn/status.h"
#include "iceberg/catalog.h"
#include "table/compaction_plan.h"
#include "table/row_environment.h"
#include "table/table_writer_options.h"

namespace firn::table {

struct CompactionProgress {
  std::int64_t groups = 0;  // Written, or given up.
  std::int64_t groups_total = 0;
  std::int64_t rows = 0;
};

struct CompactorOptions {
  // Of the new files; the table's write properties have changed it already. The size of
  // files is the group's.
  TableWriterOptions writer;
  // Into about how many commits the groups go: partial-progress.max-commits.
  std::int64_t commits_max = 10;
  iceberg::CommitOptions commit;
  // Called after each batch of rows and each group. May be empty.
  std::function<void(const CompactionProgress&)> progress;
};

struct CompactionReport {
  std::int64_t groups = 0;  // Committed.
  std::int64_t groups_given_up = 0;
  std::int64_t files_removed = 0;
  std::int64_t files_added = 0;
  std::int64_t bytes_removed = 0;
  std::int64_t bytes_added = 0;
  std::int64_t rows = 0;
  std::int64_t commits = 0;
  std::vector<std::string> reasons;  // Of the first ten groups given up.
};

// Rewrite the groups of `plan`, which was made of `table`. `*report` counts also where an
// error is returned.
// Errors: Corruption where a file does not have the rows that the table says it has;
// CommitUnknown; those of reading and writing.
Status Compact(const base::Context& context, const RowEnvironment& environment,
               const iceberg::LoadedTable& table, CompactionPlan plan,
               const CompactorOptions& options, CompactionReport* report);

}  // namespace firn::table
