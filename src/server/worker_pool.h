// SPDX-License-Identifier: Apache-2.0
// worker_pool.h: a fixed number of threads and a bounded queue before them.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace firn::server {

// Thread-safe. The destructor finishes what is queued and joins.
class WorkerPool {
 public:
  // REQUIRES: threads > 0, queue_max >= 0.
  WorkerPool(int threads, int queue_max);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // Run `work` on a thread of the pool. False, and nothing happens, where all threads are
  // busy and the queue is full.
  bool Submit(std::function<void()> work);

  int queued() const;
  int running() const;

 private:
  void Run();

  const int threads_max_;
  const int queue_max_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;  // Guarded by mutex_, as all below.
  int running_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace firn::server
