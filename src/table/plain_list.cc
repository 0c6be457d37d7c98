// SPDX-License-Identifier: Apache-2.0
#include "table/plain_list.h"

#include <arrow/array/array_nested.h>
#include <arrow/array/util.h>
#include <arrow/buffer.h>
#include <arrow/compute/cast.h>
#include <arrow/compute/exec.h>
#include <arrow/type.h>
#include <arrow/util/bitmap_ops.h>

#include <limits>

#include "table/arrow_status.h"

namespace firn::table {
namespace {

using ArrayPtr = std::shared_ptr<arrow::Array>;

// Views, which may lie in any order and overlap, one after another. Arrow 26.0.1 does not
// do it: its cast makes offsets that lead out of their buffer, and FromListView() those
// of another slice. Lists of fixed size without those that are NULL, whose elements its
// cast keeps and its Parquet writer refuses.
template <typename Views>
Result<ArrayPtr> LaidOut(const Views& views, arrow::MemoryPool* pool) {
  const std::int64_t count = views.length();
  FIRN_ASSIGN_OR_RETURN(std::shared_ptr<arrow::Buffer> buffer,
                        FromArrow(arrow::AllocateBuffer(
                            (count + 1) * std::int64_t{sizeof(std::int32_t)}, pool)));
  auto* const offsets = reinterpret_cast<std::int32_t*>(buffer->mutable_data());
  std::int64_t end = 0;
  offsets[0] = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    if (views.IsValid(i)) end += views.value_length(i);
    if (end > std::numeric_limits<std::int32_t>::max()) {
      return Status::InvalidArgument("a column of lists has more than 2^31 elements");
    }
    offsets[i + 1] = static_cast<std::int32_t>(end);
  }
  FIRN_ASSIGN_OR_RETURN(const ArrayPtr values, FromArrow(views.Flatten(pool)));
  std::shared_ptr<arrow::Buffer> valid;
  if (views.null_count() > 0) {
    FIRN_ASSIGN_OR_RETURN(
        valid, FromArrow(arrow::internal::CopyBitmap(pool, views.null_bitmap_data(),
                                                     views.offset(), count)));
  }
  return arrow::MakeArray(arrow::ArrayData::Make(
      arrow::list(views.type()->field(0)), count, {std::move(valid), std::move(buffer)},
      {values->data()}, views.null_count()));
}

}  // namespace

bool IsListLike(arrow::Type::type id) {
  return id == arrow::Type::LIST || id == arrow::Type::LARGE_LIST ||
         id == arrow::Type::FIXED_SIZE_LIST || id == arrow::Type::LIST_VIEW ||
         id == arrow::Type::LARGE_LIST_VIEW;
}

Result<ArrayPtr> PlainList(const ArrayPtr& array, arrow::MemoryPool* pool) {
  switch (array->type_id()) {
    case arrow::Type::LIST:
      return array;
    case arrow::Type::FIXED_SIZE_LIST:
      return LaidOut(static_cast<const arrow::FixedSizeListArray&>(*array), pool);
    case arrow::Type::LIST_VIEW:
      return LaidOut(static_cast<const arrow::ListViewArray&>(*array), pool);
    case arrow::Type::LARGE_LIST_VIEW:
      return LaidOut(static_cast<const arrow::LargeListViewArray&>(*array), pool);
    default:
      break;
  }
  arrow::compute::ExecContext context(pool);
  return FromArrow(arrow::compute::Cast(*array, arrow::list(array->type()->field(0)),
                                        arrow::compute::CastOptions::Safe(), &context));
}

}  // namespace firn::table
