// SPDX-License-Identifier: Apache-2.0
// firn import, table create, append and delete: new tables, rows of files into tables,
// and rows out of them.
#include "firn/table_rows.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "cli/commands.h"
#include "cli/counted.h"
#include "cli/key_value.h"
#include "cli/name_list.h"
#include "cli/sql_source.h"
#include "cli/status_line.h"
#include "cli/table_command.h"

#include "base/context.h"
#include "base/json.h"

namespace firn::cli {
namespace {

using base::JsonString;

Result<TableLayoutText> LayoutOf(const TableRowsFlags& flags) {
  TableLayoutText layout{flags.partition, flags.sort, {}};
  FIRN_ASSIGN_OR_RETURN(layout.properties,
                        ParseKeyValues("--property", flags.properties));
  return layout;
}

bool SaysAny(const TableLayoutText& layout) {
  return !layout.partition.empty() || !layout.sort.empty() || !layout.properties.empty();
}

// Opens the warehouse, and prints the errors of that and of `run`, which returns how many
// rows it was about.
int WithRows(
    World& world, const CommonFlags& common, const std::string& what,
    const TableRowsFlags& flags, const std::string& remedy,
    const std::function<Result<std::int64_t>(TableRows&, const base::Context&)>& run) {
  return RunTableCommand<TableRows>(world, common, what,
                                    OpenTableRows(world, flags.source), run, remedy);
}

void PrintReport(World& world, const CommonFlags& common, const ImportReport& report) {
  const std::string snapshot =
      report.snapshot_id ? std::to_string(*report.snapshot_id) : "null";
  if (common.json) {
    world.out << R"({"table":)" << JsonString(report.table.table) << R"(,"created":)"
              << (report.created ? "true" : "false") << R"(,"snapshot_id":)" << snapshot
              << R"(,"sources":)" << report.sources << R"(,"rows":)" << report.rows
              << R"(,"rows_replaced":)" << report.rows_replaced << R"(,"files_replaced":)"
              << report.files_replaced << R"(,"rows_quarantined":)"
              << report.rows_quarantined << R"(,"quarantine_table":)"
              << (report.quarantine_table.empty() ? "null"
                                                  : JsonString(report.quarantine_table))
              << R"(,"files":)" << report.files << R"(,"bytes":)" << report.file_bytes
              << R"(,"total_rows":)" << report.table.rows << "}\n";
    return;
  }
  if (common.quiet) return;
  world.out << report.table.table << (report.created ? " (new)" : "") << ": "
            << Counted(report.rows, "row", "rows") << " of "
            << Counted(report.sources, "source", "sources") << " in "
            << Counted(report.files, "file", "files") << ", " << report.file_bytes
            << " bytes";
  if (report.rows_replaced > 0) {
    world.out << ", in the place of " << Counted(report.rows_replaced, "row", "rows");
  }
  if (report.snapshot_id) world.out << "; snapshot " << snapshot;
  world.out << "\n";
  if (report.rows_quarantined > 0) {
    world.out << Counted(report.rows_quarantined, "row is", "rows are")
              << " none of the table's and in " << report.quarantine_table << "\n";
  }
}

void PrintReport(World& world, const CommonFlags& common, const TableRowsFlags& flags,
                 const DeleteReport& report) {
  const std::string snapshot =
      report.snapshot_id ? std::to_string(*report.snapshot_id) : "null";
  if (common.json) {
    world.out << R"({"table":)" << JsonString(report.table.table) << R"(,"dry_run":)"
              << (flags.dry_run ? "true" : "false") << R"(,"snapshot_id":)" << snapshot
              << R"(,"rows":)" << report.rows << R"(,"files_removed":)"
              << report.files_removed << R"(,"files_rewritten":)"
              << report.files_rewritten << R"(,"rows_rewritten":)"
              << report.rows_rewritten << R"(,"total_rows":)" << report.table.rows
              << "}\n";
    return;
  }
  if (common.quiet) return;
  world.out << report.table.table << ": "
            << (flags.dry_run ? "would delete " : "deleted ")
            << Counted(report.rows, "row", "rows") << "; "
            << Counted(report.files_removed, "file", "files")
            << (flags.dry_run ? " would go, " : " gone, ")
            << Counted(report.files_rewritten, "file", "files")
            << (flags.dry_run ? " would be written anew" : " written anew") << "\n";
}

Result<std::int64_t> ReadInput(World& world, const base::Context& context,
                               std::int64_t size, char* out) {
  if (world.read_input) return world.read_input(context, size, out);
  world.in.read(out, size);
  if (world.in.bad()) return Status::Unavailable("standard input cannot be read");
  return static_cast<std::int64_t>(world.in.gcount());
}

int ImportInto(World& world, const CommonFlags& common, const std::string& what,
               const TableRowsFlags& flags, std::optional<TableLayoutText> create) {
  StatusLine line(world, common);
  ImportOptions options;
  options.sources = flags.files;
  options.format = flags.format;
  options.key = SplitAtCommas(flags.key);
  options.overwrite_partitions = flags.overwrite_partitions;
  options.overwrite_where = flags.overwrite_where;
  if (!flags.on_invalid.empty()) {
    options.on_invalid = flags.on_invalid == "quarantine" ? OnInvalidRow::kQuarantine
                                                          : OnInvalidRow::kFail;
  }
  options.create = std::move(create);
  options.on_progress = [&](std::int64_t rows, std::int64_t done, std::int64_t sources) {
    line.Show(Counted(rows, "row", "rows") + ", " + std::to_string(done) + " of " +
              Counted(sources, "source", "sources"));
  };
  // Flags of a new table that contradict one that is there.
  bool is_bad_usage = false;
  const int code = WithRows(
      world, common, what, flags,
      "`firn table ls` lists the tables; `firn import` makes one that is not there.",
      [&](TableRows& rows, const base::Context& context) -> Result<std::int64_t> {
        if (options.create.has_value() && SaysAny(*options.create)) {
          const Status lies = rows.CheckLayout(context, flags.table, *options.create);
          is_bad_usage = lies.Is(StatusCode::kInvalidArgument);
          FIRN_RETURN_IF_ERROR(lies.With(flags.table));
        }
        options.standard_input = [&](std::int64_t size, char* out) {
          return ReadInput(world, context, size, out);
        };
        const auto report = rows.Import(context, flags.table, options);
        line.Clear();
        FIRN_RETURN_IF_ERROR(report.status());
        PrintReport(world, common, *report);
        return report->rows;
      });
  if (!is_bad_usage) return code;
  world.err << "--partition, --sort and --property are of a new table: leave them out.\n";
  return kBadUsage;
}

}  // namespace

int Import(World& world, const CommonFlags& common, const TableRowsFlags& flags) {
  auto layout = LayoutOf(flags);
  if (!layout.ok()) return PrintBadUsage(world, "import", layout.status());
  return ImportInto(world, common, "import", flags, std::move(*layout));
}

int TableAppend(World& world, const CommonFlags& common, const TableRowsFlags& flags) {
  return ImportInto(world, common, "table append", flags, std::nullopt);
}

int TableCreate(World& world, const CommonFlags& common, const TableRowsFlags& flags) {
  constexpr const char* kWhat = "table create";
  const auto layout = LayoutOf(flags);
  if (!layout.ok()) return PrintBadUsage(world, kWhat, layout.status());
  return WithRows(
      world, common, kWhat, flags, "",
      [&](TableRows& rows, const base::Context& context) -> Result<std::int64_t> {
        FIRN_ASSIGN_OR_RETURN(const TableSummary table,
                              rows.Create(context, flags.table, flags.columns, *layout));
        if (common.json) {
          world.out << R"({"table":)" << JsonString(table.table)
                    << R"(,"metadata_location":)" << JsonString(table.metadata_location)
                    << "}\n";
        } else if (!common.quiet) {
          world.out << table.table << ": created\n";
        }
        return 0;
      });
}

int TableDelete(World& world, const CommonFlags& common, const TableRowsFlags& flags) {
  constexpr const char* kWhat = "table delete";
  if (flags.filter.empty() != flags.all) {
    return PrintBadUsage(world, kWhat,
                         Status::InvalidArgument("say which rows: --filter, or --all"));
  }
  StatusLine line(world, common);
  DeleteOptions options;
  options.filter = flags.filter;
  options.dry_run = flags.dry_run;
  options.on_progress = [&](std::int64_t done, std::int64_t files) {
    line.Show(std::to_string(done) + " of " + Counted(files, "file", "files"));
  };
  return WithRows(
      world, common, kWhat, flags, "`firn table ls` lists the tables.",
      [&](TableRows& rows, const base::Context& context) -> Result<std::int64_t> {
        const auto report = rows.Delete(context, flags.table, options);
        line.Clear();
        FIRN_RETURN_IF_ERROR(report.status());
        PrintReport(world, common, flags, *report);
        return report->rows;
      });
}

}  // namespace firn::cli
