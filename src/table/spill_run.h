// SPDX-License-Identifier: Apache-2.0
// spill_run.h: a sorted run of rows in a file of its own, while a sort is under way.
//
// The file holds Arrow IPC record batches one after another, uncompressed, each with the
// rows' keys as a last column; where each lies is kept in memory only. It is neither
// synced nor read by anybody else, and goes with its SpillRun.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "firn/status.h"
#include "io/file.h"

namespace arrow {
class BinaryArray;
class MemoryPool;
class RecordBatch;
class Schema;
}  // namespace arrow

namespace firn::table {

// Rows and the key of each.
struct KeyedRows {
  std::shared_ptr<arrow::RecordBatch> rows;
  std::shared_ptr<arrow::BinaryArray> keys;
};

// Thread-compatible.
class SpillRun {
 public:
  // `files` and `pool` must outlive the run; `schema` is that of the rows.
  static Result<std::unique_ptr<SpillRun>> Create(io::FileSystem& files, std::string path,
                                                  std::shared_ptr<arrow::Schema> schema,
                                                  arrow::MemoryPool* pool);
  ~SpillRun();  // Removes the file.
  SpillRun(const SpillRun&) = delete;
  SpillRun& operator=(const SpillRun&) = delete;

  // ResourceExhausted where the disk is full.
  Status Append(const KeyedRows& batch);
  // Close the file for writing: from then on no descriptor is held.
  void Seal() { file_.reset(); }

  std::size_t batch_count() const { return batches_.size(); }
  std::int64_t size_bytes() const { return size_bytes_; }
  std::int64_t batch_bytes_max() const { return batch_bytes_max_; }

  // One of the batches. ResourceExhausted where the pool is.
  Result<KeyedRows> Read(std::size_t index) const;

 private:
  struct Extent {
    std::int64_t offset = 0;
    std::int64_t size_bytes = 0;
  };
  SpillRun(io::FileSystem& files, std::string path, std::shared_ptr<arrow::Schema> schema,
           arrow::MemoryPool* pool);

  io::FileSystem& files_;
  const std::string path_;
  std::shared_ptr<arrow::Schema> keyed_schema_;  // With the keys as last column.
  std::shared_ptr<arrow::Schema> schema_;
  arrow::MemoryPool* const pool_;
  std::unique_ptr<io::AppendFile> file_;
  std::vector<Extent> batches_;
  std::int64_t size_bytes_ = 0;
  std::int64_t batch_bytes_max_ = 0;
};

}  // namespace firn::table
