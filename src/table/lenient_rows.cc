// SPDX-License-Identifier: Apache-2.0
#include "table/lenient_rows.h"

#include <arrow/array/array_binary.h>
#include <arrow/array/concatenate.h>
#include <arrow/array/util.h>
#include <arrow/json/api.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>
#include <arrow/type.h>

#include <algorithm>
#include <map>
#include <span>
#include <string_view>
#include <utility>

#include "base/nearest_word.h"
#include "table/arrow_status.h"
#include "table/ndjson_line.h"
#include "table/take_rows.h"
#include "table/text_columns.h"
#include "wire/arrow_json.h"

namespace firn::table {
namespace {

using ArrayPtr = std::shared_ptr<arrow::Array>;
using BatchPtr = std::shared_ptr<arrow::RecordBatch>;
using SchemaPtr = std::shared_ptr<arrow::Schema>;

// A line that is not blank.
struct Line {
  std::int64_t number;
  std::string_view text;
};

// Lines that are parsed together: Arrow's parser takes no more than 100,000.
constexpr std::size_t kLinesAtOnce = 50'000;

bool IsBlank(std::string_view text) {
  return text.find_first_not_of(" \t\r") == std::string_view::npos;
}

// Arrow counts the rows of what it was given, which is a part of the file.
std::string WithoutRow(std::string_view message) {
  const std::size_t at = message.rfind(" in row ");
  return std::string(message.substr(0, at));
}

class NdjsonReader final : public TextRowReader {
 public:
  NdjsonReader(std::shared_ptr<PeekableInput> bytes, SchemaPtr schema,
               std::int64_t block_bytes, arrow::MemoryPool* pool)
      : bytes_(std::move(bytes)),
        schema_(std::move(schema)),
        decimals_(DecimalFields(*schema_)),
        block_bytes_(block_bytes),
        pool_(pool) {
    parse_.explicit_schema = schema_;
    parse_.unexpected_field_behavior = arrow::json::UnexpectedFieldBehavior::Error;
  }

  const SchemaPtr& schema() const override { return schema_; }

  Result<std::optional<TextRows>> Next(const OnRejected& rejected) override {
    for (;;) {
      FIRN_ASSIGN_OR_RETURN(const bool more, ReadBlock());
      if (!more) return std::optional<TextRows>();
      good_.clear();
      parts_.clear();
      FIRN_RETURN_IF_ERROR(ParseAll(rejected));
      if (parts_.empty()) continue;
      TextRows rows;
      rows.batch = parts_.front();
      if (parts_.size() > 1) {
        FIRN_ASSIGN_OR_RETURN(rows.batch,
                              FromArrow(arrow::ConcatenateRecordBatches(parts_, pool_)));
      }
      for (const Line& line : good_) rows.numbers.push_back(line.number);
      rows.record = [this](std::int64_t row) {
        return std::string(good_[static_cast<std::size_t>(row)].text);
      };
      return std::optional<TextRows>(std::move(rows));
    }
  }

 private:
  // The next whole lines, into lines_. False at the end.
  Result<bool> ReadBlock() {
    block_.erase(0, used_);
    used_ = 0;
    const std::size_t had = block_.size();
    FIRN_ASSIGN_OR_RETURN(
        const auto more,
        FromArrow(bytes_->Read(block_bytes_ - static_cast<std::int64_t>(had))));
    block_ += std::string_view(*more);
    if (block_.empty()) return false;
    const bool at_end = static_cast<std::int64_t>(block_.size()) < block_bytes_;
    const std::size_t newline = block_.rfind('\n');
    if (newline == std::string::npos && !at_end) {
      return Status::InvalidArgument("line " + std::to_string(next_line_) +
                                     " is longer than " + std::to_string(block_bytes_) +
                                     " bytes");
    }
    used_ = at_end ? block_.size() : newline + 1;
    lines_.clear();
    std::string_view rest = std::string_view(block_).substr(0, used_);
    while (!rest.empty()) {
      const std::string_view text = rest.substr(0, rest.find('\n'));
      if (!IsBlank(text)) lines_.push_back({next_line_, text});
      ++next_line_;
      rest.remove_prefix(std::min(rest.size(), text.size() + 1));
    }
    return true;
  }

