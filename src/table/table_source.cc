// SPDX-License-Identifier: Apache-2.0
#include "table/table_source.h"

#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "iceberg/history.h"
#include "iceberg/plan.h"
#include "iceberg/schema_arrow.h"
#include "table/plan_deletes.h"
#include "table/projected_file.h"
#include "table/scan_total.h"
#include "table/task_stream.h"

namespace firn::table {
namespace {

using iceberg::Snapshot;

// What a ScanOf stands for in a table.
struct View {
  const iceberg::Schema* schema = nullptr;
  const Snapshot* snapshot = nullptr;  // Null: no rows, or those of `appends`.
  std::vector<const Snapshot*> appends;
};

Result<View> Resolve(const iceberg::TableMetadata& metadata, const CurrentRows&) {
  return View{&metadata.current_schema(), metadata.current_snapshot(), {}};
}
Result<View> Resolve(const iceberg::TableMetadata& metadata, const RowsOfSnapshot& of) {
  const Snapshot* snapshot = metadata.FindSnapshot(of.id);
  if (snapshot == nullptr) {
    return Status::NotFound("snapshot " + of.id.ToString() +
                            " is not in the table: it was expired, or never was");
  }
  return View{&metadata.SchemaOf(*snapshot), snapshot, {}};
}
Result<View> Resolve(const iceberg::TableMetadata& metadata, const RowsOfRef& of) {
  if (of.name == iceberg::kMainBranch) return Resolve(metadata, CurrentRows());
  FIRN_ASSIGN_OR_RETURN(const Snapshot* snapshot, iceberg::ResolveRef(metadata, of.name));
  const bool is_branch = metadata.refs.at(of.name).type == iceberg::RefType::kBranch;
  return View{is_branch ? &metadata.current_schema() : &metadata.SchemaOf(*snapshot),
              snapshot,
              {}};
}
Result<View> Resolve(const iceberg::TableMetadata& metadata, const RowsAsOf& of) {
  FIRN_ASSIGN_OR_RETURN(const Snapshot* snapshot,
                        iceberg::SnapshotAsOf(metadata, of.at_ms));
  return View{&metadata.SchemaOf(*snapshot), snapshot, {}};
}
Result<View> Resolve(const iceberg::TableMetadata& metadata, const RowsAppended& of) {
  View view{&metadata.current_schema(), nullptr, {}};
  const auto to = of.to ? of.to : metadata.current_snapshot_id;
  if (!to) return view;
  FIRN_ASSIGN_OR_RETURN(
      view.appends,
      iceberg::AppendsBetween(metadata, of.from, *to, iceberg::RewritesInRange::kRefuse));
  return view;
}

Result<std::vector<iceberg::NestedField>> ResolveColumns(
    const iceberg::Schema& schema, const std::optional<std::vector<std::string>>& names) {
  if (!names.has_value()) return schema.fields();
  std::vector<iceberg::NestedField> columns;
  for (const std::string& name : *names) {
    const auto field = std::find_if(
        schema.fields().begin(), schema.fields().end(),
        [&](const iceberg::NestedField& candidate) { return candidate.name == name; });
    if (field == schema.fields().end()) {
      return Status::NotFound("the table has no column " + name);
    }
    columns.push_back(*field);
  }
  return columns;
}

// What all plans of a source refer to. Immutable.
struct SourceTable {
  SourceTable(const ScanEnvironment& environment_in, iceberg::LoadedTable table_in)
      : table(std::move(table_in)),
        environment(environment_in.WithStore(table.StoreOr(environment_in.store))),
        mappings(*table.metadata) {}

  const iceberg::LoadedTable table;
  const ScanEnvironment environment;
  const NameMappings mappings;

  const iceberg::TableMetadata& metadata() const { return *table.metadata; }
};

class TablePlan final : public scan::ScanPlan {
 public:
  TablePlan(const base::Context& context, std::shared_ptr<const SourceTable> table,
            std::shared_ptr<arrow::Schema> schema, ProjectedRead read,
            iceberg::FilePlan files)
      : context_(context),
        table_(std::move(table)),
        schema_(std::move(schema)),
        read_(std::move(read)),
        tasks_(std::move(files.tasks)),
        splits_(SplitTasks(tasks_, kSplitBytes)),
        total_(std::make_shared<ScanTotal>(PlannedStats(files.stats))),
        deletes_(context, table_->environment, table_->mappings, table_->metadata(),
                 tasks_, total_) {}

  const std::shared_ptr<arrow::Schema>& schema() const override { return schema_; }
  std::size_t split_count() const override { return splits_.size(); }
  scan::ScanStats stats() const override { return total_->Get(); }
  std::int64_t estimated_rows() const override {
    std::int64_t rows = 0;
    for (const iceberg::ScanTask& task : tasks_) {
      rows += task.file.record_count;
      for (const iceberg::DeleteFilePtr& deletes : task.deletes) {
        if (deletes->is_vector()) rows -= deletes->file.record_count;
      }
    }
    return std::max<std::int64_t>(0, rows);
  }

  Result<std::unique_ptr<scan::BatchStream>> OpenSplit(std::size_t index) override {
    FIRN_ASSERT(index < splits_.size());
    const TaskSplit& split = splits_[index];
    ProjectedRead read = read_;
    read.threads = table_->environment.ThreadsOfSplit(splits_.size());
    read.first_byte = split.first_byte;
    read.end_byte = split.end_byte;
    return OpenTask(context_, table_->environment, table_->mappings, table_->metadata(),
                    tasks_[split.task], split.task, deletes_, std::move(read), total_);
  }

