// SPDX-License-Identifier: Apache-2.0
#include "tsdb/samples_batch.h"

#include <arrow/array.h>
#include <arrow/array/array_run_end.h>
#include <arrow/array/util.h>
#include <arrow/buffer_builder.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/type_traits.h>
#include <arrow/util/bit_util.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <utility>

#include "base/assert.h"
#include "iceberg/schema_arrow.h"
#include "tsdb/tables.h"

namespace firn::tsdb {
namespace {

Status FromArrow(const arrow::Status& status) {
  if (status.ok()) return Status::OK();
  if (status.IsOutOfMemory()) return Status::ResourceExhausted(status.message());
  return Status::Internal(status.ToString());
}

#define FIRN_RETURN_IF_ARROW_ERROR(expr) FIRN_RETURN_IF_ERROR(FromArrow(expr))

struct SeriesNames {
  std::string_view tenant;
  base::SeriesId id;
  const Labels* labels;
};

// One column being built. A row's value is either the series' own, set by BeginSeries, or
// comes with each sample.
class Column {
 public:
  virtual ~Column() = default;
  virtual void BeginSeries(const SeriesNames& series) = 0;
  virtual arrow::Status Append(const TimestampMs* timestamps_ms, const double* values,
                               std::int64_t count) = 0;
  virtual arrow::Result<std::shared_ptr<arrow::Array>> Flush() = 0;
  // How many of the rows for these samples are alike, from the first on.
  virtual std::int64_t AlikeFromFirst(const double*, std::int64_t count) const {
    return count;
  }
};

// A text that stays the same for a series; absent is NULL.
class TextColumn final : public Column {
 public:
  using Pick = std::function<std::optional<std::string_view>(const SeriesNames&)>;
  TextColumn(Pick pick, arrow::MemoryPool* pool)
      : pick_(std::move(pick)), offsets_(pool), validity_(pool), data_(pool) {}

  void BeginSeries(const SeriesNames& series) override {
    const std::optional<std::string_view> text = pick_(series);
    valid_ = text.has_value();
    text_.assign(text.value_or(std::string_view()));
  }
  arrow::Status Append(const TimestampMs*, const double*, std::int64_t count) override {
    const auto size = static_cast<std::int64_t>(text_.size());
    ARROW_RETURN_NOT_OK(offsets_.Reserve(count));
    ARROW_RETURN_NOT_OK(data_.Reserve(count * size));
    ARROW_RETURN_NOT_OK(validity_.Append(count, valid_));
    for (std::int64_t i = 0; i < count; ++i) {
      offsets_.UnsafeAppend(static_cast<std::int32_t>(data_.length()));
      data_.UnsafeAppend(text_.data(), size);
    }
    return arrow::Status::OK();
  }
  arrow::Result<std::shared_ptr<arrow::Array>> Flush() override {
    ARROW_RETURN_NOT_OK(offsets_.Append(static_cast<std::int32_t>(data_.length())));
    const std::int64_t rows = validity_.length();
    const std::int64_t nulls = validity_.false_count();
    ARROW_ASSIGN_OR_RAISE(auto validity, validity_.Finish());
    ARROW_ASSIGN_OR_RAISE(auto offsets, offsets_.Finish());
    ARROW_ASSIGN_OR_RAISE(auto data, data_.Finish());
    return std::make_shared<arrow::StringArray>(rows, std::move(offsets), std::move(data),
                                                nulls == 0 ? nullptr : validity, nulls);
  }

 private:
  const Pick pick_;
  std::string text_;
  bool valid_ = false;
  arrow::TypedBufferBuilder<std::int32_t> offsets_;
  arrow::TypedBufferBuilder<bool> validity_;
  arrow::BufferBuilder data_;
};

class SeriesIdColumn final : public Column {
 public:
  explicit SeriesIdColumn(arrow::MemoryPool* pool) : data_(pool) {}
  void BeginSeries(const SeriesNames& series) override { id_ = series.id; }
  arrow::Status Append(const TimestampMs*, const double*, std::int64_t count) override {
    ARROW_RETURN_NOT_OK(data_.Reserve(count * std::int64_t{sizeof id_.bytes}));
    for (std::int64_t i = 0; i < count; ++i) {
      data_.UnsafeAppend(id_.bytes.data(), sizeof id_.bytes);
    }
    return arrow::Status::OK();
  }
  arrow::Result<std::shared_ptr<arrow::Array>> Flush() override {
    const std::int64_t rows = data_.length() / std::int64_t{sizeof id_.bytes};
    ARROW_ASSIGN_OR_RAISE(auto data, data_.Finish());
    return std::make_shared<arrow::FixedSizeBinaryArray>(
        arrow::fixed_size_binary(sizeof id_.bytes), rows, std::move(data));
  }

