// SPDX-License-Identifier: Apache-2.0
// sample.h: one measured value of one series.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

#include "firn/time.h"

namespace firn {

struct Sample {
  TimestampMs timestamp_ms = 0;
  double value = 0;
};

// A stale marker says that a series has ended: Prometheus writes one when a target goes
// away. On the wire and in the head it is this NaN; a table holds it as a NULL value with
// a flag bit, because other writers do not keep NaN payloads. Do not change: the bits
// are Prometheus's (model/value/value.go, StaleNaN).
inline constexpr std::uint64_t kStaleMarkerBits = 0x7ff0000000000002;

inline double StaleMarker() { return std::bit_cast<double>(kStaleMarkerBits); }
inline bool IsStaleMarker(double v) {
  return std::bit_cast<std::uint64_t>(v) == kStaleMarkerBits;
}

// Whether two values are the same sample value: equal bits, so that NaN equals itself and
// 0.0 differs from -0.0, as Prometheus compares duplicates.
inline bool SameValue(double a, double b) {
  return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}

}  // namespace firn
