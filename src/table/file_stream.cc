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
    std::vector<std::shared_ptr<arrow::Array>> columns;
    for (std::size_t i = 0; i < sources_.size(); ++i) {
      const auto& type = schema_->field(static_cast<int>(i))->type();
      if (sources_[i] < 0) {
        auto nulls = arrow::MakeArrayOfNull(type, batch.num_rows(), pool_);
        if (!nulls.ok()) return Status::ResourceExhausted(nulls.status().ToString());
        columns.push_back(*std::move(nulls));
        continue;
      }
      std::shared_ptr<arrow::Array> column = batch.column(sources_[i]);
      if (IsNarrower(*column->type(), *type)) {
        FIRN_ASSIGN_OR_RETURN(column, Widen(column, type, pool_));
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
