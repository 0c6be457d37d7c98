// SPDX-License-Identifier: Apache-2.0
// budget.h: a bound on memory, shared by those who draw on it.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <utility>

#include "firn/status.h"

namespace firn::base {

// Counts bytes against a limit. Thread-safe. Nothing is allocated here: a caller reserves
// before it allocates and releases after it frees.
class ByteBudget {
 public:
  // `name` appears in the error at the bound. REQUIRES: limit_bytes >= 0.
  ByteBudget(std::string name, std::int64_t limit_bytes)
      : name_(std::move(name)), limit_bytes_(limit_bytes) {}

  // Take `bytes`, or return ResourceExhausted that names the budget, its limit and what
  // is in use. REQUIRES: bytes >= 0.
  Status Reserve(std::int64_t bytes);
  // REQUIRES: 0 <= bytes <= used_bytes().
  void Release(std::int64_t bytes);

  std::int64_t used_bytes() const { return used_bytes_.load(std::memory_order_relaxed); }
  std::int64_t limit_bytes() const { return limit_bytes_; }

 private:
  const std::string name_;
  const std::int64_t limit_bytes_;
  std::atomic<std::int64_t> used_bytes_{0};
};

// Holds bytes of a budget and gives them back when it goes. Move-only;
// thread-compatible. The budget must outlive it.
class ByteReservation {
 public:
  ByteReservation() = default;
  ~ByteReservation() { Clear(); }
  ByteReservation(ByteReservation&& other) noexcept
      : budget_(std::exchange(other.budget_, nullptr)),
        bytes_(std::exchange(other.bytes_, 0)) {}
  ByteReservation& operator=(ByteReservation&& other) noexcept {
    if (this != &other) {
      Clear();
      budget_ = std::exchange(other.budget_, nullptr);
      bytes_ = std::exchange(other.bytes_, 0);
    }
    return *this;
  }

  // A null `budget` means unbounded: the reservation then counts nothing.
  static Result<ByteReservation> Make(ByteBudget* budget, std::int64_t bytes);
  // Grow by `bytes`, or leave it as it is and return ResourceExhausted.
  Status Grow(std::int64_t bytes);
  void Clear();
  std::int64_t bytes() const { return bytes_; }

 private:
  ByteBudget* budget_ = nullptr;
  std::int64_t bytes_ = 0;
};

}  // namespace firn::base
