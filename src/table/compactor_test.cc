// SPDX-License-Identifier: Apache-2.0
// Small files written together: the same rows, in order, whatever rivals and crashes do.
#include "table/compactor.h"

#include <arrow/array/array_binary.h>
#include <arrow/array/array_primitive.h>
#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/array/builder_time.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <utility>

#include "base/log.h"
#include "iceberg/orphan_files.h"
#include "iceberg/snapshot_producer.h"
#include "iceberg/sql_catalog.h"
#include "io/memory_file_system.h"
#include "io/memory_store.h"
#include "io/power_switch.h"
#include "table/hand_made_table.h"
#include "table/positioned_append.h"
#include "table/table_source.h"
#include "table/table_writer.h"

namespace firn::table {
namespace {

using iceberg::DataFile;
using iceberg::FieldId;
using iceberg::Transform;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr TimestampUs kDayUs = 24LL * 3600 * 1'000'000;
constexpr std::int32_t kFirstDay = 20'000;

struct Row {
  std::int64_t id;
  std::int32_t day = kFirstDay;
  std::string host = "h";
  auto operator<=>(const Row&) const = default;
};
using Rows = std::vector<Row>;

// A table `ns.t(id, ts, host)` by day of ts, in the order of id unless told otherwise.
class CompactorTest : public testing::Test {
 protected:
  CompactorTest() { base::SetLogLevel(base::LogLevel::kError); }

  void SetUp() override { Create(/*sorted=*/true); }

  void Create(bool sorted) {
    iceberg::SqlCatalogOptions options;
    options.uri = "sqlite://";
    options.warehouse = "memory://w";
    options.fault = [this](iceberg::SqlCatalogOptions::Point point) {
      return sql_fault_ ? sql_fault_(point) : Status::OK();
    };
    auto opened = iceberg::OpenSqlCatalog(options, store_, clock_, random_);
    ASSERT_TRUE(opened.ok()) << opened.status();
    catalog_ = std::move(opened).value();
    ASSERT_TRUE(catalog_->CreateNamespace(context_, name_.name_space, {}).ok());
    iceberg::CreateTableRequest request;
    request.identifier = name_;
    request.schema.root.fields = {{FieldId(1), "id", true, iceberg::kLong, ""},
                                  {FieldId(2), "ts", true, iceberg::kTimestamptz, ""},
                                  {FieldId(3), "host", false, iceberg::kString, ""}};
    request.spec = {iceberg::SpecId(0),
                    {{FieldId(2), FieldId(1000), "day", Transform::Day()}}};
    if (sorted) {
      request.sort_order = {
          iceberg::SortOrderId(1),
          {{FieldId(1), Transform::Identity(), iceberg::SortDirection::kAscending,
            iceberg::NullOrder::kNullsFirst}}};
    }
    ASSERT_TRUE(catalog_->CreateTable(context_, request).ok());
  }

  iceberg::LoadedTable Load() {
    auto table = catalog_->LoadTable(context_, name_);
    EXPECT_TRUE(table.ok()) << table.status();
    return *std::move(table);
  }
  iceberg::CommitEnvironment commit() { return {*catalog_, manifests_, clock_, random_}; }

  static std::shared_ptr<arrow::RecordBatch> Batch(const Rows& rows) {
    arrow::Int64Builder id;
    arrow::TimestampBuilder ts(arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"),
                               arrow::default_memory_pool());
    arrow::StringBuilder host;
    for (const Row& row : rows) {
      EXPECT_TRUE(id.Append(row.id).ok() && ts.Append(row.day * kDayUs + row.id).ok() &&
                  host.Append(row.host).ok());
    }
    return arrow::RecordBatch::Make(
        arrow::schema({arrow::field("id", arrow::int64()), arrow::field("ts", ts.type()),
                       arrow::field("host", arrow::utf8())}),
        static_cast<std::int64_t>(rows.size()),
        {*id.Finish(), *ts.Finish(), *host.Finish()});
  }

