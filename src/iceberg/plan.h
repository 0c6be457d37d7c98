// SPDX-License-Identifier: Apache-2.0
// plan.h: which files of a snapshot a scan must read.
//
//   1. Manifests whose partition summaries exclude the predicate are skipped unread.
//   2. Files whose partition values exclude it are skipped.
//   3. Files whose column metrics exclude it are skipped.
//
// Pruning is inclusive: a file that may hold a matching row is always planned.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/context.h"
#include "expr/predicate.h"
#include "firn/status.h"
#include "iceberg/manifest.h"
#include "iceberg/manifest_io.h"
#include "iceberg/table_metadata.h"

namespace firn::iceberg {

struct PlanStats {
  std::int64_t manifests_total = 0;
  std::int64_t manifests_pruned = 0;
  std::int64_t files_total = 0;  // Live files in the manifests read.
  std::int64_t files_pruned_by_partition = 0;
  std::int64_t files_pruned_by_metrics = 0;
  std::int64_t files_planned = 0;
  // Files in the manifests skipped unread, by their summaries.
  std::int64_t files_in_pruned_manifests = 0;
  bool operator==(const PlanStats&) const = default;
};

// Call `visit` with each data file of `snapshot` that may hold a row for which
// `predicate` (null: everything) is true, after inheritance. The predicate's column names
// are those of `schema` (the table's current one, or the snapshot's own for time travel).
// An error of `visit` ends planning and is returned.
// Unimplemented where the snapshot has position or equality deletes.
Result<PlanStats> PlanFiles(const base::Context& context, const ManifestIo& manifests,
                            const TableMetadata& metadata, const Snapshot& snapshot,
                            const Schema& schema, const expr::PredicatePtr& predicate,
                            const std::function<Status(ManifestEntry&&)>& visit);

struct FilePlan {
  std::vector<DataFile> files;
  PlanStats stats;
};
// The same, gathered.
Result<FilePlan> PlanFiles(const base::Context& context, const ManifestIo& manifests,
                           const TableMetadata& metadata, const Snapshot& snapshot,
                           const Schema& schema, const expr::PredicatePtr& predicate);

}  // namespace firn::iceberg
