// SPDX-License-Identifier: Apache-2.0
#include "table/data_file_writer.h"

#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <ctime>
#include <utility>

#include "base/assert.h"
#include "base/log.h"
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

// A column's bounds, where it has any, as long as manifests keep them.
Status SetBounds(const parquet::ColumnReport& column, const iceberg::PrimitiveType& type,
                 const MetricsMode& mode, iceberg::DataFile* file) {
  const iceberg::FieldId id(column.field_id);
  const bool cut = mode.kind == MetricsMode::Kind::kTruncate;
  if (column.lower.has_value()) {
    FIRN_ASSIGN_OR_RETURN(iceberg::Value lower,
                          iceberg::ValueFromLiteral(*column.lower, type));
    if (cut) lower = iceberg::TruncateLowerBound(lower, type, mode.length);
    file->lower_bounds[id] = iceberg::SerializeValue(lower, type);
  }
  if (column.upper.has_value()) {
    FIRN_ASSIGN_OR_RETURN(iceberg::OptionalValue upper,
                          iceberg::ValueFromLiteral(*column.upper, type));
    if (cut) upper = iceberg::TruncateUpperBound(*upper, type, mode.length);
    if (upper.has_value()) {
      file->upper_bounds[id] = iceberg::SerializeValue(*upper, type);
    }
  }
  return Status::OK();
}

}  // namespace

BegunFiles::~BegunFiles() {
  const base::Context always;  // The removal goes on where the write was cancelled.
  for (const std::string& location : locations_) {
    const Status removed = store_.Remove(always, location);
    if (!removed.ok()) {
      base::LogWarn("a data file of a failed write is left behind",
                    {{"file", location}, {"reason", removed.ToString()}});
    }
  }
}

DataFileForm MakeDataFileForm(const iceberg::TableMetadata& metadata,
                              parquet::WriterOptions parquet, bool sorted) {
  DataFileForm form;
  form.parquet = std::move(parquet);
  form.parquet.key_values.emplace_back(
      "iceberg.schema", iceberg::SchemaToJsonText(metadata.current_schema()));
  if (!sorted || metadata.default_sort_order().is_unsorted()) return form;
  form.sort_order_id = metadata.default_sort_order_id;
  for (const iceberg::SortField& field : metadata.default_sort_order().fields) {
    // Parquet records plain columns only; a sort by a transform's result is left unsaid.
    if (field.transform.kind != iceberg::TransformKind::kIdentity) break;
    form.parquet.sorting_columns.push_back(
        {.field_id = field.source_id.value,
         .descending = field.direction == iceberg::SortDirection::kDescending,
         .nulls_first = field.null_order == iceberg::NullOrder::kNullsFirst});
  }
  return form;
}

namespace {

// A directory's name is for people, and a file system has bounds: 255 bytes mostly. What
// partition a file is of its manifest says, so that two may share a directory.
constexpr std::size_t kDirectoryBytesMax = 200;

std::string ShortDirectories(std::string_view path) {
  std::string out;
  while (!path.empty()) {
    const std::string_view whole = path.substr(0, path.find('/'));
    std::string_view name = whole.substr(0, kDirectoryBytesMax);
    // Not within an escape.
    const std::size_t percent = name.rfind('%');
    if (name.size() < whole.size() && percent != std::string_view::npos &&
        percent + 3 > name.size()) {
      name = name.substr(0, percent);
    }
    out += name;
    path.remove_prefix(whole.size());
    if (path.empty()) break;
    out += '/';
    path.remove_prefix(1);
  }
  return out;
}

}  // namespace

Result<std::unique_ptr<DataFileWriter>> DataFileWriter::Open(
    const DataFileEnvironment& environment, const iceberg::LoadedTable& table,
    const iceberg::PartitionValues& partition, std::shared_ptr<arrow::Schema> schema,
    const DataFileForm& form, arrow::MemoryPool* pool, BegunFiles* begun) {
  const iceberg::TableMetadata& metadata = *table.metadata;
  FIRN_ASSERT(partition.size() == metadata.default_spec().fields.size());
  std::string directory = metadata.DataDirectory();
  const std::string path = ShortDirectories(iceberg::PartitionPath(
      metadata.default_spec(), metadata.current_schema(), partition));
  if (!path.empty()) directory = io::JoinLocation(directory, path);
  std::unique_ptr<DataFileWriter> writer(new DataFileWriter(table));
  writer->location_ = io::JoinLocation(
      directory, table.identifier.name + "_data_" + DayOf(environment.clock.NowUs()) +
                     "_" + environment.ulids.Next().ToString() + ".parquet");
  writer->partition_ = partition;
  writer->metrics_ = form.metrics;
  writer->sort_order_id_ = form.sort_order_id;
  begun->Add(writer->location_);
  FIRN_ASSIGN_OR_RETURN(
      std::unique_ptr<io::ObjectWriter> object,
      environment.store.OpenWriter(environment.context, writer->location_));
  parquet::WriterOptions options = form.parquet;
  if (pool != nullptr) options.pool = pool;
  auto file = parquet::FileWriter::Open(std::move(object), std::move(schema), options);
  FIRN_RETURN_IF_ERROR(file.status().With("write " + writer->location_));
  writer->file_ = std::move(file).value();
  return writer;
}

Status DataFileWriter::Write(const arrow::RecordBatch& batch) {
  return file_->Write(batch).With("write " + location_);
}

Result<iceberg::DataFile> DataFileWriter::Finish() && {
  Result<parquet::FileReport> report = std::move(*file_).Finish();
  file_.reset();
  FIRN_RETURN_IF_ERROR(report.status().With("write " + location_));
  const iceberg::TableMetadata& metadata = *table_.metadata;
  FIRN_ASSIGN_OR_RETURN(
      iceberg::DataFile file,
      MakeDataFile(*report, metadata.current_schema(), location_, metrics_));
  file.spec_id = metadata.default_spec_id;
  file.partition = partition_;
  file.sort_order_id = sort_order_id_;
  return file;
}

Result<iceberg::DataFile> MakeDataFile(const parquet::FileReport& report,
                                       const iceberg::Schema& schema,
                                       std::string location, const MetricsModes& modes) {
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
    const MetricsMode& mode = modes.Of(id);
    if (mode.kind == MetricsMode::Kind::kNone) continue;
    file.column_sizes[id] = column.size_bytes;
    file.value_counts[id] = column.value_count;
    if (column.null_count >= 0) file.null_value_counts[id] = column.null_count;
    if (column.nan_count >= 0) file.nan_value_counts[id] = column.nan_count;
    if (mode.kind == MetricsMode::Kind::kCounts) continue;
    const auto* primitive = type->primitive();
    FIRN_ASSERT(primitive != nullptr);  // Leaves are primitive.
    FIRN_RETURN_IF_ERROR(SetBounds(column, *primitive, mode, &file));
  }
  return file;
}

}  // namespace firn::table
