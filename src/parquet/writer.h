// SPDX-License-Identifier: Apache-2.0
// writer.h: one Parquet file out, and the report that a table's metadata needs.
//
// Row groups are buffered: pages are encoded and compressed as rows come, and a row group
// reaches the object when it is full. The memory held is that of one row group's pages
// plus one batch, and for every leaf a page and a dictionary in the making: less than two
// row groups of the usual size. Of a run-end encoded column each run is held, and each
// distinct value once, outside the pool: less than the row group's own bytes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "expr/predicate.h"
#include "firn/status.h"
#include "io/store.h"
#include "parquet/compression_trial.h"
#include "parquet/writer_options.h"

namespace arrow {
class RecordBatch;
class Schema;
}  // namespace arrow

namespace firn::parquet {

// What was written of one leaf column.
struct ColumnReport {
  std::int32_t field_id = -1;
  std::string path;             // "labels.key_value.key"
  std::int64_t size_bytes = 0;  // Compressed, with page headers.
  // Values with NULLs, as Parquet counts them: for a leaf inside a list or map, every
  // element and one for each NULL or empty list. Iceberg's writers report the same.
  std::int64_t value_count = 0;
  // NULLs by the same count, so a NULL or empty list is one. -1: not known (the column
  // has no statistics).
  std::int64_t null_count = -1;
  std::int64_t nan_count = -1;  // -1: not a float or double, or inside a list or map.
  // The least and greatest value, NULL and NaN left out; a zero is -0.0 as lower and +0.0
  // as upper bound. Both absent where there is no such value, where the column has no
  // statistics, where it lies inside a list or map, and where either is longer than 4
  // KiB: they are never truncated. int32 and float are widened to int64 and double; fixed
  // is Binary.
  std::optional<expr::Literal> lower;
  std::optional<expr::Literal> upper;
};

struct FileReport {
  std::int64_t row_count = 0;
  std::int64_t size_bytes = 0;
  std::vector<std::int64_t> split_offsets;  // Where each row group starts.
  std::vector<ColumnReport> columns;        // Leaves in schema order.
  std::vector<ColumnTrial> trials;          // Where the options ask for trials.
};

// Thread-compatible.
class FileWriter {
 public:
  // Fields carry their id in the metadata key `PARQUET:field_id`, nested ones too; each
  // leaf that `options.columns` or `options.sorting_columns` names must have one. A
  // top-level string or binary column may be given as a dictionary of them: the text is
  // stored, under one dictionary a row group however often the batches change theirs.
  // A top-level column may be given run-end encoded, by int32: it is stored as if spelled
  // out, and costs by the run instead of by the row. That goes for text, binary, fixed
  // binary, int32 and maps of these, and for runs of NULL of any type; the file's other
  // columns are then flat. `encoding` is not asked about: runs are stored by dictionary,
  // or plain. Errors: InvalidArgument for a type, encoding or option that cannot be
  // written, naming the option and the column.
  static Result<std::unique_ptr<FileWriter>> Open(
      std::unique_ptr<io::ObjectWriter> object, std::shared_ptr<arrow::Schema> schema,
      const WriterOptions& options);
  ~FileWriter();  // Gives the object up where Finish was not called.
  FileWriter(const FileWriter&) = delete;
  FileWriter& operator=(const FileWriter&) = delete;

  // Add rows. The batch has the writer's column types, in order; InvalidArgument
  // otherwise. ResourceExhausted where the pool's budget is. After an error the writer
  // refuses everything further and the object is given up.
  Status Write(const arrow::RecordBatch& batch);

  // Let the next rows begin another row group: the one being filled leaves memory then.
  void EndRowGroup();

  std::int64_t row_count() const;
  // What has reached the object so far; the row group being filled is not in it.
  std::int64_t flushed_bytes() const;

  // Write the footer, close the object (durable from then on) and report. A file without
  // rows is valid.
  Result<FileReport> Finish() &&;

 private:
  class State;
  explicit FileWriter(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace firn::parquet
