// SPDX-License-Identifier: Apache-2.0
// db.h: the database: open it, write to it, query it, settle it, close it.
//
//   Db::Open        a data directory (log, head) and a warehouse (Iceberg tables)
//   Db::OpenReader  a warehouse alone: tables as committed, nothing hot
//   Db::OpenFiles   no warehouse: Parquet files that statements name
//
// Thread-safe unless a method says otherwise.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "firn/appender.h"
#include "firn/catalog_reader.h"
#include "firn/labels.h"
#include "firn/promql.h"
#include "firn/query_stats.h"
#include "firn/rest_catalog.h"
#include "firn/status.h"
#include "firn/storage.h"
#include "firn/table_check.h"
#include "firn/time.h"

namespace arrow {
class RecordBatch;
class Schema;
}  // namespace arrow

namespace firn {

namespace base {
class Context;
class MetricRegistry;
}  // namespace base

// What becomes of a row that a table does not take: a wrong value, NULL in a required
// column, text that does not parse.
enum class OnInvalidRow : std::uint8_t {
  kFail,  // Nothing is taken; the error names source, column, row and value.
  // It goes to the table NS.TABLE__quarantine, with the reason; the others are taken.
  kQuarantine,
};

// How files of rows that are imported or rewritten are made. A table's own properties
// (write.*) go before these.
struct TableWriteOptions {
  // A file ends here at the latest; write.target-file-size-bytes ends it sooner.
  std::int64_t file_bytes_max = 50'000'000'000;
  // A file ends so long after its first row. 0: never for that.
  DurationMs rotation_timeout_ms = 5 * 60 * 1000;
  // Codec and perhaps level: `zstd:3`, `snappy`, `gzip:9`, `brotli`, `lz4`, `none`.
  std::string compression = "zstd:3";
  // The same for single columns: `text=gzip`, `labels.value=zstd:9`. Of the tables that
  // have them.
  std::vector<std::string> column_compression;
  // All memory of one writer, and what of it rows may take that wait to be sorted.
  std::int64_t memory_bytes_max = 1'000'000'000;
  std::int64_t pool_bytes = 100'000'000;
  OnInvalidRow on_invalid = OnInvalidRow::kFail;  // Of rows that are imported.
};
// InvalidArgument, with what there is, for a codec that is none and for a level that it
// does not have. Whatever opens with such options says the same.
Status CheckTableWrites(const TableWriteOptions& options);

// Which rows of a table statements see, where those are not its current ones. One of the
// choices; `appended` takes a range, which is open at its begin.
struct TableView {
  std::string table;  // NAMESPACE.TABLE
  std::optional<std::int64_t> snapshot_id;
  std::optional<TimestampMs> as_of_ms;  // What main was then.
  std::string ref;                      // A branch or tag.
  // What was appended after snapshot `from_id` up to and with `to_id`: since the table
  // was made, and until now, where they are absent.
  bool appended = false;
  std::optional<std::int64_t> from_id;
  std::optional<std::int64_t> to_id;
};

struct DbOptions {
  std::string data_dir = "firn-data";
  // A location; empty means `<data_dir>/warehouse`.
  std::string warehouse;
  // `sqlite:///FILE`; `fs`: version files in the warehouse itself; or a server,
  // `rest+http[s]://HOST…`, which calls the warehouse by a name of its own, perhaps none.
  // Empty means `catalog.db` in a warehouse on the local disk.
  std::string catalog;
  RestCatalogOptions rest_catalog;
  // How stores that are not on this machine are reached.
  StorageOptions storage;
  TableWriteOptions table_writes;
  // Open fails with NotFound where the data directory does not exist yet, if false.
  bool create = true;
  // Written into the lock file, so that a second process can say who holds it.
  std::string holder;

