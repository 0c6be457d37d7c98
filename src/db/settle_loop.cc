// SPDX-License-Identifier: Apache-2.0
#include "db/settle_loop.h"

#include <chrono>
#include <utility>

#include "base/log.h"

namespace firn::db {

SettleLoop::SettleLoop(const SettleLoopOptions& options, const base::Clock& clock,
                       Work work)
    : options_(options), clock_(clock), work_(std::move(work)) {
  thread_ = std::thread([this] { Run(); });
}

SettleLoop::~SettleLoop() {
  context_.Cancel();
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void SettleLoop::Run() {
  std::int64_t last_settle_ns = clock_.SteadyNs();
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, std::chrono::milliseconds(options_.poll_interval_ms),
                     [this] { return stopping_; });
      if (stopping_) return;
    }
    if (!GoOn("refresh", work_.refresh(context_))) return;
    const std::int64_t since_ms = (clock_.SteadyNs() - last_settle_ns) / 1'000'000;
    if (since_ms < options_.settle_interval_ms &&
        work_.hot_bytes() < options_.settle_head_bytes) {
      continue;
    }
    // After a failure too: unless the head is large, the next try waits its turn.
    last_settle_ns = clock_.SteadyNs();
    if (!GoOn("settle", work_.settle(context_))) return;
  }
}

bool SettleLoop::GoOn(const char* what, const Status& status) {
  if (status.ok() || status.Is(StatusCode::kCancelled)) return true;
  base::LogError(what, {{"error", status.ToString()}});
  if (!status.Is(StatusCode::kCorruption)) return true;
  work_.stop(status);
  return false;
}

}  // namespace firn::db
