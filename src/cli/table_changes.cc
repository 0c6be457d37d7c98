// SPDX-License-Identifier: Apache-2.0
// firn table rollback, tag, branch, fast-forward, cherry-pick, expire, retire, properties
// and drop.
#include "firn/table_changes.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/commands.h"
#include "cli/counted.h"
#include "cli/key_value.h"
#include "cli/name_list.h"
#include "cli/sql_source.h"
#include "cli/status_line.h"
#include "cli/table_command.h"

#include "base/context.h"
#include "base/duration.h"
#include "base/json.h"
#include "base/timestamp.h"

namespace firn::cli {
namespace {

using base::JsonString;

Result<std::optional<DurationMs>> DurationOf(const std::string& flag,
                                             const std::string& text) {
  if (text.empty()) return std::optional<DurationMs>();
  auto parsed = base::ParseDuration(text);
  if (!parsed.ok()) return parsed.status().With(flag);
  return std::optional<DurationMs>(*parsed);
}

Result<std::optional<TimestampMs>> TimeOf(const std::string& flag,
                                          const std::string& text) {
  if (text.empty()) return std::optional<TimestampMs>();
  auto parsed = base::ParseTimestamp(text);
  if (!parsed.ok()) return parsed.status().With(flag);
  return std::optional<TimestampMs>(*parsed / 1000);
}

// Opens the warehouse for changes, and prints the errors of that and of `run`.
int WithChanges(World& world, const CommonFlags& common, const std::string& what,
                const TableChangeFlags& flags,
                const std::function<Status(TableChanges&, const base::Context&)>& run,
                const std::string& not_found_remedy =
                    "`firn table snapshots` lists snapshots and their names.") {
  return RunTableCommand<TableChanges>(
      world, common, what, OpenTableChanges(world, flags.source),
      [&](TableChanges& changes, const base::Context& context) -> Result<std::int64_t> {
        FIRN_RETURN_IF_ERROR(run(changes, context));
        return 0;
      },
      not_found_remedy);
}

std::string_view NameOf(RefKind kind) {
  return kind == RefKind::kBranch ? "branch" : "tag";
}

// What one commit came to: the table's current snapshot afterwards, or that of the ref
// which it was about.
Status PrintSummary(World& world, const CommonFlags& common,
                    const Result<TableSummary>& summary, const std::string& ref = {},
                    RefKind kind = RefKind::kBranch) {
  FIRN_RETURN_IF_ERROR(summary.status());
  const std::string snapshot =
      summary->snapshot_id ? std::to_string(*summary->snapshot_id) : "";
  if (common.json) {
    world.out << R"({"table":)" << JsonString(summary->table);
    if (!ref.empty()) world.out << R"(,"ref":)" << JsonString(ref);
    world.out << R"(,"snapshot_id":)" << (snapshot.empty() ? "null" : snapshot)
              << R"(,"rows":)" << summary->rows << R"(,"metadata_location":)"
              << JsonString(summary->metadata_location) << "}\n";
  } else if (!common.quiet) {
    world.out << summary->table << ": ";
    if (snapshot.empty()) {
      world.out << "no current snapshot\n";
    } else {
      if (ref.empty()) {
        world.out << "current snapshot " << snapshot;
      } else {
        world.out << NameOf(kind) << " " << ref << " is snapshot " << snapshot;
      }
      world.out << ", " << Counted(summary->rows, "row", "rows") << "\n";
    }
  }
  return Status::OK();
}

std::string NumbersJson(const std::vector<std::int64_t>& numbers) {
  std::string out = "[";
  for (const std::int64_t number : numbers) {
    out += (out.back() == '[' ? "" : ",") + std::to_string(number);
  }
  return out + "]";
}

void PrintReport(World& world, const CommonFlags& common, const TableChangeFlags& flags,
                 const ExpireReport& report) {
  const std::int64_t metadata_files =
      report.manifests + report.manifest_lists + report.statistics;
  if (common.json) {
    world.out << R"({"table":)" << JsonString(flags.table) << R"(,"dry_run":)"
              << (flags.dry_run ? "true" : "false") << R"(,"snapshot_ids":)"
              << NumbersJson(report.snapshot_ids) << R"(,"refs":)"
              << JsonNames(report.refs) << R"(,"data_files":)" << report.data_files
              << R"(,"delete_files":)" << report.delete_files << R"(,"manifests":)"
              << report.manifests << R"(,"manifest_lists":)" << report.manifest_lists
              << R"(,"statistics":)" << report.statistics << "}\n";
    return;
  }
  if (common.quiet) return;
  world.out << flags.table << ": " << (flags.dry_run ? "would expire " : "expired ")
            << Counted(std::ssize(report.snapshot_ids), "snapshot", "snapshots");
  if (!report.refs.empty()) {
    world.out << " and " << Counted(std::ssize(report.refs), "ref", "refs") << " ("
              << JoinedNames(report.refs) << ")";
  }
  world.out << (flags.dry_run ? ", and remove " : ", and removed ")
            << Counted(report.data_files + report.delete_files, "data file", "data files")
            << " and " << Counted(metadata_files, "metadata file", "metadata files")
            << "\n";
}

int SetOrDropRef(World& world, const CommonFlags& common, const std::string& what,
                 const TableChangeFlags& flags, RefKind kind) {
  NewRef ref;
  ref.name = flags.name;
  ref.kind = kind;
  ref.replace = flags.replace;
  if (flags.snapshot_ids.size() > 1) {
    return PrintBadUsage(world, what,
                         Status::InvalidArgument("a name is of one snapshot"));
  }
  if (!flags.snapshot_ids.empty()) ref.snapshot_id = flags.snapshot_ids.front();
  const auto ref_age = DurationOf("--max-age", flags.ref_age_max);
  if (!ref_age.ok()) return PrintBadUsage(world, what, ref_age.status());
  const auto snapshot_age = DurationOf("--max-snapshot-age", flags.snapshot_age_max);
  if (!snapshot_age.ok()) return PrintBadUsage(world, what, snapshot_age.status());
  ref.retention = {*ref_age, flags.snapshots_min, *snapshot_age};
  return WithChanges(
      world, common, what, flags,
      [&](TableChanges& changes, const base::Context& context) {
        if (flags.drop) {
          return PrintSummary(world, common,
                              changes.DropRef(context, flags.table, ref.name, kind));
        }
        return PrintSummary(world, common, changes.SetRef(context, flags.table, ref),
                            ref.name, kind);
      });
}

}  // namespace

int TableRollback(World& world, const CommonFlags& common,
                  const TableChangeFlags& flags) {
  constexpr const char* kWhat = "table rollback";
  const auto time = TimeOf("--to-time", flags.time);
  if (!time.ok()) return PrintBadUsage(world, kWhat, time.status());
  if (flags.snapshot_ids.size() + (time->has_value() ? 1 : 0) != 1) {
    return PrintBadUsage(world, kWhat,
                         Status::InvalidArgument("give --to-snapshot or --to-time"));
  }
  return WithChanges(
      world, common, kWhat, flags,
      [&](TableChanges& changes, const base::Context& context) {
        return PrintSummary(
            world, common,
            time->has_value()
                ? changes.RollbackToTime(context, flags.table, **time)
                : changes.RollbackTo(context, flags.table, flags.snapshot_ids.front()));
      });
}

int TableTag(World& world, const CommonFlags& common, const TableChangeFlags& flags) {
  return SetOrDropRef(world, common, "table tag", flags, RefKind::kTag);
}

int TableBranch(World& world, const CommonFlags& common, const TableChangeFlags& flags) {
  return SetOrDropRef(world, common, "table branch", flags, RefKind::kBranch);
}

int TableFastForward(World& world, const CommonFlags& common,
                     const TableChangeFlags& flags) {
  return WithChanges(
      world, common, "table fast-forward", flags,
      [&](TableChanges& changes, const base::Context& context) {
        return PrintSummary(
            world, common,
            changes.FastForward(context, flags.table, flags.name, flags.to), flags.name);
      });
}

int TableCherryPick(World& world, const CommonFlags& common,
                    const TableChangeFlags& flags) {
  return WithChanges(
      world, common, "table cherry-pick", flags,
      [&](TableChanges& changes, const base::Context& context) {
        return PrintSummary(
            world, common,
            changes.CherryPick(context, flags.table, flags.snapshot_ids.front()));
      });
}

int TableRetire(World& world, const CommonFlags& common, const TableChangeFlags& flags) {
  return WithChanges(world, common, "table retire", flags,
                     [&](TableChanges& changes, const base::Context& context) {
                       return PrintSummary(
                           world, common,
                           changes.Retire(context, flags.table, flags.name));
                     });
}

int TableProperties(World& world, const CommonFlags& common,
                    const TableChangeFlags& flags) {
  constexpr const char* kWhat = "table properties";
  const auto set = ParseKeyValues("--set", flags.set);
  if (!set.ok()) return PrintBadUsage(world, kWhat, set.status());
  const PropertyChange change{{set->begin(), set->end()}, flags.removed};
  const bool changes_any = !change.set.empty() || !change.removed.empty();
  return WithChanges(
      world, common, kWhat, flags,
      [&](TableChanges& changes, const base::Context& context) -> Status {
        FIRN_ASSIGN_OR_RETURN(const PropertyMap properties,
                              changes_any
                                  ? changes.ChangeProperties(context, flags.table, change)
                                  : changes.Properties(context, flags.table));
        if (common.json) {
          world.out << R"({"table":)" << JsonString(flags.table) << R"(,"properties":{)";
          const char* comma = "";
          for (const auto& [key, value] : properties) {
            world.out << std::exchange(comma, ",") << JsonString(key) << ":"
                      << JsonString(value);
          }
          world.out << "}}\n";
        } else if (!changes_any) {
          for (const auto& [key, value] : properties) {
            world.out << key << " = " << value << "\n";
          }
        } else if (!common.quiet) {
          world.out << flags.table << ": "
                    << Counted(std::ssize(change.set), "property", "properties")
                    << " set, " << change.removed.size() << " removed\n";
        }
        return Status::OK();
      },
      "`firn table ls` lists the tables, and `firn table properties` what a table has.");
}

int TableDrop(World& world, const CommonFlags& common, const TableChangeFlags& flags) {
  return WithChanges(
      world, common, "table drop", flags,
      [&](TableChanges& changes, const base::Context& context) -> Status {
        FIRN_ASSIGN_OR_RETURN(const DroppedTable dropped,
                              changes.Drop(context, flags.table));
        const auto text_or_null = [](const std::string& text) {
          return text.empty() ? "null" : JsonString(text);
        };
        if (common.json) {
          world.out << R"({"table":)" << JsonString(dropped.table) << R"(,"location":)"
                    << text_or_null(dropped.location) << R"(,"metadata_location":)"
                    << text_or_null(dropped.metadata_location) << "}\n";
        } else if (!common.quiet) {
          world.out << dropped.table << ": dropped from the catalog";
          if (!dropped.location.empty()) {
            world.out << "; its files stay in " << dropped.location;
          }
          if (!dropped.metadata_location.empty()) {
            world.out << ", as " << dropped.metadata_location << " names them";
          }
          world.out << "\n";
        }
        return Status::OK();
      },
      "`firn table ls` lists the tables.");
}

int TableExpire(World& world, const CommonFlags& common, const TableChangeFlags& flags) {
  constexpr const char* kWhat = "table expire";
  const auto older_than = TimeOf("--older-than", flags.time);
  if (!older_than.ok()) return PrintBadUsage(world, kWhat, older_than.status());
  ExpireOptions options;
  options.older_than_ms = *older_than;
  options.retain_last = flags.retain_last;
  options.snapshot_ids = flags.snapshot_ids;
  options.dry_run = flags.dry_run;
  StatusLine line(world, common);
  options.on_progress = [&](std::int64_t files) {
    line.Show(Counted(files, "file", "files"));
  };
  return WithChanges(world, common, kWhat, flags,
                     [&](TableChanges& changes, const base::Context& context) -> Status {
                       const auto report = changes.Expire(context, flags.table, options);
                       line.Clear();
                       FIRN_RETURN_IF_ERROR(report.status());
                       PrintReport(world, common, flags, *report);
                       return Status::OK();
                     });
}

}  // namespace firn::cli
