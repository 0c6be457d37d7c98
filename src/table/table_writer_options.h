// SPDX-License-Identifier: Apache-2.0
// table_writer_options.h: what a TableWriter is told, and what it counts. Values.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "firn/time.h"
#include "parquet/writer_options.h"
#include "table/metrics_mode.h"

namespace firn::table {

enum class OnInvalid : std::uint8_t {
  kFail,        // Nothing of the batch is written.
  kQuarantine,  // Invalid rows go to the dead letters, the others are written.
};

struct TableWriterOptions {
  // Codec, row groups, pages, columns. Sorting columns, the schema's JSON and the pool
  // are added.
  parquet::WriterOptions parquet;
  // Of single columns, by their full names (`labels.value`). Columns that a table lacks
  // are passed over: these options may be for many tables. WithWriteProperties() moves
  // them into `parquet`.
  std::map<std::string, parquet::CodecLevel> column_codecs;
  MetricsModes metrics;
  // A file ends at this size, or a little below; write.target-file-size-bytes.
  std::int64_t file_bytes_target = std::int64_t{512} << 20;
  // And never beyond this one, whatever the target.
  std::int64_t file_bytes_max = 50'000'000'000;
  // Of a file, from its first row on, where Tick() is called. 0: no limit.
  DurationMs rotation_timeout_ms = 5 * 60'000;

  // All memory of the writer; at it, a write is ResourceExhausted. Half is for files
  // being written, a quarter each for sorting and for what a batch needs on its way.
  std::int64_t memory_bytes_max = 1'000'000'000;
  // Of rows that wait to be sorted; at most a quarter of memory_bytes_max.
  std::int64_t pool_bytes = 100'000'000;
  // Files open at once. Each costs a descriptor or an upload under way.
  int open_files_max = 32;
  // Rows on disk that wait to be sorted; at it, they are written as they are.
  std::int64_t spill_bytes_max = std::int64_t{64} << 30;

  // Whether rows are put into the table's sort order, where it has one. Off, they are
  // written as they come and no order is recorded.
  bool sort = true;
  // Whether all rows are sorted before the first is written, also those that come in
  // order: as when sorted files are written together. Spills what memory does not hold.
  bool sort_as_one = false;
  OnInvalid on_invalid = OnInvalid::kFail;
};

// What a writer has done so far.
struct TableWriterStats {
  std::int64_t rows = 0;   // Taken; those in files are fewer while some are sorted.
  std::int64_t files = 0;  // Made durable.
  std::int64_t file_bytes = 0;
  std::int64_t files_rolled_early = 0;  // Ended below their target, for want of room.
  std::int64_t row_groups_ended_early = 0;
  std::int64_t open_partitions = 0;  // With a file open.
  std::int64_t spilled_bytes = 0;
  std::int64_t rows_quarantined = 0;
  std::int64_t used_bytes = 0;  // Of the writer's memory, as of this moment.
  // In which Write() did more than take rows in: ended files, sorted, spilled.
  std::int64_t blocked_ns = 0;
  bool operator==(const TableWriterStats&) const = default;
};

}  // namespace firn::table