  std::vector<DataFile> Write(const Rows& rows) {
    const base::Context context;
    auto writer = TableWriter::Make(
        {{context, store_, clock_, ulids_}, spills_, "/spill"}, Load(), {});
    EXPECT_TRUE(writer.ok()) << writer.status();
    EXPECT_TRUE((*writer)->Write(*Batch(rows)).ok());
    auto files = std::move(**writer).Finish();
    EXPECT_TRUE(files.ok()) << files.status();
    return *std::move(files);
  }
  // One commit, which moves the writer's position.
  void Append(const Rows& rows) {
    clock_.AdvanceUs(1'000'000);
    const auto table = Load();
    const auto position = *FindPosition(*table.metadata, writer_);
    const auto committed = CommitPositioned(context_, commit(),
                                            {name_,
                                             writer_,
                                             position,
                                             {log_, position ? position->offset + 1 : 1},
                                             Write(rows)});
    ASSERT_TRUE(committed.ok()) << committed.status();
    expected_.insert(expected_.end(), rows.begin(), rows.end());
  }
  // `commits` files in each of two days, of which none is in order with another.
  void Trickle(int commits) {
    for (int i = 0; i < commits; ++i) {
      Append({{i * 10 + 1}, {1000 - i}, {i * 10 + 2, kFirstDay + 1}});
    }
  }

  Status Do(const iceberg::Action& action) {
    clock_.AdvanceUs(1'000'000);
    return iceberg::CommitWithRetry(
               context_, commit(), name_,
               [&](const iceberg::LoadedTable&,
                   iceberg::Transaction& transaction) -> Result<iceberg::BuildDecision> {
                 transaction.Add(action);
                 return iceberg::BuildDecision::kCommit;
               })
        .status();
  }

  Status Compact(const CompactionOptions& plan_options = {},
                 CompactorOptions options = {}) {
    report_ = {};
    const iceberg::LoadedTable table = Load();
    const base::Context context;
    const base::Context& used = cancelled_ != nullptr ? *cancelled_ : context;
    FIRN_ASSIGN_OR_RETURN(
        CompactionPlan plan,
        PlanCompaction(used, manifests_, *table.metadata, plan_options));
    const iceberg::CommitEnvironment committing = commit();
    const ScanEnvironment scan{.store = store_, .footers = footers_};
    options.commit.wait = [](const base::Context&, DurationMs) { return Status::OK(); };
    return table::Compact(used, {committing, scan, ulids_, spills_, "/spill"}, table,
                          std::move(plan), options, &report_);
  }

  static CompactorOptions InOneCommit() {
    CompactorOptions options;
    options.commits_max = 1;
    return options;
  }

