// SPDX-License-Identifier: Apache-2.0
// manifest_ahead.h: manifests read side by side, and given out in their order.
//
// 1. Whoever is free, the caller of Next() or one of the threads, claims the next
//    manifest, as long as few are claimed beyond the one to be given out (below).
// 2. It reads the manifest and puts what it made of it, or its error, into its place.
// 3. Next() gives out the first place. While that is not filled it reads another one
//    itself, and waits only where none may be claimed.
//
// In flight, being read or waiting to be given out, are at most kAheadPerThread manifests
// a thread, and no more than kManifestBytesAheadMax of them as they lie in the store; the
// next one to be given out always may be. So memory does not grow with the table, and
// what Next() returns is what one thread would return, errors included.
#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "firn/status.h"

namespace firn::iceberg {

inline constexpr std::int64_t kManifestBytesAheadMax = std::int64_t{32} << 20;

// Thread-compatible; dropping it stops the threads, which finish the entry they are at.
template <typename Part>
class ManifestAhead {
 public:
  static constexpr std::size_t kAheadPerThread = 2;

  // What is made of manifest `index`. Called by several threads at once. Where `stopped`
  // is set nobody wants it any more.
  using Read =
      std::function<Result<Part>(std::size_t index, const std::atomic<bool>& stopped)>;

  // `sizes_bytes`, one a manifest, may be wrong. REQUIRES: threads > 0; with 1 the caller
  // reads all.
  ManifestAhead(std::vector<std::int64_t> sizes_bytes, int threads, Read read)
      : sizes_bytes_(std::move(sizes_bytes)),
        read_(std::move(read)),
        ahead_max_(kAheadPerThread * static_cast<std::size_t>(threads)),
        threads_max_(std::min(static_cast<std::size_t>(threads), sizes_bytes_.size())) {}

  ~ManifestAhead() {
    stopped_.store(true);
    {
      // Who is about to wait has looked at `stopped_` under the mutex.
      const std::lock_guard lock(mutex_);
    }
    changed_.notify_all();
  }
  ManifestAhead(const ManifestAhead&) = delete;
  ManifestAhead& operator=(const ManifestAhead&) = delete;

  // Whether Next() has given out the last one, or an error.
  bool at_end() const {
    const std::lock_guard lock(mutex_);
    return stopped_.load() || given_ == sizes_bytes_.size();
  }

  // What was made of the next manifest, or nothing at the end. After an error it is
  // finished.
  Result<std::optional<Part>> Next() {
    std::unique_lock lock(mutex_);
    while (!stopped_.load() && given_ < sizes_bytes_.size()) {
      if (!places_.empty() && places_.front().has_value()) return TakeFirst();
      if (MayClaim()) {
        StartThreads();
        ReadNext(lock);
      } else {
        changed_.wait(lock);
      }
    }
    return std::optional<Part>();
  }

 private:
  std::size_t claimed() const { return given_ + places_.size(); }

  // REQUIRES (all below): mutex_ is held.
  bool MayClaim() const {
    if (claimed() == sizes_bytes_.size()) return false;
    return places_.empty() ||
           (places_.size() < ahead_max_ &&
            bytes_ahead_ + sizes_bytes_[claimed()] <= kManifestBytesAheadMax);
  }

  void ReadNext(std::unique_lock<std::mutex>& lock) {
    const std::size_t index = claimed();
    places_.emplace_back();
    bytes_ahead_ += sizes_bytes_[index];
    lock.unlock();
    Result<Part> made = read_(index, stopped_);
    lock.lock();
    places_[index - given_].emplace(std::move(made));
    changed_.notify_all();
  }

  Result<std::optional<Part>> TakeFirst() {
    Result<Part> made = std::move(*places_.front());
    places_.pop_front();
    bytes_ahead_ -= sizes_bytes_[given_++];
    if (!made.ok()) {
      stopped_.store(true);
      changed_.notify_all();
      return made.status();
    }
    changed_.notify_all();
    return std::optional<Part>(std::move(*made));
  }

  // As soon as there is work for another one. Where the machine has no more threads those
  // that there are do.
  void StartThreads() {
    while (threads_.size() + 1 < threads_max_) {
      try {
        threads_.emplace_back([this] { Work(); });
      } catch (const std::system_error&) {
        threads_max_ = threads_.size() + 1;
      }
    }
  }

  void Work() {
    std::unique_lock lock(mutex_);
    while (!stopped_.load() && claimed() < sizes_bytes_.size()) {
      if (MayClaim()) {
        ReadNext(lock);
      } else {
        changed_.wait(lock);
      }
    }
  }

  const std::vector<std::int64_t> sizes_bytes_;
  const Read read_;
  const std::size_t ahead_max_;
  std::atomic<bool> stopped_{false};
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // All below but the threads: guarded by mutex_.
  std::size_t threads_max_;
  std::size_t given_ = 0;
  std::deque<std::optional<Result<Part>>> places_;  // Of the manifests claimed.
  std::int64_t bytes_ahead_ = 0;
  std::vector<std::jthread> threads_;  // Last: they use all of the above.
};

}  // namespace firn::iceberg
