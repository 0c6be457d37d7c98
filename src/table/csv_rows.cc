// SPDX-License-Identifier: Apache-2.0
#include "table/csv_rows.h"

#include <arrow/array/array_binary.h>
#include <arrow/array/builder_base.h>
#include <arrow/array/util.h>
#include <arrow/csv/api.h>
#include <arrow/io/memory.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <deque>
#include <map>
#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

#include "table/arrow_status.h"
#include "table/csv_lines.h"
#include "table/take_rows.h"
#include "table/text_values.h"
#include "wire/arrow_json.h"

namespace firn::table {
namespace {

using ArrayPtr = std::shared_ptr<arrow::Array>;
using BatchPtr = std::shared_ptr<arrow::RecordBatch>;
using InputPtr = std::shared_ptr<arrow::io::InputStream>;
using ReaderPtr = std::shared_ptr<arrow::csv::StreamingReader>;
using SchemaPtr = std::shared_ptr<arrow::Schema>;

// Text that is parsed at once; a row is never longer.
constexpr std::int32_t kBlockBytes = 4 << 20;
// What is looked at where types are guessed: a block, and what follows it, so that the
// reader sees that the block is not the last.
constexpr std::int64_t kSampleBytes = 2 * std::int64_t{kBlockBytes} + 1;

// Rows with another number of values than the heading, as they are met: by Arrow's
// reader, perhaps in a thread of its own and ahead of the rows it gives out. Thread-safe.
class SkippedRows {
 public:
  // False where those that were not taken are too many together: reading is to end, since
  // a file of nothing else, such as one with another delimiter, must not be in memory.
  bool Add(RejectedRow row) {
    const std::lock_guard lock(mutex_);
    bytes_ += static_cast<std::int64_t>(row.record.size() + row.reason.size());
    rows_.push_back(std::move(row));
    return bytes_ <= kBytesMax;
  }
  // Those since the last call, in the order of the file.
  std::vector<RejectedRow> Take() {
    const std::lock_guard lock(mutex_);
    bytes_ = 0;
    return std::exchange(rows_, {});
  }

 private:
  static constexpr std::int64_t kBytesMax = std::int64_t{64} << 20;
  std::mutex mutex_;
  std::vector<RejectedRow> rows_;  // Guarded by mutex_.
  std::int64_t bytes_ = 0;         // Of those; guarded by mutex_.
};

// Of columns of text. The row of a skipped one is its number, the heading being 0.
Result<ReaderPtr> OpenReader(const InputPtr& text, char delimiter,
                             const std::shared_ptr<SkippedRows>& skipped) {
  auto read = arrow::csv::ReadOptions::Defaults();
  read.use_threads = false;  // Rows are then numbered.
  read.block_size = kBlockBytes;
  auto parse = arrow::csv::ParseOptions::Defaults();
  parse.newlines_in_values = true;
  parse.delimiter = delimiter;
  parse.invalid_row_handler = [skipped](const arrow::csv::InvalidRow& row) {
    const bool goes_on =
        skipped->Add({row.number - 1, "",
                      std::to_string(row.actual_columns) + " values where there are " +
                          std::to_string(row.expected_columns) + " columns",
                      std::string(row.text)});
    return goes_on ? arrow::csv::InvalidRowResult::Skip
                   : arrow::csv::InvalidRowResult::Error;
  };
  auto convert = arrow::csv::ConvertOptions::Defaults();
  convert.null_values = {""};
  convert.strings_can_be_null = true;
  convert.quoted_strings_can_be_null = false;
  convert.default_column_type = arrow::utf8();
  convert.check_utf8 = false;  // The table says which values are no UTF-8.
  // Arrow's threads may free what they read ahead after the stream and its pool are gone,
  // so the text is in Arrow's own pool: a few blocks of it.
  return FromArrow(arrow::csv::StreamingReader::Make(arrow::io::IOContext(), text, read,
                                                     parse, convert));
}

class CsvRows final : public RowStream {
 public:
  CsvRows(const base::Context& context, CsvFile file, std::shared_ptr<CsvLines> lines,
          ReaderPtr reader, std::shared_ptr<SkippedRows> skipped,
          const arrow::Schema& wanted, OnRejected rejected, arrow::MemoryPool* pool)
      : context_(context),
        file_(std::move(file)),
        lines_(std::move(lines)),
        reader_(std::move(reader)),
        skipped_(std::move(skipped)),
        rejected_(std::move(rejected)),
        pool_(pool) {
    arrow::FieldVector fields = reader_->schema()->fields();
    for (auto& field : fields) {
      const auto target = wanted.GetFieldByName(field->name());
      if (target != nullptr) field = field->WithType(target->type());
    }
    schema_ = arrow::schema(std::move(fields));
    // A table of many columns gets those that the file has not as well.
    const int columns = std::max({1, schema_->num_fields(), wanted.num_fields()});
    rows_at_once_ = std::max(std::int64_t{1}, kCellsAtOnce / columns);
  }
  ~CsvRows() override {
    reader_.reset();
    file_.bytes->Stop();
  }

