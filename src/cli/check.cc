// SPDX-License-Identifier: Apache-2.0
// firn check: holds Parquet files, and tables, against what they say of themselves.
#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cli/cancel_on_signal.h"
#include "cli/commands.h"
#include "cli/counted.h"
#include "cli/progress_line.h"
#include "cli/run_stats.h"

#include "base/context.h"
#include "base/json.h"
#include "firn/files.h"

namespace firn::cli {
namespace {

using base::JsonString;

constexpr std::string_view kWhat = "check";

std::string FaultJson(const FileFault& fault) {
  std::string out = R"({"kind":)" + JsonString(FaultKindName(fault.kind));
  if (fault.row_group >= 0) out += R"(,"row_group":)" + std::to_string(fault.row_group);
  if (!fault.column.empty()) out += R"(,"column":)" + JsonString(fault.column);
  if (fault.page >= 0) out += R"(,"page":)" + std::to_string(fault.page);
  out += R"(,"found":)" + JsonString(fault.found);
  if (!fault.expected.empty()) out += R"(,"expected":)" + JsonString(fault.expected);
  return out + "}";
}

std::string CheckJson(const FileCheck& check) {
  std::string out = R"({"file":)" + JsonString(check.file) + R"(,"sound":)" +
                    (check.sound() ? "true" : "false");
  const auto add = [&](const char* key, std::int64_t value) {
    out += std::string(",\"") + key + "\":" + std::to_string(value);
  };
  add("rows", check.rows);
  add("row_groups", check.row_groups);
  add("columns", check.columns);
  add("pages", check.pages);
  add("statistics", check.statistics);
  add("page_indexes", check.page_indexes);
  add("bloom_filters", check.bloom_filters);
  out += R"(,"faults":[)";
  for (const FileFault& fault : check.faults) {
    out += (out.back() == '[' ? "" : ",") + FaultJson(fault);
  }
  out += R"(],"more_faults":)" + std::string(check.more_faults ? "true" : "false") +
         R"(,"locked":[)";
  for (const std::string& column : check.locked) {
    out += (out.back() == '[' ? "" : ",") + JsonString(column);
  }
  return out + "]}";
}

// Checks one file after the other and prints what it finds.
class Checker {
 public:
  Checker(World& world, const CommonFlags& common, Files& files,
          const base::Context& context)
      : world_(world), common_(common), files_(files), context_(context) {}

  int Run(const std::vector<std::string>& locations) {
    if (common_.json) world_.out << R"({"files":[)";
    for (const std::string& location : locations) {
      const Status status = CheckOne(location);
      if (status.ok()) continue;
      ++unchecked_;
      code_ = std::max(code_, PrintError(world_, kWhat, status));
      if (status.Is(StatusCode::kCancelled)) break;
    }
    if (common_.json) {
      world_.out << R"(],"sound":)" << sound_ << R"(,"faulty":)" << faulty_
                 << R"(,"unchecked":)" << unchecked_ << "}\n";
    } else if (locations.size() > 1 && !common_.quiet) {
      world_.out << Counted(std::ssize(locations), "file", "files") << ": " << sound_
                 << " sound, " << faulty_ << " with faults";
      if (unchecked_ > 0) world_.out << ", " << unchecked_ << " not checked";
      world_.out << "\n";
    }
    return code_ != kDone ? code_ : faulty_ > 0 ? int{kFailed} : int{kDone};
  }

  std::int64_t rows() const { return rows_; }
  const QueryStats& stats() const { return stats_; }

 private:
  Status CheckOne(const std::string& location) {
    ProgressLine progress(world_, common_);
    FIRN_ASSIGN_OR_RETURN(const FileCheck check,
                          files_.Check(context_, location, [&](double share) {
                            progress.Show(location, share);
                          }));
    progress.Clear();
    ++(check.sound() ? sound_ : faulty_);
    rows_ += check.rows;
    ++stats_.files_planned;
    stats_.row_groups_read += check.row_groups;
    stats_.bytes_read += check.bytes_read;
    stats_.requests += check.requests;
    common_.json ? PrintJson(check) : PrintText(check);
    world_.out << std::flush;
    return Status::OK();
  }

