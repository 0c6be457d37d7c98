// SPDX-License-Identifier: Apache-2.0
// firn table alter.
#include <string>

#include "cli/column_list.h"
#include "cli/commands.h"
#include "cli/sql_source.h"
#include "cli/table_command.h"
#include "cli/text_table.h"

#include "base/context.h"
#include "base/json.h"
#include "firn/table_changes.h"

namespace firn::cli {
namespace {

using base::JsonString;

void PrintAltered(World& world, const CommonFlags& common, bool dry_run,
                  const AlteredTable& altered) {
  const TableDescription& table = altered.table;
  if (common.json) {
    world.out << R"({"table":)" << JsonString(table.summary.table) << R"(,"dry_run":)"
              << (dry_run ? "true" : "false") << R"(,"changed":)"
              << (altered.changed ? "true" : "false") << R"(,"columns":)"
              << ColumnsJson(table.columns) << R"(,"partition_spec":)"
              << JsonString(table.partition_spec) << R"(,"sort_order":)"
              << JsonString(table.sort_order) << R"(,"metadata_location":)"
              << JsonString(table.summary.metadata_location) << "}\n";
    return;
  }
  if (common.quiet) return;
  world.out << table.summary.table << ": ";
  if (!altered.changed) {
    world.out << "is so already\n";
  } else {
    world.out << (dry_run ? "would be altered\n" : "altered\n");
  }
  world.out << "partitioned by " << OnOneLine(table.partition_spec) << ", sorted by "
            << OnOneLine(table.sort_order) << "\n\n"
            << ColumnsText(table.columns);
}

}  // namespace

int TableAlter(World& world, const CommonFlags& common, const TableAlterFlags& flags) {
  constexpr const char* kWhat = "table alter";
  const AlterTable change{flags.columns, flags.partition, flags.sort, flags.dry_run};
  if (change.columns.empty() && !change.partition && !change.sort) {
    return PrintBadUsage(world, kWhat,
                         Status::InvalidArgument("there is nothing to change"),
                         "`firn table alter --help` shows what it changes.");
  }
  return RunTableCommand<TableChanges>(
      world, common, kWhat, OpenTableChanges(world, flags.source),
      [&](TableChanges& changes, const base::Context& context) -> Result<std::int64_t> {
        FIRN_ASSIGN_OR_RETURN(const AlteredTable altered,
                              changes.Alter(context, flags.table, change));
        PrintAltered(world, common, flags.dry_run, altered);
        return 0;
      },
      "`firn table ls` lists the tables.");
}

}  // namespace firn::cli
