// SPDX-License-Identifier: Apache-2.0
// settle_loop.h: settles in the background, when it is time or the head is large.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "base/clock.h"
#include "base/context.h"
#include "firn/status.h"
#include "firn/time.h"

namespace firn::db {

struct SettleLoopOptions {
  DurationMs settle_interval_ms = 5 * 60 * 1000;
  std::int64_t settle_head_bytes = 128 << 20;
  // How often the head's size and other engines' commits are looked at.
  DurationMs poll_interval_ms = 2000;
};

// Owns one thread, from construction to destruction.
class SettleLoop {
 public:
  struct Work {
    std::function<std::int64_t()> hot_bytes;
    std::function<Status(const base::Context&)> settle;
    std::function<Status(const base::Context&)> refresh;
    // Called once, with the reason, where refreshing or settling found that the tables
    // are not as this writer left them: nothing must be written any more. The loop ends.
    std::function<void(const Status&)> stop;
  };

  // `clock` and what `work` refers to must outlive the loop.
  SettleLoop(const SettleLoopOptions& options, const base::Clock& clock, Work work);
  // Cancels what runs and waits for the thread.
  ~SettleLoop();

 private:
  void Run();
  // False once a status says that going on would do harm.
  bool GoOn(const char* what, const Status& status);

  const SettleLoopOptions options_;
  const base::Clock& clock_;
  const Work work_;
  const base::Context context_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;  // Guarded by mutex_.
  std::thread thread_;
};

}  // namespace firn::db
