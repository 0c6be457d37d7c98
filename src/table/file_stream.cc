// SPDX-License-Identifier: Apache-2.0
#include "table/file_stream.h"

#include <arrow/array.h>
#include <arrow/array/util.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <utility>

#include "table/type_widening.h"

namespace firn::table {
namespace {

using ArrayPtr = std::shared_ptr<arrow::Array>;
using TypePtr = std::shared_ptr<arrow::DataType>;

Result<ArrayPtr> Nulls(const TypePtr& type, std::int64_t rows, arrow::MemoryPool* pool) {
  auto nulls = arrow::MakeArrayOfNull(type, rows, pool);
  if (!nulls.ok()) return Status::ResourceExhausted(nulls.status().ToString());
  return *std::move(nulls);
}

// `data`, a struct of which some fields were read, as `type`, which has all of them: the
// others are NULL.
Result<std::shared_ptr<arrow::ArrayData>> WithAllFields(const arrow::ArrayData& data,
                                                        const TypePtr& type,
                                                        arrow::MemoryPool* pool) {
  const auto& read = static_cast<const arrow::StructType&>(*data.type);
  auto whole = arrow::ArrayData::Make(type, data.length, {data.buffers[0]},
                                      data.GetNullCount(), data.offset);
  for (const auto& field : type->fields()) {
    const int i = read.GetFieldIndex(field->name());
    if (i < 0) {
      FIRN_ASSIGN_OR_RETURN(const ArrayPtr nulls,
                            Nulls(field->type(), data.offset + data.length, pool));
      whole->child_data.push_back(nulls->data());
      continue;
    }
    std::shared_ptr<arrow::ArrayData> child =
        data.child_data[static_cast<std::size_t>(i)];
    if (!child->type->Equals(*field->type()) &&
        child->type->id() == arrow::Type::STRUCT) {
      FIRN_ASSIGN_OR_RETURN(child, WithAllFields(*child, field->type(), pool));
    }
    whole->child_data.push_back(std::move(child));
  }
  return whole;
}

class FileStream final : public scan::BatchStream {
 public:
  FileStream(std::unique_ptr<scan::BatchStream> inner,
             std::shared_ptr<arrow::Schema> schema, std::vector<int> sources,
             std::shared_ptr<ScanTotal> total, arrow::MemoryPool* pool)
      : inner_(std::move(inner)),
        schema_(std::move(schema)),
        sources_(std::move(sources)),
        total_(std::move(total)),
        pool_(pool != nullptr ? pool : arrow::default_memory_pool()) {}

  const std::shared_ptr<arrow::Schema>& schema() const override { return schema_; }
  scan::ScanStats stats() const override { return inner_->stats(); }

  Result<std::shared_ptr<arrow::RecordBatch>> Next() override {
    Result<std::shared_ptr<arrow::RecordBatch>> next = inner_->Next();
    Count();
    if (!next.ok() || *next == nullptr) return next;
    const arrow::RecordBatch& batch = **next;
    std::vector<ArrayPtr> columns;
    for (std::size_t i = 0; i < sources_.size(); ++i) {
      const auto& type = schema_->field(static_cast<int>(i))->type();
      if (sources_[i] < 0) {
        FIRN_ASSIGN_OR_RETURN(ArrayPtr nulls, Nulls(type, batch.num_rows(), pool_));
        columns.push_back(std::move(nulls));
        continue;
      }
      ArrayPtr column = batch.column(sources_[i]);
      if (IsNarrower(*column->type(), *type)) {
        FIRN_ASSIGN_OR_RETURN(column, Widen(column, type, pool_));
      } else if (column->type_id() == arrow::Type::STRUCT &&
                 !column->type()->Equals(*type)) {
        FIRN_ASSIGN_OR_RETURN(auto whole, WithAllFields(*column->data(), type, pool_));
        column = arrow::MakeArray(std::move(whole));
      }
      columns.push_back(std::move(column));
    }
    return arrow::RecordBatch::Make(schema_, batch.num_rows(), std::move(columns));
  }

 private:
  void Count() {
    const scan::ScanStats now = inner_->stats();
    scan::ScanStats more = now;
    more -= counted_;
    total_->Add(more);
    counted_ = now;
  }

  const std::unique_ptr<scan::BatchStream> inner_;
  const std::shared_ptr<arrow::Schema> schema_;
  const std::vector<int> sources_;
  const std::shared_ptr<ScanTotal> total_;
  arrow::MemoryPool* const pool_;
  scan::ScanStats counted_;
};

}  // namespace

std::unique_ptr<scan::BatchStream> MakeFileStream(
    std::unique_ptr<scan::BatchStream> inner, std::shared_ptr<arrow::Schema> schema,
    std::vector<int> sources, std::shared_ptr<ScanTotal> total, arrow::MemoryPool* pool) {
  return std::make_unique<FileStream>(std::move(inner), std::move(schema),
                                      std::move(sources), std::move(total), pool);
}

}  // namespace firn::table
