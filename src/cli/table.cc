// SPDX-License-Identifier: Apache-2.0
// firn table: looks at the tables of a warehouse as they are committed.
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/column_list.h"
#include "cli/commands.h"
#include "cli/name_list.h"
#include "cli/row_printer.h"
#include "cli/run_stats.h"
#include "cli/sql_source.h"
#include "cli/text_table.h"

#include "base/byte_size.h"
#include "base/context.h"
#include "base/json.h"
#include "base/timestamp.h"

namespace firn::cli {
namespace {

using base::JsonString;

std::string OptionalNumber(const std::optional<std::int64_t>& n, std::string_view none) {
  return n ? std::to_string(*n) : std::string(none);
}

// Open the warehouse, do one thing with it, print the errors of both. `query` is what
// that reads, once it has.
int WithDb(World& world, const CommonFlags& common, std::string_view what,
           const TableFlags& flags,
           const std::function<Result<std::int64_t>(Db&, const base::Context&)>& run,
           const std::optional<QueryStats>& query = std::nullopt,
           const std::optional<TableView>& view = std::nullopt) {
  const RunStats stats(world.clock);
  const Result<std::unique_ptr<Db>> db = OpenWarehouse(world, flags.source, view);
  if (!db.ok()) return PrintSourceError(world, what, db.status());
  const base::Context context;
  const Result<std::int64_t> rows = run(**db, context);
  if (!rows.ok()) {
    return PrintError(world, what, rows.status(),
                      rows.status().Is(StatusCode::kNotFound)
                          ? "`firn table ls` lists the tables."
                          : "");
  }
  if (common.stats) stats.Print(world, *rows, query);
  return kDone;
}

// Which rows the flags ask for; nothing where it is the current ones.
Result<std::optional<TableView>> ViewOf(const TableFlags& flags) {
  TableView view;
  view.table = flags.table;
  view.snapshot_id = flags.snapshot_id;
  view.ref = flags.ref;
  view.from_id = flags.from_id;
  view.to_id = flags.to_id;
  view.appended = flags.from_id || flags.to_id;
  if (!flags.as_of.empty()) {
    auto time = base::ParseTimestamp(flags.as_of);
    if (!time.ok()) return time.status().With("--as-of");
    view.as_of_ms = *time / 1000;
  }
  const bool asks =
      view.snapshot_id || view.as_of_ms || !view.ref.empty() || view.appended;
  return asks ? std::optional(std::move(view)) : std::nullopt;
}

std::string ScanStatement(const TableFlags& flags) {
  std::string sql =
      "SELECT " + QuotedColumns(flags.columns) + " FROM " + QuotedTable(flags.table);
  if (flags.limit > 0) sql += " LIMIT " + std::to_string(flags.limit);
  return sql;
}

std::string SummaryJson(const TableSummary& table) {
  const std::string name = R"({"table":)" + JsonString(table.table);
  if (!table.problem.empty()) {
    return name + R"(,"problem":)" + JsonString(table.problem) + "}";
  }
  return name + R"(,"rows":)" + std::to_string(table.rows) + R"(,"files":)" +
         std::to_string(table.files) + R"(,"bytes":)" + std::to_string(table.bytes) +
         R"(,"snapshot_id":)" + OptionalNumber(table.snapshot_id, "null") +
         R"(,"metadata_location":)" + JsonString(table.metadata_location) + "}";
}

std::string DescriptionJson(const TableDescription& d) {
  std::string out =
      R"({"table":)" + JsonString(d.summary.table) + R"(,"uuid":)" +
      JsonString(d.table_uuid) + R"(,"location":)" + JsonString(d.location) +
      R"(,"metadata_location":)" + JsonString(d.summary.metadata_location) +
      R"(,"format_version":)" + std::to_string(d.format_version) + R"(,"snapshot_id":)" +
      OptionalNumber(d.summary.snapshot_id, "null") + R"(,"rows":)" +
      std::to_string(d.summary.rows) + R"(,"files":)" + std::to_string(d.summary.files) +
      R"(,"bytes":)" + std::to_string(d.summary.bytes) + R"(,"partition_spec":)" +
      JsonString(d.partition_spec) + R"(,"sort_order":)" + JsonString(d.sort_order) +
      R"(,"columns":)" + ColumnsJson(d.columns) + R"(,"properties":{)";
  for (const auto& [key, value] : d.properties) {
    if (out.back() != '{') out += ',';
    out += JsonString(key) + ":" + JsonString(value);
  }
  return out + "}}\n";
}

void PrintDescription(std::ostream& out, const TableDescription& d) {
  TextTable facts({"", ""});
  facts.AddRow({"table", d.summary.table});
  facts.AddRow({"uuid", d.table_uuid});
  facts.AddRow({"location", d.location});
  facts.AddRow({"metadata", d.summary.metadata_location});
  facts.AddRow({"format version", std::to_string(d.format_version)});
  facts.AddRow({"snapshot", OptionalNumber(d.summary.snapshot_id, "none yet")});
  facts.AddRow({"rows", std::to_string(d.summary.rows)});
  facts.AddRow({"files", std::to_string(d.summary.files) + ", " +
                             base::FormatByteSize(d.summary.bytes)});
  facts.AddRow({"partitioned by", d.partition_spec.empty() ? "-" : d.partition_spec});
  facts.AddRow({"sorted by", d.sort_order.empty() ? "-" : d.sort_order});
  out << facts.ToString() << "\n";
  out << ColumnsText(d.columns);
  if (d.properties.empty()) return;
  TextTable properties({"property", "value"});
  for (const auto& [key, value] : d.properties) properties.AddRow({key, value});
  out << "\n" << properties.ToString();
}

std::string PartitionsText(const std::vector<PartitionSummary>& partitions,
                           const std::vector<std::string>& columns) {
  std::vector<std::string> heading{"partition", "rows",         "files",
                                   "bytes",     "delete files", "updated"};
  for (const std::string& column : columns) {
    for (const char* what : {" from", " to", " nulls"}) heading.push_back(column + what);
  }
  TextTable text(std::move(heading));
  for (const PartitionSummary& each : partitions) {
    std::vector<std::string> cells{
        each.partition.empty() ? "-" : each.partition,
        std::to_string(each.rows),
        std::to_string(each.files),
        std::to_string(each.bytes),
        std::to_string(each.position_delete_files + each.equality_delete_files),
        each.last_updated_ms ? base::FormatTimestampMs(*each.last_updated_ms) : "-"};
    for (const PartitionSummary::Column& column : each.columns) {
      cells.push_back(column.lower.value_or("-"));
      cells.push_back(column.upper.value_or("-"));
      cells.push_back(OptionalNumber(column.nulls, "-"));
    }
    text.AddRow(std::move(cells));
  }
  return text.ToString();
}

// Keys as in the specification's file of partition statistics.
std::string PartitionsJson(const std::vector<PartitionSummary>& partitions) {
  const auto text = [](const std::optional<std::string>& value) {
    return value ? JsonString(*value) : std::string("null");
  };
  std::string out = "[";
  for (const PartitionSummary& each : partitions) {
    if (out.back() != '[') out += ',';
    out +=
        R"({"partition":)" + JsonString(each.partition) + R"(,"spec_id":)" +
        std::to_string(each.spec_id) + R"(,"data_record_count":)" +
        std::to_string(each.rows) + R"(,"data_file_count":)" +
        std::to_string(each.files) + R"(,"total_data_file_size_in_bytes":)" +
        std::to_string(each.bytes) + R"(,"position_delete_record_count":)" +
        std::to_string(each.position_delete_rows) + R"(,"position_delete_file_count":)" +
        std::to_string(each.position_delete_files) +
        R"(,"equality_delete_record_count":)" +
        std::to_string(each.equality_delete_rows) + R"(,"equality_delete_file_count":)" +
        std::to_string(each.equality_delete_files) + R"(,"last_updated_at":)" +
        text(each.last_updated_ms
                 ? std::optional(base::FormatTimestampMs(*each.last_updated_ms))
                 : std::nullopt) +
        R"(,"columns":{)";
    for (const PartitionSummary::Column& column : each.columns) {
      if (out.back() != '{') out += ',';
      out += JsonString(column.name) + R"(:{"lower_bound":)" + text(column.lower) +
             R"(,"upper_bound":)" + text(column.upper) + R"(,"null_count":)" +
             OptionalNumber(column.nulls, "null") + R"(,"nan_count":)" +
             OptionalNumber(column.nans, "null") + "}";
    }
    out += "}}";
  }
  return out + "]\n";
}

}  // namespace

int TableLs(World& world, const CommonFlags& common, const TableFlags& flags) {
  std::vector<TableSummary> unread;
  const int done =
      WithDb(world, common, "table ls", flags,
             [&](Db& db, const base::Context& context) -> Result<std::int64_t> {
               FIRN_ASSIGN_OR_RETURN(const std::vector<TableSummary> tables,
                                     db.ListTables(context));
               TextTable text({"table", "rows", "files", "bytes", "snapshot"});
               std::string json = "[";
               for (const TableSummary& table : tables) {
                 if (json.back() != '[') json += ',';
                 json += SummaryJson(table);
                 if (table.problem.empty()) {
                   text.AddRow({table.table, std::to_string(table.rows),
                                std::to_string(table.files), std::to_string(table.bytes),
                                OptionalNumber(table.snapshot_id, "-")});
                 } else {
                   text.AddRow({table.table, "?", "?", "?", "?"});
                   unread.push_back(table);
                 }
               }
               world.out << (common.json ? json + "]\n" : text.ToString());
               return std::ssize(tables);
             });
  for (const TableSummary& table : unread) {
    world.err << "firn: table ls: " << table.problem << "\n";
  }
  return done == kDone && !unread.empty() ? kFailed : done;
}

int TableDescribe(World& world, const CommonFlags& common, const TableFlags& flags) {
  return WithDb(world, common, "table describe", flags,
                [&](Db& db, const base::Context& context) -> Result<std::int64_t> {
                  FIRN_ASSIGN_OR_RETURN(const TableDescription description,
                                        db.DescribeTable(context, flags.table));
                  if (common.json) {
                    world.out << DescriptionJson(description);
                  } else {
                    PrintDescription(world.out, description);
                  }
                  return 1;
                });
}

int TableScan(World& world, const CommonFlags& common, const TableFlags& flags) {
  std::string format = flags.format;
  if (format.empty()) format = common.json ? "json" : "table";
  const auto printer = RowPrinter::Make(format, world.out);
  if (!printer.ok()) return PrintBadUsage(world, "table scan", printer.status());
  const auto view = ViewOf(flags);
  if (!view.ok()) return PrintBadUsage(world, "table scan", view.status());
  std::optional<QueryStats> read(std::in_place);
  return WithDb(
      world, common, "table scan", flags,
      [&](Db& db, const base::Context& context) -> Result<std::int64_t> {
        // A table that is not there is NotFound rather than an error of SQL.
        FIRN_RETURN_IF_ERROR(db.DescribeTable(context, flags.table).status());
        FIRN_RETURN_IF_ERROR(PrintSql(db, context, ScanStatement(flags),
                                      {flags.table, flags.filter}, **printer, *read));
        return (*printer)->rows();
      },
      read, *view);
}

int TableSnapshots(World& world, const CommonFlags& common, const TableFlags& flags) {
  return WithDb(
      world, common, "table snapshots", flags,
      [&](Db& db, const base::Context& context) -> Result<std::int64_t> {
        FIRN_ASSIGN_OR_RETURN(const std::vector<SnapshotSummary> snapshots,
                              db.Snapshots(context, flags.table));
        TextTable text({"snapshot", "parent", "committed", "operation", "added", "rows",
                        "current", "refs"});
        std::string json = "[";
        for (const SnapshotSummary& one : snapshots) {
          const std::string at = base::FormatTimestampMs(one.timestamp_ms);
          text.AddRow({std::to_string(one.snapshot_id),
                       OptionalNumber(one.parent_id, "-"), at, one.operation,
                       std::to_string(one.added_rows), std::to_string(one.total_rows),
                       one.is_current ? "yes" : "", JoinedNames(one.refs)});
          if (json.back() != '[') json += ',';
          json += R"({"snapshot_id":)" + std::to_string(one.snapshot_id) +
                  R"(,"parent_id":)" + OptionalNumber(one.parent_id, "null") +
                  R"(,"committed":)" + JsonString(at) + R"(,"operation":)" +
                  JsonString(one.operation) + R"(,"added_rows":)" +
                  std::to_string(one.added_rows) + R"(,"total_rows":)" +
                  std::to_string(one.total_rows) + R"(,"current":)" +
                  (one.is_current ? "true" : "false") + R"(,"refs":)" +
                  JsonNames(one.refs) + "}";
        }
        world.out << (common.json ? json + "]\n" : text.ToString());
        return std::ssize(snapshots);
      });
}

int TableFiles(World& world, const CommonFlags& common, const TableFlags& flags) {
  return WithDb(world, common, "table files", flags,
                [&](Db& db, const base::Context& context) -> Result<std::int64_t> {
                  FIRN_ASSIGN_OR_RETURN(const std::vector<FileSummary> files,
                                        db.Files(context, flags.table));
                  TextTable text({"partition", "rows", "bytes", "file"});
                  std::string json = "[";
                  for (const FileSummary& file : files) {
                    text.AddRow({file.partition, std::to_string(file.rows),
                                 std::to_string(file.bytes), file.location});
                    if (json.back() != '[') json += ',';
                    json += R"({"file":)" + JsonString(file.location) +
                            R"(,"partition":)" + JsonString(file.partition) +
                            R"(,"rows":)" + std::to_string(file.rows) + R"(,"bytes":)" +
                            std::to_string(file.bytes) + "}";
                  }
                  world.out << (common.json ? json + "]\n" : text.ToString());
                  return std::ssize(files);
                });
}

int TablePartitions(World& world, const CommonFlags& common, const TableFlags& flags) {
  const std::vector<std::string> columns = SplitAtCommas(flags.columns);
  return WithDb(world, common, "table partitions", flags,
                [&](Db& db, const base::Context& context) -> Result<std::int64_t> {
                  FIRN_ASSIGN_OR_RETURN(const std::vector<PartitionSummary> partitions,
                                        db.Partitions(context, flags.table, columns));
                  world.out << (common.json ? PartitionsJson(partitions)
                                            : PartitionsText(partitions, columns));
                  return std::ssize(partitions);
                });
}

}  // namespace firn::cli
