// SPDX-License-Identifier: Apache-2.0
// emitted_days.h: which series have their row of a day in metrics.series already.
//
// metrics.series holds a row for each series and each UTC day on which it has samples, so
// that a reader who wants one day needs one partition. Of a series in memory it is known
// by reference, of others by identity: a series may be forgotten and come back on the
// same day. A value; copied when it changes.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "base/series_id.h"
#include "firn/appender.h"
#include "firn/time.h"

namespace firn::tsdb {

// Days since 1970-01-01, UTC.
using Day = std::int32_t;

inline constexpr DurationMs kDayMs = 24 * 3600 * 1000;

// The millisecond that holds `us`, also before 1970.
inline TimestampMs FloorMs(TimestampUs us) {
  const TimestampMs ms = us / 1000;
  return us % 1000 < 0 ? ms - 1 : ms;
}
// The day that holds `timestamp_ms`, also before 1970.
inline Day DayOfMs(TimestampMs timestamp_ms) {
  const TimestampMs day = timestamp_ms / kDayMs;
  return static_cast<Day>(timestamp_ms % kDayMs < 0 ? day - 1 : day);
}
inline TimestampMs DayStartMs(Day day) { return TimestampMs{day} * kDayMs; }

class EmittedDays {
 public:
  // Identities kept for a day. A series beyond them that comes back gets a second row of
  // the day, which no reader of ours minds.
  static constexpr std::size_t kIdentitiesPerDayMax = 4'000'000;

  // Each asks for what was added by the same kind of name.
  bool Has(SeriesRef series, Day day) const {
    const auto found = days_.find(day);
    return found != days_.end() && series.value < found->second.by_ref.size() &&
           found->second.by_ref[series.value];
  }
  bool Has(const base::SeriesId& id, Day day) const;

  void Add(SeriesRef series, Day day) {
    std::vector<bool>& seen = days_[day].by_ref;
    if (series.value >= seen.size()) seen.resize(series.value + std::size_t{1}, false);
    seen[series.value] = true;
  }
  void Add(std::vector<base::SeriesId> ids, Day day);

  // The references will name other series: keep what is known of these by identity.
  void Forget(const std::vector<std::pair<SeriesRef, base::SeriesId>>& series);
  // Forget the days before `day`: no sample of theirs is taken any more.
  void DropBefore(Day day) { days_.erase(days_.begin(), days_.lower_bound(day)); }

 private:
  struct Series {
    std::vector<bool> by_ref;
    // Sorted, each once. Shared with copies; replaced when it changes. May be null.
    std::shared_ptr<const std::vector<base::SeriesId>> by_id;
  };
  std::map<Day, Series> days_;
};

}  // namespace firn::tsdb
