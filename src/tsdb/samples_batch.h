// SPDX-License-Identifier: Apache-2.0
// samples_batch.h: samples in memory as rows of metrics.samples.
//
// A settle writes these rows, and a SQL scan reads the same ones from the head, so a row
// looks alike before and after it settles. Rows come series by series. What a series
// repeats (names, labels) is spelled out for a scan, by copying its first row's bytes; a
// settle takes it as runs, which cost by the series, not by the sample.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/series_id.h"
#include "firn/labels.h"
#include "firn/sample.h"
#include "firn/status.h"
#include "iceberg/table_metadata.h"

namespace arrow {
class MemoryPool;
class RecordBatch;
class Schema;
}  // namespace arrow

namespace firn::tsdb {

enum class SampleRows : std::uint8_t {
  kSpelledOut,  // Every column has the table's own Arrow type.
  kRuns,        // Every column but `ts`, `value` and widened `flags` is run-end encoded.
};

// Thread-compatible.
class SamplesBatchBuilder {
 public:
  // Rows a batch should be flushed at: a few megabytes.
  static constexpr std::int64_t kBatchRows = 1 << 16;

  // Builds the columns `names` of the table (all where absent), in that order. A column
  // that firn does not know, added by somebody else, is NULL. NotFound for a name that
  // the table lacks. Null `pool`: Arrow's default.
  static Result<std::unique_ptr<SamplesBatchBuilder>> Make(
      const iceberg::TableMetadata& samples,
      const std::optional<std::vector<std::string>>& names, SampleRows rows,
      arrow::MemoryPool* pool);
  virtual ~SamplesBatchBuilder() = default;

  virtual const std::shared_ptr<arrow::Schema>& schema() const = 0;

  // The series that the following samples belong to.
  virtual void BeginSeries(std::string_view tenant, const base::SeriesId& id,
                           const Labels& labels) = 0;
  // Add a row for each timestamp. REQUIRES: equal lengths; the timestamps fit
  // microseconds (|t| < 2^63 / 1000 ms), which the head guarantees.
  virtual Status Append(const TimestampMs* timestamps_ms, const double* values,
                        std::int64_t count) = 0;
  virtual std::int64_t row_count() const = 0;
  // The rows so far, which are forgotten here. The current series goes on.
  virtual Result<std::shared_ptr<arrow::RecordBatch>> Flush() = 0;
};

}  // namespace firn::tsdb
