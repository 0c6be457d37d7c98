// SPDX-License-Identifier: Apache-2.0
// warehouse.h: where tables lie and what names them: a store and a catalog.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/budget.h"
#include "base/clock.h"
#include "base/context.h"
#include "base/metrics.h"
#include "firn/db.h"
#include "firn/status.h"
#include "iceberg/catalog.h"
#include "iceberg/commit.h"
#include "iceberg/manifest_io.h"
#include "iceberg/random.h"
#include "io/store.h"
#include "parquet/fetch_threads.h"
#include "parquet/footer_cache.h"
#include "parquet/memory_pool.h"
#include "scan/batch.h"
#include "table/table_source.h"

namespace firn::db {

// Thread-safe.
class Warehouse {
 public:
  // `location` is any that io::ParseLocation takes, or what a REST catalog calls its
  // warehouse. Of `options` those count that name
  // the catalog, storage and memory: a URI of iceberg/open_catalog.h, or empty for
  // `catalog.db` in a local warehouse. Read-only never creates anything. NotFound where a
  // read-only warehouse has no catalog. `metrics` must outlive it.
  static Result<std::unique_ptr<Warehouse>> Open(const std::string& location,
                                                 const DbOptions& options, bool read_only,
                                                 const base::Clock& clock,
                                                 base::MetricRegistry& metrics);

  // The one that the options name, for changes: one that is not there is not made.
  static Result<std::unique_ptr<Warehouse>> OpenExisting(const DbOptions& options,
                                                         const base::Clock& clock,
                                                         base::MetricRegistry& metrics);

  const std::string& location() const { return location_; }
  iceberg::Catalog& catalog() { return *catalog_; }
  io::Store& store() { return *store_; }
  const base::Clock& clock() const { return clock_; }
  table::ScanEnvironment scan_environment();
  iceberg::CommitEnvironment commit_environment() {
    return {*catalog_, manifests_, clock_, random_};
  }

  // NotFound that lists the tables there are, or the nearest of many. InvalidArgument for
  // a name without a dot.
  Result<iceberg::LoadedTable> LoadTable(const base::Context& context,
                                         std::string_view name);
  Result<std::vector<scan::TableName>> ListTables(const base::Context& context);

  static TableSummary Summarize(const iceberg::LoadedTable& table);
  // With the figures of another snapshot than the current one; null: of none.
  static TableSummary Summarize(const iceberg::LoadedTable& table,
                                const iceberg::Snapshot* snapshot);
  static TableDescription Describe(const iceberg::LoadedTable& table);
  // What Db's functions of the same names answer.
  Result<std::vector<TableSummary>> Summaries(const base::Context& context);
  Result<TableDescription> Describe(const base::Context& context, std::string_view table);
  Result<std::vector<SnapshotSummary>> Snapshots(const base::Context& context,
                                                 std::string_view table);
  Result<std::vector<FileSummary>> Files(const base::Context& context,
                                         std::string_view table);
  Result<std::vector<PartitionSummary>> Partitions(
      const base::Context& context, std::string_view table,
      const std::vector<std::string>& columns);

 private:
  Warehouse(std::string location, const DbOptions& options, const base::Clock& clock,
            base::MetricRegistry& metrics);
  Status CheckPlace(const base::Context& context, const iceberg::LoadedTable& table);

  const std::string location_;
  const base::Clock& clock_;
  iceberg::RandomSource random_;
  std::unique_ptr<io::Store> store_;
  iceberg::ManifestIo manifests_;
  std::unique_ptr<iceberg::Catalog> catalog_;
  parquet::FooterCache footers_;
  base::ByteBudget budget_;
  parquet::BudgetMemoryPool pool_;
  const int scan_threads_;
  parquet::FetchThreads fetch_threads_;  // Last: they use all of the above.
};

}  // namespace firn::db
