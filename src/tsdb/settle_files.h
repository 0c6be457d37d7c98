// SPDX-License-Identifier: Apache-2.0
// settle_files.h: the data files of a settle, in whatever layout the table has by now.
//
// A settle gives its rows day by day, in firn's own order. Where the table still is
// partitioned by that day, and sorted like that or not at all, they go into files as they
// come. Where another engine has changed its partitions or its order, rows are routed and
// sorted as any writer's are (table_writer.h), which takes more memory and time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "firn/status.h"
#include "firn/time.h"
#include "iceberg/catalog.h"
#include "iceberg/data_file.h"
#include "io/file.h"
#include "table/data_file_writer.h"
#include "table/data_writer.h"
#include "tsdb/emitted_days.h"

namespace arrow {
class RecordBatch;
}  // namespace arrow

namespace firn::tsdb {

// What it refers to must outlive the files.
struct SettleFilesEnvironment {
  table::DataFileEnvironment files;
  // Where rows wait that must be sorted and do not fit into memory: see
  // table::TableWriterEnvironment.
  io::FileSystem& spill_files;
  std::string spill_directory;
};

// Thread-compatible.
class SettleFiles {
 public:
  // Files of metrics.samples or metrics.series as `table` is.
  // Errors: InvalidArgument or Unimplemented for a layout that cannot be written.
  static Result<std::unique_ptr<SettleFiles>> Make(
      const SettleFilesEnvironment& environment, const iceberg::LoadedTable& table,
      const table::DataWriterOptions& options);
  // One that goes without Finish() having succeeded removes what it wrote.
  virtual ~SettleFiles() = default;

  // Whether columns of a batch may be run-end encoded.
  virtual bool takes_runs() const = 0;
  // Rows of one day, by the table's own time.
  virtual Status Write(Day day, const arrow::RecordBatch& batch) = 0;
  // End the files and return all of them; they are the caller's from now on.
  virtual Result<std::vector<iceberg::DataFile>> Finish() && = 0;
};

}  // namespace firn::tsdb
