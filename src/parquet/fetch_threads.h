// SPDX-License-Identifier: Apache-2.0
// fetch_threads.h: threads that wait for stores, so that those who decode do not.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace firn::parquet {

// A bounded number of threads, shared by any number of streams. Each is started when a
// task finds the others busy. Thread-safe.
class FetchThreads {
 public:
  // At most `count` threads. REQUIRES: count > 0.
  explicit FetchThreads(int count);
  // Runs what was taken on. REQUIRES: no stream uses it any more.
  ~FetchThreads();
  FetchThreads(const FetchThreads&) = delete;
  FetchThreads& operator=(const FetchThreads&) = delete;

  // Run `task`, which must not throw, on one of the threads. False, and nothing will be
  // run, where kTasksMax of them wait already.
  bool TryRun(std::function<void()> task);

  static constexpr std::size_t kTasksMax = 1024;

 private:
  bool StartThread();
  void Work();

  const std::size_t count_max_;
  std::mutex mutex_;
  std::size_t idle_ = 0;  // Threads that wait for a task.
  std::condition_variable wake_;
  std::deque<std::function<void()>> tasks_;
  bool stop_ = false;
  std::vector<std::jthread> threads_;  // Last: they use all of the above.
};

}  // namespace firn::parquet