 private:
  base::SeriesId id_;
  arrow::BufferBuilder data_;
};

class TsColumn final : public Column {
 public:
  explicit TsColumn(arrow::MemoryPool* pool) : data_(pool) {}
  void BeginSeries(const SeriesNames&) override {}
  arrow::Status Append(const TimestampMs* timestamps_ms, const double*,
                       std::int64_t count) override {
    ARROW_RETURN_NOT_OK(data_.Reserve(count));
    for (std::int64_t i = 0; i < count; ++i) {
      data_.UnsafeAppend(timestamps_ms[i] * 1000);
    }
    return arrow::Status::OK();
  }
  arrow::Result<std::shared_ptr<arrow::Array>> Flush() override {
    const std::int64_t rows = data_.length();
    ARROW_ASSIGN_OR_RAISE(auto data, data_.Finish());
    return std::make_shared<arrow::TimestampArray>(
        arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"), rows, std::move(data));
  }

 private:
  arrow::TypedBufferBuilder<std::int64_t> data_;
};

// NULL where the sample is a stale marker.
class ValueColumn final : public Column {
 public:
  explicit ValueColumn(arrow::MemoryPool* pool) : data_(pool), validity_(pool) {}
  void BeginSeries(const SeriesNames&) override {}
  arrow::Status Append(const TimestampMs*, const double* values,
                       std::int64_t count) override {
    ARROW_RETURN_NOT_OK(data_.Reserve(count));
    ARROW_RETURN_NOT_OK(validity_.Reserve(count));
    for (std::int64_t i = 0; i < count; ++i) {
      const bool stale = IsStaleMarker(values[i]);
      data_.UnsafeAppend(stale ? 0.0 : values[i]);
      validity_.UnsafeAppend(!stale);
    }
    return arrow::Status::OK();
  }
  arrow::Result<std::shared_ptr<arrow::Array>> Flush() override {
    const std::int64_t rows = data_.length();
    const std::int64_t nulls = validity_.false_count();
    ARROW_ASSIGN_OR_RAISE(auto data, data_.Finish());
    ARROW_ASSIGN_OR_RAISE(auto validity, validity_.Finish());
    return std::make_shared<arrow::DoubleArray>(rows, std::move(data),
                                                nulls == 0 ? nullptr : validity, nulls);
  }

 private:
  arrow::TypedBufferBuilder<double> data_;
  arrow::TypedBufferBuilder<bool> validity_;
};

// `Number` is what the column's values are by now: other engines may widen it.
template <typename Number>
class FlagsColumn final : public Column {
 public:
  explicit FlagsColumn(arrow::MemoryPool* pool) : data_(pool) {}
  void BeginSeries(const SeriesNames&) override {}
  arrow::Status Append(const TimestampMs*, const double* values,
                       std::int64_t count) override {
    ARROW_RETURN_NOT_OK(data_.Reserve(count));
    for (std::int64_t i = 0; i < count; ++i) {
      data_.UnsafeAppend(IsStaleMarker(values[i]) ? kFlagStale : 0);
    }
    return arrow::Status::OK();
  }
  arrow::Result<std::shared_ptr<arrow::Array>> Flush() override {
    const std::int64_t rows = data_.length();
    ARROW_ASSIGN_OR_RAISE(auto data, data_.Finish());
    using Array = arrow::NumericArray<typename arrow::CTypeTraits<Number>::ArrowType>;
    return std::make_shared<Array>(rows, std::move(data));
  }
  std::int64_t AlikeFromFirst(const double* values, std::int64_t count) const override {
    const bool stale = IsStaleMarker(values[0]);
    return std::find_if(values, values + count,
                        [&](double v) { return IsStaleMarker(v) != stale; }) -
           values;
  }

