// SPDX-License-Identifier: Apache-2.0
// statement.h: what one SQL statement has pinned, read and failed on.
//
// A statement sees one version of each table, however often it names it: the first
// mention opens the table and later ones share what was opened. The statement also keeps
// the Status behind an error, because an error passes through DuckDB as an exception that
// carries a text and no code.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/context.h"
#include "expr/row_filter.h"
#include "firn/db.h"
#include "firn/status.h"
#include "scan/batch.h"
#include "scan/file_provider.h"

namespace firn::sql {

// A table as one statement sees it. Thread-safe.
class PinnedTable {
 public:
  PinnedTable(scan::TableName name, std::shared_ptr<scan::BatchSource> source,
              std::optional<expr::RowFilter> filter)
      : name_(std::move(name)), source_(std::move(source)), filter_(std::move(filter)) {}

  const scan::TableName& name() const { return name_; }
  // For errors and EXPLAIN: "metrics.samples", or a location as the statement has it.
  std::string ToString() const {
    return name_.name_space.empty() ? name_.table : name_.ToString();
  }
  scan::BatchSource& source() const { return *source_; }
  // Rows that it does not select are not the statement's. Null: all are.
  const expr::RowFilter* filter() const { return filter_ ? &*filter_ : nullptr; }

  // Rows of the whole table, for the join planner. Planned on the first call only.
  Result<std::int64_t> EstimatedRows(const base::Context& context);

 private:
  const scan::TableName name_;  // Files have no name space.
  const std::shared_ptr<scan::BatchSource> source_;
  const std::optional<expr::RowFilter> filter_;
  std::mutex mutex_;
  std::optional<std::int64_t> estimated_rows_;
};

// Thread-safe: DuckDB's worker threads share it.
class Statement {
 public:
  // All must outlive the statement. `files` may be null: it names none.
  Statement(const base::Context& context, scan::TableProvider& tables,
            scan::FileProvider* files = nullptr)
      : context_(context), tables_(tables), files_(files) {}

  // Before anything is pinned. Errors: those of expr::ParseFilter().
  Status SetFilter(const TableFilter& filter);
  // InvalidArgument where there is a filter and its table was not pinned.
  Status CheckFilter() const;

  const base::Context& context() const { return context_; }

  // Every table's name, sorted. The provider is asked once.
  Result<std::vector<scan::TableName>> ListTables();

  // The table as of its first mention in this statement. NotFound.
  Result<std::shared_ptr<PinnedTable>> Pin(const scan::TableName& name);

  // Whether it may name files.
  bool takes_files() const { return files_ != nullptr; }
  // The files of a location, likewise. REQUIRES: takes_files().
  Result<std::shared_ptr<PinnedTable>> PinFiles(const std::string& location);

  // Count what `plan` reads, from now until End(), in stats().
  void Begin(std::shared_ptr<scan::ScanPlan> plan);
  // What `plan` has read so far stays counted; the plan itself is let go.
  void End(const scan::ScanPlan& plan);
  // The sum over every scan of the statement, so far.
  scan::ScanStats stats() const;

  // Remember why a scan failed. The first failure is kept. REQUIRES: !status.ok().
  void Fail(const Status& status);
  Status failure() const;

 private:
  // REQUIRES: mutex_ is held.
  Result<std::shared_ptr<PinnedTable>> Add(const scan::TableName& name,
                                           const std::string& filtered_as,
                                           std::shared_ptr<scan::BatchSource> source);

  const base::Context& context_;
  scan::TableProvider& tables_;
  scan::FileProvider* const files_;
  std::string filtered_table_;
  expr::PredicatePtr condition_;  // Null: no filter.
  mutable std::mutex mutex_;
  // All below: guarded by mutex_.
  std::optional<std::vector<scan::TableName>> names_;
  std::map<scan::TableName, std::shared_ptr<PinnedTable>> pinned_;
  bool filter_is_used_ = false;
  std::vector<std::shared_ptr<scan::ScanPlan>> plans_;
  scan::ScanStats ended_;
  Status failure_;
};

}  // namespace firn::sql
