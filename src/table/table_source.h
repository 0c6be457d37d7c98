// SPDX-License-Identifier: Apache-2.0
// table_source.h: the committed rows of one state of a table, as a scan::BatchSource.
//
//   plan   manifests and files are pruned, and delete files found
//   (iceberg/plan_stream.h),
//          as splits are asked for; large files are cut between row groups, and small
//          ones put together (split_packer.h)
//   scan   row groups and pages are pruned (parquet/reader.h), columns found and shaped
//   by
//          field id (projected_file.h), deleted rows dropped (task_stream.h)
//
// A plan holds the splits that were found and not opened yet: those of a few manifests.
// It reads as many as it takes to give every thread work before the first is opened, and
// then as they are asked for, so that a scan that ends early plans no more than it read.
//
// docs/design/0026-reading-tables-of-others.md says why it is done so.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/context.h"
#include "firn/status.h"
#include "firn/time.h"
#include "iceberg/catalog.h"
#include "iceberg/ids.h"
#include "iceberg/manifest_io.h"
#include "iceberg/plan_stream.h"
#include "scan/batch.h"
#include "table/scan_environment.h"

namespace firn::table {

// Which rows of a table are meant, and by which schema (the specification's "Snapshot
// References"): a branch has the table's current one, anything older its own.
struct CurrentRows {};  // Of the main branch.
struct RowsOfSnapshot {
  iceberg::SnapshotId id;
};
struct RowsOfRef {
  std::string name;  // A branch or a tag.
};
// Of what the main branch was then.
struct RowsAsOf {
  TimestampMs at_ms = 0;
};
// What was appended after `from` up to and with `to`, by the current schema. Absent
// `from`: since the table was made. Absent `to`: the current snapshot.
struct RowsAppended {
  std::optional<iceberg::SnapshotId> from;
  std::optional<iceberg::SnapshotId> to;
};
using ScanOf =
    std::variant<CurrentRows, RowsOfSnapshot, RowsOfRef, RowsAsOf, RowsAppended>;

// Those rows of `table` as loaded: later commits do not show. A table without a snapshot
// has no current rows.
// Errors: NotFound for a snapshot or ref that is not there, or a time before all that are
// kept; InvalidArgument where rows were deleted or overwritten between two snapshots, or
// one is no ancestor of the other, or a property of splits is no number; Unimplemented
// for a column of a type that is not read.
Result<std::shared_ptr<scan::BatchSource>> MakeTableSource(
    const ScanEnvironment& environment, const iceberg::LoadedTable& table,
    const ScanOf& of = CurrentRows());

// A plan that reads `tasks` and no others: data files of `table`'s current snapshot,
// which the caller has found already (iceberg/plan.h). The request's predicate prunes
// inside of them. As with a source's plans, `context` must outlive it.
Result<std::unique_ptr<scan::ScanPlan>> PlanTasks(const base::Context& context,
                                                  const ScanEnvironment& environment,
                                                  const iceberg::LoadedTable& table,
                                                  const scan::ScanRequest& request,
                                                  std::vector<iceberg::ScanTask> tasks);

}  // namespace firn::table
