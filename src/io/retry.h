// SPDX-License-Identifier: Apache-2.0
// retry.h: when a request to a store is sent again, and how long after.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <random>

#include "base/context.h"
#include "firn/status.h"
#include "firn/storage.h"
#include "firn/time.h"

namespace firn::io {

// Chooses and takes the pauses between attempts: a random time up to a bound that doubles
// ("full jitter", M. Brooker, Exponential Backoff and Jitter, 2015), so that clients that
// failed together do not come back together. Thread-safe.
class Backoff {
 public:
  // Pass `pause_ms`, or return the context's status where it ends before that.
  using Pause = std::function<Status(const base::Context& context, DurationMs pause_ms)>;

  // A null `pause` waits by the steady clock; a test passes its own, and a seed.
  explicit Backoff(const RetryOptions& options, Pause pause = nullptr,
                   std::uint64_t seed = std::random_device()());

  int attempts() const { return options_.attempts; }
  // Wait before attempt `attempt`, counted from 2 on, and not shorter than the server
  // asked for. A server that asks for more than the longest wait is not waited for.
  Status Wait(const base::Context& context, int attempt, DurationMs server_asks_ms);

 private:
  const RetryOptions options_;
  const Pause pause_;
  std::mutex mutex_;
  std::mt19937_64 random_;
};

}  // namespace firn::io
