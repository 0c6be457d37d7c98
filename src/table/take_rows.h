// SPDX-License-Identifier: Apache-2.0
// take_rows.h: rows of a batch by their numbers. Internal to this room.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "firn/status.h"

namespace arrow {
class Array;
class MemoryPool;
}  // namespace arrow

namespace firn::table {

// Each column's values at `rows`, copied once. ResourceExhausted where the pool is.
// REQUIRES: every number is below the columns' length.
Result<std::vector<std::shared_ptr<arrow::Array>>> TakeRows(
    const std::vector<std::shared_ptr<arrow::Array>>& columns,
    const std::vector<std::uint32_t>& rows, arrow::MemoryPool* pool);

}  // namespace firn::table
