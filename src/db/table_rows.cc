// SPDX-License-Identifier: Apache-2.0
#include "firn/table_rows.h"

#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

#include "base/clock.h"
#include "base/context.h"
#include "base/metrics.h"
#include "base/ulid.h"
#include "db/warehouse.h"
#include "db/write_options.h"
#include "expr/filter_text.h"
#include "iceberg/schema_text.h"
#include "io/file.h"
#include "table/new_table.h"
#include "table/row_import.h"
#include "table/row_rewrite.h"

namespace firn {
namespace {

using db::Warehouse;

table::TableLayout LayoutOf(const TableLayoutText& text) {
  return {text.partition, text.sort, {text.properties.begin(), text.properties.end()}};
}

// What the new rows take the place of.
Status SetReplaced(const ImportOptions& options, table::ImportRequest& request) {
  const int ways = static_cast<int>(!options.key.empty()) +
                   static_cast<int>(options.overwrite_partitions) +
                   static_cast<int>(!options.overwrite_where.empty());
  if (ways > 1) {
    return Status::InvalidArgument(
        "rows take the place of others by a key, by partition or by a condition: one of "
        "these is to be given");
  }
  request.key = options.key;
  request.overwrite_partitions = options.overwrite_partitions;
  if (options.overwrite_where.empty()) return Status::OK();
  auto parsed = expr::ParseFilter(options.overwrite_where);
  if (!parsed.ok()) return parsed.status().With("overwrite where");
  request.overwrite_where = *std::move(parsed);
  return Status::OK();
}

class WarehouseRows final : public TableRows {
 public:
  static Result<std::unique_ptr<TableRows>> Open(const DbOptions& options) {
    auto rows = std::make_unique<WarehouseRows>();
    FIRN_ASSIGN_OR_RETURN(rows->writer_, db::WriterOptionsOf(options.table_writes));
    FIRN_ASSIGN_OR_RETURN(rows->warehouse_,
                          Warehouse::Open(options.warehouse, options, /*read_only=*/false,
                                          base::SystemClock(), rows->metrics_));
    return std::unique_ptr<TableRows>(std::move(rows));
  }

  Result<TableSummary> Create(const base::Context& context, std::string_view table,
                              std::string_view columns,
                              const TableLayoutText& layout) override {
    FIRN_ASSIGN_OR_RETURN(const iceberg::TableIdentifier identifier,
                          iceberg::TableIdentifier::Parse(table));
    auto schema = iceberg::ParseSchemaText(columns, iceberg::kFormatVersionWrittenMax);
    if (!schema.ok()) return schema.status().With("columns");
    FIRN_ASSIGN_OR_RETURN(
        const iceberg::CreateTableRequest request,
        table::NewTableRequest(identifier, std::move(*schema), LayoutOf(layout)));
    FIRN_ASSIGN_OR_RETURN(const iceberg::LoadedTable created,
                          table::MakeTable(context, warehouse_->catalog(), request));
    return Warehouse::Summarize(created);
  }

  Status CheckLayout(const base::Context& context, std::string_view table,
                     const TableLayoutText& layout) override {
    FIRN_ASSIGN_OR_RETURN(const iceberg::TableIdentifier identifier,
                          iceberg::TableIdentifier::Parse(table));
    const auto loaded = warehouse_->catalog().LoadTable(context, identifier);
    if (loaded.status().Is(StatusCode::kNotFound)) return Status::OK();
    FIRN_RETURN_IF_ERROR(loaded.status());
    return table::CheckLayout(LayoutOf(layout), *loaded->metadata);
  }

