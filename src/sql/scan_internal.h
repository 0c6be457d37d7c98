// SPDX-License-Identifier: Apache-2.0
// scan_internal.h: the table function with which DuckDB reads a firn table.
//
//   1. Open      per execution of a scan: DuckDB's filters become a predicate, and the
//                table is planned with it and with the columns wanted, or the fields of
//                their structs that are.
//   2. Next      a thread takes the next split of the plan, until none is left, and reads
//                its batches.
//   3. Convert   2048 rows at a time by DuckDB's own Arrow conversion, after what it does
//                not get right is out of the way (nanosecond_internal.h,
//                offset_internal.h). A vector points into the batch where the layouts
//                agree, and holds it.
//   4. Filter    by the statement's TableFilter, where it is of this table, as a mask of
//                the batch before conversion; then by DuckDB's own FilterSelection:
//                filter_pushdown promises that no row that fails a filter leaves here,
//                since DuckDB does not look again.
//
// Invariants: every split is read by exactly one thread; a filter is applied to every row
// that is read; what planning pruned only fails it (predicate_internal.h).
#pragma once

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "arrow/c/bridge.h"
#include "arrow/record_batch.h"
#include "arrow/type.h"
#include "duckdb.hpp"  // Before Arrow's: both declare the C data interface.
#include "duckdb/catalog/catalog_entry/table_catalog_entry.hpp"
#include "duckdb/common/arrow/arrow_wrapper.hpp"
#include "duckdb/function/table/arrow.hpp"
#include "duckdb/planner/table_filter_state.hpp"
#include "duckdb/storage/statistics/node_statistics.hpp"
#include "duckdb/storage/table/column_segment.hpp"

#include "scan/batch.h"
#include "sql/error_internal.h"
#include "sql/nanosecond_internal.h"
#include "sql/offset_internal.h"
#include "sql/predicate_internal.h"
#include "sql/statement.h"

namespace firn::sql {

// How DuckDB reads columns of an Arrow schema, by position.
struct ArrowColumns {
  duckdb::ArrowTableSchema table;

  // Unimplemented that names the first column whose type DuckDB does not have.
  static Status ExportInto(const arrow::Schema& schema, duckdb::ClientContext& client,
                           ArrowColumns& out) {
    try {
      return Export(schema, client, out);
    } catch (const duckdb::NotImplementedException&) {
      for (const auto& field : schema.fields()) {
        FIRN_RETURN_IF_ERROR(CheckType(field, client));
      }
      throw;  // Each is known by itself.
    }
  }

 private:
  static Status CheckType(const std::shared_ptr<arrow::Field>& field,
                          duckdb::ClientContext& client) {
    try {
      ArrowColumns one;
      return Export(*arrow::schema({field}), client, one);
    } catch (const duckdb::NotImplementedException&) {
      return Status::Unimplemented("column " + field->name() + " is " +
                                   field->type()->ToString() +
                                   ", a type that SQL does not have");
    }
  }

  static Status Export(const arrow::Schema& schema, duckdb::ClientContext& client,
                       ArrowColumns& out) {
    duckdb::ArrowSchemaWrapper c_schema;
    const arrow::Status exported =
        arrow::ExportSchema(*WithoutNanosecondZone(schema), &c_schema.arrow_schema);
    if (!exported.ok()) return Status::Internal("export schema: " + exported.ToString());
    duckdb::ArrowTableFunction::PopulateArrowTableSchema(client, out.table,
                                                         c_schema.arrow_schema);
    return {};
  }
};

// What a scan in a plan refers to. Immutable.
struct ScanBinding : public duckdb::TableFunctionData {
  ScanBinding(std::shared_ptr<Statement> statement_in,
              std::shared_ptr<PinnedTable> table_in, duckdb::TableCatalogEntry& entry_in)
      : statement(std::move(statement_in)),
        table(std::move(table_in)),
        entry(&entry_in) {}

  duckdb::unique_ptr<duckdb::FunctionData> Copy() const override {
    return duckdb::make_uniq<ScanBinding>(statement, table, *entry);
  }
  bool Equals(const duckdb::FunctionData& other) const override {
    return table == other.Cast<ScanBinding>().table;
  }

