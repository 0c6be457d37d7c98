// SPDX-License-Identifier: Apache-2.0
// The cases that settling must survive, each as a test (ARCHITECTURE.md lists them).
#include "tsdb/engine.h"

#include <arrow/array/array_primitive.h>
#include <arrow/record_batch.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <random>
#include <thread>

#include "iceberg/partition_update.h"
#include "iceberg/schema_update.h"
#include "iceberg/transaction.h"
#include "table/table_source.h"
#include "tsdb/world_fixture.h"

namespace firn::tsdb {
namespace {

constexpr DurationMs kMinute = 60'000;
constexpr DurationMs kHour = 60 * kMinute;
constexpr DurationMs kDay = 24 * kHour;
const std::vector<std::string> kNames = {"a", "b", "c"};

class EngineTest : public World {};

TEST_F(EngineTest, SamplesReadTheSameBeforeAndAfterSettling) {
  Start();
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(Write(kNames, kWorldStart + i * 1000, i * 0.5).ok());
  }
  ASSERT_TRUE(Write({"a"}, kWorldStart - kMinute, 7).ok());  // late
  Check();
  EXPECT_EQ(CountRows("metrics.samples"), 301);
  EXPECT_EQ(CountRows("metrics.series"), 3);
  ASSERT_TRUE(Settle().ok());
  Check();
  EXPECT_EQ(CountRows("metrics.samples"), 301);
  EXPECT_EQ(CountRows("metrics.series"), 3);
  EXPECT_EQ(ScanSettled().size(), 301u);
  // More of the same series: no second row of the day in metrics.series.
  ASSERT_TRUE(Write(kNames, kWorldStart + 200'000, 1).ok());
  EXPECT_EQ(CountRows("metrics.series"), 3);
  ASSERT_TRUE(Settle().ok());
  Check();
  EXPECT_EQ(CountRows("metrics.series"), 3);
}

TEST_F(EngineTest, StaleMarkersComeBackAndAreNullInTheTable) {
  Start();
  ASSERT_TRUE(Write({"a"}, kWorldStart, 1).ok());
  ASSERT_TRUE(Write({"a"}, kWorldStart + 1, StaleMarker()).ok());
  ASSERT_TRUE(Settle().ok());
  const Samples read = ReadSeries();
  ASSERT_EQ(read.size(), 2u);
  EXPECT_TRUE(IsStaleMarker(read.at({"a", kWorldStart + 1})));
}

TEST_F(EngineTest, ASettleOfNothingCommitsNothing) {
  Start();
  ASSERT_TRUE(Settle().ok());
  EXPECT_EQ(Load(SamplesTable()).metadata->snapshots.size(), 0u);
  ASSERT_TRUE(Write(kNames, kWorldStart, 1).ok());
  ASSERT_TRUE(Settle().ok());
  ASSERT_TRUE(Settle().ok());
  EXPECT_EQ(Load(SamplesTable()).metadata->snapshots.size(), 1u);
}

TEST_F(EngineTest, TheHeadIsReplayedAndTheTableIsNot) {
  Start();
  ASSERT_TRUE(Write(kNames, kWorldStart, 1).ok());
  ASSERT_TRUE(Settle().ok());
  ASSERT_TRUE(Write(kNames, kWorldStart + 1, 2).ok());
  CutPower(3);
  Start();
  Check();
  EXPECT_EQ(engine_->cuts().Pin().hot.back()->samples(), 3);
}

TEST_F(EngineTest, AResendAfterARestartIsKnown) {
  Start();
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(Write(kNames, kWorldStart + i * 1000, i).ok());
  }
  ASSERT_TRUE(Settle().ok());
  CutPower(1);
  Start();
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(Write(kNames, kWorldStart + i * 1000, i).ok());
  }
  Check();
  EXPECT_EQ(CountRows("metrics.samples"), 30);
  ASSERT_TRUE(Settle().ok());
  EXPECT_EQ(CountRows("metrics.samples"), 30);
  EXPECT_EQ(CountRows("metrics.series"), 3);
}

TEST_F(EngineTest, AGenerationOfManyDaysIsOneCommit) {
  Start();
  for (int day = -40; day <= 0; ++day) {
    ASSERT_TRUE(Write(kNames, kWorldStart + day * kDay, day).ok());
  }
  ASSERT_TRUE(Settle().ok());
  Check();
  const auto metadata = Load(SamplesTable()).metadata;
  EXPECT_EQ(metadata->snapshots.size(), 1u);
  EXPECT_EQ(
      metadata->current_snapshot()->SummaryCount(iceberg::kSummaryTotalDataFiles, 0), 41);
  EXPECT_EQ(CountRows("metrics.series"), 3 * 41);
}

TEST_F(EngineTest, AnUnknownOutcomeThatHappenedIsFound) {
  Start();
  ASSERT_TRUE(Write(kNames, kWorldStart, 1).ok());
  int faults = 0;
  catalog_fault_ = [&](iceberg::SqlCatalogOptions::Point point) {
    if (point == iceberg::SqlCatalogOptions::Point::kAfterCommit && faults++ < 2) {
      return Status::Unavailable("connection lost");
    }
    return Status::OK();
  };
  ASSERT_TRUE(Settle().ok());
  EXPECT_EQ(faults, 2 + 0);
  Check();
  EXPECT_EQ(ScanSettled().size(), 3u);
  EXPECT_EQ(Load(SamplesTable()).metadata->snapshots.size(), 1u);
}

TEST_F(EngineTest, AnUnknownOutcomeThatDidNotHappenIsTriedAgain) {
  Start();
  ASSERT_TRUE(Write(kNames, kWorldStart, 1).ok());
  int calls = 0;
  catalog_fault_ = [&](iceberg::SqlCatalogOptions::Point point) {
    if (point == iceberg::SqlCatalogOptions::Point::kBeforeCommit && calls++ == 0) {
      return Status::Unavailable("connection lost");
    }
    return Status::OK();
  };
  const Status first = Settle();
  ASSERT_TRUE(first.ok() || Settle().ok()) << first;
  Check();
  EXPECT_EQ(ScanSettled().size(), 3u);
}

TEST_F(EngineTest, ACatalogThatStaysUnknownLosesNothing) {
  Start();
  ASSERT_TRUE(Write(kNames, kWorldStart, 1).ok());
  catalog_fault_ = [](iceberg::SqlCatalogOptions::Point point) {
    return point == iceberg::SqlCatalogOptions::Point::kAfterCommit
               ? Status::Unavailable("connection lost")
               : Status::OK();
  };
  // Reloading works, so even then the position tells; what matters is the count.
  for (int i = 0; i < 3; ++i) {
    const Status settled = Settle();
    ASSERT_TRUE(settled.ok() || settled.Is(StatusCode::kCommitUnknown)) << settled;
    Check();
    ASSERT_TRUE(Write(kNames, kWorldStart + 1 + i, i).ok());
  }
  catalog_fault_ = nullptr;
  ASSERT_TRUE(Settle().ok());
  Check();
  EXPECT_EQ(ScanSettled().size(), 12u);
}

// The process dies after `series` is committed and before `samples` is.
TEST_F(EngineTest, ACrashBetweenTheTwoCommitsIsMended) {
  Start();
  ASSERT_TRUE(Write(kNames, kWorldStart, 1).ok());
  bool series_done = false;
  store_.SetFaultHook([&](const io::StoreOperation& operation) -> io::MemoryStore::Fault {
    if (operation.location.find("samples_data") != std::string::npos &&
        operation.kind == io::StoreOperation::Kind::kWrite) {
      series_done = true;
      return {Status::Unavailable("dead")};
    }
    return {};
  });
  EXPECT_FALSE(Settle().ok());
  EXPECT_TRUE(series_done);
  EXPECT_TRUE(PositionOf(SeriesTableName()).has_value());
  EXPECT_FALSE(PositionOf(SamplesTable()).has_value());
  Check();  // The running process reads on.
  EXPECT_EQ(CountRows("metrics.series"), 3);
  store_.SetFaultHook(nullptr);
  CutPower(4);
  Start();
  Check();
  ASSERT_TRUE(Settle().ok());
  Check();
  EXPECT_EQ(CountRows("metrics.series"), 3);
  EXPECT_EQ(ScanSettled().size(), 3u);
}

// The store dies at each successive operation of a settle; then the process does.
TEST_F(EngineTest, ACrashAtEveryStoreOperationLosesAndDoublesNothing) {
  for (int dies_at = 0; dies_at < 200; ++dies_at) {
    SCOPED_TRACE(dies_at);
    Start();
    ASSERT_TRUE(Write(kNames, kWorldStart + dies_at * 1000, dies_at).ok());
    int operations = 0;
    store_.SetFaultHook([&](const io::StoreOperation&) -> io::MemoryStore::Fault {
      return {operations++ >= dies_at ? Status::Unavailable("dead") : Status::OK()};
    });
    const Status settled = Settle();
    store_.SetFaultHook(nullptr);
    CutPower(static_cast<std::uint64_t>(dies_at));
    Start();
    Check();
    if (HasFatalFailure()) return;
    Kill();
    if (settled.ok()) return;  // Every operation had its turn.
  }
  FAIL() << "a settle takes more operations than were tried";
}

// The commit lands, its answer is lost, and the settle is cancelled while it looks.
TEST_F(EngineTest, ACancelledLookAtAnUnknownCommitKeepsItsFiles) {
  Start();
  ASSERT_TRUE(Write(kNames, kWorldStart, 1).ok());
  int commits = 0;
  const base::Context cancelled;
  catalog_fault_ = [&](iceberg::SqlCatalogOptions::Point point) {
    // The second commit is that of metrics.samples.
    if (point == iceberg::SqlCatalogOptions::Point::kAfterCommit && ++commits == 2) {
      cancelled.Cancel();
      return Status::Unavailable("connection lost");
    }
    return Status::OK();
  };
  EXPECT_TRUE(
      engine_->settler().Settle(cancelled).status().Is(StatusCode::kCommitUnknown));
  catalog_fault_ = nullptr;
  Check();
  ASSERT_TRUE(Refresh().ok());  // The position tells later, not now.
  Check();
  EXPECT_EQ(ScanSettled().size(), 3u);
  ASSERT_TRUE(Settle().ok());
  Check();
  EXPECT_EQ(ScanSettled().size(), 3u);
  EXPECT_EQ(Load(SamplesTable()).metadata->snapshots.size(), 1u);
}

TEST_F(EngineTest, ADiskFullInASettleKeepsTheHeadServing) {
  Start();
  ASSERT_TRUE(Write(kNames, kWorldStart, 1).ok());
  store_.SetFaultHook([](const io::StoreOperation& operation) -> io::MemoryStore::Fault {
    if (operation.kind == io::StoreOperation::Kind::kRead) return {};
    return {Status::ResourceExhausted("no space left on device")};
  });
  const Status full = Settle();
  EXPECT_TRUE(full.Is(StatusCode::kResourceExhausted)) << full;
  ASSERT_TRUE(Write(kNames, kWorldStart + 1, 2).ok());
  Check();
  store_.SetFaultHook(nullptr);
  ASSERT_TRUE(Settle().ok());
  Check();
  EXPECT_EQ(ScanSettled().size(), 6u);
}

TEST_F(EngineTest, ALogAtItsBoundAnswersResourceExhausted) {
  log_options_.segment_bytes = 4096;
  log_options_.log_bytes_max = 16'384;
  options_.trim_bytes = 4096;
  Start();
  Status status;
  TimestampMs t = kWorldStart;
  while (status.ok() && t < kWorldStart + 10'000) status = Write(kNames, t++, 1);
  EXPECT_TRUE(status.Is(StatusCode::kResourceExhausted)) << status;
  unknown_.clear();  // A refusal at the bound wrote nothing.
  Check();
  ASSERT_TRUE(Settle().ok());
  ASSERT_TRUE(Write(kNames, t, 2).ok());
  Check();
}

// The definitions alone are more than the log may hold: no settle makes room.
TEST_F(EngineTest, ALogTooSmallForItsDefinitionsSaysWhatToRaise) {
  log_options_.segment_bytes = 4096;
  log_options_.log_bytes_max = 16'384;
  options_.trim_bytes = 4096;
  Start();
  std::vector<std::string> names;
  for (int i = 0; i < 60; ++i) names.push_back(std::string(200, 'x') + std::to_string(i));
  Status status;
  TimestampMs t = kWorldStart;
  for (int i = 0; i < 100 && status.ok(); ++i) {
    status = Write(names, t++, 1);
    ASSERT_TRUE(Settle().ok());
  }
  EXPECT_TRUE(status.Is(StatusCode::kResourceExhausted)) << status;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(Settle().ok());
    status = Write(names, t++, 1);
    EXPECT_TRUE(status.Is(StatusCode::kResourceExhausted)) << status;
    EXPECT_NE(status.message().find("log_bytes_max is 16384"), std::string_view::npos)
        << status;
    EXPECT_NE(status.message().find("is to be raised"), std::string_view::npos) << status;
  }
  Kill();
  log_options_.log_bytes_max = 1 << 20;
  Start();
  ASSERT_TRUE(Write(names, t++, 2).ok());
  unknown_.clear();  // A refusal at the bound wrote nothing.
  Check();
}

TEST_F(EngineTest, TrimmingKeepsWhatLaterRecordsNeed) {
  log_options_.segment_bytes = 4096;
  options_.trim_bytes = 1;
  Start();
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 20; ++i) {
      ASSERT_TRUE(Write(kNames, kWorldStart + round * kMinute + i, i).ok());
    }
    ASSERT_TRUE(Settle().ok());
    ASSERT_TRUE(Write(kNames, kWorldStart + round * kMinute + 30, 5).ok());
    CutPower(static_cast<std::uint64_t>(round));
    Start();
    Check();
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(log_->trim_offset(), 0u);
  EXPECT_LT(log_->size_bytes(), 40'000u);
}

// Another engine rewrites the table, or sets a property, between our commits.
TEST_F(EngineTest, ARivalsCommitInBetweenChangesNothing) {
  Start();
  ASSERT_TRUE(Write(kNames, kWorldStart, 1).ok());
  ASSERT_TRUE(Settle().ok());
  ASSERT_TRUE(Write(kNames, kWorldStart + 1, 2).ok());
  iceberg::CommitEnvironment environment{*catalog_, manifests_, clock_, random_};
  auto outcome = iceberg::CommitWithRetry(
      context_, environment, SamplesTable(),
      [](const iceberg::LoadedTable&,
         iceberg::Transaction& transaction) -> Result<iceberg::BuildDecision> {
        transaction.SetProperties({{"somebody", "was here"}});
        return iceberg::BuildDecision::kCommit;
      });
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  ASSERT_TRUE(Settle().ok());
  ASSERT_TRUE(Refresh().ok());
  Check();
  EXPECT_EQ(ScanSettled().size(), 6u);
  EXPECT_EQ(*Load(SamplesTable()).metadata->FindProperty("somebody"), "was here");
}

// Another engine changes how the tables are laid out: rows settle into the new layout,
// and are where a reader looks who plans by it.
TEST_F(EngineTest, TablesThatOthersPartitionAnewAreSettledInto) {
  Start();
  ASSERT_TRUE(Write(kNames, kWorldStart, 1).ok());
  ASSERT_TRUE(Settle().ok());
  const auto partition = [&](const iceberg::TableIdentifier& name,
                             std::vector<iceberg::PartitionChange> changes) {
    const auto spec = iceberg::EvolvePartitionSpec(*Load(name).metadata, changes);
    ASSERT_TRUE(spec.ok()) << spec.status();
    const auto done = catalog_->CommitTable(
        context_, name, {},
        {iceberg::AddPartitionSpec{*spec}, iceberg::SetDefaultSpec{}});
    ASSERT_TRUE(done.ok()) << done.status();
  };
  const std::vector<iceberg::PartitionChange> layouts[] = {
      {iceberg::AddPartitionField{
          {iceberg::Transform::Bucket(4), "series_id", "bucket"}}},
      {iceberg::RemovePartitionField{"ts_day"},
       iceberg::AddPartitionField{{iceberg::Transform::Hour(), "ts", "hour"}}},
      {iceberg::RemovePartitionField{"bucket"}},
      {iceberg::RemovePartitionField{"hour"}}};
  int round = 0;
  for (const auto& layout : layouts) {
    SCOPED_TRACE(++round);
    partition(SamplesTable(), layout);
    if (round == 1) {
      partition(SeriesTableName(),
                {iceberg::AddPartitionField{{iceberg::Transform::Identity(), "metric"}}});
    }
    // Of three days, the first settle by the layout that was known before.
    for (int settle = 0; settle < 2; ++settle) {
      for (int day = 0; day < 3; ++day) {
        ASSERT_TRUE(Write({"a", "b", "new" + std::to_string(round)},
                          kWorldStart - kDay * day + round * 10 + settle, 2)
                        .ok());
      }
      ASSERT_TRUE(Settle().ok());
      Check();
      EXPECT_EQ(ScanSettled(), acknowledged_);
    }
    CutPower(1);
    Start();
    Check();
  }
  for (const TimestampMs end : {kWorldStart - kDay - 1, kWorldStart - kHour}) {
    const Samples before = ScanSettled(expr::MakePredicate(
        expr::Compare{"ts", expr::CompareOp::kLt, expr::Timestamp{end * 1000}}));
    for (const auto& [key, value] : acknowledged_) {
      EXPECT_TRUE(key.second >= end || before.contains(key)) << key.first << key.second;
    }
  }
}

// Columns of somebody else's are NULL; a column of ours that was widened is written as
// it is now.
TEST_F(EngineTest, TablesWithColumnsOfOthersAreSettledInto) {
  Start();
  ASSERT_TRUE(Write(kNames, kWorldStart, 1).ok());
  ASSERT_TRUE(Settle().ok());
  const auto schema = iceberg::EvolveSchema(
      *Load(SamplesTable()).metadata,
      {iceberg::AddColumn{"", "quality", iceberg::kInt},
       iceberg::AddColumn{"", "seen", iceberg::kTimestamptz},
       iceberg::AddColumn{
           "", "notes", iceberg::MakeList(iceberg::FieldId(0), false, iceberg::kString)},
       iceberg::WidenType{"flags", iceberg::kLong}, iceberg::RenameColumn{"job", "task"},
       iceberg::DropColumn{"start_ts"}});
  ASSERT_TRUE(schema.ok()) << schema.status();
  const auto done =
      catalog_->CommitTable(context_, SamplesTable(), {},
                            {iceberg::AddSchema{*schema}, iceberg::SetCurrentSchema{}});
  ASSERT_TRUE(done.ok()) << done.status();
  for (int i = 1; i < 4; ++i) {
    ASSERT_TRUE(Write(kNames, kWorldStart + i, i).ok());
    Check();
    const Status settled = Settle();
    ASSERT_TRUE(settled.ok()) << settled;
    Check();
    EXPECT_EQ(CountRows("metrics.samples"), 3 * (i + 1));
  }
  // What is not text is no label.
  std::vector<std::string> labels;
  for (const PromotedLabel& one : PromotedLabels(*Load(SamplesTable()).metadata)) {
    labels.push_back(one.label + " in " + one.column);
  }
  EXPECT_EQ(labels, (std::vector<std::string>{"job in task", "instance in instance",
                                              "host in host"}));
}

TEST_F(EngineTest, RowsAreSortedAsOthersWantThem) {
  Start();
  ASSERT_TRUE(Write(kNames, kWorldStart, 1).ok());
  ASSERT_TRUE(Settle().ok());
  iceberg::SortOrder order;
  order.fields = {{iceberg::FieldId(kTsId), iceberg::Transform::Identity(),
                   iceberg::SortDirection::kDescending, iceberg::NullOrder::kNullsLast}};
  const auto done = catalog_->CommitTable(
      context_, SamplesTable(), {},
      {iceberg::AddSortOrder{order}, iceberg::SetDefaultSortOrder{}});
  ASSERT_TRUE(done.ok()) << done.status();
  ASSERT_TRUE(Refresh().ok());
  for (int i = 1; i < 10; ++i) ASSERT_TRUE(Write(kNames, kWorldStart + i, i).ok());
  ASSERT_TRUE(Settle().ok());
  Check();
  auto source =
      table::MakeTableSource({store_, *footers_, nullptr}, Load(SamplesTable()));
  ASSERT_TRUE(source.ok()) << source.status();
  scan::ScanRequest request;
  request.columns = {"ts"};
  const auto plan = (*source)->Plan(context_, request);
  ASSERT_TRUE(plan.ok()) << plan.status();
  std::int64_t rows = 0;
  for (std::size_t split = 0;; ++split) {
    const auto stream = (*plan)->OpenSplit(split);
    ASSERT_TRUE(stream.ok()) << stream.status();
    if (*stream == nullptr) break;
    const auto batch = (*stream)->Next();
    ASSERT_TRUE(batch.ok()) << batch.status();
    const auto& ts = static_cast<const arrow::TimestampArray&>(*(*batch)->column(0));
    rows += ts.length();
    for (std::int64_t row = 1; row < ts.length(); ++row) {
      EXPECT_GE(ts.Value(row - 1), ts.Value(row));
    }
  }
  EXPECT_EQ(rows, 30);
}

TEST_F(EngineTest, TwoWritersOnOneTableKeepTheirOwnPositions) {
  Start();
  ASSERT_TRUE(Write(kNames, kWorldStart, 1).ok());
  ASSERT_TRUE(Settle().ok());
  Kill();
  const base::Ulid first = writer_;
  const std::string first_log = log_dir_;
  writer_ = ulids_.Next();
  log_dir_ = "wal-of-another";
  Start();
  // Series are routed to one writer; the other has its own.
  ASSERT_TRUE(Write({"d"}, kWorldStart, 4).ok());
  ASSERT_TRUE(Settle().ok());
  Check();
  EXPECT_TRUE(PositionOf(SamplesTable()).has_value());
  Kill();
  writer_ = first;
  log_dir_ = first_log;
  Start();
  ASSERT_TRUE(Write(kNames, kWorldStart + 1, 2).ok());
  ASSERT_TRUE(Settle().ok());
  Check();
  EXPECT_EQ(ScanSettled().size(), 7u);
}

TEST_F(EngineTest, AClonedWriterStops) {
  Start();
  ASSERT_TRUE(Write(kNames, kWorldStart, 1).ok());
  ASSERT_TRUE(Settle().ok());
  // Somebody commits under our name.
  iceberg::CommitEnvironment environment{*catalog_, manifests_, clock_, random_};
  auto outcome = iceberg::CommitWithRetry(
      context_, environment, SamplesTable(),
      [this](const iceberg::LoadedTable&,
             iceberg::Transaction& transaction) -> Result<iceberg::BuildDecision> {
        transaction.SetProperties({{table::PositionKey(writer_),
                                    table::Position{log_->id(), 999'999}.ToString()}});
        return iceberg::BuildDecision::kCommit;
      });
  ASSERT_TRUE(outcome.ok());
  ASSERT_TRUE(Write(kNames, kWorldStart + 1, 2).ok());
  EXPECT_TRUE(Settle().Is(StatusCode::kCorruption));
  EXPECT_TRUE(Refresh().Is(StatusCode::kCorruption));
  Check();  // Readable still.
  Kill();
  EXPECT_TRUE(TryStart().Is(StatusCode::kCorruption));
  EXPECT_EQ(assessment_.fit, LogFit::kBehind);
}

// The warehouse is kept and the log is lost.
TEST_F(EngineTest, ALostLogBeginsAnewBesideTheWarehouse) {
  Start();
  ASSERT_TRUE(Write(kNames, kWorldStart, 1).ok());
  ASSERT_TRUE(Settle().ok());
  Kill();
  log_dir_ = "wal-new";
  Start();
  EXPECT_EQ(assessment_.fit, LogFit::kFits);
  Check();
  ASSERT_TRUE(Write(kNames, kWorldStart, 1).ok());  // Known, though the log is new.
  ASSERT_TRUE(Write(kNames, kWorldStart + 1, 2).ok());
  ASSERT_TRUE(Settle().ok());
  Check();
  EXPECT_EQ(ScanSettled().size(), 6u);
}

// An older metadata file is registered: the table is before the log's trim point.
TEST_F(EngineTest, AnOlderWarehouseIsAGapThatIsReported) {
  log_options_.segment_bytes = 4096;
  options_.trim_bytes = 1;
  Start();
  ASSERT_TRUE(Write(kNames, kWorldStart, 1).ok());
  ASSERT_TRUE(Settle().ok());
  const std::string old_location = Load(SamplesTable()).metadata_location;
  const Samples old = acknowledged_;
  for (int i = 1; i < 300; ++i) {
    ASSERT_TRUE(Write(kNames, kWorldStart + i, i).ok());
  }
  ASSERT_TRUE(Settle().ok());
  ASSERT_GT(log_->trim_offset(), 0u);
  ASSERT_TRUE(catalog_->DropTable(context_, SamplesTable()).ok());
  ASSERT_TRUE(catalog_->RegisterTable(context_, SamplesTable(), old_location).ok());
  // A live server notices, and says so.
  EXPECT_TRUE(Refresh().Is(StatusCode::kCorruption));
  Kill();
  EXPECT_TRUE(TryStart().Is(StatusCode::kCorruption));
  EXPECT_EQ(assessment_.fit, LogFit::kGap);
  Kill();
  options_.accept_gap = true;
  Start();
  ASSERT_TRUE(Write(kNames, kWorldStart + 1000, 7).ok());
  ASSERT_TRUE(Settle().ok());
  const Samples settled = ScanSettled();
  for (const auto& [key, value] : old) EXPECT_EQ(settled.at(key), value);
  EXPECT_EQ(settled.at({"a", kWorldStart + 1000}), 7);
}

// A start reads each manifest once, and only the files that the window needs.
TEST_F(EngineTest, AStartReadsEachManifestOnce) {
  Start();
  for (int hour = 5; hour >= 0; --hour) {
    ASSERT_TRUE(Write(kNames, kWorldStart - hour * kHour, hour).ok());
    ASSERT_TRUE(Settle().ok());
  }
  ASSERT_EQ(ScanSettled().size(), 18u);
  Kill();
  std::map<std::string, int> opened;
  store_.SetFaultHook([&](const io::StoreOperation& operation) -> io::MemoryStore::Fault {
    ++opened[operation.location];
    return {};
  });
  Start();
  store_.SetFaultHook(nullptr);
  int manifests = 0;
  int files = 0;
  for (const auto& [location, count] : opened) {
    if (location.ends_with(".avro")) {
      ++manifests;
      EXPECT_EQ(count, 1) << location;
    }
    if (location.find("samples") != std::string::npos && location.ends_with(".parquet")) {
      ++files;
    }
  }
  EXPECT_GT(manifests, 6);
  EXPECT_EQ(files, 3);  // The window is two hours, both ends included.
  for (int hour = 5; hour >= 0; --hour) {
    // Known: the window came back. What lies before it is refused.
    ASSERT_TRUE(Write(kNames, kWorldStart - hour * kHour, hour).ok());
  }
  EXPECT_EQ(ScanTable().size(), 18u);
  Check();
}

// A user rolls the table back: the rows stay gone, and may be sent anew.
TEST_F(EngineTest, ARollbackIsFollowed) {
  Start();
  ASSERT_TRUE(Write(kNames, kWorldStart, 1).ok());
  ASSERT_TRUE(Settle().ok());
  const auto first = Load(SamplesTable()).metadata->current_snapshot_id;
  ASSERT_TRUE(Write(kNames, kWorldStart + 1, 2).ok());
  ASSERT_TRUE(Settle().ok());
  iceberg::SnapshotRef main;
  main.snapshot_id = *first;
  auto rolled_back = catalog_->CommitTable(context_, SamplesTable(), {},
                                           {iceberg::SetSnapshotRef{"main", main}});
  ASSERT_TRUE(rolled_back.ok()) << rolled_back.status();
  ASSERT_TRUE(Refresh().ok());
  for (const auto& name : kNames) acknowledged_.erase({name, kWorldStart + 1});
  Check();
  EXPECT_EQ(CountRows("metrics.samples"), 3);
  ASSERT_TRUE(Write(kNames, kWorldStart, 1).ok());      // Still there: a duplicate.
  ASSERT_TRUE(Write(kNames, kWorldStart + 1, 5).ok());  // Gone: taken anew.
  Check();
  ASSERT_TRUE(Settle().ok());
  Check();
  EXPECT_EQ(CountRows("metrics.samples"), 6);
  EXPECT_EQ(CountRows("metrics.series"), 3);
}

TEST_F(EngineTest, AClockSetBackOrForwardLosesNothing) {
  Start();
  ASSERT_TRUE(Write(kNames, kWorldStart, 1).ok());
  ASSERT_TRUE(Settle().ok());
  clock_.SetUs((kWorldStart - 30 * kDay) * 1000);
  ASSERT_TRUE(Write(kNames, kWorldStart + 1, 2).ok());
  ASSERT_TRUE(Settle().ok());
  clock_.SetUs((kWorldStart + 30 * kDay) * 1000);
  ASSERT_TRUE(Write(kNames, kWorldStart + 2, 3).ok());
  ASSERT_TRUE(Settle().ok());
  Check();
  const auto metadata = Load(SamplesTable()).metadata;
  TimestampMs last = 0;
  for (const iceberg::Snapshot& snapshot : metadata->snapshots) {
    EXPECT_GE(snapshot.timestamp_ms, last);
    last = snapshot.timestamp_ms;
  }
}

// Readers run all the while a settle hands rows over: each sees every row once.
TEST_F(EngineTest, AReaderSeesEachRowOnceWhileSettlingRuns) {
  Start();
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(Write(kNames, kWorldStart + i * 1000, i).ok());
  }
  std::atomic<bool> done{false};
  std::thread settler([&] {
    for (int i = 0; i < 10; ++i) {
      EXPECT_TRUE(Settle().ok());
      auto appender = MakeHeadAppender(engine_->head(), "");
      auto ref = appender->Resolve("other", [](std::string_view) {
        return Labels::Make({{"__name__", "other"}, {"host", "other"}});
      });
      EXPECT_TRUE(ref.ok());
      appender->Append(*ref, {kWorldStart + i, 1});
      EXPECT_TRUE(appender->Commit().ok());
    }
    done = true;
  });
  while (!done) {
    std::size_t series_rows = 0;
    std::size_t table_rows = 0;
    for (const auto& [key, value] : ReadSeries()) series_rows += key.first != "other";
    for (const auto& [key, value] : ScanTable()) table_rows += key.first != "other";
    EXPECT_EQ(series_rows, 150u);
    EXPECT_EQ(table_rows, 150u);
    if (HasFailure()) break;
  }
  settler.join();
}

// Seeded lives: writes, resends, settles that fail at random, kills and power cuts.
TEST_F(EngineTest, SeededLivesLoseAndDoubleNothing) {
  log_options_.segment_bytes = 8192;
  options_.trim_bytes = 2000;
  const std::uint64_t lives = SeedCount(30);
  for (std::uint64_t seed = 0; seed < lives; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    if (seed % 20 == 0) BeginAnew("log-" + std::to_string(seed));
    Start();
    if (HasFatalFailure()) return;
    const int steps = 5 + static_cast<int>(random() % 30);
    for (int step = 0; step < steps; ++step) {
      clock_.AdvanceUs(static_cast<std::int64_t>(random() % 60'000'000));
      const TimestampMs now = clock_.NowMs();
      switch (random() % 8) {
        case 0: {
          const auto dies_at = static_cast<int>(random() % 60);
          const bool happens = random() % 2 == 0;
          int operations = 0;
          store_.SetFaultHook([&, dies_at, happens](
                                  const io::StoreOperation&) -> io::MemoryStore::Fault {
            return {operations++ == dies_at ? Status::Unavailable("fault") : Status::OK(),
                    happens};
          });
          (void)Settle();
          store_.SetFaultHook(nullptr);
          break;
        }
        case 1:
          (void)Settle();
          break;
        case 2: {  // Send something again.
          if (acknowledged_.empty()) break;
          auto it = acknowledged_.begin();
          std::advance(it, static_cast<std::ptrdiff_t>(random() % acknowledged_.size()));
          const auto [key, value] = *it;
          (void)Write({key.first}, key.second, value);
          unknown_.erase(key);
          break;
        }
        default:
          (void)Write({"s" + std::to_string(random() % 20)},
                      now - static_cast<TimestampMs>(random() % 100'000),
                      static_cast<double>(random() % 1000));
      }
    }
    EndLife(/*power_cut=*/random() % 2 == 0, seed);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace firn::tsdb
