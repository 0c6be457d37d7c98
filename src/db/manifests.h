// SPDX-License-Identifier: Apache-2.0
// manifests.h: puts a table's manifests in order.
#pragma once

#include <string_view>

#include "base/context.h"
#include "db/warehouse.h"
#include "firn/status.h"
#include "firn/table_maintenance.h"

namespace firn::db {

// TableMaintenance::RewriteManifests.
Result<RewriteManifestsReport> RewriteManifests(const base::Context& context,
                                                Warehouse& warehouse,
                                                std::string_view table,
                                                const RewriteManifestsOptions& options);

}  // namespace firn::db