  // All lines_: those between two that must not be parsed, many at a time.
  Status ParseAll(const OnRejected& rejected) {
    std::size_t begin = 0;
    for (std::size_t i = 0; i <= lines_.size(); ++i) {
      const bool at_end = i == lines_.size();
      std::string fault = at_end ? "" : FaultOfLine(lines_[i].text, decimals_);
      if (!at_end && fault.empty() && i - begin < kLinesAtOnce) continue;
      FIRN_RETURN_IF_ERROR(Parse(std::span(lines_).subspan(begin, i - begin), rejected));
      begin = i;
      if (fault.empty()) continue;
      FIRN_RETURN_IF_ERROR(rejected(
          {lines_[i].number, "", std::move(fault), std::string(lines_[i].text)}));
      begin = i + 1;
    }
    return Status::OK();
  }

  // The rows of `lines` to parts_, and their lines to good_.
  Status Parse(std::span<const Line> lines, const OnRejected& rejected) {
    if (lines.empty()) return Status::OK();
    const char* const begin = lines.front().text.data();
    const char* const end = lines.back().text.data() + lines.back().text.size();
    const auto batch = ParseLines(std::string_view(begin, end), parse_);
    const auto count = static_cast<std::int64_t>(lines.size());
    if (batch.ok() && (*batch)->num_rows() == count) {
      parts_.push_back(*batch);
      good_.insert(good_.end(), lines.begin(), lines.end());
      return Status::OK();
    }
    if (!batch.ok() && batch.status().IsOutOfMemory()) return FromArrow(batch.status());
    if (count > 1) {
      const std::size_t half = lines.size() / 2;
      FIRN_RETURN_IF_ERROR(Parse(lines.first(half), rejected));
      return Parse(lines.subspan(half), rejected);
    }
    return rejected(
        {lines.front().number, "",
         batch.ok() ? std::to_string((*batch)->num_rows()) + " objects are on one line"
                    : ReasonOf(lines.front().text, batch.status()),
         std::string(lines.front().text)});
  }

  // Why a line does not parse: Arrow does not say which field it did not expect.
  std::string ReasonOf(std::string_view line, const arrow::Status& status) const {
    arrow::json::ParseOptions any = parse_;
    any.unexpected_field_behavior = arrow::json::UnexpectedFieldBehavior::InferType;
    const auto batch = ParseLines(line, any);
    if (!batch.ok()) return WithoutRow(status.message());
    for (const auto& field : (*batch)->schema()->fields()) {
      if (schema_->GetFieldByName(field->name()) != nullptr) continue;
      const std::vector<std::string> names = schema_->field_names();
      const std::vector<std::string_view> known(names.begin(), names.end());
      return "the table has no column " + field->name() +
             base::DidYouMean(field->name(), known);
    }
    return WithoutRow(status.message());
  }

  const std::shared_ptr<PeekableInput> bytes_;
  const SchemaPtr schema_;
  const FieldNames decimals_;
  const std::int64_t block_bytes_;
  arrow::MemoryPool* const pool_;
  arrow::json::ParseOptions parse_ = arrow::json::ParseOptions::Defaults();
  std::string block_;  // Of it, `used_` bytes are those of lines_.
  std::size_t used_ = 0;
  std::vector<Line> lines_;
  std::int64_t next_line_ = 1;
  std::vector<Line> good_;
  std::vector<BatchPtr> parts_;
};

class CsvReader final : public TextRowReader {
 public:
  CsvReader(std::shared_ptr<arrow::RecordBatchReader> reader,
            std::shared_ptr<SkippedRows> skipped)
      : reader_(std::move(reader)),
        schema_(reader_->schema()),
        skipped_(std::move(skipped)) {}

  const SchemaPtr& schema() const override { return schema_; }

  Result<std::optional<TextRows>> Next(const OnRejected& rejected) override {
    BatchPtr batch;
    const Status read = FromArrow(reader_->ReadNext(&batch));
    for (const RejectedRow& row : skipped_->Take()) {
      left_out_.push_back(row.row);
      FIRN_RETURN_IF_ERROR(rejected(row));
    }
    FIRN_RETURN_IF_ERROR(read);
    if (batch == nullptr) return std::optional<TextRows>();
    TextRows rows;
    for (std::int64_t i = 0; i < batch->num_rows(); ++i) {
      ++last_row_;
      while (next_left_out_ < left_out_.size() &&
             left_out_[next_left_out_] == last_row_) {
        ++next_left_out_;
        ++last_row_;
      }
      rows.numbers.push_back(last_row_);
    }
    rows.batch = batch;
    rows.record = [batch](std::int64_t row) {
      std::string text;
      wire::AppendRecordJson(text, *batch, row);
      return text;
    };
    return std::optional<TextRows>(std::move(rows));
  }

