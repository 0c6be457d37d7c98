// SPDX-License-Identifier: Apache-2.0
// program.h: the program firn: its commands, and what they stand on.
#pragma once

#include <functional>
#include <istream>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "cli/config_load.h"

#include "base/clock.h"
#include "base/context.h"
#include "firn/db.h"
#include "firn/files.h"
#include "firn/status.h"
#include "firn/table_changes.h"
#include "firn/table_maintenance.h"
#include "firn/table_rows.h"

namespace firn::cli {

// Exit codes: a contract with scripts. Do not change.
enum ExitCode : int {
  kDone = 0,
  kFailed = 1,
  kBadUsage = 2,
  kNotFound = 3,
  kConflict = 4,
  kInterrupted = 130,
};

// What a run of the program touches of the world, so that a test can stand in for it.
// Everything is borrowed.
struct World {
  std::ostream& out;
  std::ostream& err;
  std::istream& in;
  bool in_is_terminal = false;
  EnvironmentLookup environment;
  const base::Clock& clock;
  std::string version;
  std::function<Result<std::unique_ptr<Db>>(const DbOptions&)> open_db;
  std::function<Result<std::unique_ptr<Db>>(const DbOptions&)> open_reader;
  // Keep SIGINT and SIGTERM for wait_for_stop. Called before any thread is started.
  std::function<void()> keep_stop_signals;
  // Return when the server is to stop. A second signal then ends the process at once.
  std::function<void()> wait_for_stop;
  std::function<Result<std::unique_ptr<Db>>(const DbOptions&)> open_file_db = {};
  std::function<Result<std::unique_ptr<Files>>(const FilesOptions&)> open_files = {};
  // From now on the first SIGINT or SIGTERM cancels the context, and a second ends the
  // process at once; with null they are as they were. Null outside of a process.
  std::function<void(const base::Context*)> cancel_on_signal = {};
  bool err_is_terminal = false;
  std::function<Result<std::unique_ptr<TableChanges>>(const DbOptions&)>
      open_table_changes = {};
  std::function<Result<std::unique_ptr<TableRows>>(const DbOptions&)> open_table_rows =
      {};
  // Fill `out` from standard input, fewer bytes than `size` at its end alone; what the
  // context says where it ends meanwhile. Null: from `in`, which cannot be interrupted.
  std::function<Result<std::int64_t>(const base::Context&, std::int64_t size, char* out)>
      read_input = {};
  std::function<Result<std::unique_ptr<TableMaintenance>>(const DbOptions&)>
      open_table_maintenance = {};
};

// Flags that every command takes.
struct CommonFlags {
  bool json = false;
  bool stats = false;
  bool quiet = false;
};

// Run `firn ARGS…` and return the exit code.
int Run(const std::vector<std::string>& args, World& world);

// The code for an operation that ended with `status`.
int ExitCodeOf(const Status& status);

// Print `firn: WHAT: WHY` and, where `remedy` is not empty, that on a line of its own.
// Returns ExitCodeOf(status).
int PrintError(World& world, std::string_view what, const Status& status,
               std::string_view remedy = {});
// The same for what is wrong with the command line or a setting: kBadUsage, or kNotFound
// where a file is not there.
int PrintBadUsage(World& world, std::string_view what, const Status& status,
                  std::string_view remedy = {});

}  // namespace firn::cli
