// SPDX-License-Identifier: Apache-2.0
// evaluation.h: what all parts of one query's evaluation share.
#pragma once

#include <string>
#include <string_view>

#include "base/context.h"
#include "firn/promql.h"
#include "firn/time.h"
#include "promql/annotation.h"
#include "promql/matrix.h"
#include "promql/sample_budget.h"
#include "scan/series.h"

namespace firn::promql {

// Lives on the stack of one query. Thread-compatible.
struct Evaluation {
  const base::Context& context;
  scan::SeriesSource& source;
  std::string_view tenant;
  // How far back an instant selector looks: samples in (t - lookback, t].
  DurationMs lookback_ms = 0;
  // The step of a subquery that names none.
  DurationMs subquery_step_ms = 0;
  NameRemoval name_removal = NameRemoval::kNow;
  Annotations annotations;
  SampleBudget samples;
  PromqlStats stats;
};

}  // namespace firn::promql