  const SchemaPtr& schema() const override { return schema_; }
  scan::ScanStats stats() const override { return stats_; }
  std::string_view RowWord() const override { return "line"; }
  std::int64_t RowNumber(std::int64_t row) const override {
    return numbers_[static_cast<std::size_t>(row)];
  }

  Result<BatchPtr> Next() override {
    for (;;) {
      FIRN_RETURN_IF_ERROR(context_.Check());
      auto batch = Read();
      if (!batch.ok()) {
        const Status read = file_.bytes->status();
        return (read.ok() ? batch.status() : read).With(file_.name);
      }
      if (*batch == nullptr) return batch;
      if ((*batch)->num_rows() == 0) continue;
      stats_.rows += (*batch)->num_rows();
      return batch;
    }
  }

 private:
  using Faults = std::map<std::int64_t, RejectedRow>;  // By row of the batch, the first.

  // The good ones of the next rows, perhaps none; null at the end.
  Result<BatchPtr> Read() {
    if (text_ == nullptr || begin_ == text_->num_rows()) {
      begin_ = 0;
      const Status read = FromArrow(reader_->ReadNext(&text_));
      for (RejectedRow& row : skipped_->Take()) left_out_.push_back(std::move(row));
      FIRN_RETURN_IF_ERROR(read);
      if (text_ == nullptr) {
        while (!left_out_.empty()) FIRN_RETURN_IF_ERROR(RejectLeftOut());
        return BatchPtr();
      }
    }
    const BatchPtr text = text_->Slice(begin_, rows_at_once_);
    begin_ += text->num_rows();
    Faults faults;
    arrow::ArrayVector columns;
    for (int i = 0; i < text->num_columns(); ++i) {
      FIRN_ASSIGN_OR_RETURN(ArrayPtr column, Convert(i, text->column(i), faults));
      columns.push_back(std::move(column));
    }
    FIRN_RETURN_IF_ERROR(Number(text->num_rows(), [&](std::int64_t row) -> Status {
      const auto fault = faults.find(row);
      if (fault == faults.end()) return Status::OK();
      fault->second.row = RowNumber(row);
      wire::AppendRecordJson(fault->second.record, *text, row);
      return rejected_(fault->second);
    }));
    if (faults.empty()) {
      return arrow::RecordBatch::Make(schema_, text->num_rows(), std::move(columns));
    }
    return Without(faults, columns);
  }

  // Sets numbers_ of the next rows, and calls `met` with each that a fault may have;
  // between them those that were left out are told, all in the order of the file.
  template <typename Met>
  Status Number(std::int64_t count, const Met& met) {
    std::vector<std::int64_t> rows;
    rows.reserve(static_cast<std::size_t>(count));
    numbers_.clear();
    // Lines are asked for in the order of the file, up to each row that was left out.
    const auto number = [&]() -> Status {
      const std::vector<std::int64_t> lines = lines_->LinesOf(rows);
      rows.clear();
      for (const std::int64_t line : lines) {
        numbers_.push_back(line);
        FIRN_RETURN_IF_ERROR(met(static_cast<std::int64_t>(numbers_.size()) - 1));
      }
      return Status::OK();
    };
    for (std::int64_t i = 0; i < count; ++i) {
      ++last_row_;
      while (!left_out_.empty() && left_out_.front().row == last_row_) {
        FIRN_RETURN_IF_ERROR(number());
        FIRN_RETURN_IF_ERROR(RejectLeftOut());
        ++last_row_;
      }
      rows.push_back(last_row_);
    }
    return number();
  }

  Status RejectLeftOut() {
    RejectedRow row = std::move(left_out_.front());
    left_out_.pop_front();
    row.row = lines_->LinesOf({row.row}).front();
    return rejected_(row);
  }

  Result<BatchPtr> Without(const Faults& faults, const arrow::ArrayVector& columns) {
    std::vector<std::uint32_t> kept;
    std::vector<std::int64_t> numbers;
    for (std::size_t row = 0; row < numbers_.size(); ++row) {
      if (faults.contains(static_cast<std::int64_t>(row))) continue;
      kept.push_back(static_cast<std::uint32_t>(row));
      numbers.push_back(numbers_[row]);
    }
    numbers_ = std::move(numbers);
    FIRN_ASSIGN_OR_RETURN(auto taken, TakeRows(columns, kept, pool_));
    return arrow::RecordBatch::Make(schema_, static_cast<std::int64_t>(kept.size()),
                                    std::move(taken));
  }

