// SPDX-License-Identifier: Apache-2.0
// test_script.h: Prometheus's format for tests of PromQL, read.
//
//   load 5m
//     requests_total{job="a"} 0+10x10
//
//   eval instant at 50m rate(requests_total[50m])
//     expect no_warn
//     {job="a"} 0.03333333333333333
//
//   clear
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "firn/status.h"
#include "firn/time.h"
#include "promql/series_description.h"

namespace firn::promql {

// One `expect` line, or what the older eval_fail, eval_warn and so on mean.
struct Expectation {
  enum class Kind : std::uint8_t { kOrdered, kFail, kWarn, kNoWarn, kInfo, kNoInfo };
  enum class Match : std::uint8_t { kAny, kMessage, kRegex };
  Kind kind = Kind::kOrdered;
  Match match = Match::kAny;
  std::string text;
};

struct ClearCommand {};

struct LoadCommand {
  DurationMs step_ms = 0;
  // Whether classic histograms are loaded as native ones too.
  bool with_nhcb = false;
  std::vector<SeriesDescription> series;
};

struct EvalCommand {
  std::string expression;
  bool is_range = false;
  TimestampMs start_ms = 0;
  TimestampMs end_ms = 0;
  DurationMs step_ms = 0;
  std::vector<Expectation> expectations;
  std::vector<SeriesDescription> series;  // Expected, in this order where it matters.
  std::optional<double> scalar;
  std::optional<std::string> text;
  // Set by `expect range vector`: an instant query that answers with these times.
  bool expects_range_vector = false;
  // What is wrong with the lines below: the evaluation then fails with this.
  Status broken;

  // The first expectation of the kind, or null.
  const Expectation* Find(Expectation::Kind kind) const;
};

struct Command {
  int line = 0;  // From 1.
  std::variant<ClearCommand, LoadCommand, EvalCommand> action;
};

// Read a whole script.
// Errors: InvalidArgument "line <n>: …" for a command that is none. What is wrong in the
// lines that say what to expect is kept with the command, so that the others can run.
Result<std::vector<Command>> ParseTestScript(std::string_view text);

}  // namespace firn::promql
