// SPDX-License-Identifier: Apache-2.0
// upkeep_tasks.h: what a server does for the tables that it settles into.
#pragma once

#include <functional>
#include <vector>

#include "base/metrics.h"
#include "db/upkeep_loop.h"
#include "db/warehouse.h"
#include "firn/db.h"

namespace firn::db {

// For each table of samples, as the options say: compaction, manifests in order, expiry
// by the table's own properties, orphans. Each logs and counts what it did.
//
// `has_unresolved` says whether files of a commit of unknown outcome are waiting: they
// may be old and named by nobody, and yet be committed in the end. While there are any,
// no orphan is removed. All must outlive the tasks.
std::vector<UpkeepLoop::Task> UpkeepTasks(const DbOptions& options, Warehouse& warehouse,
                                          base::MetricRegistry& metrics,
                                          std::function<bool()> has_unresolved);

}  // namespace firn::db
