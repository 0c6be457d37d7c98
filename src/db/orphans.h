// SPDX-License-Identifier: Apache-2.0
// orphans.h: removes a table's orphans, once it is clear that the place is its own.
#pragma once

#include <string_view>

#include "base/context.h"
#include "db/warehouse.h"
#include "firn/status.h"
#include "firn/table_maintenance.h"

namespace firn::db {

// TableMaintenance::RemoveOrphans. `catalog` is the option that the warehouse was opened
// with.
Result<OrphanReport> RemoveOrphans(const base::Context& context, Warehouse& warehouse,
                                   std::string_view catalog, std::string_view table,
                                   const OrphanOptions& options);

}  // namespace firn::db
