// SPDX-License-Identifier: Apache-2.0
// series_description.h: series as test scripts write them, such as `up{job="a"} 0+1x3 _`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "firn/labels.h"
#include "firn/status.h"

namespace firn::promql {

// One value of a sequence.
struct SequenceValue {
  enum class Kind : std::uint8_t {
    kNumber,
    kOmitted,
    kHistogram,  // A native histogram; what is in it is checked but not kept.
  };
  Kind kind = Kind::kNumber;
  double value = 0;
};

struct SeriesDescription {
  Labels labels;
  std::vector<SequenceValue> values;
};

// Longest sequence taken.
inline constexpr std::size_t kSequenceLengthMax = 10'000'000;

// Read a metric and its values: numbers, `stale`, `_`, `{{…}}`, each `xN` times; `axN` is
// a and N times more, `_xN` N gaps, `a+bxN` and `a-bxN` N steps from a. Errors:
// InvalidArgument with what is wrong and the column.
Result<SeriesDescription> ParseSeriesDescription(std::string_view line);

}  // namespace firn::promql