  // A column as its type; NULL where a row has none of it.
  Result<ArrayPtr> Convert(int index, const ArrayPtr& column, Faults& faults) {
    const arrow::Field& field = *schema_->field(index);
    if (field.type()->id() == arrow::Type::STRING) return column;
    const auto& text = static_cast<const arrow::StringArray&>(*column);
    const auto fault = [&](std::int64_t row, std::string_view why) {
      faults.try_emplace(
          row, RejectedRow{0, field.name(),
                           ShownText(text.GetView(row)) + " " + std::string(why), ""});
    };
    if (!TextValues::Are(*field.type())) {
      for (std::int64_t row = 0; row < text.length(); ++row) {
        if (text.IsNull(row) || text.GetView(row).empty()) continue;
        fault(row, "is no " + TableTypeName(*field.type()) +
                       ", which text of CSV cannot be: write NDJSON, Parquet or Arrow");
      }
      return FromArrow(arrow::MakeArrayOfNull(field.type(), text.length(), pool_));
    }
    TextValues values(field.type(), pool_);
    FIRN_RETURN_IF_ERROR(FromArrow(values.builder().Reserve(text.length())));
    for (std::int64_t row = 0; row < text.length(); ++row) {
      if (text.IsValid(row)) {
        const Status status = values.Append(text.GetView(row));
        if (status.ok()) continue;
        if (!status.Is(StatusCode::kInvalidArgument)) return status;
        fault(row, status.message());
      }
      FIRN_RETURN_IF_ERROR(FromArrow(values.builder().AppendNull()));
    }
    return FromArrow(values.builder().Finish());
  }

  const base::Context& context_;
  const CsvFile file_;
  const std::shared_ptr<CsvLines> lines_;
  ReaderPtr reader_;
  const std::shared_ptr<SkippedRows> skipped_;
  const OnRejected rejected_;
  arrow::MemoryPool* const pool_;
  SchemaPtr schema_;
  std::int64_t rows_at_once_ = 1;
  BatchPtr text_;  // Read, and given out up to begin_.
  std::int64_t begin_ = 0;
  std::deque<RejectedRow> left_out_;   // Not told yet.
  std::int64_t last_row_ = 0;          // The heading is row 0.
  std::vector<std::int64_t> numbers_;  // Of the rows given out last.
  scan::ScanStats stats_;
};

// The columns that the text stands for, from its beginning.
Result<SchemaPtr> Guess(std::string_view beginning, char delimiter,
                        arrow::MemoryPool* pool) {
  // Rows that are left out decide nothing.
  FIRN_ASSIGN_OR_RETURN(
      const ReaderPtr reader,
      OpenReader(arrow::io::BufferReader::FromString(std::string(beginning)), delimiter,
                 std::make_shared<SkippedRows>()));
  BatchPtr batch;
  FIRN_RETURN_IF_ERROR(FromArrow(reader->ReadNext(&batch)));
  arrow::FieldVector fields = reader->schema()->fields();
  for (std::size_t i = 0; batch != nullptr && i < fields.size(); ++i) {
    const ArrayPtr& text = batch->column(static_cast<int>(i));
    FIRN_ASSIGN_OR_RETURN(
        auto type, TypeOfText(static_cast<const arrow::StringArray&>(*text), pool));
    fields[i] = fields[i]->WithType(std::move(type));
  }
  return arrow::schema(std::move(fields));
}

}  // namespace

Result<std::unique_ptr<RowStream>> OpenCsvRows(const base::Context& context, CsvFile file,
                                               const SchemaPtr& wanted,
                                               OnRejected rejected,
                                               arrow::MemoryPool* pool) {
  SchemaPtr columns = wanted;
  if (columns == nullptr) {
    FIRN_ASSIGN_OR_RETURN(const std::string_view beginning,
                          FromArrow(file.text->Peek(kSampleBytes)));
    FIRN_ASSIGN_OR_RETURN(columns, Guess(beginning, file.delimiter, pool));
  }
  const auto lines = std::make_shared<CsvLines>(file.text, file.delimiter);
  const auto skipped = std::make_shared<SkippedRows>();
  FIRN_ASSIGN_OR_RETURN(ReaderPtr reader, OpenReader(lines, file.delimiter, skipped));
  return std::unique_ptr<RowStream>(
      std::make_unique<CsvRows>(context, std::move(file), lines, std::move(reader),
                                skipped, *columns, std::move(rejected), pool));
}

}  // namespace firn::table