 private:
  const std::shared_ptr<arrow::RecordBatchReader> reader_;
  const SchemaPtr schema_;
  const std::shared_ptr<SkippedRows> skipped_;
  std::vector<std::int64_t> left_out_;
  std::size_t next_left_out_ = 0;
  std::int64_t last_row_ = 0;
};

// A column that is to become another type than it was read as.
struct TextColumn {
  int index;
  std::shared_ptr<arrow::DataType> type;
};

class LenientStream final : public RowStream {
 public:
  LenientStream(const base::Context& context, std::string name,
                std::shared_ptr<RowBytes> bytes, std::unique_ptr<TextRowReader> reader,
                const arrow::Schema& wanted, OnRejected rejected, arrow::MemoryPool* pool)
      : context_(context),
        name_(std::move(name)),
        bytes_(std::move(bytes)),
        reader_(std::move(reader)),
        rejected_(std::move(rejected)),
        pool_(pool) {
    arrow::FieldVector fields = reader_->schema()->fields();
    for (std::size_t i = 0; i < fields.size(); ++i) {
      const auto target = wanted.GetFieldByName(fields[i]->name());
      if (target == nullptr || target->type()->Equals(*fields[i]->type())) continue;
      texts_.push_back({static_cast<int>(i), target->type()});
      fields[i] = fields[i]->WithType(target->type());
    }
    schema_ = arrow::schema(std::move(fields));
  }
  ~LenientStream() override {
    reader_.reset();
    bytes_->Stop();
  }

  const SchemaPtr& schema() const override { return schema_; }
  scan::ScanStats stats() const override { return stats_; }
  std::int64_t RowNumber(std::int64_t row) const override {
    return numbers_[static_cast<std::size_t>(row)];
  }

  Result<BatchPtr> Next() override {
    for (;;) {
      FIRN_RETURN_IF_ERROR(context_.Check());
      auto rows = reader_->Next(rejected_);
      if (!rows.ok()) {
        const Status read = bytes_->status();
        return (read.ok() ? rows.status() : read).With(name_);
      }
      if (!rows->has_value()) return BatchPtr();
      FIRN_ASSIGN_OR_RETURN(BatchPtr batch, Convert(**rows));
      if (batch->num_rows() == 0) continue;
      stats_.rows += batch->num_rows();
      return batch;
    }
  }

 private:
  using Faults = std::map<std::int64_t, RejectedRow>;  // By row of the batch, the first.

  Result<BatchPtr> Convert(TextRows& rows) {
    Faults faults;
    arrow::ArrayVector columns = rows.batch->columns();
    for (const TextColumn& text : texts_) {
      auto& column = columns[static_cast<std::size_t>(text.index)];
      FIRN_ASSIGN_OR_RETURN(column, ConvertColumn(text, column, 0, faults));
    }
    numbers_ = std::move(rows.numbers);
    if (faults.empty()) {
      return arrow::RecordBatch::Make(schema_, rows.batch->num_rows(),
                                      std::move(columns));
    }
    for (auto& [row, fault] : faults) {
      fault.row = RowNumber(row);
      fault.record = rows.record(row);
      FIRN_RETURN_IF_ERROR(rejected_(fault));
    }
    std::vector<std::uint32_t> kept;
    std::vector<std::int64_t> kept_numbers;
    for (std::int64_t row = 0; row < rows.batch->num_rows(); ++row) {
      if (faults.contains(row)) continue;
      kept.push_back(static_cast<std::uint32_t>(row));
      kept_numbers.push_back(RowNumber(row));
    }
    numbers_ = std::move(kept_numbers);
    FIRN_ASSIGN_OR_RETURN(columns, TakeRows(columns, kept, pool_));
    return arrow::RecordBatch::Make(schema_, static_cast<std::int64_t>(kept.size()),
                                    std::move(columns));
  }

