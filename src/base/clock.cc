// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"

#include <chrono>

namespace firn::base {
namespace {

class MachineClock final : public Clock {
 public:
  TimestampUs NowUs() const override {
    return Count<std::chrono::microseconds>(std::chrono::system_clock::now());
  }
  std::int64_t SteadyNs() const override {
    return Count<std::chrono::nanoseconds>(std::chrono::steady_clock::now());
  }

 private:
  template <typename Unit, typename Point>
  static std::int64_t Count(Point point) {
    return std::chrono::duration_cast<Unit>(point.time_since_epoch()).count();
  }
};

}  // namespace

const Clock& SystemClock() {
  static const MachineClock clock;
  return clock;
}

}  // namespace firn::base
