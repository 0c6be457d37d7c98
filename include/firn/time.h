// SPDX-License-Identifier: Apache-2.0
// time.h: points and spans of time, with the unit in the type.
//
// All times are UTC since the Unix epoch. Prometheus interfaces count milliseconds; the
// tables count microseconds (Iceberg timestamptz).
#pragma once

#include <compare>
#include <cstdint>
#include <limits>

namespace firn {

using TimestampMs = std::int64_t;
using TimestampUs = std::int64_t;
using DurationMs = std::int64_t;

inline constexpr TimestampMs kTimestampMsMin = std::numeric_limits<std::int64_t>::min();
inline constexpr TimestampMs kTimestampMsMax = std::numeric_limits<std::int64_t>::max();

// A closed interval [first_ms, last_ms]. Prometheus's series API selects by closed
// intervals; everything else in firn is [start, end).
struct ClosedRangeMs {
  TimestampMs first_ms = kTimestampMsMin;
  TimestampMs last_ms = kTimestampMsMax;
  bool Contains(TimestampMs t) const { return first_ms <= t && t <= last_ms; }
  bool operator==(const ClosedRangeMs&) const = default;
};

}  // namespace firn
