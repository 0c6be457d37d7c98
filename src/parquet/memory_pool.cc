// SPDX-License-Identifier: Apache-2.0
#include "parquet/memory_pool.h"

#include "parquet/wall.h"

namespace firn::parquet {

arrow::Status BudgetMemoryPool::Allocate(std::int64_t size, std::int64_t alignment,
                                         std::uint8_t** out) {
  const Status reserved = budget_.Reserve(size);
  if (!reserved.ok()) return ToArrow(reserved);
  const arrow::Status allocated = parent_->Allocate(size, alignment, out);
  if (!allocated.ok()) {
    budget_.Release(size);
    return allocated;
  }
  Count(size, size);
  return arrow::Status::OK();
}

arrow::Status BudgetMemoryPool::Reallocate(std::int64_t old_size, std::int64_t new_size,
                                           std::int64_t alignment, std::uint8_t** ptr) {
  const std::int64_t growth = new_size - old_size;
  if (growth > 0) {
    const Status reserved = budget_.Reserve(growth);
    if (!reserved.ok()) return ToArrow(reserved);
  }
  const arrow::Status allocated = parent_->Reallocate(old_size, new_size, alignment, ptr);
  if (!allocated.ok()) {
    if (growth > 0) budget_.Release(growth);
    return allocated;
  }
  if (growth < 0) budget_.Release(-growth);
  Count(growth, growth > 0 ? growth : 0);
  return arrow::Status::OK();
}

void BudgetMemoryPool::Free(std::uint8_t* buffer, std::int64_t size,
                            std::int64_t alignment) {
  parent_->Free(buffer, size, alignment);
  budget_.Release(size);
  bytes_allocated_.fetch_sub(size, std::memory_order_relaxed);
}

void BudgetMemoryPool::Count(std::int64_t delta_bytes, std::int64_t allocated_bytes) {
  const std::int64_t now =
      bytes_allocated_.fetch_add(delta_bytes, std::memory_order_relaxed) + delta_bytes;
  total_bytes_allocated_.fetch_add(allocated_bytes, std::memory_order_relaxed);
  num_allocations_.fetch_add(1, std::memory_order_relaxed);
  std::int64_t peak = max_memory_.load(std::memory_order_relaxed);
  while (now > peak &&
         !max_memory_.compare_exchange_weak(peak, now, std::memory_order_relaxed)) {
  }
}

}  // namespace firn::parquet
