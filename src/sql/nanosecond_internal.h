// SPDX-License-Identifier: Apache-2.0
// nanosecond_internal.h: points in time of nanoseconds, for DuckDB.
//
// DuckDB's TIMESTAMPTZ counts microseconds: its conversion of Arrow's timestamp[ns, UTC]
// drops the last three digits of every value. Its TIMESTAMP_NS keeps them and has no
// zone. So such columns, and what is such in other columns, become timestamps of
// nanoseconds without a zone before DuckDB sees them: the time in UTC, which is what
// their numbers count already. No value is copied.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "arrow/array/data.h"
#include "arrow/record_batch.h"
#include "arrow/type.h"

namespace firn::sql {

using ArrowTypePtr = std::shared_ptr<arrow::DataType>;

// `type` with other fields.
inline ArrowTypePtr WithFields(const arrow::DataType& type, arrow::FieldVector fields) {
  switch (type.id()) {
    case arrow::Type::STRUCT:
      return arrow::struct_(std::move(fields));
    case arrow::Type::LIST:
      return arrow::list(fields[0]);
    case arrow::Type::LARGE_LIST:
      return arrow::large_list(fields[0]);
    case arrow::Type::LIST_VIEW:
      return arrow::list_view(fields[0]);
    case arrow::Type::LARGE_LIST_VIEW:
      return arrow::large_list_view(fields[0]);
    case arrow::Type::FIXED_SIZE_LIST:
      return arrow::fixed_size_list(
          fields[0], static_cast<const arrow::FixedSizeListType&>(type).list_size());
    case arrow::Type::MAP:
      return std::make_shared<arrow::MapType>(
          fields[0], static_cast<const arrow::MapType&>(type).keys_sorted());
    default:
      return nullptr;  // Unions and the like, which DuckDB does not take with
                       // nanoseconds.
  }
}

// `type`, or what stands for it where it has nanoseconds with a zone.
inline ArrowTypePtr WithoutNanosecondZone(const ArrowTypePtr& type) {
  if (type->id() == arrow::Type::TIMESTAMP) {
    const auto& timestamp = static_cast<const arrow::TimestampType&>(*type);
    const bool zoned_ns =
        timestamp.unit() == arrow::TimeUnit::NANO && !timestamp.timezone().empty();
    return zoned_ns ? arrow::timestamp(arrow::TimeUnit::NANO) : type;
  }
  if (type->id() == arrow::Type::DICTIONARY) {
    const auto& dictionary = static_cast<const arrow::DictionaryType&>(*type);
    const ArrowTypePtr values = WithoutNanosecondZone(dictionary.value_type());
    if (values == dictionary.value_type()) return type;
    return arrow::dictionary(dictionary.index_type(), values, dictionary.ordered());
  }
  arrow::FieldVector fields;
  bool changed = false;
  for (const auto& field : type->fields()) {
    const ArrowTypePtr made = WithoutNanosecondZone(field->type());
    changed = changed || made != field->type();
    fields.push_back(made == field->type() ? field : field->WithType(made));
  }
  const ArrowTypePtr made = changed ? WithFields(*type, std::move(fields)) : nullptr;
  return made == nullptr ? type : made;
}

inline std::shared_ptr<arrow::Schema> WithoutNanosecondZone(const arrow::Schema& schema) {
  arrow::FieldVector fields;
  for (const auto& field : schema.fields()) {
    fields.push_back(field->WithType(WithoutNanosecondZone(field->type())));
  }
  return arrow::schema(std::move(fields), schema.metadata());
}

// `data` as `type`, which is WithoutNanosecondZone() of its own.
inline std::shared_ptr<arrow::ArrayData> WithType(
    const std::shared_ptr<arrow::ArrayData>& data, const ArrowTypePtr& type) {
  if (data->type->Equals(*type)) return data;
  auto made = data->Copy();
  made->type = type;
  for (std::size_t i = 0; i < made->child_data.size(); ++i) {
    const auto& child = type->field(static_cast<int>(i))->type();
    made->child_data[i] = WithType(made->child_data[i], child);
  }
  if (made->dictionary != nullptr) {
    made->dictionary = WithType(
        made->dictionary, static_cast<const arrow::DictionaryType&>(*type).value_type());
  }
  return made;
}

inline std::shared_ptr<const arrow::RecordBatch> WithoutNanosecondZone(
    std::shared_ptr<const arrow::RecordBatch> batch) {
  std::vector<std::shared_ptr<arrow::ArrayData>> columns;
  bool changed = false;
  for (int i = 0; i < batch->num_columns(); ++i) {
    const auto& data = batch->column_data(i);
    columns.push_back(WithType(data, WithoutNanosecondZone(data->type)));
    changed = changed || columns.back() != data;
  }
  if (!changed) return batch;
  return arrow::RecordBatch::Make(WithoutNanosecondZone(*batch->schema()),
                                  batch->num_rows(), std::move(columns));
}

}  // namespace firn::sql
