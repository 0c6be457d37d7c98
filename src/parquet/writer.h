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
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "expr/predicate.h"
#include "firn/status.h"
#include "io/store.h"

namespace arrow {
class MemoryPool;
class RecordBatch;
class Schema;
}  // namespace arrow

namespace firn::parquet {

enum class Codec : std::uint8_t { kUncompressed, kSnappy, kGzip, kBrotli, kLz4, kZstd };

// How values are stored where no dictionary is used.
enum class Encoding : std::uint8_t {
  kPlain,
  kDeltaBinaryPacked,     // int32, int64, date, timestamp
  kDeltaLengthByteArray,  // string, binary
  kDeltaByteArray,        // string, binary, fixed
  kByteStreamSplit,       // float, double, int32, int64, fixed; see the note in README.md
};

struct BloomFilterOptions {
  std::int64_t distinct_values = 1 << 20;  // Expected in one row group; sizes the filter.
  double false_positive_rate = 0.01;       // In (0, 1).
};

struct ColumnOptions {
  // Try a dictionary first; a chunk whose dictionary outgrows its bound falls back to
  // `encoding`.
  bool dictionary = true;
  Encoding encoding = Encoding::kPlain;
  bool statistics = true;  // Without them the page index of the column is left out too.
  std::optional<BloomFilterOptions> bloom_filter;
};

// What the rows are sorted by. It is recorded, not checked.
struct SortingColumn {
  std::int32_t field_id;
  bool descending = false;
  bool nulls_first = true;
  bool operator==(const SortingColumn&) const = default;
};

struct WriterOptions {
  Codec codec = Codec::kZstd;
  // Absent: the codec's own default. Ignored by codecs that have no levels.
  std::optional<int> codec_level = 3;

  // A row group ends at the first of these two. The bytes are those of the Arrow data
  // that went in, before encoding.
  std::int64_t row_group_rows = 1 << 20;
  std::int64_t row_group_bytes = std::int64_t{128} << 20;

  // A page ends at the first of these two. A run-length encoded column of a sorted file
  // never fills a page by bytes, so the rows decide how finely it can be pruned, and how
  // much is decoded around a wanted row. bench/parquet_series_bench.cc compares sizes.
  std::int64_t page_bytes = 1 << 20;
  std::int64_t page_rows = 1 << 16;
  std::int64_t dictionary_bytes = 1 << 20;  // A column's dictionary in one row group.

  bool page_index = true;
  bool page_checksums = true;

  ColumnOptions default_column;
  std::map<std::int32_t, ColumnOptions> columns;  // By field id of the leaf.
  std::vector<SortingColumn> sorting_columns;
  // Such as `iceberg.schema`. Keys are unique.
  std::vector<std::pair<std::string, std::string>> key_values;

  // Null: Arrow's default pool. Must outlive the writer.
  arrow::MemoryPool* pool = nullptr;
};

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
  // columns are then flat, and none has a bloom filter. `encoding` is not asked about:
  // runs are stored by dictionary, or plain. Errors: InvalidArgument for a type, encoding
  // or option that cannot be written.
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
