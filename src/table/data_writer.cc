// SPDX-License-Identifier: Apache-2.0
#include "table/data_writer.h"

#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "iceberg/schema_arrow.h"

namespace firn::table {
namespace {

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

Result<std::unique_ptr<DataWriter>> DataWriter::Make(const base::Context& context,
                                                     io::Store& store,
                                                     const base::Clock& clock,
                                                     base::UlidSource& ulids,
                                                     const iceberg::LoadedTable& table,
                                                     const DataWriterOptions& options) {
  std::unique_ptr<DataWriter> writer(
      new DataWriter({context, store, clock, ulids}, table, options));
  FIRN_ASSIGN_OR_RETURN(writer->schema_,
                        iceberg::ToArrowSchema(table.metadata->current_schema()));
  return writer;
}

DataWriter::DataWriter(const DataFileEnvironment& environment, iceberg::LoadedTable table,
                       const DataWriterOptions& options)
    : environment_(environment),
      table_(std::move(table)),
      file_bytes_target_(options.file_bytes_target),
      form_(MakeDataFileForm(*table_.metadata, options.parquet, /*sorted=*/true)),
      begun_(environment.store) {}

Status DataWriter::Write(const iceberg::PartitionValues& partition,
                         const arrow::RecordBatch& batch) {
  FIRN_ASSERT(partition.size() == table_.metadata->default_spec().fields.size());
  if (batch.num_rows() == 0) return Status::OK();
  FIRN_RETURN_IF_ERROR(environment_.context.Check());
  const bool full = file_ != nullptr && file_->flushed_bytes() >= file_bytes_target_;
  if (file_ != nullptr && (full || partition != partition_)) {
    FIRN_RETURN_IF_ERROR(CloseFile());
  }
  if (file_ == nullptr) {
    partition_ = partition;
    FIRN_ASSIGN_OR_RETURN(
        file_, DataFileWriter::Open(environment_, table_, partition,
                                    WithRunsOf(*batch.schema(), *schema_), form_,
                                    /*pool=*/nullptr, &begun_));
  }
  return file_->Write(batch);
}

Status DataWriter::CloseFile() {
  Result<iceberg::DataFile> file = std::move(*file_).Finish();
  file_.reset();
  FIRN_RETURN_IF_ERROR(file.status());
  files_.push_back(std::move(file).value());
  return Status::OK();
}

Result<std::vector<iceberg::DataFile>> DataWriter::Finish() && {
  if (file_ != nullptr) FIRN_RETURN_IF_ERROR(CloseFile());
  begun_.KeepAll();
  return std::move(files_);
}

}  // namespace firn::table
