// SPDX-License-Identifier: Apache-2.0
// table_command.h: what commands that change a table have in common.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "cli/cancel_on_signal.h"
#include "cli/program.h"
#include "cli/run_stats.h"

#include "base/context.h"

namespace firn::cli {

// Run `run` with what was opened for it, cancelled by Ctrl-C, and print the errors of
// both. Returns the exit code.
template <typename T>
int RunTableCommand(World& world, const CommonFlags& common, const std::string& what,
                    const Result<std::unique_ptr<T>>& opened,
                    const std::function<Status(T&, const base::Context&)>& run,
                    const std::string& not_found_remedy) {
  const RunStats stats(world.clock);
  if (!opened.ok()) {
    return opened.status().Is(StatusCode::kInvalidArgument)
               ? PrintBadUsage(world, what, opened.status(),
                               "Say --warehouse URI, and --catalog where it has one.")
               : PrintError(world, what, opened.status());
  }
  const base::Context context;
  const CancelOnSignalScope scope(world, context);
  const Status status = run(**opened, context);
  if (!status.ok()) {
    return PrintError(world, what, status,
                      status.Is(StatusCode::kNotFound) ? not_found_remedy : "");
  }
  if (common.stats) stats.Print(world, 0);
  return kDone;
}

}  // namespace firn::cli
