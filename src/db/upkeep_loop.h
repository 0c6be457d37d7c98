// SPDX-License-Identifier: Apache-2.0
// upkeep_loop.h: runs upkeep in the background, one task after the other.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/context.h"
#include "base/metrics.h"
#include "firn/status.h"
#include "firn/time.h"

namespace firn::db {

struct UpkeepLoopOptions {
  // From the start to the first round: a server that is tried out is left alone, and one
  // that is restarted often is looked after all the same.
  DurationMs first_ms = 10 * 60'000;
  DurationMs interval_ms = 6 * 3'600'000;  // From the end of a round to the next.
};

// A task that fails is logged and counted, and the next one runs. Owns one thread, from
// construction to destruction.
class UpkeepLoop {
 public:
  struct Task {
    std::string name;   // `compact`
    std::string table;  // `metrics.samples`
    std::function<Status(const base::Context&)> run;
  };

  // `metrics` and what the tasks refer to must outlive the loop.
  UpkeepLoop(const UpkeepLoopOptions& options, std::vector<Task> tasks,
             base::MetricRegistry& metrics);
  // Cancels what runs and waits for the thread.
  ~UpkeepLoop();

 private:
  void Run();
  void RunTask(const Task& task);
  // False where the loop is to end.
  bool Wait(DurationMs wait_ms);

  const UpkeepLoopOptions options_;
  const std::vector<Task> tasks_;
  base::MetricRegistry& metrics_;
  base::Gauge& running_;
  const base::Context context_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;  // Guarded by mutex_.
  std::thread thread_;
};

}  // namespace firn::db