  std::vector<iceberg::ManifestEntry> Entries() {
    std::vector<iceberg::ManifestEntry> entries;
    const auto table = Load();
    for (const auto& manifest :
         *manifests_.ReadManifestList(context_, *table.metadata->current_snapshot())) {
      if (manifest.content != iceberg::ManifestContent::kData) continue;
      EXPECT_TRUE(manifests_
                      .ReadManifest(context_, manifest,
                                    [&](const iceberg::ManifestHeader&,
                                        iceberg::ManifestEntry&& entry) {
                                      if (entry.is_live()) {
                                        entries.push_back(std::move(entry));
                                      }
                                      return Status::OK();
                                    })
                      .ok());
    }
    return entries;
  }
  std::vector<DataFile> Files() {
    std::vector<DataFile> files;
    for (auto& entry : Entries()) files.push_back(std::move(entry.data_file));
    return files;
  }
  Rows Read(const std::vector<DataFile>& files) {
    Rows rows;
    std::vector<iceberg::ScanTask> tasks;
    for (const DataFile& file : files) tasks.push_back({file, {}, {}});
    const auto plan = PlanTasks(context_, {.store = store_, .footers = footers_}, Load(),
                                {}, std::move(tasks));
    EXPECT_TRUE(plan.ok()) << plan.status();
    for (std::size_t i = 0;; ++i) {
      auto stream = (*plan)->OpenSplit(i);
      if (stream.ok() && *stream == nullptr) break;
      EXPECT_TRUE(stream.ok()) << stream.status();
      while (stream.ok()) {
        const auto batch = (*stream)->Next();
        EXPECT_TRUE(batch.ok()) << batch.status();
        if (!batch.ok() || *batch == nullptr) break;
        const auto& id = static_cast<const arrow::Int64Array&>(*(*batch)->column(0));
        const auto& ts = static_cast<const arrow::TimestampArray&>(*(*batch)->column(1));
        const auto& host = static_cast<const arrow::StringArray&>(*(*batch)->column(2));
        for (std::int64_t row = 0; row < (*batch)->num_rows(); ++row) {
          rows.push_back({id.Value(row),
                          static_cast<std::int32_t>(ts.Value(row) / kDayUs),
                          host.GetString(row)});
        }
      }
    }
    return rows;
  }
  // The table has the rows that were appended, and each file is in order.
  void ExpectRows(bool sorted = true) {
    Rows found;
    for (const DataFile& file : Files()) {
      const Rows rows = Read({file});
      EXPECT_EQ(std::ssize(rows), file.record_count);
      EXPECT_TRUE(!sorted || std::ranges::is_sorted(rows, {}, &Row::id))
          << file.file_path;
      found.insert(found.end(), rows.begin(), rows.end());
    }
    std::sort(found.begin(), found.end());
    std::sort(expected_.begin(), expected_.end());
    EXPECT_EQ(found, expected_);
  }
  std::size_t DataObjects() {
    std::size_t count = 0;
    EXPECT_TRUE(store_
                    .List(context_, "memory://w/ns/t/data",
                          [&](const io::ObjectInfo&) {
                            ++count;
                            return Status::OK();
                          })
                    .ok());
    return count;
  }
  std::optional<Position> PositionNow() {
    return *FindPosition(*Load().metadata, writer_);
  }

