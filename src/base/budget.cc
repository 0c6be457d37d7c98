// SPDX-License-Identifier: Apache-2.0
#include "base/budget.h"

#include "base/assert.h"

namespace firn::base {

Status ByteBudget::Reserve(std::int64_t bytes) {
  FIRN_ASSERT(bytes >= 0);
  std::int64_t used = used_bytes_.load(std::memory_order_relaxed);
  do {
    if (bytes > limit_bytes_ - used) {  // Cannot overflow: 0 <= used <= limit.
      return Status::ResourceExhausted(
          "memory budget " + name_ + ": " + std::to_string(bytes) + " bytes asked for, " +
          std::to_string(used) + " of " + std::to_string(limit_bytes_) + " in use");
    }
  } while (
      !used_bytes_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed));
  return {};
}

void ByteBudget::Release(std::int64_t bytes) {
  FIRN_ASSERT(bytes >= 0);
  const std::int64_t before = used_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  FIRN_ASSERT(before >= bytes);
}

Result<ByteReservation> ByteReservation::Make(ByteBudget* budget, std::int64_t bytes) {
  ByteReservation reservation;
  reservation.budget_ = budget;
  FIRN_RETURN_IF_ERROR(reservation.Grow(bytes));
  return reservation;
}

Status ByteReservation::Grow(std::int64_t bytes) {
  if (budget_ == nullptr) return {};
  FIRN_RETURN_IF_ERROR(budget_->Reserve(bytes));
  bytes_ += bytes;
  return {};
}

void ByteReservation::Clear() {
  if (budget_ != nullptr) budget_->Release(bytes_);
  bytes_ = 0;
}

}  // namespace firn::base
