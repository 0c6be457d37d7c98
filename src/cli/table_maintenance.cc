// SPDX-License-Identifier: Apache-2.0
// firn table orphans, manifests, compact and relocate.
#include "firn/table_maintenance.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "cli/commands.h"
#include "cli/counted.h"
#include "cli/name_list.h"
#include "cli/sql_source.h"
#include "cli/status_line.h"
#include "cli/table_command.h"

#include "base/byte_size.h"
#include "base/duration.h"
#include "base/json.h"
#include "base/timestamp.h"

namespace firn::cli {
namespace {

using base::JsonString;

int WithMaintenance(
    World& world, const CommonFlags& common, const std::string& what,
    const TableMaintenanceFlags& flags,
    const std::function<Status(TableMaintenance&, const base::Context&)>& run) {
  return RunTableCommand<TableMaintenance>(
      world, common, what, OpenTableMaintenance(world, flags.source),
      [&](TableMaintenance& upkeep,
          const base::Context& context) -> Result<std::int64_t> {
        FIRN_RETURN_IF_ERROR(run(upkeep, context));
        return 0;
      },
      "`firn table ls` lists the tables.");
}

// A span of time such as 3d, or how long ago a point in time is.
Result<DurationMs> AgeOf(const World& world, const std::string& text) {
  const auto span = base::ParseDuration(text);
  if (span.ok()) return *span;
  const auto time = base::ParseTimestamp(text);
  if (time.ok()) return world.clock.NowMs() - *time / 1000;
  return Status::InvalidArgument("--older-than: " + text +
                                 " is neither a duration, such as 7d, nor a time, such "
                                 "as 2026-01-02T03:04:05Z");
}

Result<std::optional<std::int64_t>> SizeOf(const std::string& flag,
                                           const std::string& text) {
  if (text.empty()) return std::optional<std::int64_t>();
  const auto bytes = base::ParseByteSize(text);
  if (!bytes.ok()) return bytes.status().With(flag);
  if (*bytes < 1) return Status::InvalidArgument(flag + ": must be above 0");
  return std::optional<std::int64_t>(*bytes);
}

// Prints orphans as they are found, so that none are held.
class OrphanPrinter {
 public:
  OrphanPrinter(World& world, const CommonFlags& common,
                const TableMaintenanceFlags& flags)
      : world_(world), common_(common), flags_(flags), line_(world, common) {}

  void Begin() {
    if (!common_.json) return;
    world_.out << R"({"table":)" << JsonString(flags_.table) << R"(,"dry_run":)"
               << (flags_.dry_run ? "true" : "false") << R"(,"orphans":[)";
  }
  void Add(const OrphanFile& file) {
    if (common_.json) {
      world_.out << (files_ == 0 ? "" : ",") << R"({"location":)"
                 << JsonString(file.location) << R"(,"bytes":)" << file.bytes
                 << R"(,"modified":)"
                 << JsonString(base::FormatTimestamp(file.modified_ms * 1000)) << "}";
    } else if (flags_.dry_run && !common_.quiet) {
      world_.out << file.location << "\n";
    }
    ++files_;
    if (!flags_.dry_run) line_.Show(std::to_string(files_) + " files");
  }
  void End(const OrphanReport& report) {
    line_.Clear();
    if (common_.json) {
      world_.out << R"(],"files":)" << report.files << R"(,"bytes":)" << report.bytes
                 << R"(,"failed_files":)" << report.failed_files << R"(,"failures":)"
                 << JsonNames(report.failures) << "}\n";
    } else if (!common_.quiet) {
      world_.out << flags_.table << ": "
                 << (flags_.dry_run ? "would remove " : "removed ")
                 << Counted(report.files, "orphan", "orphans") << ", "
                 << base::FormatByteSize(report.bytes) << "\n";
    }
  }
  void GiveUp() {
    line_.Clear();
    // What is printed so far is no JSON: say so by ending its line.
    if (common_.json) world_.out << "\n";
  }