  base::ManualClock clock_{kFirstDay * kDayUs};
  base::Context context_;
  const base::Context* cancelled_ = nullptr;
  iceberg::RandomSource random_{1};
  base::UlidSource ulids_{clock_, 1};
  io::MemoryStore store_{clock_};
  io::MemoryFileSystem spills_;
  iceberg::ManifestIo manifests_{store_};
  parquet::FooterCache footers_{0};
  std::function<Status(iceberg::SqlCatalogOptions::Point)> sql_fault_;
  std::unique_ptr<iceberg::Catalog> catalog_;
  iceberg::TableIdentifier name_{{{"ns"}}, "t"};
  const base::Ulid writer_ = ulids_.Next();
  const base::Ulid log_ = ulids_.Next();
  Rows expected_;
  CompactionReport report_;
};

TEST_F(CompactorTest, SmallFilesBecomeOneADay) {
  Trickle(6);
  const auto position = PositionNow();
  const auto before = Load();
  ASSERT_EQ(Files().size(), 12U);
  ASSERT_TRUE(Compact().ok());
  EXPECT_EQ(report_.groups, 2);
  EXPECT_EQ(report_.files_removed, 12);
  EXPECT_EQ(report_.files_added, 2);
  EXPECT_EQ(report_.rows, 18);
  EXPECT_EQ(report_.commits, 2);
  ExpectRows();
  EXPECT_EQ(PositionNow(), position);
  EXPECT_EQ(Load().metadata->properties, before.metadata->properties);
  for (const auto& entry : Entries()) {
    // The number of what was planned on, so that later equality deletes apply.
    EXPECT_EQ(entry.sequence_number, before.metadata->last_sequence_number);
    EXPECT_GT(*entry.file_sequence_number, *entry.sequence_number);
    EXPECT_EQ(entry.data_file.sort_order_id, iceberg::SortOrderId(1));
  }
  EXPECT_EQ(Load().metadata->current_snapshot()->operation, iceberg::Operation::kReplace);
  // The writer goes on from where it was, and there is nothing more to do.
  Append({{7}});
  ASSERT_TRUE(Compact().ok());
  EXPECT_EQ(report_.groups, 0);
  ExpectRows();
}

TEST_F(CompactorTest, RowsThatDoNotFitInMemoryAreSpilledAndSorted) {
  std::mt19937 dice(7);
  for (int i = 0; i < 6; ++i) {
    Rows rows;
    for (int n = 0; n < 20'000; ++n) {
      rows.push_back({static_cast<std::int64_t>(dice() % 1'000'000), kFirstDay,
                      "host-" + std::to_string(dice() % 1000)});
    }
    Append(rows);
  }
  CompactorOptions options;
  options.writer.memory_bytes_max = 16 << 20;
  options.writer.pool_bytes = 512 << 10;
  ASSERT_TRUE(Compact({}, options).ok());
  EXPECT_EQ(Files().size(), 1U);
  ExpectRows();
  const auto left = spills_.List("/spill");
  EXPECT_TRUE(!left.ok() || left->empty());
}

class UnsortedCompactorTest : public CompactorTest {
 protected:
  void SetUp() override { Create(/*sorted=*/false); }
};

TEST_F(UnsortedCompactorTest, RowsStayInTheOrderTheyCameIn) {
  std::vector<std::int64_t> ids;
  for (int i = 0; i < 7; ++i) {
    Append({{(i * 5) % 7}, {100 - i}});
    ids.insert(ids.end(), {(i * 5) % 7, 100 - i});
  }
  ASSERT_TRUE(Compact().ok());
  ASSERT_EQ(Files().size(), 1U);
  std::vector<std::int64_t> found;
  for (const Row& row : Read(Files())) found.push_back(row.id);
  EXPECT_EQ(found, ids);
  EXPECT_EQ(Files().front().sort_order_id.value_or(iceberg::SortOrderId(0)),
            iceberg::SortOrderId(0));
}

TEST_F(CompactorTest, WhatIsWrittenAnewIsChosenBySizeAndNumber) {
  Trickle(4);
  const auto groups = [&](const CompactionOptions& options) {
    const auto plan = PlanCompaction(context_, manifests_, *Load().metadata, options);
    EXPECT_TRUE(plan.ok()) << plan.status();
    EXPECT_EQ(plan->files, 8);
    std::vector<std::size_t> sizes;
    for (const CompactionGroup& group : plan->groups) sizes.push_back(group.tasks.size());
    return sizes;
  };
  const std::int64_t bytes = Files().front().file_size_bytes;
  EXPECT_THAT(groups({}), ElementsAre());  // Four files are too few.
  EXPECT_THAT(groups({.input_files_min = 4}), ElementsAre(4, 4));
  // But not too few to fill one of the target size.
  EXPECT_THAT(groups({.target_file_bytes = 3 * bytes}), ElementsAre(4, 4));
  EXPECT_THAT(groups({.target_file_bytes = bytes + 100}), ElementsAre());
  EXPECT_THAT(groups({.target_file_bytes = bytes / 2}), ElementsAre(4, 4));  // Too large.
  EXPECT_THAT(groups({.rewrite_all = true}), ElementsAre(4, 4));
  EXPECT_THAT(groups({.input_files_min = 2, .group_bytes_max = 2 * bytes + 50}),
              ElementsAre(2, 2, 2, 2));
  for (const CompactionOptions& bad :
       {CompactionOptions{.target_file_bytes = 10, .file_bytes_min = 10},
        CompactionOptions{.target_file_bytes = 10, .file_bytes_max = 9},
        CompactionOptions{.input_files_min = 0},
        CompactionOptions{.group_bytes_max = 0}}) {
    EXPECT_TRUE(PlanCompaction(context_, manifests_, *Load().metadata, bad)
                    .status()
                    .Is(StatusCode::kInvalidArgument));
  }
}

TEST_F(CompactorTest, FilesOfAnOlderSpecGoIntoTheNewOne) {
  Append({{1}, {2, kFirstDay + 1}, {3, kFirstDay, "other"}});
  const iceberg::PartitionSpec by_host{
      iceberg::SpecId(1), {{FieldId(3), FieldId(1001), "host", Transform::Identity()}}};
  ASSERT_TRUE(Do(iceberg::ReplaceSpec{by_host, iceberg::SpecId(0)}).ok());
  Append({{4}, {5, kFirstDay, "other"}});
  ASSERT_TRUE(Compact().ok());
  EXPECT_EQ(report_.files_removed, 2);  // Those of the new spec are too few.
  std::set<std::string> paths;
  for (const DataFile& file : Files()) {
    EXPECT_EQ(file.spec_id, Load().metadata->default_spec_id);
    EXPECT_THAT(file.file_path, HasSubstr("/host="));
  }
  ExpectRows();
}

// Two rows of the first day are deleted: what is written anew is without them, and the
// other day's files, which are too few, are left alone.
TEST_F(CompactorTest, DeletedRowsAreFoldedIn) {
  Trickle(3);
  std::vector<DataFile> first_day;
  for (const DataFile& file : Files()) {
    if (file.partition.front() == iceberg::Value(kFirstDay)) first_day.push_back(file);
  }
  ASSERT_EQ(first_day.size(), 3U);
  HandMadeTable other(Load().metadata->current_schema());
  DataFile deletes = other.WritePositions(
      "d", {{first_day[0].file_path, 0}, {first_day[1].file_path, 1}},
      {iceberg::Value(kFirstDay)});
  const std::string bytes = other.store.Get(context_, deletes.file_path, 1 << 20).value();
  deletes.file_path = "memory://w/ns/t/data/deletes.parquet";
  ASSERT_TRUE(store_.PutIfAbsent(context_, deletes.file_path, bytes).ok());
  for (const std::size_t file : {0, 1}) {
    const Row gone = Read({first_day[file]})[file];
    std::erase(expected_, gone);
  }
  iceberg::FileChange change;
  change.operation = iceberg::Operation::kOverwrite;
  change.added = {deletes};
  std::vector<std::string> written;
  const auto base = Load();
  const auto snapshot = iceberg::WriteSnapshot(
      context_, {manifests_, clock_, random_, written}, *base.metadata, change, "main");
  ASSERT_TRUE(snapshot.ok()) << snapshot.status();
  ASSERT_TRUE(Do(iceberg::ChangeMetadata{
                     {iceberg::AddSnapshot{*snapshot},
                      iceberg::MoveRef(*base.metadata, "main", snapshot->id)}})
                  .ok());
  const Status status = Compact();
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(report_.files_removed, 3);
  EXPECT_EQ(report_.files_added, 1);
  ExpectRows();
  // Nothing is deleted any more from what is there, and nothing is left to do.
  ASSERT_TRUE(Compact().ok());
  EXPECT_EQ(report_.groups, 0);
}

// A rival replaces a file of one day while it is written anew: that day is left to it.
TEST_F(CompactorTest, AGroupThatARivalChangedIsGivenUpAndTheOtherCommitted) {
  Trickle(6);
  DataFile victim;
  for (const DataFile& file : Files()) {
    if (file.partition[0] == iceberg::Value(kFirstDay)) victim = file;
  }
  const Rows lost = Read({victim});
  bool overwritten = false;
  CompactorOptions options;
  options.commits_max = 1;
  options.progress = [&](const CompactionProgress&) {
    if (std::exchange(overwritten, true)) return;
    ASSERT_TRUE(Do(iceberg::DeleteFiles{{victim}}).ok());
    Append({{77, kFirstDay + 1}});
  };
  ASSERT_TRUE(Compact({}, options).ok());
  EXPECT_EQ(report_.groups, 1);
  EXPECT_EQ(report_.groups_given_up, 1);
  ASSERT_EQ(report_.reasons.size(), 1U);
  EXPECT_THAT(report_.reasons[0], HasSubstr("Conflict"));
  for (const Row& row : lost) std::erase(expected_, row);
  ExpectRows();
  // Five of the day that was left, one new, and the rival's; what is removed is in
  // snapshots, and no other file is there.
  EXPECT_EQ(Files().size(), 5U + 1 + 1);
  EXPECT_EQ(DataObjects(), 12U + 1 + 1);
}

TEST_F(CompactorTest, CancelledAnywhereItLeavesNoFile) {
  Trickle(6);
  const std::size_t objects = DataObjects();
  const auto before = Load();
  for (int calls = 1;; ++calls) {
    ASSERT_LT(calls, 100);
    const base::Context context;
    cancelled_ = &context;
    int left = calls;
    CompactorOptions options;
    options.commits_max = 1;
    options.progress = [&](const CompactionProgress&) {
      if (--left == 0) context.Cancel();
    };
    const Status status = Compact({}, options);
    if (status.ok()) break;
    EXPECT_TRUE(status.Is(StatusCode::kCancelled)) << status;
    EXPECT_EQ(DataObjects(), objects);
    EXPECT_EQ(Load().metadata_location, before.metadata_location);
  }
  cancelled_ = nullptr;
  ExpectRows();
}

TEST_F(CompactorTest, FilesOfACommitThatIsNotKnownStay) {
  Trickle(6);
  const std::size_t objects = DataObjects();
  sql_fault_ = [](iceberg::SqlCatalogOptions::Point at) {
    return at == iceberg::SqlCatalogOptions::Point::kAfterCommit
               ? Status::Unavailable("disk went away")
               : Status::OK();
  };
  const Status status = Compact({}, InOneCommit());
  sql_fault_ = nullptr;
  EXPECT_TRUE(status.Is(StatusCode::kCommitUnknown)) << status;
  EXPECT_EQ(DataObjects(), objects + 2);
  EXPECT_EQ(Files().size(), 2U);  // It had been committed.
  ExpectRows();
}

TEST_F(CompactorTest, AFileThatHasOtherRowsThanTheTableSaysStopsIt) {
  Trickle(5);
  std::vector<DataFile> wrong = Write({{1}, {2}});
  wrong[0].record_count = 3;
  ASSERT_TRUE(Do(iceberg::AppendFiles{wrong}).ok());
  const std::size_t objects = DataObjects();
  const Status status = Compact({}, InOneCommit());
  EXPECT_TRUE(status.Is(StatusCode::kCorruption)) << status;
  EXPECT_EQ(DataObjects(), objects);
}

// The power goes at every operation of the store: the table has its rows, and what is
// left over goes as orphans.
// The operation at which the power goes is not done, or is and nobody is told.
class PowerCutTest : public CompactorTest, public testing::WithParamInterface<bool> {};
INSTANTIATE_TEST_SUITE_P(LastHappens, PowerCutTest, testing::Bool());

TEST_P(PowerCutTest, AtEveryOperation) {
  Trickle(5);
  for (std::uint64_t good = 0;; ++good) {
    ASSERT_LT(good, 300U);
    const io::PowerSwitch power(good, /*last_happens=*/GetParam());
    store_.SetFaultHook(power.StoreHook());
    const Status status = Compact();
    store_.SetFaultHook(nullptr);
    ExpectRows();
    clock_.AdvanceUs(1'000'000);
    iceberg::OrphanRemoval removal;
    ASSERT_TRUE(iceberg::RemoveOrphans(context_, commit(), name_, {.age_min_ms = 0},
                                       nullptr, &removal)
                    .ok());
    ExpectRows();
    std::set<std::string> referenced;
    for (const iceberg::Snapshot& snapshot : Load().metadata->snapshots) {
      for (const auto& manifest : *manifests_.ReadManifestList(context_, snapshot)) {
        ASSERT_TRUE(manifests_
                        .ReadManifest(context_, manifest,
                                      [&](const iceberg::ManifestHeader&,
                                          iceberg::ManifestEntry&& entry) {
                                        if (entry.is_live()) {
                                          referenced.insert(entry.data_file.file_path);
                                        }
                                        return Status::OK();
                                      })
                        .ok());
      }
    }
    EXPECT_EQ(DataObjects(), referenced.size()) << good;
    if (status.ok()) break;
  }
  EXPECT_EQ(Files().size(), 2U);
}

}  // namespace
}  // namespace firn::table
