// SPDX-License-Identifier: Apache-2.0
#include "db/manifests.h"

#include "iceberg/commit.h"
#include "iceberg/rewrite_manifests.h"

namespace firn::db {
namespace {

RewriteManifestsReport ReportOf(std::int64_t kept, std::int64_t replaced,
                                std::int64_t created) {
  RewriteManifestsReport report;
  report.manifests_before = kept + replaced;
  report.manifests_after = kept + created;
  report.replaced = replaced;
  report.created = created;
  return report;
}

}  // namespace

Result<RewriteManifestsReport> RewriteManifests(const base::Context& context,
                                                Warehouse& warehouse,
                                                std::string_view table,
                                                const RewriteManifestsOptions& options) {
  if (options.target_bytes.value_or(1) < 1) {
    return Status::InvalidArgument("a manifest has a byte at least");
  }
  FIRN_ASSIGN_OR_RETURN(const iceberg::LoadedTable loaded,
                        warehouse.LoadTable(context, table));
  iceberg::RewriteManifests action;
  action.target_bytes = options.target_bytes;
  // What is in order needs no commit, and tells its counts all the same.
  const iceberg::ManifestIo manifests(loaded.StoreOr(warehouse.store()));
  FIRN_ASSIGN_OR_RETURN(
      const iceberg::ManifestCounts plan,
      iceberg::PlanRewrite(context, manifests, *loaded.metadata, action));
  if (options.dry_run || plan.replaced == 0) {
    return ReportOf(plan.kept, plan.replaced, plan.created);
  }
  FIRN_ASSIGN_OR_RETURN(
      const iceberg::CommitOutcome outcome,
      iceberg::CommitWithRetry(
          context, warehouse.commit_environment(), loaded.identifier,
          [&](const iceberg::LoadedTable&,
              iceberg::Transaction& transaction) -> Result<iceberg::BuildDecision> {
            transaction.Add(action);
            return iceberg::BuildDecision::kCommit;
          }));
  // Nothing is left to do where another rewrite came first.
  if (!outcome.snapshot) return ReportOf(plan.kept + plan.created, 0, 0);
  const iceberg::Snapshot& snapshot = *outcome.snapshot;
  RewriteManifestsReport report =
      ReportOf(snapshot.SummaryCount(iceberg::kSummaryManifestsKept, 0),
               snapshot.SummaryCount(iceberg::kSummaryManifestsReplaced, 0),
               snapshot.SummaryCount(iceberg::kSummaryManifestsCreated, 0));
  report.snapshot_id = snapshot.id.value;
  return report;
}

}  // namespace firn::db
