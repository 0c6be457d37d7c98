// SPDX-License-Identifier: Apache-2.0
// plain_list.h: lists in any of Arrow's forms as the form that tables have.
#pragma once

#include <arrow/type_fwd.h>

#include <memory>

#include "firn/status.h"

namespace firn::table {

// Whether it is a list, of whatever offsets: plain, large, of fixed size, a view.
bool IsListLike(arrow::Type::type id);

// The same lists with 32-bit offsets; the array itself where it has them. REQUIRES:
// IsListLike(). InvalidArgument where there are more elements than such offsets hold.
Result<std::shared_ptr<arrow::Array>> PlainList(
    const std::shared_ptr<arrow::Array>& array, arrow::MemoryPool* pool);

}  // namespace firn::table
