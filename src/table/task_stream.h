// SPDX-License-Identifier: Apache-2.0
// task_stream.h: the rows of a data file that were not deleted.
//
// 1. Read the columns asked for, with each row's place in the file where there are
//    position deletes, and those that equality deletes compare.
// 2. Drop the rows whose place is deleted, then those whose key is in some set.
// 3. Leave out what was read for that.
#pragma once

#include <memory>
#include <vector>

#include "base/context.h"
#include "firn/status.h"
#include "iceberg/plan_stream.h"
#include "scan/batch.h"
#include "table/plan_deletes.h"
#include "table/projected_file.h"

namespace firn::table {

// Stream `read` of the file of `task` without what `deletes` says of it. `read` is as for
// OpenProjected, without row positions. What is dropped is counted in `total`. What is
// referred to must outlive the stream.
Result<std::unique_ptr<scan::BatchStream>> OpenTask(
    const base::Context& context, const ScanEnvironment& environment,
    const NameMappings& mappings, const iceberg::TableMetadata& metadata,
    PlannedTask& task, PlanDeletes& deletes, ProjectedRead read,
    std::shared_ptr<ScanTotal> total);

}  // namespace firn::table
