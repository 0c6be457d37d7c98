// SPDX-License-Identifier: Apache-2.0
#include "base/context.h"

namespace firn::base {

Status Context::Check() const {
  if (cancelled_.load(std::memory_order_relaxed)) return Status::Cancelled("cancelled");
  if (clock_ != nullptr &&
      deadline_steady_ns_ != std::numeric_limits<std::int64_t>::max() &&
      clock_->SteadyNs() >= deadline_steady_ns_) {
    return Status::DeadlineExceeded("the deadline has passed");
  }
  return {};
}

}  // namespace firn::base
