// SPDX-License-Identifier: Apache-2.0
// open_files.h: the files that a TableWriter has open, a partition each, within memory
// and number. Internal to TableWriter.
//
//  - A file is full at its target size: what is still in memory counts as much as the
//    rows written before took on disk. A batch that crosses it is split.
//  - Where all files together hold more than their memory, the largest end their row
//    groups; where that is not enough, the largest file ends.
//  - A file of some size to which nothing came for many rows ends: rows mostly come by
//    time, and what a file holds in memory is then held for nothing. The first partition
//    that comes back nevertheless puts an end to that, so that rows that do not come by
//    time make no more than one file more for each partition.
//  - Where no further file may be open, one that was not written to for many turns gives
//    up its place; while every file is in use, a row of another partition is the caller's
//    to keep.
//
// Thread-compatible.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "base/budget.h"
#include "parquet/memory_pool.h"
#include "table/data_file_writer.h"
#include "table/partition_router.h"
#include "table/table_writer_options.h"

namespace firn::table {

class OpenFiles {
 public:
  using FileSink = std::function<Status(iceberg::DataFile)>;

  // All must outlive this. Finished files go to `sink`.
  OpenFiles(const DataFileEnvironment& environment, const iceberg::LoadedTable& table,
            std::shared_ptr<arrow::Schema> schema, const TableWriterOptions& options,
            DataFileForm form, base::ByteBudget& budget, BegunFiles& begun, FileSink sink,
            TableWriterStats& stats);
  ~OpenFiles();
  OpenFiles(const OpenFiles&) = delete;
  OpenFiles& operator=(const OpenFiles&) = delete;

  // Begin a turn: a batch of rows of any partitions. Coldness is counted in turns. Ends
  // files to which nothing comes any more.
  Status NextTurn();
  // Whether a row of the partition can be written: it has a file, or may have one.
  Result<bool> MakeRoom(const std::string& key);
  // Write rows of one partition, of about `row_bytes` each in memory.
  // REQUIRES: MakeRoom(key) was true, or CloseOthers(key) came before.
  Status Write(const PartitionRows& partition, const arrow::RecordBatch& rows,
               std::int64_t row_bytes);
  // End every file but that of `key`: rows come in the order of their partitions.
  Status CloseOthers(const std::string& key);
  Status CloseAll();
  // End the files that were begun before `steady_ns`.
  Status CloseOlder(std::int64_t steady_ns);
  std::size_t count() const { return files_.size(); }

 private:
  struct File;
  using Files = std::unordered_map<std::string, std::unique_ptr<File>>;
  std::size_t CountMax() const;
  std::int64_t HeldBytes() const;
  std::int64_t RowsLeft(const File& file, std::int64_t row_bytes) const;
  Result<Files::iterator> Find(const PartitionRows& partition);
  Status Append(File* file, const arrow::RecordBatch& rows, std::int64_t row_bytes);
  Result<Files::iterator> Close(Files::iterator file);
  Status Relieve();

  const DataFileEnvironment environment_;
  const iceberg::LoadedTable& table_;
  const std::shared_ptr<arrow::Schema> schema_;
  const TableWriterOptions& options_;
  const DataFileForm form_;
  base::ByteBudget& budget_;
  const FileSink sink_;
  TableWriterStats& stats_;
  BegunFiles& begun_;
  Files files_;
  std::int64_t turn_ = 0;
  std::int64_t rows_ = 0;                            // Written to any file.
  bool ends_idle_ = true;                            // Until a partition comes back.
  std::unordered_set<std::string> idle_partitions_;  // Whose files ended for that.
  // What a byte in memory takes on disk, by the last row group or file that ended.
  double disk_bytes_per_byte_ = 1.0;
};

}  // namespace firn::table
