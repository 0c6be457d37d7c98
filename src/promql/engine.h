// SPDX-License-Identifier: Apache-2.0
// engine.h: PromQL queries over any source of series.
#pragma once

#include <cstdint>

#include "base/context.h"
#include "firn/promql.h"
#include "firn/status.h"
#include "firn/time.h"
#include "promql/matrix.h"
#include "scan/series.h"

namespace firn::promql {

struct EngineOptions {
  // How far back an instant selector looks when the request does not say.
  DurationMs lookback_ms = 5 * 60 * 1000;
  // Most samples a query may hold at once, intermediate results included: 400 MB.
  std::int64_t samples_max = 50'000'000;
  // Most evaluation times of a range query.
  int steps_max = 11'000;
  // The step of a subquery that names none.
  DurationMs subquery_step_ms = 60 * 1000;
  // Whether names are dropped only from the result, so that label_replace and by() still
  // see them.
  NameRemoval name_removal = NameRemoval::kNow;
};

// Evaluates queries with the semantics of Prometheus 3.x: range selectors and lookback
// are open on the left. Each node of a query is evaluated for all steps at once, and each
// selector reads its series once.
//
// Immutable: any number of threads may execute at once.
class Engine {
 public:
  // Times further from the epoch than this are refused; year 275760.
  static constexpr TimestampMs kTimeMsMax = 8'640'000'000'000'000;

  // REQUIRES: every option is positive.
  explicit Engine(EngineOptions options);

  // Answer the request from `source`.
  // Errors: InvalidArgument for a query or times that are wrong ("<line>:<column>: parse
  // error: …" for its text); Unimplemented, by name, for what the language has and the
  // engine has not; ResourceExhausted at the limit on samples; Cancelled or
  // DeadlineExceeded by the context; and those of the source.
  Result<PromqlResult> Execute(const base::Context& context, scan::SeriesSource& source,
                               const PromqlRequest& request) const;

 private:
  const EngineOptions options_;
};

}  // namespace firn::promql
