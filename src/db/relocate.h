// SPDX-License-Identifier: Apache-2.0
// relocate.h: tells a table whose files were moved where they are now.
#pragma once

#include <string_view>

#include "base/context.h"
#include "db/warehouse.h"
#include "firn/status.h"
#include "firn/table_maintenance.h"

namespace firn::db {

// TableMaintenance::Relocate.
Result<RelocateReport> RelocateTable(const base::Context& context, Warehouse& warehouse,
                                     std::string_view table,
                                     const RelocateOptions& options);

}  // namespace firn::db
