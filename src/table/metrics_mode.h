// SPDX-License-Identifier: Apache-2.0
// metrics_mode.h: how much a manifest says of a column (write.metadata.metrics.*).
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>

#include "iceberg/ids.h"
#include "iceberg/single_value.h"

namespace firn::table {

struct MetricsMode {
  enum class Kind : std::uint8_t {
    kNone,      // Nothing.
    kCounts,    // Sizes and counts of values, NULLs and NaNs.
    kTruncate,  // Counts, and bounds cut to `length`.
    kFull,      // Counts and whole bounds.
  };
  Kind kind = Kind::kTruncate;
  std::size_t length = iceberg::kBoundLength;
  bool operator==(const MetricsMode&) const = default;
};

struct MetricsModes {
  MetricsMode of_others;
  std::map<iceberg::FieldId, MetricsMode> columns;

  const MetricsMode& Of(iceberg::FieldId id) const {
    const auto at = columns.find(id);
    return at == columns.end() ? of_others : at->second;
  }
  bool operator==(const MetricsModes&) const = default;
};

}  // namespace firn::table