  // `text`, rows [begin, …) of the batch, as values; NULL where a row has none.
  Result<ArrayPtr> ConvertColumn(const TextColumn& column, const ArrayPtr& text,
                                 std::int64_t begin, Faults& faults) {
    auto values = FromText(text, column.type, pool_);
    if (values.ok() || !values.status().Is(StatusCode::kInvalidArgument)) return values;
    if (text->length() == 1) {
      if (text->type_id() == arrow::Type::STRING) {
        FIRN_ASSIGN_OR_RETURN(const ArrayPtr trimmed, Trimmed(*text));
        values = FromText(trimmed, column.type, pool_);
        if (values.ok() || !values.status().Is(StatusCode::kInvalidArgument)) {
          return values;
        }
      }
      faults.try_emplace(begin, RejectedRow{0, schema_->field(column.index)->name(),
                                            std::string(values.status().message()), ""});
      return FromArrow(arrow::MakeArrayOfNull(column.type, 1, pool_));
    }
    const std::int64_t half = text->length() / 2;
    FIRN_ASSIGN_OR_RETURN(ArrayPtr first, Alone(text->Slice(0, half)));
    FIRN_ASSIGN_OR_RETURN(first, ConvertColumn(column, first, begin, faults));
    FIRN_ASSIGN_OR_RETURN(ArrayPtr rest, Alone(text->Slice(half)));
    FIRN_ASSIGN_OR_RETURN(rest, ConvertColumn(column, rest, begin + half, faults));
    return FromArrow(arrow::Concatenate({std::move(first), std::move(rest)}, pool_));
  }

  // The rows with what is in their lists and no more: Arrow casts all that a list refers
  // to, that of other rows too.
  Result<ArrayPtr> Alone(ArrayPtr rows) const {
    if (rows->type()->num_fields() == 0) return rows;
    return FromArrow(arrow::Concatenate({std::move(rows)}, pool_));
  }

  Result<ArrayPtr> Trimmed(const arrow::Array& text) const {
    const std::string_view value =
        WithoutBlanks(static_cast<const arrow::StringArray&>(text).GetView(0));
    return FromArrow(
        arrow::MakeArrayFromScalar(arrow::StringScalar(std::string(value)), 1, pool_));
  }

  const base::Context& context_;
  const std::string name_;
  const std::shared_ptr<RowBytes> bytes_;
  std::unique_ptr<TextRowReader> reader_;
  const OnRejected rejected_;
  arrow::MemoryPool* const pool_;
  SchemaPtr schema_;
  std::vector<TextColumn> texts_;
  std::vector<std::int64_t> numbers_;
  scan::ScanStats stats_;
};

}  // namespace

bool SkippedRows::Add(RejectedRow row) {
  const std::lock_guard lock(mutex_);
  bytes_ += static_cast<std::int64_t>(row.record.size() + row.reason.size());
  rows_.push_back(std::move(row));
  return bytes_ <= kBytesMax;
}

std::vector<RejectedRow> SkippedRows::Take() {
  const std::lock_guard lock(mutex_);
  bytes_ = 0;
  return std::exchange(rows_, {});
}

std::unique_ptr<TextRowReader> MakeNdjsonReader(std::shared_ptr<PeekableInput> bytes,
                                                SchemaPtr schema,
                                                std::int64_t block_bytes,
                                                arrow::MemoryPool* pool) {
  return std::make_unique<NdjsonReader>(std::move(bytes), std::move(schema), block_bytes,
                                        pool);
}

std::unique_ptr<TextRowReader> MakeCsvReader(
    std::shared_ptr<arrow::RecordBatchReader> reader,
    std::shared_ptr<SkippedRows> skipped) {
  return std::make_unique<CsvReader>(std::move(reader), std::move(skipped));
}

std::unique_ptr<RowStream> MakeLenientStream(
    const base::Context& context, std::string name, std::shared_ptr<RowBytes> bytes,
    std::unique_ptr<TextRowReader> reader, const arrow::Schema& wanted,
    OnRejected rejected, arrow::MemoryPool* pool) {
  return std::make_unique<LenientStream>(context, std::move(name), std::move(bytes),
                                         std::move(reader), wanted, std::move(rejected),
                                         pool);
}

}  // namespace firn::table
