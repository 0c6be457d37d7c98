// SPDX-License-Identifier: Apache-2.0
// data_writer.h: writes rows into a table's data files, one partition after another.
//
// Rows come grouped by partition and in the table's order, so one file is open at a time.
// A file ends with its partition or at its target size, is durable before Finish()
// returns it, and nobody sees it until a commit names it. For rows as they come there is
// TableWriter (table_writer.h).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/context.h"
#include "base/ulid.h"
#include "firn/status.h"
#include "iceberg/catalog.h"
#include "iceberg/data_file.h"
#include "io/store.h"
#include "parquet/writer.h"
#include "table/data_file_writer.h"

namespace arrow {
class RecordBatch;
class Schema;
}  // namespace arrow

namespace firn::table {

struct DataWriterOptions {
  // Codec, pages, encodings by field id. Sorting columns and the schema's JSON are added.
  parquet::WriterOptions parquet;
  std::int64_t file_bytes_target = std::int64_t{512} << 20;
};

// Thread-compatible.
class DataWriter {
 public:
  // Files are written for the current schema, default partition spec and default sort
  // order of `table`; that rows are sorted is the caller's promise. `store`, `clock`,
  // `ulids` and `context` must outlive the writer.
  static Result<std::unique_ptr<DataWriter>> Make(const base::Context& context,
                                                  io::Store& store,
                                                  const base::Clock& clock,
                                                  base::UlidSource& ulids,
                                                  const iceberg::LoadedTable& table,
                                                  const DataWriterOptions& options);
  // One that goes without Finish() having succeeded removes what it wrote.
  DataWriter(const DataWriter&) = delete;
  DataWriter& operator=(const DataWriter&) = delete;

  // The Arrow schema that batches must have. Columns of a batch may be run-end encoded
  // instead, the same ones in every batch: see parquet/writer.h.
  const std::shared_ptr<arrow::Schema>& schema() const { return schema_; }

  // Add rows that all belong to `partition`, which has one value for each field of the
  // spec. Partitions may come again later, at the price of another file.
  Status Write(const iceberg::PartitionValues& partition,
               const arrow::RecordBatch& batch);

  // End the open file and return every file written; they are the caller's from now on.
  Result<std::vector<iceberg::DataFile>> Finish() &&;

 private:
  DataWriter(const DataFileEnvironment& environment, iceberg::LoadedTable table,
             const DataWriterOptions& options);
  Status CloseFile();

  const DataFileEnvironment environment_;
  const iceberg::LoadedTable table_;
  const std::int64_t file_bytes_target_;
  const DataFileForm form_;
  std::shared_ptr<arrow::Schema> schema_;
  BegunFiles begun_;
  std::unique_ptr<DataFileWriter> file_;  // Goes before `begun_` removes its object.
  iceberg::PartitionValues partition_;
  std::vector<iceberg::DataFile> files_;
};

}  // namespace firn::table
