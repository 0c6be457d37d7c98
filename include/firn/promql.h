// SPDX-License-Identifier: Apache-2.0
// promql.h: what a PromQL query is asked with and what it answers.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "firn/labels.h"
#include "firn/sample.h"
#include "firn/time.h"

namespace firn {

// Evaluate at each of start_ms, start_ms + step_ms, … up to end_ms inclusive. An instant
// query has start_ms == end_ms, and step_ms 0.
struct PromqlRequest {
  std::string tenant;
  std::string expression;
  TimestampMs start_ms = 0;
  TimestampMs end_ms = 0;
  DurationMs step_ms = 0;
  // How far back an instant selector looks for a sample; 0 takes the engine's own.
  DurationMs lookback_ms = 0;
  bool is_instant() const { return step_ms == 0; }
};

struct PromqlScalar {
  TimestampMs timestamp_ms = 0;
  double value = 0;
};
struct PromqlString {
  TimestampMs timestamp_ms = 0;
  std::string value;
};
// One element of an instant vector.
struct PromqlElement {
  Labels labels;
  Sample sample;
};
// One series of a range vector, samples in order of time.
struct PromqlSeries {
  Labels labels;
  std::vector<Sample> samples;
};
using PromqlVector = std::vector<PromqlElement>;
using PromqlMatrix = std::vector<PromqlSeries>;

struct PromqlStats {
  std::int64_t series = 0;
  std::int64_t samples_read = 0;
  std::int64_t peak_samples = 0;
};

// An instant query answers a scalar, string, vector or (for a bare range selector) a
// matrix; a range query always a matrix, sorted by labels.
struct PromqlResult {
  std::variant<PromqlScalar, PromqlString, PromqlVector, PromqlMatrix> value;
  std::vector<std::string> warnings;  // "PromQL warning: …", each once.
  std::vector<std::string> infos;     // "PromQL info: …", each once.
  PromqlStats stats;
};

}  // namespace firn
