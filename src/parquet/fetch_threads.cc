// SPDX-License-Identifier: Apache-2.0
#include "parquet/fetch_threads.h"

#include <utility>

#include "base/assert.h"

namespace firn::parquet {

FetchThreads::FetchThreads(int count) {
  FIRN_ASSERT(count > 0);
  for (int i = 0; i < count; ++i) threads_.emplace_back([this] { Work(); });
}

FetchThreads::~FetchThreads() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
}

bool FetchThreads::TryRun(std::function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    if (tasks_.size() >= kTasksMax) return false;
    tasks_.push_back(std::move(task));
  }
  wake_.notify_one();
  return true;
}

void FetchThreads::Work() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stop_ || !tasks_.empty(); });
    if (tasks_.empty()) return;
    std::function<void()> task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task();
    task = nullptr;  // What it holds goes without the lock.
    lock.lock();
  }
}

}  // namespace firn::parquet
