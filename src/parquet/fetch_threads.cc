// SPDX-License-Identifier: Apache-2.0
#include "parquet/fetch_threads.h"

#include <system_error>
#include <utility>

#include "base/assert.h"

namespace firn::parquet {

FetchThreads::FetchThreads(int count) : count_max_(static_cast<std::size_t>(count)) {
  FIRN_ASSERT(count > 0);
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
    if (tasks_.size() >= idle_ && threads_.size() < count_max_ && !StartThread()) {
      return false;
    }
    tasks_.push_back(std::move(task));
  }
  wake_.notify_one();
  return true;
}

// False where there is none to run a task. REQUIRES: the mutex is held.
bool FetchThreads::StartThread() {
  try {
    threads_.emplace_back([this] { Work(); });
  } catch (const std::system_error&) {  // The machine has no more of them.
    return !threads_.empty();
  }
  return true;
}

void FetchThreads::Work() {
  std::unique_lock lock(mutex_);
  while (true) {
    ++idle_;
    wake_.wait(lock, [this] { return stop_ || !tasks_.empty(); });
    --idle_;
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
