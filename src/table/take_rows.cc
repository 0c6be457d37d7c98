// SPDX-License-Identifier: Apache-2.0
#include "table/take_rows.h"

#include <arrow/array/array_primitive.h>
#include <arrow/buffer.h>
#include <arrow/compute/api_vector.h>
#include <arrow/compute/exec.h>

#include <utility>

#include "table/arrow_status.h"

namespace firn::table {

Result<std::vector<std::shared_ptr<arrow::Array>>> TakeRows(
    const std::vector<std::shared_ptr<arrow::Array>>& columns,
    const std::vector<std::uint32_t>& rows, arrow::MemoryPool* pool) {
  const arrow::UInt32Array indices(static_cast<std::int64_t>(rows.size()),
                                   arrow::Buffer::Wrap(rows));
  const auto in_bounds = arrow::compute::TakeOptions::NoBoundsCheck();
  arrow::compute::ExecContext context(pool);
  std::vector<std::shared_ptr<arrow::Array>> taken;
  for (const auto& column : columns) {
    FIRN_ASSIGN_OR_RETURN(auto values, FromArrow(arrow::compute::Take(
                                           *column, indices, in_bounds, &context)));
    taken.push_back(std::move(values));
  }
  return taken;
}

}  // namespace firn::table
