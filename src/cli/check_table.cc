// SPDX-License-Identifier: Apache-2.0
// firn check NAMESPACE.TABLE: holds a table's metadata against what is in its store.
#include <memory>
#include <string>

#include "cli/cancel_on_signal.h"
#include "cli/commands.h"
#include "cli/counted.h"
#include "cli/progress_line.h"
#include "cli/run_stats.h"
#include "cli/sql_source.h"

#include "base/context.h"
#include "base/json.h"
#include "firn/table_check.h"

namespace firn::cli {
namespace {

using base::JsonString;

constexpr std::string_view kWhat = "check";

std::string FaultJson(const TableFault& fault) {
  std::string out = R"({"kind":)" + JsonString(TableFaultKindName(fault.kind)) +
                    R"(,"location":)" + JsonString(fault.location);
  if (!fault.column.empty()) out += R"(,"column":)" + JsonString(fault.column);
  out += R"(,"found":)" + JsonString(fault.found);
  if (!fault.expected.empty()) out += R"(,"expected":)" + JsonString(fault.expected);
  return out + "}";
}

std::string CheckJson(const TableCheck& check) {
  std::string out = R"({"table":)" + JsonString(check.table) +
                    R"(,"metadata_location":)" + JsonString(check.metadata_location) +
                    R"(,"sound":)" + (check.sound() ? "true" : "false");
  const auto add = [&](const char* key, std::int64_t value) {
    out += std::string(",\"") + key + "\":" + std::to_string(value);
  };
  add("snapshots", check.snapshots);
  add("manifests", check.manifests);
  add("files", check.files);
  add("delete_files", check.delete_files);
  add("rows", check.rows);
  out += R"(,"faults":[)";
  for (const TableFault& fault : check.faults) {
    out += (out.back() == '[' ? "" : ",") + FaultJson(fault);
  }
  return out + R"(],"more_faults":)" + (check.more_faults ? "true" : "false") + "}\n";
}

void PrintText(std::ostream& out, const CommonFlags& common, const TableCheck& check) {
  for (const TableFault& fault : check.faults) out << ToString(fault) << "\n";
  if (common.quiet) return;
  out << check.table << ": ";
  if (!check.sound()) {
    out << (check.more_faults ? "more than " : "")
        << Counted(std::ssize(check.faults), "fault", "faults") << "\n";
    return;
  }
  out << "sound: " << Counted(check.snapshots, "snapshot", "snapshots") << ", "
      << Counted(check.manifests, "manifest", "manifests") << ", "
      << Counted(check.files, "file", "files") << ", ";
  if (check.delete_files > 0) {
    out << Counted(check.delete_files, "delete file", "delete files") << ", ";
  }
  out << Counted(check.rows, "row", "rows") << "\n";
}

}  // namespace

int CheckTable(World& world, const CommonFlags& common, const CheckFlags& flags) {
  const RunStats stats(world.clock);
  if (flags.compression) {
    return PrintBadUsage(
        world, kWhat,
        Status::InvalidArgument("--compression is of files: `firn table files` lists "
                                "those of a table"));
  }
  const Result<std::unique_ptr<Db>> db = OpenWarehouse(world, flags.source);
  if (!db.ok()) return PrintSourceError(world, kWhat, db.status());
  const base::Context context;
  const CancelOnSignalScope scope(world, context);
  ProgressLine progress(world, common);
  TableCheckOptions options;
  options.content = flags.content;
  options.on_progress = [&](double share) { progress.Show(flags.location, share); };
  const Result<TableCheck> check = (*db)->CheckTable(context, flags.location, options);
  progress.Clear();
  if (!check.ok()) {
    return PrintError(world, kWhat, check.status(),
                      check.status().Is(StatusCode::kNotFound)
                          ? "`firn table ls` lists the tables."
                          : "");
  }
  if (common.json) {
    world.out << CheckJson(*check);
  } else {
    PrintText(world.out, common, *check);
  }
  if (common.stats) {
    QueryStats read;
    read.files_planned = check->files + check->delete_files;
    read.bytes_read = check->bytes_read;
    stats.Print(world, check->rows, read);
  }
  return check->sound() ? int{kDone} : int{kFailed};
}

}  // namespace firn::cli
