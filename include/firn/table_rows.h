// SPDX-License-Identifier: Apache-2.0
// table_rows.h: tables made for rows, rows of files taken into them, and rows removed.
//
// Each call is one commit: all of the rows or none. (Rows that are quarantined are in one
// of their own, before the others.) A running server keeps its tables
// meanwhile: it sees the rows at its next settle.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "firn/db.h"
#include "firn/status.h"

namespace firn {

namespace base {
class Context;
}  // namespace base

// How a table lies. Texts as people write them:
//
//   partition   day(ts), bucket(16, host)
//   sort        service, ts desc nulls last
struct TableLayoutText {
  std::string partition;
  std::string sort;
  std::vector<std::pair<std::string, std::string>> properties;
};

struct ImportOptions {
  // Locations, directories of Parquet files and patterns; `-` is `standard_input`.
  std::vector<std::string> sources;
  // Fills `out` and returns how many bytes it got, fewer than `size` at the end alone.
  std::function<Result<std::int64_t>(std::int64_t size, char* out)> standard_input;
  // parquet, csv, tsv, ndjson or arrow; empty: by each source's name, where .gz, .bz2,
  // .lz4 and .zst say how it is compressed.
  std::string format;
  // The table is made where it is not there, for the columns of the first source; one
  // that is there has to lie so in what this says. Absent: it has to be there.
  std::optional<TableLayoutText> create;
  // Columns that identify a row (upsert): one of the table that has the same values there
  // is replaced. A row with NULL in them, or with a key that came before, is none that
  // the table takes. None: rows are appended.
  std::vector<std::string> key;
  // The rows take the place of all that lie in the same partitions (dynamic overwrite);
  // of all rows where the table is not partitioned. Other partitions stay, and without a
  // row everything does. Files that lie by an earlier partitioning of the table stay.
  bool overwrite_partitions = false;
  // The rows take the place of those for which this condition is true: the text is that
  // of DeleteOptions::filter. A row for which it is not true is none that the table
  // takes. Without a row those of the table are removed. Empty: of none.
  std::string overwrite_where;
  // What becomes of a row that the table does not take, or that does not parse. Absent:
  // as DbOptions::table_writes says.
  std::optional<OnInvalidRow> on_invalid;
  // Told now and then how many rows were taken, and how many of the sources. May be
  // empty.
  std::function<void(std::int64_t rows, std::int64_t sources_done, std::int64_t sources)>
      on_progress;
};

struct ImportReport {
  TableSummary table;  // As it is afterwards.
  bool created = false;
  std::optional<std::int64_t> snapshot_id;  // Absent: there was no row.
  std::int64_t sources = 0;
  std::int64_t rows = 0;  // Taken.
  // Of the table, by `key` or an overwrite. Of partitions as their files count them: rows
  // that delete files had removed before are among them.
  std::int64_t rows_replaced = 0;
  std::int64_t files_replaced = 0;  // That held them.
  std::int64_t rows_quarantined = 0;
  std::string quarantine_table;  // Where those are; empty where there are none.
  std::int64_t files = 0;
  std::int64_t file_bytes = 0;
};

struct DeleteOptions {
  // Which rows: a condition such as `ts < TIMESTAMP '2026-01-02T00:00:00Z' AND host =
  // 'a'`. Empty: all of them.
  std::string filter;
  bool dry_run = false;  // Say what would go, and change nothing.
  // Told after each file that was looked at. May be empty.
  std::function<void(std::int64_t done, std::int64_t files)> on_progress;
};

struct DeleteReport {
  TableSummary table;                       // As it is afterwards.
  std::optional<std::int64_t> snapshot_id;  // Absent: no row matched, or a dry run.
  std::int64_t rows = 0;                    // That matched.
  std::int64_t files_removed = 0;
  std::int64_t files_rewritten = 0;
  std::int64_t rows_rewritten = 0;
};

// Thread-safe. Errors common to all: InvalidArgument for a text, naming the character;
// what the store or catalog returns.
class TableRows {
 public:
  // Of `options` those count that name the warehouse, catalog and storage, and
  // `table_writes`: InvalidArgument where a codec of it is none. A local warehouse that
  // is not there is made.
  static Result<std::unique_ptr<TableRows>> Open(const DbOptions& options);
  virtual ~TableRows() = default;

  // Make a table, and its namespace where that is not there. `columns`:
  // `id long required, ts timestamptz, tags map<string, string>`. AlreadyExists.
  virtual Result<TableSummary> Create(const base::Context& context,
                                      std::string_view table, std::string_view columns,
                                      const TableLayoutText& layout) = 0;

  // Whether a table that is there lies as `layout` asks, in what that says: OK also where
  // there is none. InvalidArgument names the first difference.
  virtual Status CheckLayout(const base::Context& context, std::string_view table,
                             const TableLayoutText& layout) = 0;

  // Append the rows of files, or put them in the place of those that have their keys, lie
  // in their partitions or match a condition; these three exclude each other.
  // Columns go by name; nothing is inferred but the columns of a new table. Where it
  // fails or is cancelled the table is as it was, and one that was made for it is gone
  // again. NotFound for a source or table; InvalidArgument names source, column and row
  // of what the table does not take; Conflict where rivals were quicker again and again,
  // or have meanwhile added rows to what is overwritten (the table's property
  // `write.update.isolation-level` may say that this is none); CommitUnknown says how to
  // find out.
  virtual Result<ImportReport> Import(const base::Context& context,
                                      std::string_view table,
                                      const ImportOptions& options) = 0;

  // Remove the rows for which a condition is true, by writing their files anew without
  // them. Conflict where rivals change the same files, or add such rows, again and again.
  virtual Result<DeleteReport> Delete(const base::Context& context,
                                      std::string_view table,
                                      const DeleteOptions& options) = 0;
};

}  // namespace firn
