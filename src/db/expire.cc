// SPDX-License-Identifier: Apache-2.0
#include "db/expire.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "iceberg/action.h"
#include "iceberg/apply_updates.h"
#include "iceberg/commit.h"
#include "iceberg/unreachable_files.h"

namespace firn::db {
namespace {

using iceberg::LoadedTable;
using iceberg::TableMetadata;

iceberg::ExpireSnapshots ActionOfExpiry(const ExpireOptions& options) {
  iceberg::ExpireSnapshots action;
  action.now_ms = base::SystemClock().NowMs();
  action.older_than_ms = options.older_than_ms;
  action.retain_last = options.retain_last;
  for (const std::int64_t id : options.snapshot_ids) action.snapshot_ids.emplace_back(id);
  return action;
}

// What `after` no longer has.
ExpireReport ReportOf(const TableMetadata& before, const TableMetadata& after) {
  ExpireReport report;
  for (const iceberg::Snapshot& snapshot : before.snapshots) {
    if (after.FindSnapshot(snapshot.id) == nullptr) {
      report.snapshot_ids.push_back(snapshot.id.value);
    }
  }
  for (const auto& [name, ref] : before.refs) {
    if (!after.refs.contains(name)) report.refs.push_back(name);
  }
  return report;
}

}  // namespace

Result<ExpireReport> Expire(const base::Context& context, Warehouse& warehouse,
                            std::string_view table, const ExpireOptions& options) {
  FIRN_ASSIGN_OR_RETURN(const LoadedTable loaded, warehouse.LoadTable(context, table));
  const iceberg::ExpireSnapshots action = ActionOfExpiry(options);
  std::shared_ptr<const TableMetadata> before = loaded.metadata;
  std::shared_ptr<const TableMetadata> after = before;
  if (options.dry_run) {
    FIRN_ASSIGN_OR_RETURN(const std::vector<iceberg::Update> updates,
                          iceberg::BuildUpdates(*before, action));
    FIRN_ASSIGN_OR_RETURN(TableMetadata applied,
                          iceberg::ApplyUpdates(*before, loaded.metadata_location,
                                                updates, before->last_updated_ms));
    after = std::make_shared<const TableMetadata>(std::move(applied));
  } else {
    FIRN_ASSIGN_OR_RETURN(
        const iceberg::CommitOutcome outcome,
        iceberg::CommitWithRetry(
            context, warehouse.commit_environment(), loaded.identifier,
            [&](const LoadedTable& now,
                iceberg::Transaction& transaction) -> Result<iceberg::BuildDecision> {
              before = now.metadata;
              transaction.Add(action);
              return iceberg::BuildDecision::kCommit;
            }));
    after = outcome.table.metadata;
  }

  ExpireReport report = ReportOf(*before, *after);
  if (report.snapshot_ids.empty()) return report;
  std::int64_t files = 0;
  iceberg::CleanupOptions cleanup;
  cleanup.dry_run = options.dry_run;
  cleanup.progress = [&](const iceberg::UnreachableFile&, const iceberg::CleanupCounts&) {
    ++files;
    if (options.on_progress) options.on_progress(files);
  };
  const iceberg::ManifestIo manifests(loaded.StoreOr(warehouse.store()));
  const Result<iceberg::CleanupCounts> counts =
      iceberg::RemoveUnreachable(context, manifests, *before, *after, cleanup);
  if (!counts.ok()) {
    if (options.dry_run) return counts.status();
    return counts.status().With(std::to_string(report.snapshot_ids.size()) +
                                " snapshots have expired, and " + std::to_string(files) +
                                " of their files are removed; the others stay behind");
  }
  report.data_files = counts->data_files;
  report.delete_files = counts->delete_files;
  report.manifests = counts->manifests;
  report.manifest_lists = counts->manifest_lists;
  report.statistics = counts->statistics;
  return report;
}

}  // namespace firn::db
