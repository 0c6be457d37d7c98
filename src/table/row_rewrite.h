// SPDX-License-Identifier: Apache-2.0
// row_rewrite.h: rows out of a table, by writing the files that hold them anew
// (copy-on-write), and perhaps others in their place.
//
//  1. The files that may hold such rows are planned from one snapshot.
//  2. In each, the rows are counted that match: only the columns needed for that are
//     read. Files without any are left alone; files of nothing else go as they are.
//  3. The others' remaining rows are written anew, by the table's current schema,
//     partition spec and order.
//  4. One overwrite swaps the files, if no rival has changed any of them or, where the
//     isolation is serializable, added rows that may match. Else it begins again.
//
// A row for which a condition is NULL does not match and stays.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "firn/status.h"
#include "iceberg/catalog.h"
#include "iceberg/table_metadata.h"
#include "table/row_environment.h"
#include "table/row_matcher.h"
#include "table/table_writer_options.h"

namespace firn::table {

struct RewriteRequest {
  iceberg::TableIdentifier table;
  RowMatcher& matcher;
  // Files that become part of the table in the same commit; they stay the caller's.
  std::vector<iceberg::DataFile> added = {};
  // The table as it was when they were begun: Conflict where another has its name by now,
  // or where a column that the matcher looks at is another, or of another type. Null
  // where nothing is added. Must outlive the call.
  const iceberg::TableMetadata* written_for = nullptr;
  std::map<std::string, std::string> summary = {};
  // The property of the table that says how far it is isolated from rivals.
  std::string_view isolation_property = iceberg::kPropertyDeleteIsolation;
  // Where the isolation is serializable, rows that may match and that a rival has added
  // since `written_for` are a Conflict, rather than replaced although nobody had seen
  // them. Otherwise what is replaced is what is there when this begins, or begins again.
  bool refuses_unseen = false;
  bool dry_run = false;  // Count only.
  // What the table's properties do not say.
  TableWriterOptions writer = {};
  // Called after each file that was looked at, with how many of how many. May be empty.
  std::function<void(std::int64_t done, std::int64_t files)> on_progress = {};
};

struct RewriteOutcome {
  iceberg::LoadedTable table;                      // As it is afterwards.
  std::optional<iceberg::SnapshotId> snapshot_id;  // Absent: there was nothing to do.
  std::int64_t rows = 0;                           // That matched.
  std::int64_t files_removed = 0;                  // All of their rows matched.
  std::int64_t files_rewritten = 0;
  std::int64_t rows_rewritten = 0;
};

// How often it begins again where rivals are quicker.
inline constexpr int kRewritePlansMax = 5;

// Errors: NotFound for the table; those of the matcher; InvalidArgument for an isolation
// level that is none; Conflict where rivals were quicker each time, or have changed the
// table as RewriteRequest says; those of scans and writers. CommitUnknown keeps every
// file. After any other the table is as it was and what was written here is removed.
Result<RewriteOutcome> RewriteRows(const base::Context& context,
                                   const RowEnvironment& environment,
                                   const RewriteRequest& request);

}  // namespace firn::table
