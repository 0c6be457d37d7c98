// SPDX-License-Identifier: Apache-2.0
// plan.h: which files of a snapshot a scan must read.
//
//   1. Manifests whose partition summaries exclude the predicate are skipped unread, and
//      so are those of delete files: what they delete from is skipped as well.
//   2. Delete files are read from theirs and indexed (delete_index.h).
//   3. Data files whose partition values exclude the predicate are skipped.
//   4. Data files whose column metrics exclude it are skipped.
//   5. Those left are planned, each with the delete files that apply.
//
// Pruning is inclusive: a file that may hold a matching row is always planned.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/context.h"
#include "expr/predicate.h"
#include "firn/status.h"
#include "iceberg/delete_index.h"
#include "iceberg/manifest.h"
#include "iceberg/manifest_io.h"
#include "iceberg/table_metadata.h"

namespace firn::iceberg {

struct PlanStats {
  std::int64_t manifests_total = 0;  // Of data files.
  std::int64_t manifests_pruned = 0;
  std::int64_t files_total = 0;  // Live files in the manifests read.
  std::int64_t files_pruned_by_partition = 0;
  std::int64_t files_pruned_by_metrics = 0;
  std::int64_t files_planned = 0;
  // Files in the manifests skipped unread, by their summaries.
  std::int64_t files_in_pruned_manifests = 0;
  std::int64_t delete_manifests_total = 0;
  std::int64_t delete_manifests_pruned = 0;
  std::int64_t delete_files_total = 0;    // In the manifests read.
  std::int64_t delete_files_planned = 0;  // Of those, that apply to some planned file.
  bool operator==(const PlanStats&) const = default;
};

// A data file and what of it was deleted later. The predicate is left to whoever reads.
struct ScanTask {
  // Its metrics are those of the columns that planning looked at, or that were asked for.
  DataFile file;
  SequenceNumber sequence_number;
  std::vector<DeleteFilePtr> deletes;  // A deletion vector first.
};

// Call `visit` with each data file of `snapshot` that may hold a row for which
// `predicate` (null: everything) is true, after inheritance, with the delete files that
// apply to it. The predicate's column names are those of `schema` (the table's current
// one, or the snapshot's own for time travel). Data files pass by one manifest at a time;
// delete files are held all, on the context's budget. An error of `visit` ends planning
// and is returned. Corruption also where a delete file lacks what it must say
// (delete_index.h). Files have the metrics of `metrics_of` at least.
Result<PlanStats> PlanFiles(const base::Context& context, const ManifestIo& manifests,
                            const TableMetadata& metadata, const Snapshot& snapshot,
                            const Schema& schema, const expr::PredicatePtr& predicate,
                            const std::function<Status(ScanTask&&)>& visit,
                            const MetricsOf& metrics_of = {});

// The same of the files that `snapshots` added, and of no others: rows appended between
// two snapshots. What was deleted of them later is not looked at. REQUIRES: they are
// appends (history.h, AppendsBetween).
Result<PlanStats> PlanAppends(const base::Context& context, const ManifestIo& manifests,
                              const TableMetadata& metadata,
                              const std::vector<const Snapshot*>& snapshots,
                              const Schema& schema, const expr::PredicatePtr& predicate,
                              const std::function<Status(ScanTask&&)>& visit);

struct FilePlan {
  std::vector<ScanTask> tasks;
  PlanStats stats;
};
// The same, gathered.
Result<FilePlan> PlanFiles(const base::Context& context, const ManifestIo& manifests,
                           const TableMetadata& metadata, const Snapshot& snapshot,
                           const Schema& schema, const expr::PredicatePtr& predicate);

// Whether a data file, with all its metrics, may hold a row for which `predicate` is
// true, as planning decides it: for conflicts.h. Of a spec that `metadata` lacks any may.
// Null where `predicate` is.
std::function<bool(const DataFile&)> FilesThatMayMatch(const TableMetadata& metadata,
                                                       const Schema& schema,
                                                       expr::PredicatePtr predicate);

}  // namespace firn::iceberg