  Result<ImportReport> Import(const base::Context& context, std::string_view table,
                              const ImportOptions& options) override {
    table::ImportRequest request;
    if (options.create.has_value()) {
      FIRN_ASSIGN_OR_RETURN(request.table, iceberg::TableIdentifier::Parse(table));
      request.create = LayoutOf(*options.create);
    } else {
      // For a NotFound that lists the tables there are.
      FIRN_ASSIGN_OR_RETURN(const iceberg::LoadedTable loaded,
                            warehouse_->LoadTable(context, table));
      request.table = loaded.identifier;
    }
    if (options.sources.empty()) {
      return Status::InvalidArgument("there is no source to import from");
    }
    request.sources = options.sources;
    request.standard_input = options.standard_input;
    FIRN_RETURN_IF_ERROR(SetReplaced(options, request));
    request.writer = writer_;
    if (options.on_invalid.has_value()) {
      request.writer.on_invalid = db::OnInvalidOf(*options.on_invalid);
    }
    if (!options.format.empty()) {
      FIRN_ASSIGN_OR_RETURN(request.format, table::ParseRowFormat(options.format));
    }
    request.on_progress = [&](const table::ImportProgress& progress) {
      if (options.on_progress) {
        options.on_progress(progress.rows, progress.sources_done, progress.sources);
      }
    };
    FIRN_ASSIGN_OR_RETURN(const table::ImportOutcome outcome,
                          table::ImportRows(context, Environment(), request));
    ImportReport report;
    report.table = Warehouse::Summarize(outcome.table);
    report.created = outcome.created;
    if (outcome.snapshot_id.has_value()) report.snapshot_id = outcome.snapshot_id->value;
    report.sources = outcome.sources;
    report.rows = outcome.rows;
    report.rows_replaced = outcome.rows_replaced;
    report.files_replaced = outcome.files_replaced;
    report.rows_quarantined = outcome.rows_quarantined;
    if (outcome.rows_quarantined > 0) {
      report.quarantine_table = outcome.quarantine.ToString();
    }
    report.files = outcome.files;
    report.file_bytes = outcome.file_bytes;
    return report;
  }

  Result<DeleteReport> Delete(const base::Context& context, std::string_view table,
                              const DeleteOptions& options) override {
    FIRN_ASSIGN_OR_RETURN(const iceberg::LoadedTable loaded,
                          warehouse_->LoadTable(context, table));
    expr::PredicatePtr predicate;
    if (!options.filter.empty()) {
      auto parsed = expr::ParseFilter(options.filter);
      if (!parsed.ok()) return parsed.status().With("filter");
      predicate = *std::move(parsed);
    }
    const auto matcher = table::MakePredicateMatcher(std::move(predicate));
    table::RewriteRequest request{loaded.identifier, *matcher};
    request.dry_run = options.dry_run;
    request.writer = writer_;
    request.on_progress = options.on_progress;
    FIRN_ASSIGN_OR_RETURN(const table::RewriteOutcome outcome,
                          table::RewriteRows(context, Environment(), request));
    DeleteReport report;
    report.table = Warehouse::Summarize(outcome.table);
    if (outcome.snapshot_id.has_value()) report.snapshot_id = outcome.snapshot_id->value;
    report.rows = outcome.rows;
    report.files_removed = outcome.files_removed;
    report.files_rewritten = outcome.files_rewritten;
    report.rows_rewritten = outcome.rows_rewritten;
    return report;
  }

 private:
  table::RowEnvironment Environment() {
    return {warehouse_->commit_environment(), warehouse_->scan_environment(), ulids_,
            io::LocalFileSystem(), SpillDirectory()};
  }

  // Where there is none, spilling says so.
  static std::string SpillDirectory() {
    std::error_code error;
    const std::filesystem::path found = std::filesystem::temp_directory_path(error);
    return error ? "/tmp" : found.string();
  }

  table::TableWriterOptions writer_;
  base::MetricRegistry metrics_;
  base::UlidSource ulids_{base::SystemClock()};
  std::unique_ptr<Warehouse> warehouse_;
};

}  // namespace

Result<std::unique_ptr<TableRows>> TableRows::Open(const DbOptions& options) {
  return WarehouseRows::Open(options);
}

}  // namespace firn
