// SPDX-License-Identifier: Apache-2.0
// commands.h: the verbs of the command line, their flags read already. Each prints what
// it has to say and returns the exit code.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/config_load.h"
#include "cli/program.h"

#include "firn/table_changes.h"

namespace firn::cli {

struct ServeFlags {
  std::string config_file;
  FlagTexts settings;
};
int Serve(World& world, const CommonFlags& common, const ServeFlags& flags);

// Where tables are read from.
struct SourceFlags {
  std::string server;     // An address, or empty.
  std::string warehouse;  // Likewise.
  std::string catalog;
  std::string config_file;
};

struct SqlFlags {
  std::string query;  // Empty: statements come from standard input.
  SourceFlags source;
  std::string format;  // Empty: table, or json with --json.
};
int Sql(World& world, const CommonFlags& common, const SqlFlags& flags);

struct PromqlFlags {
  std::string expression;
  std::string time, start, end, step;
  std::string data;
  SourceFlags source;
  std::string format;
};
int Promql(World& world, const CommonFlags& common, const PromqlFlags& flags);

struct TableFlags {
  std::string table;
  SourceFlags source;
  std::string columns;  // Names separated by commas; empty is all to scan.
  std::string filter;
  std::int64_t limit = 0;
  std::string format;
  // Which rows: at most one of the first three, or any of the last two.
  std::optional<std::int64_t> snapshot_id;
  std::string as_of;
  std::string ref;
  std::optional<std::int64_t> from_id;
  std::optional<std::int64_t> to_id;
};
int TableLs(World& world, const CommonFlags& common, const TableFlags& flags);
int TableDescribe(World& world, const CommonFlags& common, const TableFlags& flags);
int TableScan(World& world, const CommonFlags& common, const TableFlags& flags);
int TableSnapshots(World& world, const CommonFlags& common, const TableFlags& flags);
int TableFiles(World& world, const CommonFlags& common, const TableFlags& flags);
int TablePartitions(World& world, const CommonFlags& common, const TableFlags& flags);

// What a change of a table takes; each command has some of these.
struct TableChangeFlags {
  std::string table;
  SourceFlags source;
  std::string name;  // Of a branch or tag; a writer's ULID.
  std::string to;    // A branch or tag.
  std::vector<std::int64_t> snapshot_ids;
  std::string time;  // RFC 3339 or Unix seconds; or empty.
  std::string ref_age_max;
  std::string snapshot_age_max;
  std::optional<std::int32_t> snapshots_min;
  std::optional<std::int64_t> retain_last;
  std::vector<std::string> set;  // KEY=VALUE.
  std::vector<std::string> removed;
  bool replace = false;
  bool drop = false;
  bool dry_run = false;
};
int TableRollback(World& world, const CommonFlags& common, const TableChangeFlags& flags);
int TableTag(World& world, const CommonFlags& common, const TableChangeFlags& flags);
int TableBranch(World& world, const CommonFlags& common, const TableChangeFlags& flags);
int TableFastForward(World& world, const CommonFlags& common,
                     const TableChangeFlags& flags);
int TableCherryPick(World& world, const CommonFlags& common,
                    const TableChangeFlags& flags);
int TableExpire(World& world, const CommonFlags& common, const TableChangeFlags& flags);
int TableRetire(World& world, const CommonFlags& common, const TableChangeFlags& flags);
int TableProperties(World& world, const CommonFlags& common,
                    const TableChangeFlags& flags);
int TableDrop(World& world, const CommonFlags& common, const TableChangeFlags& flags);

// What a table becomes; see AlterTable (firn/table_changes.h).
struct TableAlterFlags {
  std::string table;
  SourceFlags source;
  std::vector<ColumnChange> columns;
  std::optional<std::string> partition;
  std::optional<std::string> sort;
  bool dry_run = false;
};
int TableAlter(World& world, const CommonFlags& common, const TableAlterFlags& flags);

// What makes tables and takes rows into them; each command has some of these.
struct TableRowsFlags {
  std::string table;
  SourceFlags source;
  std::vector<std::string> files;
  std::string format;  // Empty: by the files' names.
  std::string columns;
  std::string partition;
  std::string sort;
  std::vector<std::string> properties;  // KEY=VALUE.
  std::string key;                      // Columns, separated by commas.
  bool overwrite_partitions = false;
  std::string overwrite_where;  // A condition; or empty.
  std::string on_invalid;       // fail, quarantine, or empty: as the settings say.
  std::string filter;
  bool all = false;  // Rows, without a filter.
  bool dry_run = false;
};
int Import(World& world, const CommonFlags& common, const TableRowsFlags& flags);
int TableCreate(World& world, const CommonFlags& common, const TableRowsFlags& flags);
int TableAppend(World& world, const CommonFlags& common, const TableRowsFlags& flags);
int TableDelete(World& world, const CommonFlags& common, const TableRowsFlags& flags);

// What upkeep of a table takes; each command has some of these.
struct TableMaintenanceFlags {
  std::string table;
  SourceFlags source;
  std::string older_than;  // A duration or a time; or empty.
  bool no_writers = false;
  // Sizes, or empty: of a manifest or of a data file.
  std::string target_size;
  std::string size_min;
  std::string size_max;
  std::string group_size_max;
  std::string memory_max;
  std::optional<std::int64_t> input_files_min;
  std::optional<std::int64_t> commits_max;
  bool rewrite_all = false;
  // Locations of directories, or both empty.
  std::string from;
  std::string to;
  bool dry_run = false;
};
int TableOrphans(World& world, const CommonFlags& common,
                 const TableMaintenanceFlags& flags);
int TableManifests(World& world, const CommonFlags& common,
                   const TableMaintenanceFlags& flags);
int TableCompact(World& world, const CommonFlags& common,
                 const TableMaintenanceFlags& flags);
int TableRelocate(World& world, const CommonFlags& common,
                  const TableMaintenanceFlags& flags);

struct CheckFlags {
  std::string location;  // Of a file, a directory or a pattern; or a table's name.
  bool compression = false;
  bool content = false;  // Of a table: read its files whole.
  SourceFlags source;
};
int Check(World& world, const CommonFlags& common, const CheckFlags& flags);
// What Check() does where a table is meant.
int CheckTable(World& world, const CommonFlags& common, const CheckFlags& flags);

struct ExportFlags {
  std::string source_name;  // A table or a location; or `query` is given.
  std::string query;
  std::string columns;  // Names separated by commas; empty is all.
  std::string filter;
  std::string to;      // A location, or `-`.
  std::string format;  // Empty: by the name's end.
  std::string compression = "zstd:3";
  bool overwrite = false;
  SourceFlags source;
};
int Export(World& world, const CommonFlags& common, const ExportFlags& flags);

int ConfigCheck(World& world, const CommonFlags& common, const std::string& file);
int ConfigPrint(World& world, const std::string& file);

// Settings from the environment and, over it, what a command was told of a warehouse.
Result<Config> ReaderConfig(const World& world, const SourceFlags& source);

}  // namespace firn::cli
