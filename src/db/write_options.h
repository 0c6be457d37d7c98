// SPDX-License-Identifier: Apache-2.0
// write_options.h: the settings of table_writes, as a table's writer takes them.
#pragma once

#include "firn/db.h"
#include "firn/status.h"
#include "table/table_writer_options.h"

namespace firn::db {

table::OnInvalid OnInvalidOf(OnInvalidRow what);

// InvalidArgument for a codec that is none and for a level that it does not have.
Result<table::TableWriterOptions> WriterOptionsOf(const TableWriteOptions& options);

}  // namespace firn::db
