// SPDX-License-Identifier: Apache-2.0
// emitted_days.h: which series have their row of a day in metrics.series already.
//
// metrics.series holds a row for each series and each UTC day on which it has samples, so
// that a reader who wants one day needs one partition. A value; copied when it changes.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "firn/appender.h"
#include "firn/time.h"

namespace firn::tsdb {

// Days since 1970-01-01, UTC.
using Day = std::int32_t;

inline constexpr DurationMs kDayMs = 24 * 3600 * 1000;

// The day that holds `timestamp_ms`, also before 1970.
inline Day DayOfMs(TimestampMs timestamp_ms) {
  const TimestampMs day = timestamp_ms / kDayMs;
  return static_cast<Day>(timestamp_ms % kDayMs < 0 ? day - 1 : day);
}
inline TimestampMs DayStartMs(Day day) { return TimestampMs{day} * kDayMs; }

class EmittedDays {
 public:
  bool Has(SeriesRef series, Day day) const {
    const auto found = days_.find(day);
    return found != days_.end() && series.value < found->second.size() &&
           found->second[series.value];
  }
  void Add(SeriesRef series, Day day) {
    std::vector<bool>& seen = days_[day];
    if (series.value >= seen.size()) seen.resize(series.value + std::size_t{1}, false);
    seen[series.value] = true;
  }
  // Forget the days before `day`: no sample of theirs is taken any more.
  void DropBefore(Day day) { days_.erase(days_.begin(), days_.lower_bound(day)); }

 private:
  std::map<Day, std::vector<bool>> days_;  // By reference.
};

}  // namespace firn::tsdb
