// SPDX-License-Identifier: Apache-2.0
// offset_internal.h: structs that begin where their buffers do.
//
// A sliced struct keeps its children whole and says by its offset where it begins.
// DuckDB's conversion adds the offset of a struct to that of its children and no further:
// what lies in a struct inside of the struct is then taken from other rows. So offsets of
// structs are pushed down, until it is their leaves and lists that have them.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "arrow/array/data.h"
#include "arrow/buffer.h"
#include "arrow/record_batch.h"
#include "arrow/type.h"
#include "arrow/util/bitmap_ops.h"

#include "firn/status.h"

namespace firn::sql {

inline bool HasStruct(const arrow::DataType& type) {
  if (type.id() == arrow::Type::STRUCT) return true;
  for (const auto& field : type.fields()) {
    if (HasStruct(*field->type())) return true;
  }
  return false;
}

// The rows [offset, offset + length) of `data`, counted from its own offset, with no
// struct in them that has an offset.
inline Result<std::shared_ptr<arrow::ArrayData>> WithoutStructOffsets(
    const arrow::ArrayData& data) {
  auto made = data.Copy();
  const bool is_struct = data.type->id() == arrow::Type::STRUCT;
  for (std::shared_ptr<arrow::ArrayData>& child : made->child_data) {
    if (is_struct && (data.offset != 0 || child->length != data.length)) {
      child = child->Slice(data.offset, data.length);
    }
    if (!HasStruct(*child->type)) continue;
    FIRN_ASSIGN_OR_RETURN(child, WithoutStructOffsets(*child));
  }
  if (!is_struct || data.offset == 0) return made;
  made->offset = 0;
  if (made->buffers[0] != nullptr) {
    auto valid = arrow::internal::CopyBitmap(
        arrow::default_memory_pool(), made->buffers[0]->data(), data.offset, data.length);
    if (!valid.ok()) return Status::ResourceExhausted(valid.status().ToString());
    made->buffers[0] = *std::move(valid);
  }
  return made;
}

// `batch` with the columns that have structs made so.
inline Result<std::shared_ptr<const arrow::RecordBatch>> WithoutStructOffsets(
    std::shared_ptr<const arrow::RecordBatch> batch) {
  std::vector<std::shared_ptr<arrow::ArrayData>> columns;
  bool changed = false;
  for (int i = 0; i < batch->num_columns(); ++i) {
    columns.push_back(batch->column_data(i));
    if (!HasStruct(*columns.back()->type)) continue;
    FIRN_ASSIGN_OR_RETURN(columns.back(), WithoutStructOffsets(*columns.back()));
    changed = true;
  }
  if (!changed) return batch;
  return std::shared_ptr<const arrow::RecordBatch>(
      arrow::RecordBatch::Make(batch->schema(), batch->num_rows(), std::move(columns)));
}

}  // namespace firn::sql
