// SPDX-License-Identifier: Apache-2.0
// compact.h: writes a table's small files together.
#pragma once

#include <string_view>

#include "base/context.h"
#include "db/warehouse.h"
#include "firn/status.h"
#include "firn/table_maintenance.h"
#include "table/table_writer_options.h"

namespace firn::db {

// TableMaintenance::Compact. Of `writer` go into the files that are written what the
// settings have to say of one: its codecs and its largest size.
Result<CompactReport> Compact(const base::Context& context, Warehouse& warehouse,
                              std::string_view table, const CompactOptions& options,
                              const table::TableWriterOptions& writer);

}  // namespace firn::db
