// SPDX-License-Identifier: Apache-2.0
#include "server/worker_pool.h"

#include <utility>

#include "base/assert.h"

namespace firn::server {

WorkerPool::WorkerPool(int threads, int queue_max)
    : threads_max_(threads), queue_max_(queue_max) {
  FIRN_ASSERT(threads > 0 && queue_max >= 0);
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { Run(); });
}

WorkerPool::~WorkerPool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

bool WorkerPool::Submit(std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    // What is queued for an idle thread does not wait and is not counted as waiting.
    const int waiting = static_cast<int>(queue_.size()) - (threads_max_ - running_);
    if (stopping_ || waiting >= queue_max_) return false;
    queue_.push_back(std::move(work));
  }
  wake_.notify_one();
  return true;
}

void WorkerPool::Run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) return;
    std::function<void()> work = std::move(queue_.front());
    queue_.pop_front();
    ++running_;
    lock.unlock();
    work();
    work = nullptr;
    lock.lock();
    --running_;
  }
}

int WorkerPool::queued() const {
  const std::lock_guard lock(mutex_);
  return static_cast<int>(queue_.size());
}

int WorkerPool::running() const {
  const std::lock_guard lock(mutex_);
  return running_;
}

}  // namespace firn::server
