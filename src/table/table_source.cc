// SPDX-License-Identifier: Apache-2.0
#include "table/table_source.h"

#include <arrow/type.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "iceberg/history.h"
#include "iceberg/plan_stream.h"
#include "iceberg/schema_arrow.h"
#include "table/file_columns.h"
#include "table/projected_file.h"
#include "table/table_plan.h"

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

class TableSource final : public scan::BatchSource {
 public:
  static Result<std::shared_ptr<TableSource>> Make(const ScanEnvironment& environment,
                                                   const iceberg::LoadedTable& table,
                                                   const ScanOf& of) {
    auto source = std::make_shared<TableSource>();
    source->table_ = std::make_shared<const SourceTable>(environment, table,
                                                         SplitSizesOf(*table.metadata));
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
    iceberg::PlanOptions options;
    options.threads = table_->environment.ThreadsOfPlan(metadata.location);
    TaskFeed feed;
    if (view_.snapshot != nullptr) {
      FIRN_ASSIGN_OR_RETURN(
          feed.planned,
          iceberg::PlanStream::Open(context, manifests, metadata, *view_.snapshot,
                                    *view_.schema, request.predicate, options));
    } else if (!view_.appends.empty()) {
      FIRN_ASSIGN_OR_RETURN(feed.planned, iceberg::PlanStream::OpenAppends(
                                              context, manifests, metadata, view_.appends,
                                              *view_.schema, request.predicate, options));
    }
    return PlanOf(context, request, std::move(feed));
  }

  Result<std::unique_ptr<scan::ScanPlan>> PlanOf(const base::Context& context,
                                                 const scan::ScanRequest& request,
                                                 TaskFeed feed) const {
    ProjectedRead read;
    FIRN_ASSIGN_OR_RETURN(read.columns, ResolveColumns(*view_.schema, request.columns));
    read.predicate = request.predicate;
    read.predicate_fields = PredicateFields(request.predicate, *view_.schema);
    arrow::FieldVector fields;
    for (const iceberg::NestedField& column : read.columns) {
      read.left_out.push_back(FieldsLeftOut(column, request.parts));
      fields.push_back(schema_->GetFieldByName(column.name));
      FIRN_ASSERT(fields.back() != nullptr);
    }
    return MakeTablePlan(context, table_, arrow::schema(std::move(fields)),
                         std::move(read), std::move(feed));
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
  TaskFeed feed;
  feed.given = std::move(tasks);
  return source->PlanOf(context, request, std::move(feed));
}

}  // namespace firn::table
