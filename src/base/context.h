// SPDX-License-Identifier: Apache-2.0
// context.h: what a piece of work may use: time, memory, and the right to go on.
//
// Every scan and commit takes a const Context&. Long loops call Check() at least every
// few thousand rows, and before each request to a store. A Context is thread-safe and is
// borrowed: it must outlive the call it is given to and every stream that call returns.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>

#include "base/budget.h"
#include "base/clock.h"
#include "firn/status.h"

namespace firn::base {

class Context {
 public:
  // No deadline, never cancelled, memory unbounded: for tests and one-off tools.
  Context() = default;
  // `clock` and `budget` must outlive the context; `budget` may be null (unbounded).
  // `deadline_steady_ns` is on clock.SteadyNs().
  Context(const Clock& clock, std::int64_t deadline_steady_ns, ByteBudget* budget)
      : clock_(&clock), deadline_steady_ns_(deadline_steady_ns), budget_(budget) {}

  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  // OK, Cancelled or DeadlineExceeded.
  Status Check() const;

  // Ask the work to stop. Safe from any thread, including a signal-handling one.
  void Cancel() const { cancelled_.store(true, std::memory_order_relaxed); }

  // The memory this work draws on, or null where it is unbounded.
  ByteBudget* budget() const { return budget_; }

 private:
  const Clock* clock_ = nullptr;
  std::int64_t deadline_steady_ns_ = std::numeric_limits<std::int64_t>::max();
  ByteBudget* budget_ = nullptr;
  mutable std::atomic<bool> cancelled_{false};
};

}  // namespace firn::base