  DurationMs out_of_order_window_ms = 2 * 3600 * 1000;
  DurationMs future_bound_ms = 10 * 60 * 1000;
  std::int64_t series_max = 5'000'000;
  std::int64_t head_bytes_max = std::int64_t{2} << 30;
  std::int64_t log_bytes_max = std::int64_t{16} << 30;
  // Settle after this long, or when the head holds this many bytes, whichever is first;
  // 0 turns the background loop off, and only Settle() settles.
  DurationMs settle_interval_ms = 5 * 60 * 1000;
  std::int64_t settle_head_bytes = 128 << 20;
  // Look after the tables this often, in the background: write small files together, put
  // manifests in order, expire by the tables' history.expire.* properties, remove orphans
  // (firn/table_maintenance.h). 0 turns it off. Nothing where settle_interval_ms is 0.
  DurationMs maintenance_interval_ms = 6 * 3600 * 1000;
  bool maintenance_compact = true;
  bool maintenance_manifests = true;
  bool maintenance_expire = true;
  bool maintenance_orphans = true;
  // Files younger than this are no orphans. REQUIRES: at least a day.
  DurationMs maintenance_orphan_age_ms = DurationMs{3} * 24 * 3600 * 1000;
  // For rows that are being written together; beyond it they go to the data directory.
  std::int64_t maintenance_bytes_max = 64 << 20;
  // Labels that become columns of metrics.samples when the table is created; `job` and
  // `instance` always are.
  std::vector<std::string> promoted_labels;
  DurationMs query_lookback_ms = 5 * 60 * 1000;
  std::int64_t query_samples_max = 50'000'000;
  std::int64_t query_bytes_max = std::int64_t{1} << 30;
  int query_threads = 2;
  // Open although the warehouse is older than the log's trim point: what is between is
  // gone, and this accepts it.
  bool accept_gap = false;
  // Statements may name Parquet files by location, as in FROM 's3://bucket/x.parquet',
  // and read whatever this process may. For a person at a command line; never for
  // statements that come over a network. A Db that is open for writing refuses it.
  bool sql_files = false;
  // Of a reader: statements see that table so, and all others as they are.
  std::optional<TableView> view;
};

struct SettledTable {
  std::string table;  // `metrics.samples`
  std::int64_t snapshot_id = 0;
  std::int64_t rows = 0;
};

struct TableSummary {
  std::string table;
  std::string metadata_location;
  std::optional<std::int64_t> snapshot_id;
  std::int64_t rows = 0;
  std::int64_t files = 0;
  std::int64_t bytes = 0;
  // Why its metadata cannot be read: it was moved, say, or is of a newer version. Then
  // nothing but its name is known. Empty where it was read.
  std::string problem = {};
};

struct SnapshotSummary {
  std::int64_t snapshot_id = 0;
  std::optional<std::int64_t> parent_id;
  TimestampMs timestamp_ms = 0;
  std::string operation;
  std::int64_t added_rows = 0;
  std::int64_t total_rows = 0;
  bool is_current = false;
  std::vector<std::string> refs;  // Branches and tags that name it, sorted.
};

struct FileSummary {
  std::string location;
  std::string partition;  // `ts_day=2026-01-02`
  std::int64_t rows = 0;
  std::int64_t bytes = 0;
};

// What the files of one partition come to, as manifests say it: rows before delete files
// take some away, bounds that may be wider than the values and cut for long text.
struct PartitionSummary {
  int spec_id = 0;
  std::string partition;  // `ts_day=2026-01-02`; empty where it is not partitioned.
  std::int64_t rows = 0;
  std::int64_t files = 0;
  std::int64_t bytes = 0;
  std::int64_t position_delete_rows = 0;  // Of deletion vectors, too.
  std::int64_t position_delete_files = 0;
  std::int64_t equality_delete_rows = 0;
  std::int64_t equality_delete_files = 0;
  std::optional<TimestampMs> last_updated_ms;  // Absent: that snapshot is gone.
  struct Column {
    std::string name;
    std::optional<std::string> lower;  // Absent: not known, or there is no value.
    std::optional<std::string> upper;
    std::optional<std::int64_t> nulls;  // Absent: not known.
    std::optional<std::int64_t> nans;
  };
  std::vector<Column> columns;  // As they were asked for.
};

struct TableDescription {
  TableSummary summary;
  std::string location;
  int format_version = 2;
  std::string table_uuid;
  // One line a column: id, name, type, required.
  struct Column {
    int id = 0;
    std::string name;
    std::string type;
    bool required = false;
    std::string doc{};
  };
  std::vector<Column> columns;
  std::string partition_spec;
  std::string sort_order;
  std::vector<std::pair<std::string, std::string>> properties;
};

// Of one table of a statement only the rows for which a condition is true, whatever the
// statement says of it.
struct TableFilter {
  std::string table;  // NAMESPACE.TABLE or, where statements may name files, a location.
  // As `firn table delete --filter` takes it (docs/operate/filter.md). Empty: every row.
  std::string condition;
};

// The rows of one SQL statement, as Arrow batches. Thread-compatible. The Db must
// outlive it.
class SqlCursor {
 public:
  virtual ~SqlCursor() = default;
  virtual const std::shared_ptr<arrow::Schema>& schema() const = 0;
  // The next batch, or null at the end.
  virtual Result<std::shared_ptr<arrow::RecordBatch>> Next() = 0;
  virtual QueryStats stats() const = 0;
};

class Db {
 public:
  static Result<std::unique_ptr<Db>> Open(const DbOptions& options);
  static Result<std::unique_ptr<Db>> OpenReader(const DbOptions& options);
  // No table at all, only files that statements name; `options` say how stores are
  // reached, and `sql_files` is taken as set. Of the interface below Sql() is what it is
  // for; the rest finds nothing.
  static Result<std::unique_ptr<Db>> OpenFiles(const DbOptions& options);

