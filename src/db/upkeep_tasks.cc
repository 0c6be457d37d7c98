// SPDX-License-Identifier: Apache-2.0
#include "db/upkeep_tasks.h"

#include <string>
#include <utility>

#include "base/log.h"
#include "db/compact.h"
#include "db/data_directory.h"
#include "db/expire.h"
#include "db/manifests.h"
#include "db/orphans.h"
#include "db/write_options.h"
#include "tsdb/tables.h"

namespace firn::db {
namespace {

using TaskFunction = std::function<Status(const base::Context&)>;

// Of one table.
class TaskMaker {
 public:
  TaskMaker(const DbOptions& options, Warehouse& warehouse, base::MetricRegistry& metrics,
            std::string table)
      : options_(options),
        warehouse_(warehouse),
        metrics_(metrics),
        table_(std::move(table)) {}

  TaskFunction Compact() const {
    CompactOptions compact;
    compact.memory_bytes_max = options_.maintenance_bytes_max;
    compact.spill_directory = SpillPath(options_.data_dir);
    return [=, *this](const base::Context& context) -> Status {
      FIRN_ASSIGN_OR_RETURN(const auto writer, WriterOptionsOf(options_.table_writes));
      FIRN_ASSIGN_OR_RETURN(const CompactReport report,
                            db::Compact(context, warehouse_, table_, compact, writer));
      Count("compact", report.files_removed);
      if (report.groups + report.groups_given_up == 0) return Status::OK();
      base::LogInfo("compacted", {{"table", table_},
                                  {"files", std::to_string(report.files_removed)},
                                  {"new_files", std::to_string(report.files_added)},
                                  {"rows", std::to_string(report.rows)},
                                  {"given_up", std::to_string(report.groups_given_up)}});
      return Status::OK();
    };
  }

  TaskFunction Manifests() const {
    return [*this](const base::Context& context) -> Status {
      FIRN_ASSIGN_OR_RETURN(const RewriteManifestsReport report,
                            db::RewriteManifests(context, warehouse_, table_, {}));
      Count("manifests", report.replaced);
      if (report.replaced == 0) return Status::OK();
      base::LogInfo("manifests rewritten",
                    {{"table", table_},
                     {"manifests", std::to_string(report.manifests_before)},
                     {"now", std::to_string(report.manifests_after)}});
      return Status::OK();
    };
  }

  TaskFunction Expire() const {
    return [*this](const base::Context& context) -> Status {
      FIRN_ASSIGN_OR_RETURN(const ExpireReport report,
                            db::Expire(context, warehouse_, table_, {}));
      const std::int64_t files = report.data_files + report.delete_files +
                                 report.manifests + report.manifest_lists +
                                 report.statistics;
      Count("expire", files);
      if (report.snapshot_ids.empty()) return Status::OK();
      base::LogInfo("expired", {{"table", table_},
                                {"snapshots", std::to_string(report.snapshot_ids.size())},
                                {"files", std::to_string(files)}});
      return Status::OK();
    };
  }

  TaskFunction Orphans(std::function<bool()> has_unresolved) const {
    OrphanOptions orphans;
    orphans.age_min_ms = options_.maintenance_orphan_age_ms;
    return [=, *this](const base::Context& context) -> Status {
      if (has_unresolved()) return Status::OK();
      FIRN_ASSIGN_OR_RETURN(
          const OrphanReport report,
          db::RemoveOrphans(context, warehouse_, options_.catalog, table_, orphans));
      Count("orphans", report.files);
      if (report.files + report.failed_files == 0) return Status::OK();
      base::LogInfo("orphans removed", {{"table", table_},
                                        {"files", std::to_string(report.files)},
                                        {"bytes", std::to_string(report.bytes)},
                                        {"failed", std::to_string(report.failed_files)}});
      return Status::OK();
    };
  }

 private:
  void Count(const char* task, std::int64_t files) const {
    metrics_
        .GetCounter("firn_maintenance_files_total",
                    "Files that maintenance removed or replaced.",
                    {{"table", table_}, {"task", task}})
        .Add(static_cast<std::uint64_t>(files));
  }

  const DbOptions& options_;
  Warehouse& warehouse_;
  base::MetricRegistry& metrics_;
  const std::string table_;
};

}  // namespace

std::vector<UpkeepLoop::Task> UpkeepTasks(const DbOptions& options, Warehouse& warehouse,
                                          base::MetricRegistry& metrics,
                                          std::function<bool()> has_unresolved) {
  std::vector<UpkeepLoop::Task> tasks;
  for (const iceberg::TableIdentifier& identifier :
       {tsdb::SamplesTable(), tsdb::SeriesTableName()}) {
    const std::string table = identifier.ToString();
    const TaskMaker make(options, warehouse, metrics, table);
    if (options.maintenance_compact) tasks.push_back({"compact", table, make.Compact()});
    if (options.maintenance_manifests) {
      tasks.push_back({"manifests", table, make.Manifests()});
    }
    if (options.maintenance_expire) tasks.push_back({"expire", table, make.Expire()});
    if (options.maintenance_orphans) {
      tasks.push_back({"orphans", table, make.Orphans(has_unresolved)});
    }
  }
  return tasks;
}

}  // namespace firn::db
