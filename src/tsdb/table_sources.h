// SPDX-License-Identifier: Apache-2.0
// table_sources.h: metrics.samples and metrics.series with their hot rows, for SQL.
//
// Each source stands on one cut: the table's committed rows are one group of splits, the
// head's rows another, and no row is in both. What the newest generation holds is fixed
// when the source is made, so a statement that reads a table twice sees the same rows.
#pragma once

#include <memory>

#include "firn/status.h"
#include "scan/batch.h"
#include "table/table_source.h"
#include "tsdb/cut.h"
#include "tsdb/head.h"

namespace firn::tsdb {

// `head` and the environment's members must outlive the sources and what they return.
Result<std::shared_ptr<scan::BatchSource>> MakeSamplesSource(
    const table::ScanEnvironment& environment, const Head& head, Cut cut);
Result<std::shared_ptr<scan::BatchSource>> MakeSeriesSource(
    const table::ScanEnvironment& environment, const Head& head, Cut cut);

}  // namespace firn::tsdb