 private:
  arrow::TypedBufferBuilder<Number> data_;
};

// The labels without a column of their own, in order of name.
class LabelsColumn final : public Column {
 public:
  LabelsColumn(std::shared_ptr<arrow::DataType> type, std::set<std::string> promoted,
               arrow::MemoryPool* pool)
      : type_(std::move(type)),
        promoted_(std::move(promoted)),
        offsets_(pool),
        keys_(pool),
        values_(pool) {}

  void BeginSeries(const SeriesNames& series) override {
    keys_.Clear();
    values_.Clear();
    for (const Label& label : *series.labels) {
      if (label.name == kMetricNameLabel || promoted_.contains(label.name)) continue;
      keys_.Add(label.name);
      values_.Add(label.value);
    }
  }
  arrow::Status Append(const TimestampMs*, const double*, std::int64_t count) override {
    ARROW_RETURN_NOT_OK(offsets_.Reserve(count));
    for (std::int64_t i = 0; i < count; ++i) {
      offsets_.UnsafeAppend(static_cast<std::int32_t>(pairs_));
      pairs_ += keys_.size();
    }
    ARROW_RETURN_NOT_OK(keys_.Repeat(count));
    return values_.Repeat(count);
  }
  arrow::Result<std::shared_ptr<arrow::Array>> Flush() override {
    const std::int64_t rows = offsets_.length();
    ARROW_RETURN_NOT_OK(offsets_.Append(static_cast<std::int32_t>(pairs_)));
    pairs_ = 0;
    ARROW_ASSIGN_OR_RAISE(auto offsets, offsets_.Finish());
    ARROW_ASSIGN_OR_RAISE(auto keys, keys_.Flush());
    ARROW_ASSIGN_OR_RAISE(auto values, values_.Flush());
    return std::make_shared<arrow::MapArray>(type_, rows, std::move(offsets),
                                             std::move(keys), std::move(values));
  }

 private:
  // The keys, or the values, of the maps: one row's texts, written again for each row.
  class Texts {
   public:
    explicit Texts(arrow::MemoryPool* pool) : offsets_(pool), data_(pool) {}
    void Clear() {
      row_.clear();
      ends_.clear();
    }
    void Add(std::string_view text) {
      row_.append(text);
      ends_.push_back(static_cast<std::int32_t>(row_.size()));
    }
    std::int64_t size() const { return static_cast<std::int64_t>(ends_.size()); }
    arrow::Status Repeat(std::int64_t count) {
      ARROW_RETURN_NOT_OK(offsets_.Reserve(count * size() + 1));
      if (offsets_.length() == 0) offsets_.UnsafeAppend(0);
      const auto row_bytes = static_cast<std::int64_t>(row_.size());
      ARROW_RETURN_NOT_OK(data_.Reserve(count * row_bytes));
      for (std::int64_t i = 0; i < count; ++i) {
        const auto base = static_cast<std::int32_t>(data_.length());
        for (const std::int32_t end : ends_) offsets_.UnsafeAppend(base + end);
        data_.UnsafeAppend(row_.data(), row_bytes);
      }
      return arrow::Status::OK();
    }
    arrow::Result<std::shared_ptr<arrow::Array>> Flush() {
      if (offsets_.length() == 0) ARROW_RETURN_NOT_OK(offsets_.Append(0));
      const std::int64_t count = offsets_.length() - 1;
      ARROW_ASSIGN_OR_RAISE(auto offsets, offsets_.Finish());
      ARROW_ASSIGN_OR_RAISE(auto data, data_.Finish());
      return std::make_shared<arrow::StringArray>(count, std::move(offsets),
                                                  std::move(data));
    }

   private:
    std::string row_;                 // One row's texts, end to end.
    std::vector<std::int32_t> ends_;  // Where each ends.
    arrow::TypedBufferBuilder<std::int32_t> offsets_;
    arrow::BufferBuilder data_;
  };

