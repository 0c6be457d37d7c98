// SPDX-License-Identifier: Apache-2.0
// row_stream.h: the row groups of a plan, one after another, on the caller's thread.
// Internal to this room.
#pragma once

#include <memory>
#include <string>

#include "base/context.h"
#include "io/store.h"
#include "parquet/range_fetcher.h"
#include "parquet/reader.h"
#include "parquet/row_group_scan.h"
#include "scan/batch.h"

namespace firn::parquet {

// `context` must outlive the stream.
std::unique_ptr<scan::BatchStream> MakeRowStream(const base::Context& context,
                                                 std::shared_ptr<io::ObjectReader> object,
                                                 std::string location, ScanShape shape,
                                                 FilePlan plan);

// Whoever `options` names to read ahead, with a bound of the stream's own.
ReadAhead ReadAheadOf(const ReaderOptions& options);

// Add what `scan` has read and pruned to `stats`.
void CountScan(const RowGroupScan& scan, scan::ScanStats& stats);

}  // namespace firn::parquet
