// SPDX-License-Identifier: Apache-2.0
#include "db/upkeep_loop.h"

#include <chrono>
#include <utility>

#include "base/clock.h"
#include "base/log.h"

namespace firn::db {

UpkeepLoop::UpkeepLoop(const UpkeepLoopOptions& options, std::vector<Task> tasks,
                       base::MetricRegistry& metrics)
    : options_(options),
      tasks_(std::move(tasks)),
      metrics_(metrics),
      running_(metrics.GetGauge("firn_maintenance_running",
                                "1 while a task of maintenance runs.")) {
  thread_ = std::thread([this] { Run(); });
}

UpkeepLoop::~UpkeepLoop() {
  context_.Cancel();
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

bool UpkeepLoop::Wait(DurationMs wait_ms) {
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, std::chrono::milliseconds(wait_ms), [this] { return stopping_; });
  return !stopping_;
}

void UpkeepLoop::Run() {
  for (DurationMs wait_ms = options_.first_ms; Wait(wait_ms);
       wait_ms = options_.interval_ms) {
    for (const Task& task : tasks_) {
      if (!context_.Check().ok()) return;
      running_.Set(1);
      RunTask(task);
      running_.Set(0);
    }
  }
}

void UpkeepLoop::RunTask(const Task& task) {
  const Labels labels = {{"table", task.table}, {"task", task.name}};
  const std::int64_t begin_ns = base::SystemClock().SteadyNs();
  const Status status = task.run(context_);
  const double seconds =
      static_cast<double>(base::SystemClock().SteadyNs() - begin_ns) / 1e9;
  // A stop is no failure: what was begun is given up, and done another time.
  if (status.Is(StatusCode::kCancelled)) return;
  metrics_
      .GetCounter("firn_maintenance_runs_total", "Tasks of maintenance that ended.",
                  labels)
      .Add();
  metrics_
      .GetHistogram("firn_maintenance_seconds", "Duration of a task of maintenance.",
                    {0.01, 0.1, 1, 10, 60, 600, 3600}, labels)
      .Observe(seconds);
  base::Counter& failures =
      metrics_.GetCounter("firn_maintenance_failures_total",
                          "Tasks of maintenance that ended in an error.", labels);
  if (status.ok()) return;
  failures.Add();
  base::LogWarn(
      "maintenance failed",
      {{"task", task.name}, {"table", task.table}, {"error", status.ToString()}});
}

}  // namespace firn::db
