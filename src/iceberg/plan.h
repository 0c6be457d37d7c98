// SPDX-License-Identifier: Apache-2.0
// plan.h: which files of a snapshot a scan must read (plan_stream.h), for those who want
// all of them at once.
#pragma once

#include <functional>
#include <vector>

#include "base/context.h"
#include "expr/predicate.h"
#include "firn/status.h"
#include "iceberg/manifest_io.h"
#include "iceberg/plan_stream.h"
#include "iceberg/table_metadata.h"

namespace firn::iceberg {

// Call `visit` with each data file of `snapshot` that may hold a row for which
// `predicate` (null: everything) is true, as PlanStream::Open() says. An error of `visit`
// ends planning and is returned.
Result<PlanStats> PlanFiles(const base::Context& context, const ManifestIo& manifests,
                            const TableMetadata& metadata, const Snapshot& snapshot,
                            const Schema& schema, const expr::PredicatePtr& predicate,
                            const std::function<Status(ScanTask&&)>& visit,
                            PlanOptions options = {});

struct FilePlan {
  std::vector<ScanTask> tasks;
  PlanStats stats;
};
// The same, gathered.
Result<FilePlan> PlanFiles(const base::Context& context, const ManifestIo& manifests,
                           const TableMetadata& metadata, const Snapshot& snapshot,
                           const Schema& schema, const expr::PredicatePtr& predicate,
                           PlanOptions options = {});

// Whether a data file, with all its metrics, may hold a row for which `predicate` is
// true, as planning decides it: for conflicts.h. Of a spec that `metadata` lacks any may.
// Null where `predicate` is.
std::function<bool(const DataFile&)> FilesThatMayMatch(const TableMetadata& metadata,
                                                       const Schema& schema,
                                                       expr::PredicatePtr predicate);

}  // namespace firn::iceberg
