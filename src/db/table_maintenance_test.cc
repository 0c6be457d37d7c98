// SPDX-License-Identifier: Apache-2.0
// Upkeep of tables that a running Db settles into.
#include "firn/table_maintenance.h"

#include <arrow/record_batch.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/context.h"
#include "base/metrics.h"
#include "db/settled_table_fixture.h"
#include "db/upkeep_tasks.h"
#include "db/warehouse.h"

namespace firn {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr int kSettles = 6;

// A table of as many snapshots, with one row more each.
class TableMaintenanceTest : public db::SettledTableTest {
 protected:
  TableMaintenanceTest() : SettledTableTest(kSettles) {
    options_.warehouse = root_ / "data" / "warehouse";
    auto maintenance = TableMaintenance::Open(options_);
    EXPECT_TRUE(maintenance.ok()) << maintenance.status();
    maintenance_ = *std::move(maintenance);
  }
  std::int64_t Rows() {
    const auto cursor = db_->Sql(context_, "SELECT value FROM metrics.samples");
    EXPECT_TRUE(cursor.ok()) << cursor.status();
    std::int64_t rows = 0;
    while (true) {
      const auto batch = (*cursor)->Next();
      EXPECT_TRUE(batch.ok()) << batch.status();
      if (!batch.ok() || *batch == nullptr) return rows;
      rows += (*batch)->num_rows();
    }
  }
  void ExpectSound() {
    SettledTableTest::ExpectSound();
    EXPECT_EQ(Rows(), rows_);
  }
  std::size_t Files() { return db_->Files(context_, kTable)->size(); }
  std::vector<std::pair<std::string, std::string>> Properties() {
    return db_->DescribeTable(context_, kTable)->properties;
  }
  std::string Place() { return db_->DescribeTable(context_, kTable)->location; }
  // Where it is on the disk.
  fs::path Directory() { return Place().substr(std::string("file://").size()); }

  DbOptions options_;
  std::unique_ptr<TableMaintenance> maintenance_;
};

TEST_F(TableMaintenanceTest, OrphansGoAndTheTableStays) {
  const fs::path lost = Directory() / "data" / "lost.parquet";
  const fs::path unfinished = Directory() / "data" / ".half.parquet.1.tmp";
  std::ofstream(lost) << "bytes";
  std::ofstream(unfinished) << "half";
  // The store's clock may not tick between a file and the removal.
  for (const fs::path& file : {lost, unfinished}) {
    fs::last_write_time(file, fs::file_time_type::clock::now() - std::chrono::seconds(1));
  }
  OrphanOptions options;
  options.age_min_ms = 0;
  std::vector<std::string> found;
  options.on_file = [&](const OrphanFile& file) { found.push_back(file.location); };
  ExpectCode(maintenance_->RemoveOrphans(context_, kTable, options).status(),
             StatusCode::kInvalidArgument);

  options.dry_run = true;
  const auto dry = maintenance_->RemoveOrphans(context_, kTable, options);
  ASSERT_TRUE(dry.ok()) << dry.status();
  EXPECT_EQ(dry->files, 2);
  EXPECT_EQ(dry->bytes, 9);
  EXPECT_THAT(found,
              ElementsAre("file://" + lost.string(), "file://" + unfinished.string()));
  EXPECT_TRUE(fs::exists(lost));

  options.dry_run = false;
  options.no_writers = true;
  const auto report = maintenance_->RemoveOrphans(context_, kTable, options);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->files, 2);
  EXPECT_FALSE(fs::exists(lost));
  EXPECT_FALSE(fs::exists(unfinished));
  ExpectSound();
  // What is young stays.
  std::ofstream(lost) << "bytes";
  EXPECT_EQ(maintenance_->RemoveOrphans(context_, kTable, {})->files, 0);
  fs::last_write_time(lost, fs::file_time_type::clock::now() - std::chrono::hours(73));
  EXPECT_EQ(maintenance_->RemoveOrphans(context_, kTable, {})->files, 1);
}

TEST_F(TableMaintenanceTest, APlaceThatIsNotTheTablesAloneIsRefused) {
  const auto code_at = [&](const std::string& location) {
    // The same files by another warehouse, whose table lies where it is put.
    const fs::path warehouse = root_ / "other";
    fs::remove_all(warehouse);
    fs::copy(root_ / "data" / "warehouse", warehouse, fs::copy_options::recursive);
    DbOptions options;
    options.warehouse = location == "warehouse" ? Place() : warehouse.string();
    options.catalog = "sqlite:///" + (warehouse / "catalog.db").string();
    auto other = TableMaintenance::Open(options);
    EXPECT_TRUE(other.ok()) << other.status();
    return (*other)->RemoveOrphans(context_, kTable, {}).status();
  };
  EXPECT_TRUE(code_at("").ok()) << code_at("");
  const Status inside = code_at("warehouse");
  ExpectCode(inside, StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(inside.message()), HasSubstr("holds"));
}

