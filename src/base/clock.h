// SPDX-License-Identifier: Apache-2.0
// clock.h: the time of day and a steady clock, as a parameter.
//
// Code that needs the time takes a Clock&, so that a test decides what time it is and how
// it passes. Both clocks here are thread-safe.
#pragma once

#include <atomic>
#include <cstdint>

#include "firn/time.h"

namespace firn::base {

class Clock {
 public:
  virtual ~Clock() = default;
  // Wall-clock time, UTC, microseconds since the Unix epoch. May jump either way.
  virtual TimestampUs NowUs() const = 0;
  // Nanoseconds from an arbitrary origin; never goes back.
  virtual std::int64_t SteadyNs() const = 0;

  TimestampMs NowMs() const { return NowUs() / 1000; }
};

// The machine's clocks. Lives for the whole process.
const Clock& SystemClock();

// A clock that stands still until it is told to move.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(TimestampUs now_us) : now_us_(now_us) {}
  TimestampUs NowUs() const override { return now_us_.load(); }
  std::int64_t SteadyNs() const override { return steady_ns_.load(); }

  // Move both clocks forward. REQUIRES: by_us >= 0.
  void AdvanceUs(std::int64_t by_us) {
    now_us_ += by_us;
    steady_ns_ += by_us * 1000;
  }
  // Set the wall clock, back or forward; the steady clock is left alone.
  void SetUs(TimestampUs now_us) { now_us_ = now_us; }

 private:
  std::atomic<TimestampUs> now_us_;
  std::atomic<std::int64_t> steady_ns_{0};
};

}  // namespace firn::base
