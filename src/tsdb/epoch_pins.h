// SPDX-License-Identifier: Apache-2.0
// epoch_pins.h: who may still look at what was taken away.
//
// Time is cut into epochs. A user takes a pin, which names the epoch it was taken in, and
// lets it go when it is done. Who takes something away makes it unreachable, ends the
// epoch, and frees it when no pin of that epoch or an earlier one is left: whoever came
// later could not find it. Nobody waits for anybody.
//
// Thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

namespace firn::tsdb {

class EpochPins {
 private:
  struct State {
    mutable std::mutex mutex;
    std::atomic<std::uint64_t> epoch{1};           // Changes under the mutex.
    std::map<std::uint64_t, std::int64_t> pinned;  // Pins by epoch; none are zero.
  };

 public:
  // Movable. May outlive the EpochPins it came from.
  class Pin {
   public:
    Pin(Pin&& other) noexcept : state_(std::move(other.state_)), epoch_(other.epoch_) {}
    Pin& operator=(Pin&&) = delete;
    ~Pin() {
      if (state_ == nullptr) return;
      std::lock_guard lock(state_->mutex);
      const auto found = state_->pinned.find(epoch_);
      if (--found->second == 0) state_->pinned.erase(found);
    }
    std::uint64_t epoch() const { return epoch_; }

   private:
    friend class EpochPins;
    explicit Pin(std::shared_ptr<State> state) : state_(std::move(state)) {
      std::lock_guard lock(state_->mutex);
      epoch_ = state_->epoch.load(std::memory_order_relaxed);
      ++state_->pinned[epoch_];
    }
    std::shared_ptr<State> state_;
    std::uint64_t epoch_ = 0;
  };

  EpochPins() = default;
  EpochPins(const EpochPins&) = delete;
  EpochPins& operator=(const EpochPins&) = delete;

  Pin Take() const { return Pin(state_); }
  // The epoch that runs. Starts at 1.
  std::uint64_t epoch() const { return state_->epoch.load(std::memory_order_acquire); }
  // End the epoch that runs, and return it.
  std::uint64_t Advance() {
    std::lock_guard lock(state_->mutex);
    return state_->epoch.fetch_add(1, std::memory_order_release);
  }
  // Whether a pin of `epoch` or an earlier one is held. Once it is not, everything its
  // holders did happened before this call.
  bool IsPinned(std::uint64_t epoch) const {
    std::lock_guard lock(state_->mutex);
    return !state_->pinned.empty() && state_->pinned.begin()->first <= epoch;
  }

 private:
  const std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace firn::tsdb