  // Stops background work and closes. What was acknowledged is in the log, synced.
  virtual ~Db() = default;

  // --- Writing. FailedPrecondition-like misuse (a reader Db) is InvalidArgument.
  virtual Result<std::unique_ptr<Appender>> NewAppender(std::string tenant) = 0;
  virtual Status DescribeMetrics(std::string_view tenant,
                                 const std::vector<MetricDescription>& metrics) = 0;
  // Settle all that is hot and synced now; returns when it is committed. A second call
  // waits for the first and then settles what came since.
  virtual Result<std::vector<SettledTable>> Settle(const base::Context& context) = 0;

  // --- PromQL and the series API. Errors: InvalidArgument with the place in the text,
  // Unimplemented by name, DeadlineExceeded, Cancelled, ResourceExhausted.
  virtual Result<PromqlResult> Promql(const base::Context& context,
                                      const PromqlRequest& request) = 0;
  struct SeriesQuery {
    std::string tenant;
    // Each element is one selector; a series is selected where any of them does.
    std::vector<std::vector<LabelMatcher>> selectors;
    ClosedRangeMs range;
    std::int64_t limit = 0;  // 0: none.
  };
  virtual Result<std::vector<Labels>> Series(const base::Context& context,
                                             const SeriesQuery& query) = 0;
  virtual Result<std::vector<std::string>> LabelNames(const base::Context& context,
                                                      const SeriesQuery& query) = 0;
  virtual Result<std::vector<std::string>> LabelValues(const base::Context& context,
                                                       std::string_view name,
                                                       const SeriesQuery& query) = 0;
  // Metadata of `metric`, or of every metric where it is empty; at most `limit` metrics
  // (0: all).
  virtual Result<std::vector<MetricDescription>> Metadata(const base::Context& context,
                                                          std::string_view tenant,
                                                          std::string_view metric,
                                                          std::int64_t limit) = 0;
  // Parse a series selector such as `up{job="x"}`, as match[] parameters hold them.
  static Result<std::vector<LabelMatcher>> ParseSelector(std::string_view text);

  // --- SQL over every table, hot and settled. One statement. NotFound where it names a
  // file that is not there, which only `sql_files` lets it do. InvalidArgument also where
  // the statement reads no table of the filter's, or the condition does not go with it.
  virtual Result<std::unique_ptr<SqlCursor>> Sql(const base::Context& context,
                                                 std::string_view statement,
                                                 const TableFilter& filter) = 0;
  Result<std::unique_ptr<SqlCursor>> Sql(const base::Context& context,
                                         std::string_view statement) {
    return Sql(context, statement, TableFilter());
  }

  // --- Tables.
  virtual Result<std::vector<TableSummary>> ListTables(const base::Context& context) = 0;
  virtual Result<TableDescription> DescribeTable(const base::Context& context,
                                                 std::string_view table) = 0;
  virtual Result<std::vector<SnapshotSummary>> Snapshots(const base::Context& context,
                                                         std::string_view table) = 0;
  virtual Result<std::vector<FileSummary>> Files(const base::Context& context,
                                                 std::string_view table) = 0;
  // Partitions of the current snapshot, by spec and values. `columns`: which to add up.
  // InvalidArgument for one that is not there or has parts.
  virtual Result<std::vector<PartitionSummary>> Partitions(
      const base::Context& context, std::string_view table,
      const std::vector<std::string>& columns) = 0;
  // The warehouse's catalog, for other engines. Goes with the Db.
  virtual CatalogReader& catalog() = 0;
  // Hold what the table says of itself, in every snapshot, against what is in its store.
  // A damaged table is no error, but one whose metadata file is not readable is:
  // Corruption.
  virtual Result<TableCheck> CheckTable(const base::Context& context,
                                        std::string_view table,
                                        const TableCheckOptions& options) = 0;

  // What start-up found that a person should know (torn tails, gaps, clones), in words.
  virtual const std::vector<std::string>& start_reports() const = 0;
  virtual base::MetricRegistry& metrics() = 0;
};

}  // namespace firn
