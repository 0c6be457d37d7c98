// SPDX-License-Identifier: Apache-2.0
// row_import.h: files of rows into a table, as one commit.
//
//  1. The sources are found: files of Parquet, CSV, NDJSON or Arrow IPC.
//  2. The table is loaded, or made for the columns of the first of them. One that is
//  there
//     has to be of a version that is written, and to lie as is asked of a new one.
//  3. Every row goes through a TableWriter: checked against the table's schema, into its
//     partitions, in its order.
//  4. Rows that were quarantined are committed to their table (dead_letter_table.h).
//  5. One append names all files; or one overwrite, where rows take the place of others:
//     of those with their keys or under a condition (row_rewrite.h), or of whole
//     partitions (iceberg/file_actions.h). Where its outcome is not known, the table is
//     looked at for the import's id, which is in the snapshot's summary.
//
// An import that fails or is cancelled leaves the table as it was: its files are removed,
// and so is a table that it made. If it fails after step 4, the quarantined rows are
// there.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/context.h"
#include "expr/predicate.h"
#include "firn/status.h"
#include "iceberg/catalog.h"
#include "table/new_table.h"
#include "table/row_bytes.h"
#include "table/row_file.h"
#include "table/row_rewrite.h"
#include "table/table_writer_options.h"

namespace firn::table {

struct ImportProgress {
  std::int64_t rows = 0;
  std::int64_t sources_done = 0;
  std::int64_t sources = 0;
};

struct ImportRequest {
  iceberg::TableIdentifier table;
  // Locations, directories and patterns (data_files.h); `-` is `standard_input`.
  std::vector<std::string> sources;
  ReadBytes standard_input;
  // Absent: by each source's name.
  std::optional<RowFormat> format;
  // The table is made where it is not there, and one that is there lies so (CheckLayout).
  // Absent: it is to be there, however it lies.
  std::optional<TableLayout> create;
  // Columns that identify a row: one of the table that has the same values there goes in
  // the same commit. None: rows are appended.
  std::vector<std::string> key;
  // The rows take the place of all that lie in the same partitions of the table's spec,
  // or of all where that has none. No row: nothing is replaced.
  bool overwrite_partitions = false;
  // The rows take the place of those for which this is true, and it has to be true for
  // each of them. Null: of none. REQUIRES: of these two and `key`, one at most.
  expr::PredicatePtr overwrite_where;
  // What the table's properties do not say. Where it quarantines, rows that the table
  // does not take are in another beside it (dead_letter_table.h), those too that do not
  // parse.
  TableWriterOptions writer;
  // Called now and then, by the calling thread. May be empty.
  std::function<void(const ImportProgress&)> on_progress;
};

struct ImportOutcome {
  iceberg::LoadedTable table;  // As it is afterwards.
  bool created = false;
  std::optional<iceberg::SnapshotId> snapshot_id;  // Absent: there was no row.
  std::int64_t sources = 0;
  std::int64_t rows = 0;  // Taken.
  // Of the table. By partition as their files count them: rows that delete files had
  // removed before are among them.
  std::int64_t rows_replaced = 0;
  std::int64_t files_replaced = 0;  // That held them.
  std::int64_t rows_quarantined = 0;
  iceberg::TableIdentifier quarantine;  // Where those are.
  std::int64_t files = 0;
  std::int64_t file_bytes = 0;
};

// The summary property that holds an import's id, a ULID.
inline constexpr char kImportIdKey[] = "firn.import-id";

// Errors: NotFound for a source or a table; InvalidArgument that names source, column and
// row for what the table does not take, and for a source whose format is not known;
// Conflict where rivals were quicker each time, or have added rows, since the table was
// loaded, to what is overwritten;
// ResourceExhausted of memory, disk or the spill's bound; Cancelled; what the store or
// catalog returns. CommitUnknown keeps every file, and says how to find out.
Result<ImportOutcome> ImportRows(const base::Context& context,
                                 const RowEnvironment& environment,
                                 const ImportRequest& request);

}  // namespace firn::table