  const std::shared_ptr<arrow::DataType> type_;
  const std::set<std::string> promoted_;
  std::int64_t pairs_ = 0;
  arrow::TypedBufferBuilder<std::int32_t> offsets_;
  Texts keys_;
  Texts values_;
};

// A column that samples in memory have nothing for.
class NullColumn final : public Column {
 public:
  NullColumn(std::shared_ptr<arrow::DataType> type, arrow::MemoryPool* pool)
      : type_(std::move(type)), pool_(pool) {}
  void BeginSeries(const SeriesNames&) override {}
  arrow::Status Append(const TimestampMs*, const double*, std::int64_t count) override {
    rows_ += count;
    return arrow::Status::OK();
  }
  arrow::Result<std::shared_ptr<arrow::Array>> Flush() override {
    return arrow::MakeArrayOfNull(type_, std::exchange(rows_, 0), pool_);
  }

 private:
  const std::shared_ptr<arrow::DataType> type_;
  arrow::MemoryPool* const pool_;
  std::int64_t rows_ = 0;
};

// Another column, with one row of it for each run of rows that are alike.
class RunsColumn final : public Column {
 public:
  RunsColumn(std::unique_ptr<Column> column, std::shared_ptr<arrow::DataType> type,
             arrow::MemoryPool* pool)
      : column_(std::move(column)), type_(std::move(type)), ends_(pool) {}

  void BeginSeries(const SeriesNames& series) override { column_->BeginSeries(series); }
  arrow::Status Append(const TimestampMs* timestamps_ms, const double* values,
                       std::int64_t count) override {
    while (count > 0) {
      const std::int64_t alike = column_->AlikeFromFirst(values, count);
      ARROW_RETURN_NOT_OK(column_->Append(timestamps_ms, values, 1));
      rows_ += alike;
      ARROW_RETURN_NOT_OK(ends_.Append(static_cast<std::int32_t>(rows_)));
      timestamps_ms += alike;
      values += alike;
      count -= alike;
    }
    return arrow::Status::OK();
  }
  arrow::Result<std::shared_ptr<arrow::Array>> Flush() override {
    const std::int64_t runs = ends_.length();
    ARROW_ASSIGN_OR_RAISE(auto ends, ends_.Finish());
    ARROW_ASSIGN_OR_RAISE(auto values, column_->Flush());
    return std::make_shared<arrow::RunEndEncodedArray>(
        type_, std::exchange(rows_, 0),
        std::make_shared<arrow::Int32Array>(runs, std::move(ends)), std::move(values));
  }

 private:
  const std::unique_ptr<Column> column_;
  const std::shared_ptr<arrow::DataType> type_;
  std::int64_t rows_ = 0;
  arrow::TypedBufferBuilder<std::int32_t> ends_;
};

TextColumn::Pick PickLabel(std::string name) {
  return
      [name = std::move(name)](const SeriesNames& s) -> std::optional<std::string_view> {
        const std::string_view value = s.labels->Get(name);
        if (value.empty()) return std::nullopt;
        return value;
      };
}

std::unique_ptr<Column> MakeColumn(const iceberg::NestedField& field,
                                   const std::shared_ptr<arrow::DataType>& type,
                                   const std::vector<PromotedLabel>& promoted,
                                   arrow::MemoryPool* pool) {
  switch (field.id.value) {
    case kTenantId:
      return std::make_unique<TextColumn>(
          [](const SeriesNames& s) { return std::optional(s.tenant); }, pool);
    case kMetricId:
      return std::make_unique<TextColumn>(
          [](const SeriesNames& s) { return std::optional(s.labels->metric_name()); },
          pool);
    case kSeriesIdId:
      return std::make_unique<SeriesIdColumn>(pool);
    case kTsId:
      return std::make_unique<TsColumn>(pool);
    case kValueId:
      return std::make_unique<ValueColumn>(pool);
    case kFlagsId:
      if (type->id() == arrow::Type::INT64) {
        return std::make_unique<FlagsColumn<std::int64_t>>(pool);
      }
      return std::make_unique<FlagsColumn<std::int32_t>>(pool);
    case kLabelsId: {
      std::set<std::string> names;
      for (const PromotedLabel& label : promoted) names.insert(label.label);
      return std::make_unique<LabelsColumn>(type, std::move(names), pool);
    }
    default:
      break;
  }
  for (const PromotedLabel& label : promoted) {
    if (label.id == field.id) {
      return std::make_unique<TextColumn>(PickLabel(label.label), pool);
    }
  }
  return std::make_unique<NullColumn>(type, pool);
}

class Builder final : public SamplesBatchBuilder {
 public:
  Builder(std::shared_ptr<arrow::Schema> schema,
          std::vector<std::unique_ptr<Column>> columns)
      : schema_(std::move(schema)), columns_(std::move(columns)) {}

