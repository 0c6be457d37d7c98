// SPDX-License-Identifier: Apache-2.0
// series_batch.h: series in memory as rows of metrics.series.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/context.h"
#include "firn/status.h"
#include "iceberg/table_metadata.h"
#include "tsdb/emitted_days.h"
#include "tsdb/head.h"

namespace arrow {
class MemoryPool;
class RecordBatch;
}  // namespace arrow

namespace firn::tsdb {

// A series on one day.
struct SeriesRow {
  SeriesRef series;
  Day day = 0;
  TimestampMs first_ms = 0;  // Its first and last sample of that day.
  TimestampMs last_ms = 0;
};

// The rows of `generations` that `emitted` lacks, each series and day once, unordered.
// Cost: decodes every sample of the generations.
Result<std::vector<SeriesRow>> NewSeriesRows(const base::Context& context,
                                             const Head& head,
                                             const Generations& generations,
                                             const EmittedDays& emitted);

// Order by day, then as the table is sorted: metric, series id.
void SortSeriesRows(const Head& head, std::vector<SeriesRow>* rows);

// The columns `names` of the table (all where absent), in that order. NotFound for a name
// that the table lacks. Null `pool`: Arrow's default.
Result<std::shared_ptr<arrow::RecordBatch>> BuildSeriesBatch(
    const iceberg::TableMetadata& table,
    const std::optional<std::vector<std::string>>& names, const Head& head,
    std::span<const SeriesRow> rows, arrow::MemoryPool* pool);

}  // namespace firn::tsdb
