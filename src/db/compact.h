// SPDX-License-Identifier: Apache-2.0
// compact.h: writes a table's small files together.
#pragma once

#include <string_view>

#include "base/context.h"
#include "db/warehouse.h"
#include "firn/status.h"
#include "firn/table_maintenance.h"

namespace firn::db {

// TableMaintenance::Compact.
Result<CompactReport> Compact(const base::Context& context, Warehouse& warehouse,
                              std::string_view table, const CompactOptions& options);

}  // namespace firn::db