  const std::shared_ptr<arrow::Schema>& schema() const override { return schema_; }
  std::int64_t row_count() const override { return rows_; }

  void BeginSeries(std::string_view tenant, const base::SeriesId& id,
                   const Labels& labels) override {
    const SeriesNames series{tenant, id, &labels};
    for (const auto& column : columns_) column->BeginSeries(series);
  }

  Status Append(const TimestampMs* timestamps_ms, const double* values,
                std::int64_t count) override {
    for (const auto& column : columns_) {
      FIRN_RETURN_IF_ARROW_ERROR(column->Append(timestamps_ms, values, count));
    }
    rows_ += count;
    return Status::OK();
  }

  Result<std::shared_ptr<arrow::RecordBatch>> Flush() override {
    std::vector<std::shared_ptr<arrow::Array>> arrays;
    for (const auto& column : columns_) {
      arrow::Result<std::shared_ptr<arrow::Array>> array = column->Flush();
      FIRN_RETURN_IF_ARROW_ERROR(array.status());
      arrays.push_back(*std::move(array));
    }
    return arrow::RecordBatch::Make(schema_, std::exchange(rows_, 0), std::move(arrays));
  }

 private:
  const std::shared_ptr<arrow::Schema> schema_;
  const std::vector<std::unique_ptr<Column>> columns_;
  std::int64_t rows_ = 0;
};

}  // namespace

Result<std::unique_ptr<SamplesBatchBuilder>> SamplesBatchBuilder::Make(
    const iceberg::TableMetadata& samples,
    const std::optional<std::vector<std::string>>& names, SampleRows rows,
    arrow::MemoryPool* pool) {
  if (pool == nullptr) pool = arrow::default_memory_pool();
  const iceberg::Schema& schema = samples.current_schema();
  FIRN_ASSIGN_OR_RETURN(const std::shared_ptr<arrow::Schema> all,
                        iceberg::ToArrowSchema(schema));
  const std::vector<PromotedLabel> promoted = PromotedLabels(samples);
  arrow::FieldVector fields;
  std::vector<std::unique_ptr<Column>> columns;
  const auto add = [&](const iceberg::NestedField& field) {
    std::shared_ptr<arrow::Field> arrow_field = all->GetFieldByName(field.name);
    FIRN_ASSERT(arrow_field != nullptr);
    auto column = MakeColumn(field, arrow_field->type(), promoted, pool);
    // Runs of numbers are written as int32 alone (parquet/writer.h).
    const bool varies =
        field.id.value == kTsId || field.id.value == kValueId ||
        (field.id.value == kFlagsId && arrow_field->type()->id() != arrow::Type::INT32);
    if (rows == SampleRows::kRuns && !varies) {
      const auto runs = arrow::run_end_encoded(arrow::int32(), arrow_field->type());
      column = std::make_unique<RunsColumn>(std::move(column), runs, pool);
      arrow_field = arrow_field->WithType(runs);
    }
    fields.push_back(std::move(arrow_field));
    columns.push_back(std::move(column));
  };
  if (names.has_value()) {
    for (const std::string& name : *names) {
      const iceberg::NestedField* field = schema.FindColumn(name);
      if (field == nullptr) {
        return Status::NotFound("metrics.samples has no column " + name);
      }
      add(*field);
    }
  } else {
    for (const iceberg::NestedField& field : schema.fields()) add(field);
  }
  return std::make_unique<Builder>(arrow::schema(std::move(fields)), std::move(columns));
}

}  // namespace firn::tsdb
