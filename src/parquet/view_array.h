// SPDX-License-Identifier: Apache-2.0
// view_array.h: an array of views as it grows. Internal to this room.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "arrow/array/array_base.h"
#include "arrow/array/data.h"
#include "arrow/array/util.h"
#include "arrow/buffer.h"
#include "arrow/type.h"
#include "arrow/util/binary_view_util.h"
#include "arrow/util/bit_util.h"

#include "parquet/exception.h"
#include "parquet/types.h"

namespace firn::parquet {

// Thread-compatible. Throws Parquet's exceptions where memory runs out.
class ViewArray {
 public:
  // REQUIRES: no more than `rows` values are added; all of them before Finish().
  ViewArray(std::int64_t rows, bool nullable, arrow::MemoryPool* pool) : rows_(rows) {
    PARQUET_ASSIGN_OR_THROW(
        views_,
        arrow::AllocateBuffer(rows * static_cast<std::int64_t>(sizeof(View)), pool));
    if (nullable) {
      PARQUET_ASSIGN_OR_THROW(valid_, arrow::AllocateEmptyBitmap(rows, pool));
    }
  }

  // What the values added from now on lie in. Kept by the array only if one of them is
  // too long to lie in its view.
  void SetSource(const std::shared_ptr<arrow::Buffer>& bytes) {
    if (bytes == source_) return;
    source_ = bytes;
    source_index_ = -1;
  }

  // REQUIRES: nullable.
  void AppendNull() {
    views()[size_++] = View{};
    ++nulls_;
  }
  void Append(const ::parquet::ByteArray& value) {
    View& view = views()[size_];
    const auto length = static_cast<std::int32_t>(value.len);
    if (length <= arrow::BinaryViewType::kInlineSize) {
      view = arrow::util::ToInlineBinaryView(value.ptr, length);
    } else {
      if (source_index_ < 0) {
        source_index_ = static_cast<std::int32_t>(sources_.size());
        sources_.push_back(source_);
      }
      view = arrow::util::ToNonInlineBinaryView(
          value.ptr, length, source_index_,
          static_cast<std::int32_t>(value.ptr - source_->data()));
    }
    if (valid_ != nullptr) arrow::bit_util::SetBit(valid_->mutable_data(), size_);
    ++size_;
  }
  std::int64_t size() const { return size_; }

  // `type` is utf8_view or binary_view.
  std::shared_ptr<arrow::Array> Finish(const std::shared_ptr<arrow::DataType>& type) && {
    std::vector<std::shared_ptr<arrow::Buffer>> buffers = {std::move(valid_),
                                                           std::move(views_)};
    buffers.insert(buffers.end(), sources_.begin(), sources_.end());
    return arrow::MakeArray(
        arrow::ArrayData::Make(type, rows_, std::move(buffers), nulls_));
  }

 private:
  using View = arrow::BinaryViewType::c_type;
  View* views() { return reinterpret_cast<View*>(views_->mutable_data()); }

  const std::int64_t rows_;
  std::unique_ptr<arrow::Buffer> views_;
  std::shared_ptr<arrow::Buffer> valid_;
  std::shared_ptr<arrow::Buffer> source_;
  std::int32_t source_index_ = -1;  // Of source_, once a value points into it.
  std::vector<std::shared_ptr<arrow::Buffer>> sources_;
  std::int64_t size_ = 0;
  std::int64_t nulls_ = 0;
};

}  // namespace firn::parquet
