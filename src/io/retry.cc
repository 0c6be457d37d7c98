// SPDX-License-Identifier: Apache-2.0
#include "io/retry.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "base/assert.h"
#include "base/duration.h"

namespace firn::io {
namespace {

// How often a wait looks at its context.
constexpr DurationMs kSliceMs = 20;

Status PauseBySteadyClock(const base::Context& context, DurationMs pause_ms) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(pause_ms);
  for (;;) {
    FIRN_RETURN_IF_ERROR(context.Check());
    const auto now = std::chrono::steady_clock::now();
    if (now >= end) return {};
    std::this_thread::sleep_for(std::min<std::chrono::nanoseconds>(
        end - now, std::chrono::milliseconds(kSliceMs)));
  }
}

}  // namespace

Backoff::Backoff(const RetryOptions& options, Pause pause, std::uint64_t seed)
    : options_(options),
      pause_(pause ? std::move(pause) : PauseBySteadyClock),
      random_(seed) {
  FIRN_ASSERT(options.attempts >= 1 && options.backoff_first_ms >= 0);
}

Status Backoff::Wait(const base::Context& context, int attempt,
                     DurationMs server_asks_ms) {
  FIRN_ASSERT(attempt >= 2);
  if (server_asks_ms > options_.backoff_max_ms) {
    return Status::Unavailable("the server asks to wait " +
                               base::FormatDuration(server_asks_ms));
  }
  DurationMs bound = options_.backoff_first_ms;
  for (int i = 2; i < attempt && bound < options_.backoff_max_ms; ++i) bound *= 2;
  bound = std::min(bound, options_.backoff_max_ms);
  DurationMs pause_ms = 0;
  {
    std::lock_guard lock(mutex_);
    pause_ms = std::uniform_int_distribution<DurationMs>(0, bound)(random_);
  }
  return pause_(context, std::max(pause_ms, server_asks_ms));
}

}  // namespace firn::io
