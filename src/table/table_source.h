// SPDX-License-Identifier: Apache-2.0
// table_source.h: the committed rows of one snapshot of a table, as a scan::BatchSource.
//
//   plan   manifests and files are pruned (iceberg/plan.h); one split a file
//   scan   row groups and pages are pruned (parquet/reader.h), columns found by field id
//
// A column that a file does not have, because it was added later, is NULL.
#pragma once

#include <memory>
#include <vector>

#include "base/context.h"
#include "firn/status.h"
#include "iceberg/catalog.h"
#include "iceberg/data_file.h"
#include "iceberg/manifest_io.h"
#include "scan/batch.h"
#include "table/scan_environment.h"

namespace firn::table {

// The rows of `table`'s current snapshot, as loaded: later commits do not show. A table
// without a snapshot has no rows.
Result<std::shared_ptr<scan::BatchSource>> MakeTableSource(
    const ScanEnvironment& environment, const iceberg::LoadedTable& table);

// A plan that reads `files` and no others: data files of `table`'s current snapshot,
// which the caller has found already (iceberg/plan.h). The request's predicate prunes
// inside of them. As with a source's plans, `context` must outlive it.
Result<std::unique_ptr<scan::ScanPlan>> PlanDataFiles(
    const base::Context& context, const ScanEnvironment& environment,
    const iceberg::LoadedTable& table, const scan::ScanRequest& request,
    std::vector<iceberg::DataFile> files);

}  // namespace firn::table