TEST_F(TableMaintenanceTest, ManifestsAreMerged) {
  RewriteManifestsOptions options;
  options.dry_run = true;
  const auto before = Properties();
  const auto dry = maintenance_->RewriteManifests(context_, kTable, options);
  ASSERT_TRUE(dry.ok()) << dry.status();
  EXPECT_EQ(dry->manifests_before, kSettles);
  EXPECT_EQ(dry->manifests_after, 1);
  EXPECT_FALSE(dry->snapshot_id.has_value());
  options.dry_run = false;
  const auto report = maintenance_->RewriteManifests(context_, kTable, options);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->manifests_after, 1);
  EXPECT_TRUE(report->snapshot_id.has_value());
  EXPECT_EQ(Properties(), before);
  ExpectSound();
  Settle();
  ExpectSound();
  options.target_bytes = 0;
  ExpectCode(maintenance_->RewriteManifests(context_, kTable, options).status(),
             StatusCode::kInvalidArgument);
}

TEST_F(TableMaintenanceTest, SmallFilesAreWrittenTogetherWhileTheDbGoesOn) {
  CompactOptions options;
  options.dry_run = true;
  const auto before = Properties();
  const auto dry = maintenance_->Compact(context_, kTable, options);
  ASSERT_TRUE(dry.ok()) << dry.status();
  EXPECT_EQ(dry->files_removed, kSettles);
  EXPECT_EQ(dry->rows, kSettles);
  EXPECT_EQ(Files(), kSettles);
  options.dry_run = false;
  bool settled = false;
  options.on_progress = [&](std::int64_t, std::int64_t, std::int64_t) {
    if (!std::exchange(settled, true)) Settle();
  };
  const auto report = maintenance_->Compact(context_, kTable, options);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->files_removed, kSettles);
  EXPECT_EQ(report->files_added, 1);
  EXPECT_EQ(report->commits, 1);
  EXPECT_EQ(Files(), 2U);  // With the one that was settled meanwhile.
  ExpectSound();
  Settle();
  ExpectSound();
  // Reopened, it goes on from its position: nothing is lost or there twice.
  db_.reset();
  DbOptions again;
  again.data_dir = root_ / "data";
  again.settle_interval_ms = 0;
  auto db = Db::Open(again);
  ASSERT_TRUE(db.ok()) << db.status();
  db_ = *std::move(db);
  Settle();
  ExpectSound();
  EXPECT_EQ(before.size(), Properties().size());
}

TEST_F(TableMaintenanceTest, ACancelledCompactionChangesNothing) {
  CompactOptions options;
  const base::Context context;
  options.on_progress = [&](std::int64_t, std::int64_t, std::int64_t) {
    context.Cancel();
  };
  ExpectCode(maintenance_->Compact(context, kTable, options).status(),
             StatusCode::kCancelled);
  EXPECT_EQ(Files(), kSettles);
  ExpectSound();
  OrphanOptions orphans;
  orphans.age_min_ms = 0;
  orphans.dry_run = true;
  EXPECT_EQ(maintenance_->RemoveOrphans(context_, kTable, orphans)->files, 0);
}

// What a server does by itself, run here task by task.
TEST_F(TableMaintenanceTest, AServerRemovesNoOrphanWhileACommitIsUnknown) {
  const fs::path lost = Directory() / "data" / "lost.parquet";
  std::ofstream(lost) << "bytes";
  fs::last_write_time(lost, fs::file_time_type::clock::now() - std::chrono::hours(73));
  base::MetricRegistry metrics;
  options_.data_dir = root_ / "data";
  const auto warehouse =
      db::Warehouse::OpenExisting(options_, base::SystemClock(), metrics);
  ASSERT_TRUE(warehouse.ok()) << warehouse.status();
  bool unresolved = true;
  const auto tasks =
      db::UpkeepTasks(options_, **warehouse, metrics, [&] { return unresolved; });
  EXPECT_THAT(tasks, SizeIs(8));
  const auto run_all = [&] {
    for (const auto& task : tasks) {
      const Status status = task.run(context_);
      EXPECT_TRUE(status.ok()) << task.name << " " << task.table << ": " << status;
    }
  };
  run_all();
  EXPECT_TRUE(fs::exists(lost));
  EXPECT_EQ(Files(), 1U);
  unresolved = false;
  run_all();
  EXPECT_FALSE(fs::exists(lost));
  ExpectSound();
  options_.maintenance_compact = options_.maintenance_expire = false;
  EXPECT_THAT(db::UpkeepTasks(options_, **warehouse, metrics, [] { return false; }),
              SizeIs(4));
}

TEST_F(TableMaintenanceTest, OtherTablesAndWarehousesAreNotFound) {
  ExpectCode(maintenance_->Compact(context_, "metrics.none", {}).status(),
             StatusCode::kNotFound);
  options_.warehouse = root_ / "nowhere";
  ExpectCode(TableMaintenance::Open(options_).status(), StatusCode::kNotFound);
  EXPECT_FALSE(fs::exists(root_ / "nowhere"));
}

}  // namespace
}  // namespace firn