  const std::shared_ptr<Statement> statement;
  const std::shared_ptr<PinnedTable> table;
  // Owned by the connection's TableEntries, which outlive the plan.
  duckdb::TableCatalogEntry* const entry;
};

// One execution of a scan, shared by its threads. Immutable but for `next_split`.
struct ScanExecution : public duckdb::GlobalTableFunctionState {
  // Where a column that DuckDB asks for comes from: a position in the batches, or nowhere
  // for the empty column that count(*) asks for.
  static constexpr std::size_t kNoColumn = static_cast<std::size_t>(-1);

  explicit ScanExecution(std::shared_ptr<Statement> statement_in)
      : statement(std::move(statement_in)) {}
  ~ScanExecution() override {
    if (plan) statement->End(*plan);
  }
  // The plan does not know yet how many splits there are: a thread that finds none left
  // is done.
  duckdb::idx_t MaxThreads() const override {
    return duckdb::GlobalTableFunctionState::MAX_THREADS;
  }

  const std::shared_ptr<Statement> statement;
  std::string table_name;
  std::shared_ptr<scan::ScanPlan> plan;
  ArrowColumns columns;                       // Of the batches.
  std::vector<std::size_t> sources;           // Per column asked for.
  duckdb::vector<duckdb::LogicalType> types;  // Per column asked for.
  // Columns that leave the scan, as positions in `sources`. Empty: all of them.
  duckdb::vector<duckdb::idx_t> projection;
  duckdb::optional_ptr<duckdb::TableFilterSet> filters;
  const expr::RowFilter* filter = nullptr;  // The pinned table's, or null.
  std::atomic<std::size_t> next_split{0};
};

// One thread's part of it.
struct ScanThread : public duckdb::LocalTableFunctionState {
  std::size_t split = 0;
  std::unique_ptr<scan::BatchStream> stream;
  duckdb::shared_ptr<duckdb::ArrowArrayWrapper> batch;
  std::int64_t batch_rows = 0;
  std::int64_t offset = 0;  // Rows of the batch that are done.
  // Which of the batch's rows the table's own filter selects; empty where it has none.
  std::vector<std::uint8_t> mask;
  // Per column asked for. Made anew for each batch: DuckDB would take a dictionary at the
  // address of an earlier one for the same.
  std::vector<duckdb::unique_ptr<duckdb::ArrowArrayScanState>> states;
  duckdb::DataChunk scanned;  // Used where filters need columns that do not leave.
  // A position in `sources` and the state of the filter on it.
  std::vector<std::pair<duckdb::idx_t, duckdb::unique_ptr<duckdb::TableFilterState>>>
      filters;
};

// Add what is wanted of the column or field at `path`: the fields that DuckDB names, and
// those it names in them.
inline void AddParts(const duckdb::ColumnIndex& index, const arrow::DataType& type,
                     std::vector<std::string>& path, scan::ScanRequest& request) {
  const auto is_field = [&](const duckdb::ColumnIndex& child) {
    return child.HasPrimaryIndex() &&
           child.GetPrimaryIndex() < static_cast<duckdb::idx_t>(type.num_fields());
  };
  const auto& children = index.GetChildIndexes();
  if (children.empty() || type.id() != arrow::Type::STRUCT ||
      !std::all_of(children.begin(), children.end(), is_field)) {
    request.parts.push_back(path);
    return;
  }
  for (const duckdb::ColumnIndex& child : children) {
    const arrow::Field& field = *type.field(static_cast<int>(child.GetPrimaryIndex()));
    path.push_back(field.name());
    AddParts(child, *field.type(), path, request);
    path.pop_back();
  }
}

// The request for the columns asked for, and where in its batches each of them is. After
// them come those that `filter`, which may be null, looks at.
inline scan::ScanRequest RequestOf(const duckdb::TableFunctionInitInput& input,
                                   const arrow::Schema& schema,
                                   const expr::RowFilter* filter,
                                   std::vector<std::size_t>& sources) {
  scan::ScanRequest request;
  request.columns.emplace();
  for (const duckdb::ColumnIndex& index : input.column_indexes) {
    const duckdb::column_t id = index.GetPrimaryIndex();
    if (duckdb::IsVirtualColumn(id)) {
      sources.push_back(ScanExecution::kNoColumn);
      continue;
    }
    const arrow::Field& field = *schema.field(static_cast<int>(id));
    const auto found =
        std::find(request.columns->begin(), request.columns->end(), field.name());
    sources.push_back(found - request.columns->begin());
    if (found == request.columns->end()) request.columns->push_back(field.name());
    std::vector<std::string> path = {field.name()};
    AddParts(index, *field.type(), path, request);
  }
  if (input.filters) {
    for (const auto& [position, filter] : input.filters->filters) {
      const duckdb::column_t id = input.column_ids[position];
      if (duckdb::IsVirtualColumn(id)) continue;
      const auto& field = *schema.field(static_cast<int>(id));
      request.predicate =
          expr::Conjoin(std::move(request.predicate),
                        PredicateOf(*filter, field.name(), *field.type()));
    }
  }
  if (filter != nullptr) {
    request.predicate = expr::Conjoin(std::move(request.predicate), filter->predicate());
    for (const std::string& column : filter->columns()) {
      if (std::find(request.columns->begin(), request.columns->end(), column) ==
          request.columns->end()) {
        request.columns->push_back(column);
      }
      request.parts.push_back({column});
    }
  }
  return request;
}

// The columns of the plan's batches must be what the statement was bound to.
inline Status CheckTypes(const ScanExecution& execution, ArrowColumns& columns) {
  const auto& types = columns.table.GetTypes();
  for (std::size_t i = 0; i < execution.sources.size(); ++i) {
    const std::size_t source = execution.sources[i];
    if (source == ScanExecution::kNoColumn) continue;
    if (source >= types.size() || types[source] != execution.types[i]) {
      return Status::Internal("scan " + execution.table_name +
                              ": the plan's schema is not the table's");
    }
  }
  return {};
}

// Whether what leaves the scan differs from the columns asked for, position by position.
inline bool Reorders(const duckdb::TableFunctionInitInput& input) {
  if (input.projection_ids.empty()) return false;
  if (input.projection_ids.size() != input.column_ids.size()) return true;
  for (duckdb::idx_t i = 0; i < input.projection_ids.size(); ++i) {
    if (input.projection_ids[i] != i) return true;
  }
  return false;
}

inline duckdb::unique_ptr<duckdb::GlobalTableFunctionState> OpenScan(
    duckdb::ClientContext& client, duckdb::TableFunctionInitInput& input) {
  const auto& binding = input.bind_data->Cast<ScanBinding>();
  Statement& statement = *binding.statement;
  auto execution = duckdb::make_uniq<ScanExecution>(binding.statement);
  execution->table_name = binding.table->ToString();
  execution->filters = input.filters;
  execution->filter = binding.table->filter();
  if (Reorders(input)) execution->projection = input.projection_ids;
  for (const duckdb::column_t id : input.column_ids) {
    execution->types.push_back(
        duckdb::IsVirtualColumn(id)
            ? duckdb::LogicalType(duckdb::LogicalType::BOOLEAN)
            : binding.entry->GetColumn(duckdb::LogicalIndex(id)).Type());
  }

  scan::BatchSource& source = binding.table->source();
  const scan::ScanRequest request =
      RequestOf(input, *source.schema(), execution->filter, execution->sources);
  Result<std::unique_ptr<scan::ScanPlan>> plan =
      source.Plan(statement.context(), request);
  if (!plan.ok()) {
    Throw(statement, plan.status().With("plan " + execution->table_name));
  }
  execution->plan = std::move(*plan);
  statement.Begin(execution->plan);

  Status status =
      ArrowColumns::ExportInto(*execution->plan->schema(), client, execution->columns);
  if (status.ok()) status = CheckTypes(*execution, execution->columns);
  if (!status.ok()) Throw(statement, status);
  return execution;
}

inline duckdb::unique_ptr<duckdb::LocalTableFunctionState> OpenScanThread(
    duckdb::ExecutionContext& context, duckdb::TableFunctionInitInput& input,
    duckdb::GlobalTableFunctionState* global) {
  const auto& execution = global->Cast<ScanExecution>();
  auto thread = duckdb::make_uniq<ScanThread>();
  if (!execution.projection.empty()) {
    thread->scanned.Initialize(context.client, execution.types);
  }
  if (input.filters) {
    for (const auto& [position, filter] : input.filters->filters) {
      thread->filters.emplace_back(
          position, duckdb::TableFilterState::Initialize(context.client, *filter));
    }
  }
  return thread;
}

// Take over `batch` for conversion.
inline Status LoadBatch(const ScanExecution& execution,
                        std::shared_ptr<const arrow::RecordBatch> batch,
                        duckdb::ClientContext& client, ScanThread& thread) {
  if (!batch->schema()->Equals(*execution.plan->schema(), /*check_metadata=*/false)) {
    return Status::Internal("a batch's schema is not the plan's");
  }
  if (execution.filter != nullptr) {
    FIRN_RETURN_IF_ERROR(execution.filter->Select(*batch, thread.mask));
  }
  FIRN_ASSIGN_OR_RETURN(batch,
                        WithoutStructOffsets(WithoutNanosecondZone(std::move(batch))));
  thread.batch = duckdb::make_shared_ptr<duckdb::ArrowArrayWrapper>();
  const arrow::Status exported =
      arrow::ExportRecordBatch(*batch, &thread.batch->arrow_array);
  if (!exported.ok()) return Status::Internal("export batch: " + exported.ToString());
  thread.batch_rows = batch->num_rows();
  thread.offset = 0;
  thread.states.clear();
  for (std::size_t i = 0; i < execution.sources.size(); ++i) {
    auto state = duckdb::make_uniq<duckdb::ArrowArrayScanState>(client);
    state->owned_data = thread.batch;
    thread.states.push_back(std::move(state));
  }
  return {};
}

// Load the next batch that has rows. False when every split is taken and this thread's is
// at its end.
inline Result<bool> NextBatch(ScanExecution& execution, duckdb::ClientContext& client,
                              ScanThread& thread) {
  for (;;) {
    FIRN_RETURN_IF_ERROR(execution.statement->context().Check());
    if (!thread.stream) {
      thread.split = execution.next_split.fetch_add(1);
      FIRN_ASSIGN_OR_RETURN(thread.stream, execution.plan->OpenSplit(thread.split));
      if (!thread.stream) return false;
    }
    FIRN_ASSIGN_OR_RETURN(const std::shared_ptr<arrow::RecordBatch> batch,
                          thread.stream->Next());
    if (!batch) {
      thread.stream.reset();
      continue;
    }
    if (batch->num_rows() == 0) continue;
    FIRN_RETURN_IF_ERROR(LoadBatch(execution, batch, client, thread));
    return true;
  }
}

// Fill `chunk`, one vector per column asked for, with its size in rows from the offset
// on.
inline void Convert(ScanExecution& execution, ScanThread& thread,
                    duckdb::DataChunk& chunk) {
  const auto& columns = execution.columns.table.GetColumns();
  const duckdb::idx_t offset = thread.offset;
  const duckdb::idx_t count = chunk.size();
  for (std::size_t i = 0; i < execution.sources.size(); ++i) {
    duckdb::Vector& vector = chunk.data[i];
    const std::size_t source = execution.sources[i];
    if (source == ScanExecution::kNoColumn) {
      vector.SetVectorType(duckdb::VectorType::CONSTANT_VECTOR);
      duckdb::ConstantVector::SetNull(vector, true);
      continue;
    }
    using Conversion = duckdb::ArrowToDuckDBConversion;
    ArrowArray& array = *thread.batch->arrow_array.children[source];
    const duckdb::ArrowType& type = *columns.at(source);
    duckdb::ArrowArrayScanState& state = *thread.states[i];
    switch (type.GetPhysicalType()) {
      case duckdb::ArrowArrayPhysicalType::DICTIONARY_ENCODED:
        Conversion::ColumnArrowToDuckDBDictionary(vector, array, offset, state, count,
                                                  type);
        break;
      case duckdb::ArrowArrayPhysicalType::RUN_END_ENCODED:
        Conversion::ColumnArrowToDuckDBRunEndEncoded(vector, array, offset, state, count,
                                                     type);
        break;
      case duckdb::ArrowArrayPhysicalType::DEFAULT:
        Conversion::SetValidityMask(vector, array, offset, count,
                                    thread.batch->arrow_array.offset, -1);
        Conversion::ColumnArrowToDuckDB(vector, array, offset, state, count, type);
        break;
    }
  }
}

// How many rows of `chunk` pass every filter; `selection` is which. `mask` is what the
// table's own selects of them, or null.
inline duckdb::idx_t Select(const ScanExecution& execution, ScanThread& thread,
                            const std::uint8_t* mask, duckdb::DataChunk& chunk,
                            duckdb::SelectionVector& selection) {
  const duckdb::idx_t count = chunk.size();
  duckdb::idx_t selected = count;
  selection.Initialize(nullptr);  // Every row, in order.
  if (mask != nullptr) {
    selection.Initialize(count);
    selected = 0;
    for (duckdb::idx_t i = 0; i < count; ++i) {
      if (mask[i] != 0) selection.set_index(selected++, i);
    }
    if (selected == 0) return 0;
  }
  for (auto& [position, state] : thread.filters) {
    duckdb::Vector& vector = chunk.data[position];
    duckdb::UnifiedVectorFormat format;
    vector.ToUnifiedFormat(count, format);
    duckdb::ColumnSegment::FilterSelection(selection, vector, format,
                                           *execution.filters->filters.at(position),
                                           *state, count, selected);
    if (selected == 0) break;
  }
  return selected;
}

// Put the next rows into `output`; none at the end.
inline void ScanNext(duckdb::ClientContext& client, duckdb::TableFunctionInput& input,
                     duckdb::DataChunk& output) {
  auto& execution = input.global_state->Cast<ScanExecution>();
  auto& thread = input.local_state->Cast<ScanThread>();
  Statement& statement = *execution.statement;
  for (;;) {
    if (client.interrupted) throw duckdb::InterruptException();
    if (thread.offset == thread.batch_rows) {
      const Result<bool> more = NextBatch(execution, client, thread);
      if (!more.ok()) {
        Throw(statement, more.status().With("scan " + execution.table_name));
      }
      if (!*more) {
        output.SetCardinality(0);
        return;
      }
    }
    const auto count =
        std::min<duckdb::idx_t>(STANDARD_VECTOR_SIZE, thread.batch_rows - thread.offset);
    const bool projects = !execution.projection.empty();
    duckdb::DataChunk& chunk = projects ? thread.scanned : output;
    // A vector that pointed into the last rows gets its own memory back.
    chunk.Reset();
    chunk.SetCardinality(count);
    Convert(execution, thread, chunk);
    const std::uint8_t* const mask =
        execution.filter != nullptr ? thread.mask.data() + thread.offset : nullptr;
    thread.offset += static_cast<std::int64_t>(count);

    duckdb::SelectionVector selection;
    duckdb::idx_t selected = count;
    if (mask != nullptr || !thread.filters.empty()) {
      selected = Select(execution, thread, mask, chunk, selection);
      if (selected == 0) continue;
    }
    if (projects) output.ReferenceColumns(chunk, execution.projection);
    output.SetCardinality(count);
    if (selected < count) output.Slice(selection, selected);
    return;
  }
}

// The order of rows is that of the splits, so a LIMIT without ORDER BY repeats.
inline duckdb::OperatorPartitionData SplitOf(
    duckdb::ClientContext&, duckdb::TableFunctionGetPartitionInput& input) {
  if (input.partition_info.RequiresPartitionColumns()) {
    throw duckdb::InternalException("firn scans have no partition columns");
  }
  return duckdb::OperatorPartitionData(input.local_state->Cast<ScanThread>().split);
}

inline duckdb::unique_ptr<duckdb::NodeStatistics> EstimateRows(
    duckdb::ClientContext&, const duckdb::FunctionData* data) {
  const auto& binding = data->Cast<ScanBinding>();
  const Result<std::int64_t> rows =
      binding.table->EstimatedRows(binding.statement->context());
  if (!rows.ok()) {
    Throw(*binding.statement, rows.status().With("plan " + binding.table->ToString()));
  }
  return duckdb::make_uniq<duckdb::NodeStatistics>(*rows);
}

// The only column that is not the table's: one that holds nothing, for count(*).
inline duckdb::virtual_column_map_t EmptyColumn(
    duckdb::ClientContext&, duckdb::optional_ptr<duckdb::FunctionData>) {
  return {{duckdb::COLUMN_IDENTIFIER_EMPTY,
           duckdb::TableColumn("", duckdb::LogicalType::BOOLEAN)}};
}

inline duckdb::BindInfo BindInfoOf(
    const duckdb::optional_ptr<duckdb::FunctionData> data) {
  duckdb::BindInfo info(duckdb::ScanType::EXTERNAL);
  info.table = data->Cast<ScanBinding>().entry;
  return info;
}

// For EXPLAIN.
inline duckdb::InsertionOrderPreservingMap<duckdb::string> ToText(
    duckdb::TableFunctionToStringInput& input) {
  duckdb::InsertionOrderPreservingMap<duckdb::string> text;
  text["Table"] = input.bind_data->Cast<ScanBinding>().table->ToString();
  return text;
}

// For EXPLAIN ANALYZE: what was planned, pruned and scanned.
inline duckdb::InsertionOrderPreservingMap<duckdb::string> ToTextAfter(
    duckdb::TableFunctionDynamicToStringInput& input) {
  duckdb::InsertionOrderPreservingMap<duckdb::string> text;
  if (!input.global_state) return text;
  const scan::ScanStats stats = input.global_state->Cast<ScanExecution>().plan->stats();
  text["Plan"] = std::to_string(stats.files_planned) + " files";
  text["Prune"] = std::to_string(stats.files_pruned) + " files, " +
                  std::to_string(stats.row_groups_pruned) + " row groups, " +
                  std::to_string(stats.pages_pruned) + " pages";
  text["Scan"] = std::to_string(stats.row_groups_read) + " row groups, " +
                 std::to_string(stats.bytes_read) + " bytes, " +
                 std::to_string(stats.rows) + " rows";
  if (stats.delete_files_planned > 0) {
    text["Delete"] = std::to_string(stats.delete_files_planned) + " delete files, " +
                     std::to_string(stats.rows_deleted) + " rows";
  }
  if (stats.hot_rows > 0) text["Merge"] = std::to_string(stats.hot_rows) + " hot rows";
  return text;
}

// Whether DuckDB shall make a filter of an expression: only where it helps to prune.
inline bool TakesExpression(duckdb::ClientContext&, const duckdb::LogicalGet&,
                            duckdb::Expression& expression) {
  constexpr auto kColumn = duckdb::ExpressionClass::BOUND_COLUMN_REF;
  return IsNullTest(expression, kColumn) || IsPrefixTest(expression, kColumn);
}

inline duckdb::TableFunction ScanFunction() {
  duckdb::TableFunction function("firn_scan", {}, ScanNext, nullptr, OpenScan,
                                 OpenScanThread);
  function.projection_pushdown = true;
  function.filter_pushdown = true;
  function.filter_prune = true;
  function.pushdown_expression = TakesExpression;
  function.cardinality = EstimateRows;
  function.get_partition_data = SplitOf;
  function.get_virtual_columns = EmptyColumn;
  function.get_bind_info = BindInfoOf;
  function.to_string = ToText;
  function.dynamic_to_string = ToTextAfter;
  return function;
}

}  // namespace firn::sql
