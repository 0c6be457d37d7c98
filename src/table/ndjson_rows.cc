// SPDX-License-Identifier: Apache-2.0
#include "table/ndjson_rows.h"

#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "table/arrow_status.h"
#include "table/ndjson_columns.h"
#include "table/ndjson_line.h"
#include "table/take_rows.h"

namespace firn::table {
namespace {

using BatchPtr = std::shared_ptr<arrow::RecordBatch>;
using SchemaPtr = std::shared_ptr<arrow::Schema>;

// How often a reader of nothing but rejected rows looks whether it is to end.
constexpr std::int64_t kRowsAtOnce = 100'000;

class NdjsonRows final : public TextRows {
 public:
  NdjsonRows(const base::Context& context, std::string name,
             std::shared_ptr<RowBytes> bytes, std::shared_ptr<PeekableInput> text,
             SchemaPtr schema, std::int64_t block_bytes, OnRejected rejected,
             arrow::MemoryPool* pool)
      : TextRows(context, std::move(name), std::move(bytes)),
        text_(std::move(text)),
        schema_(std::move(schema)),
        columns_(schema_, pool),
        block_bytes_(block_bytes),
        rejected_(std::move(rejected)),
        pool_(pool) {}

  const SchemaPtr& schema() const override { return schema_; }

 private:
  // The good rows of the next lines, perhaps none; null at the end.
  Result<BatchPtr> Read() override {
    if (rest_.empty()) {
      FIRN_RETURN_IF_ERROR(ReadBlock());
      if (rest_.empty()) return BatchPtr();
    }
    numbers_.clear();
    std::vector<std::uint32_t> good;
    while (!rest_.empty() && columns_.cells() < kCellsAtOnce &&
           columns_.rows() < kRowsAtOnce) {
      const std::string_view line = rest_.substr(0, rest_.find('\n'));
      rest_.remove_prefix(std::min(rest_.size(), line.size() + 1));
      const std::int64_t number = next_line_++;
      if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
      std::string fault = FaultOfLine(line);
      if (!fault.empty()) {
        FIRN_RETURN_IF_ERROR(
            rejected_({number, "", std::move(fault), std::string(line)}));
        continue;
      }
      FIRN_ASSIGN_OR_RETURN(std::optional<JsonFault> wrong, columns_.Append(line));
      if (wrong.has_value()) {
        FIRN_RETURN_IF_ERROR(rejected_({number, std::move(wrong->column),
                                        std::move(wrong->reason), std::string(line)}));
        continue;
      }
      good.push_back(static_cast<std::uint32_t>(columns_.rows() - 1));
      numbers_.push_back(number);
    }
    FIRN_ASSIGN_OR_RETURN(BatchPtr batch, columns_.Finish());
    const auto count = static_cast<std::int64_t>(good.size());
    if (count == batch->num_rows()) return batch;
    FIRN_ASSIGN_OR_RETURN(auto taken, TakeRows(batch->columns(), good, pool_));
    return arrow::RecordBatch::Make(schema_, count, std::move(taken));
  }

  // The next whole lines, into rest_. None at the end. REQUIRES: there is no rest.
  Status ReadBlock() {
    block_.erase(0, used_);
    used_ = 0;
    const std::size_t had = block_.size();
    FIRN_ASSIGN_OR_RETURN(
        const auto more,
        FromArrow(text_->Read(block_bytes_ - static_cast<std::int64_t>(had))));
    block_ += std::string_view(*more);
    const bool at_end = static_cast<std::int64_t>(block_.size()) < block_bytes_;
    const std::size_t newline = block_.rfind('\n');
    if (newline == std::string::npos && !at_end) {
      return Status::InvalidArgument("line " + std::to_string(next_line_) +
                                     " is longer than " + std::to_string(block_bytes_) +
                                     " bytes");
    }
    used_ = at_end ? block_.size() : newline + 1;
    rest_ = std::string_view(block_).substr(0, used_);
    return Status::OK();
  }

  const std::shared_ptr<PeekableInput> text_;
  const SchemaPtr schema_;
  NdjsonColumns columns_;
  const std::int64_t block_bytes_;
  const OnRejected rejected_;
  arrow::MemoryPool* const pool_;
  std::string block_;      // Of it, `used_` bytes are whole lines.
  std::string_view rest_;  // Of those, what was not read yet.
  std::size_t used_ = 0;
  std::int64_t next_line_ = 1;
};

}  // namespace

std::unique_ptr<RowStream> MakeNdjsonRows(const base::Context& context, std::string name,
                                          std::shared_ptr<RowBytes> bytes,
                                          std::shared_ptr<PeekableInput> text,
                                          SchemaPtr schema, std::int64_t block_bytes,
                                          OnRejected rejected, arrow::MemoryPool* pool) {
  return std::make_unique<NdjsonRows>(context, std::move(name), std::move(bytes),
                                      std::move(text), std::move(schema), block_bytes,
                                      std::move(rejected), pool);
}

}  // namespace firn::table
