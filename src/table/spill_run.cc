// SPDX-License-Identifier: Apache-2.0
#include "table/spill_run.h"

#include <arrow/array/array_binary.h>
#include <arrow/buffer.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/dictionary.h>
#include <arrow/ipc/options.h>
#include <arrow/ipc/reader.h>
#include <arrow/ipc/writer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "table/arrow_status.h"

namespace firn::table {

SpillRun::SpillRun(io::FileSystem& files, std::string path,
                   std::shared_ptr<arrow::Schema> schema, arrow::MemoryPool* pool)
    : files_(files), path_(std::move(path)), schema_(std::move(schema)), pool_(pool) {
  arrow::FieldVector fields = schema_->fields();
  fields.push_back(arrow::field("", arrow::binary(), false));
  keyed_schema_ = arrow::schema(std::move(fields));
}

Result<std::unique_ptr<SpillRun>> SpillRun::Create(io::FileSystem& files,
                                                   std::string path,
                                                   std::shared_ptr<arrow::Schema> schema,
                                                   arrow::MemoryPool* pool) {
  std::unique_ptr<SpillRun> run(
      new SpillRun(files, std::move(path), std::move(schema), pool));
  FIRN_ASSIGN_OR_RETURN(run->file_, files.OpenAppend(run->path_));
  return run;
}

SpillRun::~SpillRun() {
  file_.reset();
  const Status removed = files_.Remove(path_);
  if (!removed.ok()) {
    base::LogWarn("a spill file is left behind",
                  {{"file", path_}, {"reason", removed.ToString()}});
  }
}

Status SpillRun::Append(const KeyedRows& batch) {
  arrow::ArrayVector columns = batch.rows->columns();
  columns.push_back(batch.keys);
  auto options = arrow::ipc::IpcWriteOptions::Defaults();
  options.memory_pool = pool_;
  options.use_threads = false;
  FIRN_ASSIGN_OR_RETURN(
      const std::shared_ptr<arrow::Buffer> bytes,
      FromArrow(arrow::ipc::SerializeRecordBatch(
          *arrow::RecordBatch::Make(keyed_schema_, batch.rows->num_rows(),
                                    std::move(columns)),
          options)));
  const std::string_view text(*bytes);
  FIRN_RETURN_IF_ERROR(file_->Append(text).With("spill to " + path_));
  batches_.push_back({size_bytes_, bytes->size()});
  size_bytes_ += bytes->size();
  batch_bytes_max_ = std::max(batch_bytes_max_, bytes->size());
  return Status::OK();
}

Result<KeyedRows> SpillRun::Read(std::size_t index) const {
  const Extent& extent = batches_[index];
  FIRN_ASSIGN_OR_RETURN(std::shared_ptr<arrow::Buffer> bytes,
                        FromArrow(arrow::AllocateBuffer(extent.size_bytes, pool_)));
  FIRN_ASSIGN_OR_RETURN(const std::uint64_t size,
                        files_.ReadInto(path_, static_cast<std::uint64_t>(extent.offset),
                                        static_cast<std::uint64_t>(extent.size_bytes),
                                        reinterpret_cast<char*>(bytes->mutable_data())));
  if (static_cast<std::int64_t>(size) != extent.size_bytes) {
    return Status::Corruption("spill file " + path_ + " was cut short");
  }
  arrow::io::BufferReader input(std::move(bytes));
  arrow::ipc::DictionaryMemo no_dictionaries;
  auto options = arrow::ipc::IpcReadOptions::Defaults();
  options.memory_pool = pool_;
  options.use_threads = false;
  auto read =
      arrow::ipc::ReadRecordBatch(keyed_schema_, &no_dictionaries, options, &input);
  if (!read.ok()) {
    return FromArrow(read.status()).With("spill file " + path_ + " is damaged");
  }
  arrow::ArrayVector columns = (*read)->columns();
  KeyedRows batch;
  batch.keys = std::static_pointer_cast<arrow::BinaryArray>(columns.back());
  columns.pop_back();
  batch.rows = arrow::RecordBatch::Make(schema_, (*read)->num_rows(), std::move(columns));
  return batch;
}

}  // namespace firn::table