 private:
  World& world_;
  const CommonFlags& common_;
  const TableMaintenanceFlags& flags_;
  StatusLine line_;
  std::int64_t files_ = 0;
};

Result<CompactOptions> CompactOptionsOf(const TableMaintenanceFlags& flags) {
  CompactOptions options;
  FIRN_ASSIGN_OR_RETURN(options.target_file_bytes,
                        SizeOf("--target-file-size", flags.target_size));
  FIRN_ASSIGN_OR_RETURN(options.file_bytes_min,
                        SizeOf("--min-file-size", flags.size_min));
  FIRN_ASSIGN_OR_RETURN(options.file_bytes_max,
                        SizeOf("--max-file-size", flags.size_max));
  FIRN_ASSIGN_OR_RETURN(options.group_bytes_max,
                        SizeOf("--max-file-group-size", flags.group_size_max));
  FIRN_ASSIGN_OR_RETURN(const auto memory, SizeOf("--memory", flags.memory_max));
  options.memory_bytes_max = memory.value_or(options.memory_bytes_max);
  options.input_files_min = flags.input_files_min;
  options.commits_max = flags.commits_max.value_or(options.commits_max);
  options.rewrite_all = flags.rewrite_all;
  options.dry_run = flags.dry_run;
  return options;
}

void PrintCompactReport(World& world, const CommonFlags& common,
                        const TableMaintenanceFlags& flags, const CompactReport& report) {
  if (common.json) {
    world.out << R"({"table":)" << JsonString(flags.table) << R"(,"dry_run":)"
              << (flags.dry_run ? "true" : "false") << R"(,"files_before":)"
              << report.files_before << R"(,"groups":)" << report.groups
              << R"(,"files_removed":)" << report.files_removed << R"(,"bytes_removed":)"
              << report.bytes_removed << R"(,"files_added":)" << report.files_added
              << R"(,"bytes_added":)" << report.bytes_added << R"(,"rows":)"
              << report.rows << R"(,"commits":)" << report.commits
              << R"(,"groups_given_up":)" << report.groups_given_up << R"(,"reasons":)"
              << JsonNames(report.reasons) << "}\n";
    return;
  }
  if (common.quiet) return;
  const std::string of = " of " + Counted(report.files_before, "file", "files");
  world.out << flags.table << ": ";
  if (report.groups == 0 && report.groups_given_up == 0) {
    world.out << "nothing to rewrite" << of << "\n";
  } else if (flags.dry_run) {
    world.out << "would rewrite " << report.files_removed << of << ", "
              << base::FormatByteSize(report.bytes_removed) << " and "
              << Counted(report.rows, "row", "rows") << ", in "
              << Counted(report.groups, "group", "groups") << "\n";
  } else {
    world.out << "rewrote " << report.files_removed << of << ", "
              << base::FormatByteSize(report.bytes_removed) << ", as "
              << Counted(report.files_added, "file", "files") << ", "
              << base::FormatByteSize(report.bytes_added) << "\n";
  }
  for (const std::string& reason : report.reasons) {
    world.err << "firn: table compact: left as it was: " << reason << "\n";
  }
}

}  // namespace

int TableOrphans(World& world, const CommonFlags& common,
                 const TableMaintenanceFlags& flags) {
  constexpr const char* kWhat = "table orphans";
  OrphanOptions options;
  if (!flags.older_than.empty()) {
    const auto age = AgeOf(world, flags.older_than);
    if (!age.ok()) return PrintBadUsage(world, kWhat, age.status());
    options.age_min_ms = *age;
  }
  options.no_writers = flags.no_writers;
  options.dry_run = flags.dry_run;
  if (options.age_min_ms < kOrphanAgeMsSafe && !options.dry_run) {
    const std::string young = "files younger than " +
                              base::FormatDuration(kOrphanAgeMsSafe) +
                              " may be those of a writer under way";
    if (!options.no_writers) {
      return PrintBadUsage(world, kWhat, Status::InvalidArgument(young),
                           "Where nobody writes into the table, say --no-writers.");
    }
    world.err << "firn: " << kWhat << ": warning: " << young << "\n";
  }
  return WithMaintenance(
      world, common, kWhat, flags,
      [&](TableMaintenance& maintenance, const base::Context& context) -> Status {
        OrphanPrinter printer(world, common, flags);
        bool begun = false;
        const auto begin = [&] {
          if (!std::exchange(begun, true)) printer.Begin();
        };
        options.on_file = [&](const OrphanFile& file) {
          begin();
          printer.Add(file);
        };
        const auto report = maintenance.RemoveOrphans(context, flags.table, options);
        if (!report.ok()) {
          if (begun) printer.GiveUp();
          return report.status();
        }
        begin();
        printer.End(*report);
        if (report->failed_files == 0) return Status::OK();
        return Status::Unavailable(
            Counted(report->failed_files, "file", "files") +
            " could not be removed, and the same command tries again; the first: " +
            report->failures.front());
      });
}

int TableManifests(World& world, const CommonFlags& common,
                   const TableMaintenanceFlags& flags) {
  constexpr const char* kWhat = "table manifests";
  RewriteManifestsOptions options;
  const auto target = SizeOf("--target-size", flags.target_size);
  if (!target.ok()) return PrintBadUsage(world, kWhat, target.status());
  options.target_bytes = *target;
  options.dry_run = flags.dry_run;
  return WithMaintenance(
      world, common, kWhat, flags,
      [&](TableMaintenance& maintenance, const base::Context& context) -> Status {
        FIRN_ASSIGN_OR_RETURN(
            const RewriteManifestsReport report,
            maintenance.RewriteManifests(context, flags.table, options));
        if (common.json) {
          world.out << R"({"table":)" << JsonString(flags.table) << R"(,"dry_run":)"
                    << (flags.dry_run ? "true" : "false") << R"(,"manifests_before":)"
                    << report.manifests_before << R"(,"manifests_after":)"
                    << report.manifests_after << R"(,"replaced":)" << report.replaced
                    << R"(,"created":)" << report.created << R"(,"snapshot_id":)"
                    << (report.snapshot_id ? std::to_string(*report.snapshot_id) : "null")
                    << "}\n";
        } else if (!common.quiet) {
          world.out << flags.table << ": ";
          if (report.replaced == 0) {
            world.out << Counted(report.manifests_before, "manifest", "manifests")
                      << ", in order already\n";
          } else {
            world.out << (flags.dry_run ? "would replace " : "replaced ")
                      << report.replaced << " of "
                      << Counted(report.manifests_before, "manifest", "manifests")
                      << " by " << report.created << "\n";
          }
        }
        return Status::OK();
      });
}

int TableCompact(World& world, const CommonFlags& common,
                 const TableMaintenanceFlags& flags) {
  constexpr const char* kWhat = "table compact";
  const auto parsed = CompactOptionsOf(flags);
  if (!parsed.ok()) return PrintBadUsage(world, kWhat, parsed.status());
  return WithMaintenance(
      world, common, kWhat, flags,
      [&](TableMaintenance& maintenance, const base::Context& context) -> Status {
        StatusLine line(world, common);
        CompactOptions options = *parsed;
        options.on_progress = [&](std::int64_t done, std::int64_t total,
                                  std::int64_t rows) {
          line.Show(std::to_string(done) + " of " + Counted(total, "group", "groups") +
                    ", " + Counted(rows, "row", "rows"));
        };
        const auto report = maintenance.Compact(context, flags.table, options);
        line.Clear();
        FIRN_RETURN_IF_ERROR(report.status());
        PrintCompactReport(world, common, flags, *report);
        return Status::OK();
      });
}

int TableRelocate(World& world, const CommonFlags& common,
                  const TableMaintenanceFlags& flags) {
  constexpr const char* kWhat = "table relocate";
  if (flags.from.empty() != flags.to.empty()) {
    return PrintBadUsage(world, kWhat,
                         Status::InvalidArgument("--from and --to go together"));
  }
  return WithMaintenance(
      world, common, kWhat, flags,
      [&](TableMaintenance& maintenance, const base::Context& context) -> Status {
        StatusLine line(world, common);
        RelocateOptions options;
        options.from = flags.from;
        options.to = flags.to;
        options.dry_run = flags.dry_run;
        options.on_progress = [&](std::int64_t done, std::int64_t total) {
          line.Show(std::to_string(done) + " of " +
                    Counted(total, "snapshot", "snapshots"));
        };
        const auto report = maintenance.Relocate(context, flags.table, options);
        line.Clear();
        FIRN_RETURN_IF_ERROR(report.status());
        if (common.json) {
          world.out << R"({"table":)" << JsonString(flags.table) << R"(,"dry_run":)"
                    << (flags.dry_run ? "true" : "false") << R"(,"from":)"
                    << JsonString(report->from) << R"(,"to":)" << JsonString(report->to)
                    << R"(,"metadata_location":)" << JsonString(report->metadata_location)
                    << R"(,"manifest_lists":)" << report->manifest_lists
                    << R"(,"manifests":)" << report->manifests << R"(,"files":)"
                    << report->files << R"(,"files_elsewhere":)"
                    << report->files_elsewhere << "}\n";
        } else if (!common.quiet) {
          world.out << flags.table << ": " << Counted(report->files, "file", "files")
                    << (flags.dry_run ? " would be named in " : " named in ")
                    << report->to << ", no longer in " << report->from << "; "
                    << Counted(report->manifests, "manifest", "manifests") << " and "
                    << Counted(report->manifest_lists, "list", "lists")
                    << (flags.dry_run ? " would be" : "") << " written anew\n";
          if (report->files_elsewhere > 0) {
            world.out << Counted(report->files_elsewhere, "file lies", "files lie")
                      << " elsewhere and stays\n";
          }
        }
        return Status::OK();
      });
}

}  // namespace firn::cli
