// SPDX-License-Identifier: Apache-2.0
#include "iceberg/plan.h"

#include <memory>
#include <utility>

namespace firn::iceberg {

Result<PlanStats> PlanFiles(const base::Context& context, const ManifestIo& manifests,
                            const TableMetadata& metadata, const Snapshot& snapshot,
                            const Schema& schema, const expr::PredicatePtr& predicate,
                            const std::function<Status(ScanTask&&)>& visit,
                            PlanOptions options) {
  FIRN_ASSIGN_OR_RETURN(const std::unique_ptr<PlanStream> stream,
                        PlanStream::Open(context, manifests, metadata, snapshot, schema,
                                         predicate, std::move(options)));
  while (true) {
    FIRN_ASSIGN_OR_RETURN(std::vector<ScanTask> tasks, stream->Next());
    if (tasks.empty()) return stream->stats();
    for (ScanTask& task : tasks) FIRN_RETURN_IF_ERROR(visit(std::move(task)));
  }
}

Result<FilePlan> PlanFiles(const base::Context& context, const ManifestIo& manifests,
                           const TableMetadata& metadata, const Snapshot& snapshot,
                           const Schema& schema, const expr::PredicatePtr& predicate,
                           PlanOptions options) {
  FilePlan plan;
  FIRN_ASSIGN_OR_RETURN(plan.stats,
                        PlanFiles(
                            context, manifests, metadata, snapshot, schema, predicate,
                            [&](ScanTask&& task) {
                              plan.tasks.push_back(std::move(task));
                              return Status::OK();
                            },
                            std::move(options)));
  return plan;
}

std::function<bool(const DataFile&)> FilesThatMayMatch(const TableMetadata& metadata,
                                                       const Schema& schema,
                                                       expr::PredicatePtr predicate) {
  if (predicate == nullptr) return nullptr;
  return [specs = metadata.partition_specs,
          pruner = FilePruner(schema, std::move(predicate))](const DataFile& file) {
    for (const PartitionSpec& spec : specs) {
      if (spec.id != file.spec_id) continue;
      return pruner.PartitionMayMatch(spec, file) && pruner.MetricsMayMatch(file);
    }
    return true;
  };
}

}  // namespace firn::iceberg
