// SPDX-License-Identifier: Apache-2.0
// table_writer.h: rows as they come into a table's data files, within a memory budget.
//
//  1. A batch is checked against the table's fixed schema (batch_validator.h); invalid
//     rows are an error, or dead letters.
//  2. In a table without a sort order, rows go straight into the file of their partition
//     (partition_router.h, open_files.h). Where more partitions are in use than files may
//     be open, the rows of the others wait, sorted by partition, in memory or on disk
//     (external_sorter.h).
//  3. In a table with one, all rows are sorted by partition and order; those that come so
//     already go through as they are. One file is open at a time.
//  4. A file ends at its size, at its age, or at the end, and is durable before the
//     caller gets it. It is part of the table when a transaction appends it, which is
//     left to the caller.
//
// Write() works and blocks instead of holding more than the budget (docs/design/0023).
// Nothing runs in between: who owns the writer calls Tick() now and then.
//
// Thread-compatible: producers serialise.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/budget.h"
#include "firn/status.h"
#include "iceberg/catalog.h"
#include "iceberg/data_file.h"
#include "io/file.h"
#include "parquet/memory_pool.h"
#include "table/batch_validator.h"
#include "table/data_file_writer.h"
#include "table/dead_letter_sink.h"
#include "table/external_sorter.h"
#include "table/open_files.h"
#include "table/partition_router.h"
#include "table/table_writer_options.h"

namespace firn::table {

// What it refers to must outlive the writer.
struct TableWriterEnvironment {
  DataFileEnvironment files;
  // Where rows are spilled to: files `firn-spill-{ulid}`, gone with the writer. What a
  // crash leaves of them is garbage to who owns the directory.
  io::FileSystem& spill_files;
  std::string spill_directory;
  DeadLetterSink* dead_letters = nullptr;  // Needed for OnInvalid::kQuarantine.
  // Called with each batch once it was held against the table's schema; marks further
  // rows as invalid. REQUIRES: they stay in order, one fault each. May be empty.
  std::function<Status(CheckedBatch& batch)> check_rows = {};
  // What a row of the batch being written is called in errors, such as `line 7`: where it
  // is in its source. May be empty: then rows count in the batch.
  std::function<std::string(std::int64_t row)> row_name = {};
};

class TableWriter {
 public:
  // Files are written for the current schema, default spec and default sort order of
  // `table`. InvalidArgument for options or a spec that cannot be written.
  static Result<std::unique_ptr<TableWriter>> Make(
      const TableWriterEnvironment& environment, const iceberg::LoadedTable& table,
      const TableWriterOptions& options);
  // Removes every file that was not taken, and what was spilled.
  ~TableWriter();
  TableWriter(const TableWriter&) = delete;
  TableWriter& operator=(const TableWriter&) = delete;

  // Take the rows of a batch. A batch that does not fit the table is InvalidArgument, and
  // nothing of it was taken; the writer goes on. After any other error it refuses all.
  Status Write(const arrow::RecordBatch& batch);

  // End the files whose first row came longer ago than the rotation timeout.
  Status Tick();
  // End every file: all rows taken so far are in files.
  Status Flush();
  // The files that ended since the last call. They are the caller's from now on.
  std::vector<iceberg::DataFile> TakeFiles();
  // Flush(), and all files that were not taken yet.
  Result<std::vector<iceberg::DataFile>> Finish() &&;

  TableWriterStats stats() const;

 private:
  TableWriter(const TableWriterEnvironment& environment, iceberg::LoadedTable table,
              const TableWriterOptions& options, BatchValidator validator,
              PartitionRouter router);
  Status MakeSorter();
  Result<std::shared_ptr<arrow::RecordBatch>> Validate(const arrow::RecordBatch& batch);
  Status Take(const std::shared_ptr<arrow::RecordBatch>& rows);
  Status TakeStep(const std::shared_ptr<arrow::RecordBatch>& rows);
  Status WriteRouted(const std::shared_ptr<arrow::RecordBatch>& rows);
  Status WriteClustered(const std::shared_ptr<arrow::RecordBatch>& rows);
  Status Sort(KeyedRows rows);
  Status DrainSorter();
  Status Remember(Status outcome);

  const TableWriterEnvironment environment_;
  const iceberg::LoadedTable table_;
  const TableWriterOptions options_;
  const BatchValidator validator_;
  const PartitionRouter router_;
  TableWriterStats stats_;
  base::ByteBudget budget_;
  parquet::BudgetMemoryPool pool_;
  std::optional<RowKeyEncoder> order_;  // By partition and order; absent: unsorted.
  BegunFiles begun_;
  std::vector<iceberg::DataFile> finished_;
  std::unique_ptr<ExternalSorter> sorter_;
  std::unique_ptr<OpenFiles> open_files_;
  std::int64_t row_bytes_ = 1;         // Of the batch being taken.
  std::int64_t waiting_since_ns_ = 0;  // Of the rows in the sorter.
  Status failed_;
};

}  // namespace firn::table