 private:
  static scan::ScanStats PlannedStats(const iceberg::PlanStats& plan) {
    scan::ScanStats stats;
    stats.files_planned = plan.files_planned;
    stats.files_pruned = plan.files_pruned_by_partition + plan.files_pruned_by_metrics +
                         plan.files_in_pruned_manifests;
    stats.delete_files_planned = plan.delete_files_planned;
    return stats;
  }

  const base::Context& context_;
  const std::shared_ptr<const SourceTable> table_;
  const std::shared_ptr<arrow::Schema> schema_;
  const ProjectedRead read_;
  const std::vector<iceberg::ScanTask> tasks_;
  const std::vector<TaskSplit> splits_;
  const std::shared_ptr<ScanTotal> total_;
  PlanDeletes deletes_;
};

class TableSource final : public scan::BatchSource {
 public:
  static Result<std::shared_ptr<TableSource>> Make(const ScanEnvironment& environment,
                                                   const iceberg::LoadedTable& table,
                                                   const ScanOf& of) {
    auto source = std::make_shared<TableSource>();
    source->table_ = std::make_shared<const SourceTable>(environment, table);
    FIRN_ASSIGN_OR_RETURN(
        source->view_,
        std::visit(
            [&](const auto& rows) { return Resolve(source->table_->metadata(), rows); },
            of));
    FIRN_ASSIGN_OR_RETURN(source->schema_, iceberg::ToArrowSchema(*source->view_.schema));
    return source;
  }

  const std::shared_ptr<arrow::Schema>& schema() const override { return schema_; }

  Result<std::unique_ptr<scan::ScanPlan>> Plan(
      const base::Context& context, const scan::ScanRequest& request) override {
    const iceberg::TableMetadata& metadata = table_->metadata();
    const iceberg::ManifestIo manifests(table_->environment.store);
    iceberg::FilePlan files;
    const auto gather = [&](iceberg::ScanTask&& task) {
      files.tasks.push_back(std::move(task));
      return Status::OK();
    };
    if (view_.snapshot != nullptr) {
      FIRN_ASSIGN_OR_RETURN(
          files.stats, iceberg::PlanFiles(context, manifests, metadata, *view_.snapshot,
                                          *view_.schema, request.predicate, gather));
    } else if (!view_.appends.empty()) {
      FIRN_ASSIGN_OR_RETURN(
          files.stats, iceberg::PlanAppends(context, manifests, metadata, view_.appends,
                                            *view_.schema, request.predicate, gather));
    }
    return PlanOf(context, request, std::move(files));
  }

  Result<std::unique_ptr<scan::ScanPlan>> PlanOf(const base::Context& context,
                                                 const scan::ScanRequest& request,
                                                 iceberg::FilePlan files) const {
    ProjectedRead read;
    FIRN_ASSIGN_OR_RETURN(read.columns, ResolveColumns(*view_.schema, request.columns));
    read.predicate = request.predicate;
    read.predicate_fields = PredicateFields(request.predicate, *view_.schema);
    arrow::FieldVector fields;
    for (const iceberg::NestedField& column : read.columns) {
      fields.push_back(schema_->GetFieldByName(column.name));
      FIRN_ASSERT(fields.back() != nullptr);
    }
    return std::make_unique<TablePlan>(context, table_, arrow::schema(std::move(fields)),
                                       std::move(read), std::move(files));
  }

 private:
  std::shared_ptr<const SourceTable> table_;
  View view_;  // Points into the table's metadata.
  std::shared_ptr<arrow::Schema> schema_;
};

}  // namespace

Result<std::shared_ptr<scan::BatchSource>> MakeTableSource(
    const ScanEnvironment& environment, const iceberg::LoadedTable& table,
    const ScanOf& of) {
  FIRN_ASSIGN_OR_RETURN(std::shared_ptr<TableSource> source,
                        TableSource::Make(environment, table, of));
  return std::shared_ptr<scan::BatchSource>(std::move(source));
}

Result<std::unique_ptr<scan::ScanPlan>> PlanTasks(const base::Context& context,
                                                  const ScanEnvironment& environment,
                                                  const iceberg::LoadedTable& table,
                                                  const scan::ScanRequest& request,
                                                  std::vector<iceberg::ScanTask> tasks) {
  FIRN_ASSIGN_OR_RETURN(const std::shared_ptr<TableSource> source,
                        TableSource::Make(environment, table, CurrentRows()));
  iceberg::FilePlan plan;
  plan.stats.files_planned = static_cast<std::int64_t>(tasks.size());
  plan.tasks = std::move(tasks);
  return source->PlanOf(context, request, std::move(plan));
}

std::vector<TaskSplit> SplitTasks(const std::vector<iceberg::ScanTask>& tasks,
                                  std::int64_t split_bytes) {
  std::vector<TaskSplit> splits;
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    const iceberg::DataFile& file = tasks[i].file;
    std::int64_t first = 0;
    if (file.file_size_bytes > split_bytes &&
        std::is_sorted(file.split_offsets.begin(), file.split_offsets.end())) {
      for (const std::int64_t offset : file.split_offsets) {
        if (offset - first < split_bytes || offset >= file.file_size_bytes) continue;
        splits.push_back({i, first, offset});
        first = offset;
      }
    }
    splits.push_back({i, first, kEndOfFile});
  }
  return splits;
}

}  // namespace firn::table