  void PrintJson(const FileCheck& check) {
    if (sound_ + faulty_ > 1) world_.out << ",";
    world_.out << CheckJson(check);
  }

  void PrintText(const FileCheck& check) {
    for (const FileFault& fault : check.faults) world_.out << ToString(fault) << "\n";
    if (common_.quiet) return;
    world_.out << check.file << ": ";
    if (!check.sound()) {
      world_.out << (check.more_faults ? "more than " : "")
                 << Counted(std::ssize(check.faults), "fault", "faults") << "\n";
      return;
    }
    world_.out << "sound: " << Counted(check.rows, "row", "rows") << ", "
               << Counted(check.row_groups, "row group", "row groups") << ", "
               << Counted(check.columns, "column", "columns") << ", "
               << Counted(check.pages, "page", "pages") << "\n";
    for (const std::string& column : check.locked) {
      world_.out << check.file << ": column " << column
                 << " is encrypted, and was not looked at\n";
    }
  }

  World& world_;
  const CommonFlags& common_;
  Files& files_;
  const base::Context& context_;
  int code_ = kDone;
  std::int64_t sound_ = 0;
  std::int64_t faulty_ = 0;
  std::int64_t unchecked_ = 0;
  std::int64_t rows_ = 0;
  QueryStats stats_;
};

int PrintCompression(World& world, const CommonFlags& common, Files& files,
                     const base::Context& context,
                     const std::vector<std::string>& locations) {
  const bool several = locations.size() > 1;
  if (common.json && several) world.out << "[";
  bool first = true;
  for (const std::string& location : locations) {
    const Result<CompressionAdvice> advice = files.Compression(context, location);
    if (!advice.ok()) return PrintError(world, kWhat, advice.status());
    if (common.json) {
      world.out << (first ? "" : ",") << advice->json;
    } else {
      if (several) world.out << (first ? "" : "\n") << location << "\n";
      world.out << advice->report_text << "\n" << advice->trial_text;
    }
    first = false;
  }
  if (common.json) world.out << (several ? "]\n" : "\n");
  return kDone;
}

}  // namespace

int Check(World& world, const CommonFlags& common, const CheckFlags& flags) {
  const RunStats stats(world.clock);
  const Result<Config> config = ReaderConfig(world, {});
  if (!config.ok()) return PrintBadUsage(world, kWhat, config.status());
  FilesOptions options;
  options.storage = config->db.storage;
  const Result<std::unique_ptr<Files>> files = world.open_files(options);
  if (!files.ok()) return PrintError(world, kWhat, files.status());
  const base::Context context;
  const CancelOnSignalScope scope(world, context);
  if (!flags.source.warehouse.empty() || !flags.source.catalog.empty()) {
    return CheckTable(world, common, flags);
  }
  const Result<std::vector<std::string>> found = (*files)->Find(context, flags.location);
  // A table's name is a file's as well, and a file goes first where both may be meant.
  if (found.status().Is(StatusCode::kNotFound) && !config->db.warehouse.empty()) {
    return CheckTable(world, common, flags);
  }
  if (!found.ok()) {
    return found.status().Is(StatusCode::kInvalidArgument)
               ? PrintBadUsage(world, kWhat, found.status())
               : PrintError(world, kWhat, found.status());
  }
  if (flags.compression) {
    const int code = PrintCompression(world, common, **files, context, *found);
    if (common.stats) stats.Print(world, 0);
    return code;
  }
  Checker checker(world, common, **files, context);
  const int code = checker.Run(*found);
  if (common.stats) stats.Print(world, checker.rows(), checker.stats());
  return code;
}

}  // namespace firn::cli
