// SPDX-License-Identifier: Apache-2.0
#include "table/table_source.h"

#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <utility>

#include "base/assert.h"
#include "iceberg/plan.h"
#include "iceberg/schema_arrow.h"
#include "parquet/reader.h"
#include "table/file_stream.h"
#include "table/scan_total.h"

namespace firn::table {
namespace {

// A column of the request: the table's field, and where batches have it.
struct Column {
  std::string name;
  iceberg::FieldId id;
};

Result<std::vector<Column>> ResolveColumns(
    const iceberg::Schema& schema, const std::optional<std::vector<std::string>>& names) {
  std::vector<Column> columns;
  if (!names.has_value()) {
    for (const iceberg::NestedField& field : schema.fields()) {
      columns.push_back({field.name, field.id});
    }
    return columns;
  }
  for (const std::string& name : *names) {
    const iceberg::NestedField* field = schema.FindColumn(name);
    if (field == nullptr) return Status::NotFound("the table has no column " + name);
    columns.push_back({name, field->id});
  }
  return columns;
}

class TablePlan final : public scan::ScanPlan {
 public:
  TablePlan(const base::Context& context, const ScanEnvironment& environment,
            std::shared_ptr<arrow::Schema> schema, std::vector<Column> columns,
            std::vector<parquet::ColumnRef> all_columns, expr::PredicatePtr predicate,
            iceberg::FilePlan files, std::shared_ptr<io::Store> lent_store)
      : context_(context),
        environment_(environment),
        lent_store_(std::move(lent_store)),
        schema_(std::move(schema)),
        columns_(std::move(columns)),
        all_columns_(std::move(all_columns)),
        predicate_(std::move(predicate)),
        files_(std::move(files.files)),
        total_(std::make_shared<ScanTotal>(PlannedStats(files.stats))) {}

  const std::shared_ptr<arrow::Schema>& schema() const override { return schema_; }
  std::size_t split_count() const override { return files_.size(); }
  scan::ScanStats stats() const override { return total_->Get(); }
  std::int64_t estimated_rows() const override {
    std::int64_t rows = 0;
    for (const iceberg::DataFile& file : files_) rows += file.record_count;
    return rows;
  }

  Result<std::unique_ptr<scan::BatchStream>> OpenSplit(std::size_t index) override {
    FIRN_ASSERT(index < files_.size());
    const iceberg::DataFile& file = files_[index];
    if (file.file_format != iceberg::FileFormat::kParquet) {
      return Status::Unimplemented("data file " + file.file_path +
                                   " is not Parquet, which is all that is read");
    }
    // A table's files are never replaced, and its metadata knows how long they are.
    FIRN_ASSIGN_OR_RETURN(
        std::unique_ptr<parquet::FileReader> reader,
        parquet::FileReader::Open(context_, environment_.store, file.file_path,
                                  static_cast<std::uint64_t>(file.file_size_bytes),
                                  environment_.ReaderOptionsFor(file.file_path)));
    total_->Add(StatsOf(reader->opening()));
    parquet::ScanSpec spec;
    spec.batch_rows = kBatchRows;
    spec.threads = environment_.ThreadsOfSplit(files_.size());
    spec.columns.emplace();
    spec.predicate = predicate_;
    spec.predicate_columns = all_columns_;
    std::vector<int> sources;
    for (const Column& column : columns_) {
      parquet::ColumnRef ref{column.name, column.id.value};
      if (reader->HasColumn(ref)) {
        sources.push_back(static_cast<int>(spec.columns->size()));
        spec.columns->push_back(std::move(ref));
      } else {
        sources.push_back(-1);
      }
    }
    FIRN_ASSIGN_OR_RETURN(parquet::FilePlan plan, reader->Plan(context_, spec));
    total_->Add(StatsOf(plan));
    FIRN_ASSIGN_OR_RETURN(std::unique_ptr<scan::BatchStream> inner,
                          reader->Read(context_, spec, std::move(plan)));
    return MakeFileStream(std::move(inner), schema_, std::move(sources), total_,
                          environment_.pool, StructFields::kAll);
  }

