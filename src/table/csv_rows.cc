// SPDX-License-Identifier: Apache-2.0
#include "table/csv_rows.h"

#include <arrow/array/array_binary.h>
#include <arrow/array/builder_base.h>
#include <arrow/array/util.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "table/arrow_status.h"
#include "table/csv_text.h"
#include "table/take_rows.h"
#include "table/text_values.h"
#include "wire/arrow_json.h"

namespace firn::table {
namespace {

using ArrayPtr = std::shared_ptr<arrow::Array>;
using BatchPtr = std::shared_ptr<arrow::RecordBatch>;
using SchemaPtr = std::shared_ptr<arrow::Schema>;

class CsvRows final : public TextRows {
 public:
  // `first` are the rows of `text` that were read already.
  CsvRows(const base::Context& context, CsvFile file, std::unique_ptr<CsvText> text,
          BatchPtr first, SchemaPtr schema, int columns_max, OnRejected rejected,
          arrow::MemoryPool* pool)
      : TextRows(context, std::move(file.name), std::move(file.bytes)),
        text_(std::move(text)),
        rejected_(std::move(rejected)),
        pool_(pool),
        schema_(std::move(schema)),
        rows_at_once_(std::max(std::int64_t{1}, kCellsAtOnce / std::max(1, columns_max))),
        rows_(std::move(first)) {}

  const SchemaPtr& schema() const override { return schema_; }

 private:
  using Faults = std::map<std::int64_t, RejectedRow>;  // By row of the batch, the first.

  // The good ones of the next rows, perhaps none; null at the end.
  Result<BatchPtr> Read() override {
    if (rows_ == nullptr || begin_ == rows_->num_rows()) {
      while (told_ < text_->left_out().size()) FIRN_RETURN_IF_ERROR(RejectLeftOut());
      told_ = 0;
      begin_ = 0;
      FIRN_ASSIGN_OR_RETURN(rows_, text_->Next());
      if (rows_ == nullptr) return BatchPtr();
    }
    const BatchPtr text = rows_->Slice(begin_, rows_at_once_);
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
      const std::vector<std::int64_t> lines = text_->LinesOf(rows);
      rows.clear();
      for (const std::int64_t line : lines) {
        numbers_.push_back(line);
        FIRN_RETURN_IF_ERROR(met(static_cast<std::int64_t>(numbers_.size()) - 1));
      }
      return Status::OK();
    };
    const std::vector<LeftOutRow>& left_out = text_->left_out();
    for (std::int64_t i = 0; i < count; ++i) {
      while (told_ < left_out.size() && left_out[told_].row == last_row_ + 1) {
        FIRN_RETURN_IF_ERROR(number());
        FIRN_RETURN_IF_ERROR(RejectLeftOut());
      }
      rows.push_back(++last_row_);
    }
    return number();
  }

  // The next of those that were left out, which is the next row.
  Status RejectLeftOut() {
    const LeftOutRow& row = text_->left_out()[told_++];
    ++last_row_;
    return rejected_({text_->LinesOf({row.row}).front(), "",
                      std::to_string(row.values) + " values where there are " +
                          std::to_string(schema_->num_fields()) + " columns",
                      std::string(row.text)});
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

  const std::unique_ptr<CsvText> text_;
  const OnRejected rejected_;
  arrow::MemoryPool* const pool_;
  const SchemaPtr schema_;
  const std::int64_t rows_at_once_;
  BatchPtr rows_;  // Of text_, given out up to begin_.
  std::int64_t begin_ = 0;
  std::size_t told_ = 0;       // Of those among them that were left out.
  std::int64_t last_row_ = 0;  // The heading is row 0.
};

// The columns of `text`, as `wanted` has them, and else of text.
SchemaPtr ColumnsOf(const CsvText& text, const arrow::Schema& wanted) {
  arrow::FieldVector fields;
  for (const std::string& name : text.names()) {
    const auto target = wanted.GetFieldByName(name);
    fields.push_back(
        arrow::field(name, target != nullptr ? target->type() : arrow::utf8()));
  }
  if (!text.names().empty()) return arrow::schema(std::move(fields));
  // An empty file is one of no rows.
  for (const auto& field : wanted.fields()) fields.push_back(field->WithNullable(true));
  return arrow::schema(std::move(fields));
}

// The columns that the text stands for, from its beginning: rows that are left out decide
// nothing.
Result<SchemaPtr> Guess(const CsvText& text, const BatchPtr& beginning,
                        arrow::MemoryPool* pool) {
  arrow::FieldVector fields;
  for (const std::string& name : text.names()) {
    std::shared_ptr<arrow::DataType> type = arrow::utf8();
    if (beginning != nullptr) {
      const ArrayPtr& values = beginning->column(static_cast<int>(fields.size()));
      FIRN_ASSIGN_OR_RETURN(
          type, TypeOfText(static_cast<const arrow::StringArray&>(*values), pool));
    }
    fields.push_back(arrow::field(name, std::move(type)));
  }
  return arrow::schema(std::move(fields));
}

}  // namespace

Result<std::unique_ptr<RowStream>> OpenCsvRows(const base::Context& context, CsvFile file,
                                               const SchemaPtr& wanted,
                                               OnRejected rejected,
                                               arrow::MemoryPool* pool) {
  auto text = std::make_unique<CsvText>(file.text, file.delimiter, pool);
  FIRN_RETURN_IF_ERROR(text->ReadHeading());
  SchemaPtr columns;
  BatchPtr first;
  if (wanted != nullptr) {
    columns = ColumnsOf(*text, *wanted);
  } else if (text->names().empty()) {
    return Status::InvalidArgument(
        "it is empty: the names of the columns are to be its first line");
  } else {
    FIRN_ASSIGN_OR_RETURN(first, text->Next());
    FIRN_ASSIGN_OR_RETURN(columns, Guess(*text, first, pool));
  }
  // A table of many columns gets those that the file has not as well.
  const int columns_max =
      std::max(columns->num_fields(), wanted != nullptr ? wanted->num_fields() : 0);
  return std::unique_ptr<RowStream>(std::make_unique<CsvRows>(
      context, std::move(file), std::move(text), std::move(first), std::move(columns),
      columns_max, std::move(rejected), pool));
}

}  // namespace firn::table
