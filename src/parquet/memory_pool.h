// SPDX-License-Identifier: Apache-2.0
// memory_pool.h: Arrow's memory, drawn on a budget.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "arrow/memory_pool.h"

#include "base/budget.h"

namespace firn::parquet {

// Allocates from `parent` what `budget` grants. Thread-safe. Over the budget an
// allocation fails with Arrow's OutOfMemory, which this room reports as
// ResourceExhausted with the budget's own message.
//
// Arrow buffers keep a plain pointer to their pool: the pool, and so the budget, must
// outlive every buffer and every batch made from it. Whoever owns the budget owns the
// pool beside it.
class BudgetMemoryPool final : public arrow::MemoryPool {
 public:
  // Both must outlive the pool.
  explicit BudgetMemoryPool(base::ByteBudget& budget,
                            arrow::MemoryPool* parent = arrow::default_memory_pool())
      : budget_(budget), parent_(parent) {}

  using arrow::MemoryPool::Allocate;
  using arrow::MemoryPool::Free;
  using arrow::MemoryPool::Reallocate;
  arrow::Status Allocate(std::int64_t size, std::int64_t alignment,
                         std::uint8_t** out) override;
  arrow::Status Reallocate(std::int64_t old_size, std::int64_t new_size,
                           std::int64_t alignment, std::uint8_t** ptr) override;
  void Free(std::uint8_t* buffer, std::int64_t size, std::int64_t alignment) override;
  void ReleaseUnused() override { parent_->ReleaseUnused(); }

  std::int64_t bytes_allocated() const override {
    return bytes_allocated_.load(std::memory_order_relaxed);
  }
  std::int64_t max_memory() const override {
    return max_memory_.load(std::memory_order_relaxed);
  }
  std::int64_t total_bytes_allocated() const override {
    return total_bytes_allocated_.load(std::memory_order_relaxed);
  }
  std::int64_t num_allocations() const override {
    return num_allocations_.load(std::memory_order_relaxed);
  }
  std::string backend_name() const override { return parent_->backend_name(); }

 private:
  void Count(std::int64_t delta_bytes, std::int64_t allocated_bytes);

  base::ByteBudget& budget_;
  arrow::MemoryPool* const parent_;
  std::atomic<std::int64_t> bytes_allocated_{0};
  std::atomic<std::int64_t> max_memory_{0};
  std::atomic<std::int64_t> total_bytes_allocated_{0};
  std::atomic<std::int64_t> num_allocations_{0};
};

}  // namespace firn::parquet
