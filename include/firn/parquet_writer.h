// SPDX-License-Identifier: Apache-2.0
// parquet_writer.h: rows into one Parquet file.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "firn/status.h"

namespace arrow {
class RecordBatch;
class Schema;
}  // namespace arrow

namespace firn {

// Bytes on their way to one file, from its first to its last. Thread-compatible.
class FileOutput {
 public:
  // Gives the file up where Close was not called: nothing of it can be seen.
  virtual ~FileOutput() = default;
  virtual Status Append(std::string_view bytes) = 0;
  // Make the file durable and visible. AlreadyExists where the name is taken.
  virtual Status Close() = 0;
};

struct ParquetOptions {
  // `zstd`, `zstd:9`, `snappy`, `gzip`, `brotli`, `lz4`, `none`; or `auto`: each column's
  // encoding and codec are found by trying on the first rows.
  std::string compression = "zstd:3";
  std::int64_t row_group_rows = 1 << 20;  // REQUIRES: > 0.
};

// InvalidArgument for an option that is none, naming it. A level that the codec does not
// have is found when a writer is opened.
Status CheckParquetOptions(const ParquetOptions& options);

// Holds one row group at a time. Thread-compatible.
class ParquetWriter {
 public:
  // `output` is closed by Finish(). InvalidArgument for an option, naming it, and for a
  // schema that Parquet has no form for, naming the column.
  static Result<std::unique_ptr<ParquetWriter>> Open(
      std::unique_ptr<FileOutput> output, const std::shared_ptr<arrow::Schema>& schema,
      const ParquetOptions& options);
  virtual ~ParquetWriter() = default;

  // REQUIRES: the batch has the schema's types.
  virtual Status Write(const arrow::RecordBatch& batch) = 0;
  // Write the footer and close the file. Nothing may be called after it, or after an
  // error.
  virtual Status Finish() = 0;
};

}  // namespace firn
