// SPDX-License-Identifier: Apache-2.0
#include "table/data_writer.h"

#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <utility>

#include "base/assert.h"
#include "base/log.h"
#include "iceberg/schema_arrow.h"
#include "iceberg/schema_json.h"
#include "iceberg/single_value.h"

namespace firn::table {
namespace {

// `20260102`, UTC.
std::string DayOf(TimestampUs now_us) {
  const std::time_t seconds = now_us / 1'000'000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[16];
  std::strftime(text, sizeof text, "%Y%m%d", &parts);
  return text;
}

// A column's bounds, where it has any: cut to the length that manifests keep.
Status SetBounds(const parquet::ColumnReport& column, const iceberg::PrimitiveType& type,
                 iceberg::DataFile* file) {
  const iceberg::FieldId id(column.field_id);
  if (column.lower.has_value()) {
    FIRN_ASSIGN_OR_RETURN(const iceberg::Value lower,
                          iceberg::ValueFromLiteral(*column.lower, type));
    file->lower_bounds[id] =
        iceberg::SerializeValue(iceberg::TruncateLowerBound(lower, type), type);
  }
  if (column.upper.has_value()) {
    FIRN_ASSIGN_OR_RETURN(const iceberg::Value upper,
                          iceberg::ValueFromLiteral(*column.upper, type));
    const std::optional<iceberg::Value> cut = iceberg::TruncateUpperBound(upper, type);
    if (cut.has_value()) file->upper_bounds[id] = iceberg::SerializeValue(*cut, type);
  }
  return Status::OK();
}

// The table's schema with the columns run-end encoded that are so in the batch's.
std::shared_ptr<arrow::Schema> WithRunsOf(const arrow::Schema& batch,
                                          const arrow::Schema& table) {
  arrow::FieldVector fields = table.fields();
  const int shared = std::min(batch.num_fields(), table.num_fields());
  for (int i = 0; i < shared; ++i) {
    const arrow::DataType& type = *batch.field(i)->type();
    if (type.id() != arrow::Type::RUN_END_ENCODED) continue;
    auto& field = fields[static_cast<std::size_t>(i)];
    const auto& ends = static_cast<const arrow::RunEndEncodedType&>(type).run_end_type();
    field = field->WithType(arrow::run_end_encoded(ends, field->type()));
  }
  return arrow::schema(std::move(fields), table.metadata());
}

}  // namespace

Result<iceberg::DataFile> MakeDataFile(const parquet::FileReport& report,
                                       const iceberg::Schema& schema,
                                       std::string location) {
  iceberg::DataFile file;
  file.file_path = std::move(location);
  file.record_count = report.row_count;
  file.file_size_bytes = report.size_bytes;
  file.split_offsets = report.split_offsets;
  for (const parquet::ColumnReport& column : report.columns) {
    const iceberg::FieldId id(column.field_id);
    const iceberg::Type* type = schema.FindType(id);
    if (type == nullptr) {
      return Status::Internal("column " + column.path + " of " + file.file_path +
                              " has field id " + id.ToString() +
                              ", which the schema lacks");
    }
    file.column_sizes[id] = column.size_bytes;
    file.value_counts[id] = column.value_count;
    if (column.null_count >= 0) file.null_value_counts[id] = column.null_count;
    if (column.nan_count >= 0) file.nan_value_counts[id] = column.nan_count;
    const auto* primitive = type->primitive();
    FIRN_ASSERT(primitive != nullptr);  // Leaves are primitive.
    FIRN_RETURN_IF_ERROR(SetBounds(column, *primitive, &file));
  }
  return file;
}

Result<std::unique_ptr<DataWriter>> DataWriter::Make(const base::Context& context,
                                                     io::Store& store,
                                                     const base::Clock& clock,
                                                     base::UlidSource& ulids,
                                                     const iceberg::LoadedTable& table,
                                                     const DataWriterOptions& options) {
  std::unique_ptr<DataWriter> writer(
      new DataWriter(context, store, clock, ulids, table, options));
  const iceberg::Schema& schema = table.metadata->current_schema();
  FIRN_ASSIGN_OR_RETURN(writer->schema_, iceberg::ToArrowSchema(schema));
  for (const iceberg::SortField& field : table.metadata->default_sort_order().fields) {
    // Parquet records plain columns only; a sort by a transform's result is left unsaid.
    if (field.transform.kind != iceberg::TransformKind::kIdentity) break;
    writer->options_.parquet.sorting_columns.push_back(
        {.field_id = field.source_id.value,
         .descending = field.direction == iceberg::SortDirection::kDescending,
         .nulls_first = field.null_order == iceberg::NullOrder::kNullsFirst});
  }
  writer->options_.parquet.key_values.emplace_back("iceberg.schema",
                                                   iceberg::SchemaToJsonText(schema));
  return writer;
}

DataWriter::DataWriter(const base::Context& context, io::Store& store,
                       const base::Clock& clock, base::UlidSource& ulids,
                       iceberg::LoadedTable table, DataWriterOptions options)
    : context_(context),
      store_(store),
      clock_(clock),
      ulids_(ulids),
      table_(std::move(table)),
      options_(std::move(options)) {}

DataWriter::~DataWriter() {
  if (finished_) return;
  file_.reset();               // Gives its object up.
  const base::Context always;  // The removal goes on where the write was cancelled.
  for (const std::string& location : locations_) {
    const Status removed = store_.Remove(always, location);
    if (!removed.ok()) {
      base::LogWarn("a data file of a failed write is left behind",
                    {{"file", location}, {"reason", removed.ToString()}});
    }
  }
}

Status DataWriter::Write(const iceberg::PartitionValues& partition,
                         const arrow::RecordBatch& batch) {
  FIRN_ASSERT(partition.size() == table_.metadata->default_spec().fields.size());
  if (batch.num_rows() == 0) return Status::OK();
  FIRN_RETURN_IF_ERROR(context_.Check());
  const bool full =
      file_ != nullptr && file_->flushed_bytes() >= options_.file_bytes_target;
  if (file_ != nullptr && (full || partition != partition_)) {
    FIRN_RETURN_IF_ERROR(CloseFile());
  }
  if (file_ == nullptr) FIRN_RETURN_IF_ERROR(OpenFile(partition, *batch.schema()));
  return file_->Write(batch).With("write " + file_location_);
}

Status DataWriter::OpenFile(const iceberg::PartitionValues& partition,
                            const arrow::Schema& batch_schema) {
  const iceberg::TableMetadata& metadata = *table_.metadata;
  std::string directory = metadata.DataDirectory();
  const std::string path = iceberg::PartitionPath(metadata.default_spec(),
                                                  metadata.current_schema(), partition);
  if (!path.empty()) directory = io::JoinLocation(directory, path);
  file_location_ = io::JoinLocation(directory, table_.identifier.name + "_data_" +
                                                   DayOf(clock_.NowUs()) + "_" +
                                                   ulids_.Next().ToString() + ".parquet");
  locations_.push_back(file_location_);
  partition_ = partition;
  FIRN_ASSIGN_OR_RETURN(std::unique_ptr<io::ObjectWriter> object,
                        store_.OpenWriter(context_, file_location_));
  FIRN_ASSIGN_OR_RETURN(file_, parquet::FileWriter::Open(
                                   std::move(object), WithRunsOf(batch_schema, *schema_),
                                   options_.parquet));
  return Status::OK();
}

Status DataWriter::CloseFile() {
  Result<parquet::FileReport> report = std::move(*file_).Finish();
  file_.reset();
  FIRN_RETURN_IF_ERROR(report.status().With("write " + file_location_));
  const iceberg::TableMetadata& metadata = *table_.metadata;
  FIRN_ASSIGN_OR_RETURN(iceberg::DataFile file,
                        MakeDataFile(*report, metadata.current_schema(), file_location_));
  file.spec_id = metadata.default_spec_id;
  file.partition = partition_;
  if (!metadata.default_sort_order().is_unsorted()) {
    file.sort_order_id = metadata.default_sort_order_id;
  }
  files_.push_back(std::move(file));
  return Status::OK();
}

Result<std::vector<iceberg::DataFile>> DataWriter::Finish() && {
  if (file_ != nullptr) FIRN_RETURN_IF_ERROR(CloseFile());
  finished_ = true;
  return std::move(files_);
}

}  // namespace firn::table
