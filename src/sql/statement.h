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
#include "firn/status.h"
#include "scan/batch.h"

namespace firn::sql {

// A table as one statement sees it. Thread-safe.
class PinnedTable {
 public:
  PinnedTable(scan::TableName name, std::shared_ptr<scan::BatchSource> source)
      : name_(std::move(name)), source_(std::move(source)) {}

  const scan::TableName& name() const { return name_; }
  scan::BatchSource& source() const { return *source_; }

  // Rows of the whole table, for the join planner. Planned on the first call only.
  Result<std::int64_t> EstimatedRows(const base::Context& context);

 private:
  const scan::TableName name_;
  const std::shared_ptr<scan::BatchSource> source_;
  std::mutex mutex_;
  std::optional<std::int64_t> estimated_rows_;
};

// Thread-safe: DuckDB's worker threads share it.
class Statement {
 public:
  // Both must outlive the statement.
  Statement(const base::Context& context, scan::TableProvider& tables)
      : context_(context), tables_(tables) {}

  const base::Context& context() const { return context_; }

  // Every table's name, sorted. The provider is asked once.
  Result<std::vector<scan::TableName>> ListTables();

  // The table as of its first mention in this statement. NotFound.
  Result<std::shared_ptr<PinnedTable>> Pin(const scan::TableName& name);

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
  const base::Context& context_;
  scan::TableProvider& tables_;
  mutable std::mutex mutex_;
  // All below: guarded by mutex_.
  std::optional<std::vector<scan::TableName>> names_;
  std::map<scan::TableName, std::shared_ptr<PinnedTable>> pinned_;
  std::vector<std::shared_ptr<scan::ScanPlan>> plans_;
  scan::ScanStats ended_;
  Status failure_;
};

}  // namespace firn::sql
