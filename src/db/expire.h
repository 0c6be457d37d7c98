// SPDX-License-Identifier: Apache-2.0
// expire.h: forgets a table's old snapshots, and removes their files.
#pragma once

#include <string_view>

#include "base/context.h"
#include "db/warehouse.h"
#include "firn/status.h"
#include "firn/table_changes.h"

namespace firn::db {

// TableChanges::Expire.
Result<ExpireReport> Expire(const base::Context& context, Warehouse& warehouse,
                            std::string_view table, const ExpireOptions& options);

}  // namespace firn::db
