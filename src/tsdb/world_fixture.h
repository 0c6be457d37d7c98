// SPDX-License-Identifier: Apache-2.0
// world_fixture.h: a time series engine on a disk, a store and a catalog in memory, that
// can crash, lose power and be put back to earlier states. For tests.
//
// The catalog is durable: a commit that returned stays. The disk forgets what was not
// synced. Every sample that a test writes and that is acknowledged is remembered, and
// Check() compares all of them with what PromQL's reader and a table scan find.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/context.h"
#include "base/metrics.h"
#include "base/ulid.h"
#include "expr/predicate.h"
#include "iceberg/commit.h"
#include "iceberg/manifest_io.h"
#include "iceberg/random.h"
#include "iceberg/sql_catalog.h"
#include "io/memory_file_system.h"
#include "io/memory_store.h"
#include "parquet/footer_cache.h"
#include "tsdb/engine.h"
#include "tsdb/head_appender.h"

namespace firn::tsdb {

inline constexpr TimestampMs kWorldStart = 1'760'000'000'000;

class World : public testing::Test {
 protected:
  using Samples = std::map<std::pair<std::string, TimestampMs>, double>;

  explicit World(std::uint64_t seed = 1);

  // Start the engine on what is on disk. Fails the test where it does not start.
  void Start();
  Status TryStart();
  // End the process: what was not synced stays in the page cache.
  void Kill();
  // End the process and the machine.
  void CutPower(std::uint64_t seed);
  // Another log and no tables, so that many lives do not read ever more. REQUIRES: the
  // process is not running.
  void BeginAnew(const std::string& log_dir);
  // How many seeded lives to live: FIRN_SEEDS, or `by_default`.
  static std::uint64_t SeedCount(std::uint64_t by_default);
  // The end of a life: a power cut, or only a kill; the next start finds what was
  // acknowledged, and is ended too.
  void EndLife(bool power_cut, std::uint64_t seed);

  // Write one sample of each name and commit. Acknowledged samples are remembered.
  Status Write(const std::vector<std::string>& names, TimestampMs t, double value);
  Status Settle();
  Status Refresh();

  // Every acknowledged sample is read exactly once, with its value, by the series reader
  // and by a scan of metrics.samples; and nothing that was never written is.
  void Check();
  Samples ReadSeries();
  // All rows, hot and settled; a row that comes twice fails the test.
  Samples ScanTable();
  // Settled rows alone, as another engine reads them: all, or at least those for which
  // `predicate` holds.
  Samples ScanSettled(expr::PredicatePtr predicate = nullptr);
  std::int64_t CountRows(const std::string& table);

  std::optional<table::Position> PositionOf(const iceberg::TableIdentifier& table);
  iceberg::LoadedTable Load(const iceberg::TableIdentifier& table);

  base::ManualClock clock_{kWorldStart * 1000};
  base::Context context_;
  iceberg::RandomSource random_;
  base::UlidSource ulids_;
  io::MemoryFileSystem files_;
  io::MemoryStore store_{clock_};
  iceberg::ManifestIo manifests_{store_};
  // What the fault hook of the catalog answers, by point.
  std::function<Status(iceberg::SqlCatalogOptions::Point)> catalog_fault_;
  std::unique_ptr<iceberg::Catalog> catalog_;
  base::Ulid writer_;
  std::string log_dir_ = "wal";
  EngineOptions options_;
  wal::LogOptions log_options_;
  std::vector<std::string> promoted_labels_ = {"host"};

  std::unique_ptr<parquet::FooterCache> footers_;
  std::unique_ptr<base::MetricRegistry> metrics_;
  std::unique_ptr<wal::Log> log_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Appender> appender_;
  LogAssessment assessment_;  // Of the last start.

  Samples acknowledged_;
  // Written, and the answer was an error: it may be there or not.
  Samples unknown_;

 private:
  Samples Collect(scan::BatchSource& source, expr::PredicatePtr predicate);
};

}  // namespace firn::tsdb
