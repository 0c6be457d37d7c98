// SPDX-License-Identifier: Apache-2.0
// table_command.h: what commands that change a table have in common.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "cli/cancel_on_signal.h"
#include "cli/program.h"
#include "cli/run_stats.h"
#include "cli/sql_source.h"

#include "base/context.h"

namespace firn::cli {

// Whether it is a table that was not found, rather than a file, a snapshot or a ref.
inline bool IsOfMissingTable(const Status& status) {
  return status.Is(StatusCode::kNotFound) && (status.message().starts_with("no table ") ||
                                              status.message().starts_with("table "));
}

// Run `run` with what was opened for it, cancelled by Ctrl-C, and print the errors of
// both. It returns how many rows it was about, for --stats. Returns the exit code.
template <typename T>
int RunTableCommand(
    World& world, const CommonFlags& common, const std::string& what,
    const Result<std::unique_ptr<T>>& opened,
    const std::function<Result<std::int64_t>(T&, const base::Context&)>& run,
    const std::string& not_found_remedy) {
  const RunStats stats(world.clock);
  if (!opened.ok()) return PrintSourceError(world, what, opened.status());
  const base::Context context;
  const CancelOnSignalScope scope(world, context);
  const Result<std::int64_t> rows = run(**opened, context);
  if (!rows.ok()) {
    return PrintError(world, what, rows.status(),
                      IsOfMissingTable(rows.status()) ? not_found_remedy : "");
  }
  if (common.stats) stats.Print(world, *rows);
  return kDone;
}

}  // namespace firn::cli
