// SPDX-License-Identifier: Apache-2.0
// data_file_writer.h: one data file of a table, from its name to its manifest entry.
//
// Names: `{table}_data_{YYYYMMDD}_{ulid}.parquet` below the partition's directory.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/context.h"
#include "base/ulid.h"
#include "firn/status.h"
#include "iceberg/catalog.h"
#include "iceberg/data_file.h"
#include "io/store.h"
#include "parquet/writer.h"
#include "table/metrics_mode.h"

namespace arrow {
class RecordBatch;
class Schema;
}  // namespace arrow

namespace firn::table {

// What data files are written with. What it refers to must outlive the writers.
struct DataFileEnvironment {
  const base::Context& context;
  io::Store& store;
  const base::Clock& clock;
  base::UlidSource& ulids;
};

// The names of files that were begun. Those that were not kept are removed when it goes:
// a write that is given up leaves nothing behind. Thread-compatible.
class BegunFiles {
 public:
  explicit BegunFiles(io::Store& store) : store_(store) {}
  ~BegunFiles();
  BegunFiles(const BegunFiles&) = delete;
  BegunFiles& operator=(const BegunFiles&) = delete;

  void Add(std::string location) { locations_.insert(std::move(location)); }
  void Keep(const std::string& location) { locations_.erase(location); }
  void KeepAll() { locations_.clear(); }

 private:
  io::Store& store_;
  std::set<std::string> locations_;
};

// How the files of a table are to be written. Shared by all of them.
struct DataFileForm {
  parquet::WriterOptions parquet;
  MetricsModes metrics;
  std::optional<iceberg::SortOrderId> sort_order_id;
};

// `parquet` with what every file of the table has: the schema's JSON and, where `sorted`,
// the sorting columns of the table's default order.
DataFileForm MakeDataFileForm(const iceberg::TableMetadata& metadata,
                              parquet::WriterOptions parquet, bool sorted);

// Thread-compatible.
class DataFileWriter {
 public:
  // Begin a file of the current schema and the default spec of `table`, which must
  // outlive the writer, as `begun` must. `schema` is that of the batches. `pool`, where
  // it is not null, takes the place of the form's.
  static Result<std::unique_ptr<DataFileWriter>> Open(
      const DataFileEnvironment& environment, const iceberg::LoadedTable& table,
      const iceberg::PartitionValues& partition, std::shared_ptr<arrow::Schema> schema,
      const DataFileForm& form, arrow::MemoryPool* pool, BegunFiles* begun);

  // Errors name the file. After one nothing further is taken.
  Status Write(const arrow::RecordBatch& batch);
  void EndRowGroup() { file_->EndRowGroup(); }
  std::int64_t flushed_bytes() const { return file_->flushed_bytes(); }
  std::int64_t row_count() const { return file_->row_count(); }

  // Make the file durable. It stays among the begun ones.
  Result<iceberg::DataFile> Finish() &&;

 private:
  explicit DataFileWriter(const iceberg::LoadedTable& table) : table_(table) {}

  const iceberg::LoadedTable& table_;
  std::string location_;
  iceberg::PartitionValues partition_;
  MetricsModes metrics_;
  std::optional<iceberg::SortOrderId> sort_order_id_;
  std::unique_ptr<parquet::FileWriter> file_;
};

// What a Parquet file's report says, as a manifest holds it: bounds serialised by the
// types of `schema` and cut as `modes` says.
Result<iceberg::DataFile> MakeDataFile(const parquet::FileReport& report,
                                       const iceberg::Schema& schema,
                                       std::string location,
                                       const MetricsModes& modes = {});

}  // namespace firn::table