 private:
  static scan::ScanStats PlannedStats(const iceberg::PlanStats& plan) {
    scan::ScanStats stats;
    stats.files_planned = plan.files_planned;
    stats.files_pruned = plan.files_pruned_by_partition + plan.files_pruned_by_metrics +
                         plan.files_in_pruned_manifests;
    return stats;
  }

  const base::Context& context_;
  const ScanEnvironment environment_;
  const std::shared_ptr<io::Store> lent_store_;  // What environment_ refers to, or null.
  const std::shared_ptr<arrow::Schema> schema_;
  const std::vector<Column> columns_;
  const std::vector<parquet::ColumnRef> all_columns_;
  const expr::PredicatePtr predicate_;
  const std::vector<iceberg::DataFile> files_;
  const std::shared_ptr<ScanTotal> total_;
};

class TableSource final : public scan::BatchSource {
 public:
  TableSource(const ScanEnvironment& environment, iceberg::LoadedTable table,
              std::shared_ptr<arrow::Schema> schema)
      : environment_(environment.WithStore(table.StoreOr(environment.store))),
        table_(std::move(table)),
        schema_(std::move(schema)) {}

  const std::shared_ptr<arrow::Schema>& schema() const override { return schema_; }

  Result<std::unique_ptr<scan::ScanPlan>> Plan(
      const base::Context& context, const scan::ScanRequest& request) override {
    const iceberg::TableMetadata& metadata = *table_.metadata;
    iceberg::FilePlan files;
    if (const iceberg::Snapshot* snapshot = metadata.current_snapshot()) {
      const iceberg::ManifestIo manifests(environment_.store);
      FIRN_ASSIGN_OR_RETURN(
          files, iceberg::PlanFiles(context, manifests, metadata, *snapshot,
                                    metadata.current_schema(), request.predicate));
    }
    return PlanOf(context, request, std::move(files));
  }

  Result<std::unique_ptr<scan::ScanPlan>> PlanOf(const base::Context& context,
                                                 const scan::ScanRequest& request,
                                                 iceberg::FilePlan files) const {
    const iceberg::Schema& schema = table_.metadata->current_schema();
    FIRN_ASSIGN_OR_RETURN(std::vector<Column> columns,
                          ResolveColumns(schema, request.columns));
    arrow::FieldVector fields;
    for (const Column& column : columns) {
      fields.push_back(schema_->GetFieldByName(column.name));
      FIRN_ASSERT(fields.back() != nullptr);
    }
    std::vector<parquet::ColumnRef> all_columns;
    for (const iceberg::NestedField& field : schema.fields()) {
      all_columns.push_back({field.name, field.id.value});
    }
    return std::make_unique<TablePlan>(
        context, environment_, arrow::schema(std::move(fields)), std::move(columns),
        std::move(all_columns), request.predicate, std::move(files), table_.store);
  }

 private:
  const ScanEnvironment environment_;
  const iceberg::LoadedTable table_;
  const std::shared_ptr<arrow::Schema> schema_;
};

}  // namespace

Result<std::shared_ptr<scan::BatchSource>> MakeTableSource(
    const ScanEnvironment& environment, const iceberg::LoadedTable& table) {
  FIRN_ASSIGN_OR_RETURN(std::shared_ptr<arrow::Schema> schema,
                        iceberg::ToArrowSchema(table.metadata->current_schema()));
  return std::make_shared<TableSource>(environment, table, std::move(schema));
}

Result<std::unique_ptr<scan::ScanPlan>> PlanDataFiles(
    const base::Context& context, const ScanEnvironment& environment,
    const iceberg::LoadedTable& table, const scan::ScanRequest& request,
    std::vector<iceberg::DataFile> files) {
  FIRN_ASSIGN_OR_RETURN(std::shared_ptr<arrow::Schema> schema,
                        iceberg::ToArrowSchema(table.metadata->current_schema()));
  iceberg::FilePlan plan;
  plan.stats.files_planned = static_cast<std::int64_t>(files.size());
  plan.files = std::move(files);
  return TableSource(environment, table, std::move(schema))
      .PlanOf(context, request, std::move(plan));
}

}  // namespace firn::table
