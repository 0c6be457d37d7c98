// SPDX-License-Identifier: Apache-2.0
// row_delete.h: the rows that match a condition out of a table, by rewriting the files
// that hold them (copy-on-write).
//
//  1. The files that may hold such rows are planned from one snapshot.
//  2. In each, the rows are counted that match: only the condition's columns are read.
//     Files without any are left alone; files of nothing else go as they are.
//  3. The others' remaining rows are written anew, by the table's current schema,
//     partition spec and order.
//  4. One overwrite swaps the files, if no rival has changed any of them and, under the
//     serializable isolation level, none added rows that may match. Else it begins again.
//
// A row for which the condition is NULL does not match and stays.
#pragma once

#include <cstdint>
#include <functional>

#include "base/context.h"
#include "expr/predicate.h"
#include "firn/status.h"
#include "table/row_import.h"

namespace firn::table {

struct DeleteRequest {
  iceberg::TableIdentifier table;
  // As it was written: literals are bound to the columns here. Null: every row.
  expr::PredicatePtr predicate;
  bool dry_run = false;  // Count only.
  std::int64_t memory_bytes_max = TableWriterOptions().memory_bytes_max;
  // Called after each file that was looked at, with how many of how many. May be empty.
  std::function<void(std::int64_t done, std::int64_t files)> on_progress;
};

struct DeleteOutcome {
  iceberg::LoadedTable table;                      // As it is afterwards.
  std::optional<iceberg::SnapshotId> snapshot_id;  // Absent: no row matched.
  std::int64_t rows = 0;                           // That matched.
  std::int64_t files_removed = 0;                  // All of their rows matched.
  std::int64_t files_rewritten = 0;
  std::int64_t rows_rewritten = 0;
};

// How often it begins again where rivals are quicker.
inline constexpr int kDeletePlansMax = 5;

// Errors: NotFound for the table or a column of the condition; InvalidArgument where the
// condition does not go with the columns, or cannot be decided exactly on them; Conflict
// where rivals were quicker each time; those of scans and writers. CommitUnknown keeps
// every file. After any other the table is as it was and what was written is removed.
Result<DeleteOutcome> DeleteRows(const base::Context& context,
                                 const ImportEnvironment& environment,
                                 const DeleteRequest& request);

}  // namespace firn::table
