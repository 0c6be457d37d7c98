// SPDX-License-Identifier: Apache-2.0
// test_run.h: a test script, run.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "firn/status.h"
#include "promql/engine.h"

namespace firn::promql {

// An evaluation that did not give what was expected.
struct ScriptFailure {
  int line = 0;
  std::string expression;
  std::string problem;  // What was expected and what came.
};

struct ScriptReport {
  int passed = 0;
  std::vector<ScriptFailure> failures;
  int failed() const { return static_cast<int>(failures.size()); }
};

// The options Prometheus's scripts are written for: names are dropped at the end.
EngineOptions ScriptEngineOptions();

// Run a script from an empty store to its end, failures or not. An instant evaluation is
// also asked as the middle of a range query, and with its time pinned by `@` from other
// evaluation times, as Prometheus's own runner does: all must give the same.
// Errors: InvalidArgument for a script that cannot be read.
Result<ScriptReport> RunTestScript(std::string_view text, const Engine& engine);

}  // namespace firn::promql
