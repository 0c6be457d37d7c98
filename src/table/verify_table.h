// SPDX-License-Identifier: Apache-2.0
// verify_table.h: holds what one table says of itself against what is in its store.
//
//   1. Each snapshot has a manifest list, whose manifests hold as many files and rows as
//      the snapshot's summary says.
//   2. Each manifest is there once, as long as its list says, of a spec that the table
//      has; it holds the files and rows that the list counts, in partitions that the
//      list's summary holds, and no number newer than the table.
//   3. No file is twice in the current snapshot.
//   4. Each live file is what its manifest says (verify_data_file.h), once however many
//      snapshots have it.
//
// What is damaged is reported and the next thing is looked at. Memory is the name of each
// file and manifest, and one manifest. Orphans, which no snapshot names, are not looked
// for.
#pragma once

#include "base/context.h"
#include "firn/status.h"
#include "firn/table_check.h"
#include "iceberg/catalog.h"
#include "table/scan_environment.h"

namespace firn::table {

// Check every snapshot of `table`. A damaged table is no error; errors are of what stands
// between: what the store (but for NotFound) or `context` returns, ResourceExhausted.
Result<TableCheck> VerifyTable(const base::Context& context,
                               const ScanEnvironment& environment,
                               const iceberg::LoadedTable& table,
                               const TableCheckOptions& options);

}  // namespace firn::table
