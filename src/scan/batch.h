// SPDX-License-Identifier: Apache-2.0
// batch.h: the read seam of tables: ask by columns and a predicate, get Arrow batches.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/context.h"
#include "expr/predicate.h"
#include "firn/status.h"

namespace arrow {
class RecordBatch;
class Schema;
}  // namespace arrow

namespace firn::scan {

struct ScanRequest {
  // Top-level columns wanted, in the order wanted. Absent: all. Empty: rows are only
  // counted, and batches come with no column and a row count.
  std::optional<std::vector<std::string>> columns;
  // Of a column that begins one of these paths (`s`, `a` for field a of the structs of s)
  // nothing else is wanted: it has its whole type all the same, and the other fields of
  // its structs may be NULL. A path of one name is all of the column. A hint: a source
  // may give more.
  std::vector<std::vector<std::string>> parts;
  // Rows for which this is not true may be left out, but need not be: it prunes. The
  // caller filters exactly. Null: everything.
  expr::PredicatePtr predicate;
  // Stop after about this many rows; at least as many are returned where there are any.
  std::optional<std::int64_t> limit;
};

// What a scan did, for EXPLAIN and --stats. Filled as the stream is read.
struct ScanStats {
  std::int64_t files_planned = 0;
  std::int64_t files_pruned = 0;
  std::int64_t delete_files_planned = 0;
  std::int64_t row_groups_read = 0;
  std::int64_t row_groups_pruned = 0;  // The sum of what each stage pruned:
  std::int64_t row_groups_pruned_by_statistics = 0;
  std::int64_t row_groups_pruned_by_bloom = 0;
  std::int64_t row_groups_pruned_by_page_index = 0;
  std::int64_t row_groups_pruned_by_dictionary = 0;
  std::int64_t pages_pruned = 0;
  std::int64_t bytes_read = 0;
  std::int64_t requests = 0;
  std::int64_t rows = 0;          // Read, deleted ones too.
  std::int64_t rows_deleted = 0;  // Of those, left out because a delete file says so.
  std::int64_t hot_rows = 0;
  bool operator==(const ScanStats&) const = default;

  ScanStats& operator+=(const ScanStats& more) { return Combine(more, 1); }
  ScanStats& operator-=(const ScanStats& less) { return Combine(less, -1); }

 private:
  ScanStats& Combine(const ScanStats& other, std::int64_t sign) {
    files_planned += sign * other.files_planned;
    files_pruned += sign * other.files_pruned;
    delete_files_planned += sign * other.delete_files_planned;
    row_groups_read += sign * other.row_groups_read;
    row_groups_pruned += sign * other.row_groups_pruned;
    row_groups_pruned_by_statistics += sign * other.row_groups_pruned_by_statistics;
    row_groups_pruned_by_bloom += sign * other.row_groups_pruned_by_bloom;
    row_groups_pruned_by_page_index += sign * other.row_groups_pruned_by_page_index;
    row_groups_pruned_by_dictionary += sign * other.row_groups_pruned_by_dictionary;
    pages_pruned += sign * other.pages_pruned;
    bytes_read += sign * other.bytes_read;
    requests += sign * other.requests;
    rows += sign * other.rows;
    rows_deleted += sign * other.rows_deleted;
    hot_rows += sign * other.hot_rows;
    return *this;
  }
};

// Batches of one scan. Thread-compatible. Batches own their memory and may outlive the
// stream.
class BatchStream {
 public:
  virtual ~BatchStream() = default;
  // The schema of the batches: the columns asked for, in that order.
  virtual const std::shared_ptr<arrow::Schema>& schema() const = 0;
  // The next batch, or null at the end. After an error the stream is finished.
  virtual Result<std::shared_ptr<arrow::RecordBatch>> Next() = 0;
  virtual ScanStats stats() const = 0;
};

// One scan cut into pieces that may be read in parallel and in any order. They are found
// as they are asked for: a plan need not know all of them, nor hold them. Thread-safe.
class ScanPlan {
 public:
  virtual ~ScanPlan() = default;
  virtual const std::shared_ptr<arrow::Schema>& schema() const = 0;
  // The rows of split `index`, from 0 on, or null where there are not so many. Waits for
  // planning to get there; after an error of planning every call returns that. The plan
  // must outlive the stream. REQUIRES: each is opened once, and few are left out: the
  // plan holds those.
  virtual Result<std::unique_ptr<BatchStream>> OpenSplit(std::size_t index) = 0;
  // Whether there is a split `index`. Waits, and fails, likewise.
  virtual Result<bool> HasSplit(std::size_t index) = 0;
  // Rows if nothing were pruned further; an estimate for a join planner. Known from the
  // beginning.
  virtual std::int64_t estimated_rows() const = 0;
  // What planning found and pruned so far, and what the splits opened so far have read.
  virtual ScanStats stats() const = 0;
};

// One table as of a pinned cut. Thread-safe.
class BatchSource {
 public:
  virtual ~BatchSource() = default;
  virtual const std::shared_ptr<arrow::Schema>& schema() const = 0;
  // `context` must outlive the plan. NotFound for an unknown column. What is wrong with
  // the metadata of files may come with the splits.
  virtual Result<std::unique_ptr<ScanPlan>> Plan(const base::Context& context,
                                                 const ScanRequest& request) = 0;
};

// Tables by name, for SQL. Thread-safe.
struct TableName {
  std::string name_space;  // Levels joined by "."
  std::string table;
  auto operator<=>(const TableName&) const = default;
  std::string ToString() const { return name_space + "." + table; }
};

class TableProvider {
 public:
  virtual ~TableProvider() = default;
  virtual Result<std::vector<TableName>> ListTables(const base::Context& context) = 0;
  // The table as of now: hot rows and committed ones, each once. NotFound.
  virtual Result<std::shared_ptr<BatchSource>> OpenTable(const base::Context& context,
                                                         const TableName& name) = 0;
};

}  // namespace firn::scan
