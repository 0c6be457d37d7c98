// SPDX-License-Identifier: Apache-2.0
#include "tsdb/head.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <thread>
#include <tuple>

#include "base/ulid.h"
#include "io/memory_file_system.h"
#include "tsdb/head_appender.h"

namespace firn::tsdb {
namespace {

constexpr TimestampMs kNow = 1'760'000'000'000;
constexpr DurationMs kHour = 3600 * 1000;

// A head on a log in memory. Series are named by a word, `x` for {__name__="x"}.
class HeadTest : public testing::Test {
 protected:
  HeadTest() { Open(); }

  void Open() {
    ulids_ = std::make_unique<base::UlidSource>(clock_, 1);
    auto log = wal::Log::Open(files_, "wal", {}, *ulids_);
    ASSERT_TRUE(log.ok()) << log.status();
    log_ = *std::move(log);
    head_ = std::make_unique<Head>(options_, *log_, clock_, metrics_);
    const Status replayed =
        log_->Replay([&](const wal::Record& r) { return head_->Replay(r, 0); });
    ASSERT_TRUE(replayed.ok()) << replayed;
    head_->FinishReplay(nullptr, 0);
    appender_ = MakeHeadAppender(*head_, "");
  }

  void Reopen() {
    appender_.reset();
    head_.reset();
    log_.reset();
    Open();
  }

  static Result<Labels> Parse(std::string_view alias) {
    return Labels::Make({{std::string(kMetricNameLabel), std::string(alias)}});
  }

  void Add(Appender& appender, std::string_view name, TimestampMs t, double value) {
    const Result<SeriesRef> ref = appender.Resolve(name, Parse);
    ASSERT_TRUE(ref.ok()) << ref.status();
    appender.Append(*ref, {t, value});
  }
  void Add(std::string_view name, TimestampMs t, double value) {
    Add(*appender_, name, t, value);
  }

  AppendReport Commit() {
    Result<AppendReport> report = appender_->Commit();
    EXPECT_TRUE(report.ok()) << report.status();
    return report.ok() ? *report : AppendReport();
  }

  std::map<TimestampMs, double> Samples(std::string_view name) {
    const Result<Labels> labels = Parse(name);
    const auto ref = head_->series().Find(base::ComputeSeriesId("", *labels));
    std::map<TimestampMs, double> samples;
    if (!ref.has_value()) return samples;
    scan::SampleColumns columns;
    for (const auto& view : head_->Capture(Held(), *ref, {})) {
      DecodeView(view, {}, columns);
    }
    for (std::size_t i = 0; i < columns.size(); ++i) {
      EXPECT_TRUE(samples.emplace(columns.timestamps_ms[i], columns.values[i]).second)
          << "twice: " << columns.timestamps_ms[i];
    }
    return samples;
  }
  // What a table that is settled up to 0 does not hold: everything, here.
  Generations Held() { return head_->Unsettled(0); }
  using Map = std::map<TimestampMs, double>;

  HeadOptions options_;
  base::ManualClock clock_{kNow * 1000};
  base::MetricRegistry metrics_;
  io::MemoryFileSystem files_;
  std::unique_ptr<base::UlidSource> ulids_;
  std::unique_ptr<wal::Log> log_;
  std::unique_ptr<Head> head_;
  std::unique_ptr<Appender> appender_;
};

TEST_F(HeadTest, TheFirstValueAtATimestampWins) {
  Add("x", kNow, 1);
  EXPECT_EQ(Commit().accepted, 1);
  Add("x", kNow, 1);
  Add("x", kNow, 2);
  const AppendReport report = Commit();
  EXPECT_EQ(report.accepted, 0);
  EXPECT_EQ(report.duplicates_dropped, 1);
  EXPECT_EQ(report.duplicates_rejected, 1);
  EXPECT_NE(report.first_rejection.find("x"), std::string::npos);
  EXPECT_EQ(Samples("x"), (Map{{kNow, 1}}));
}

TEST_F(HeadTest, DuplicatesWithinOneCommitAreSeen) {
  Add("x", kNow, 1);
  Add("x", kNow + 10, 2);
  Add("x", kNow, 1);       // again
  Add("x", kNow + 5, 3);   // late, new
  Add("x", kNow + 5, 3);   // late, again
  Add("x", kNow + 5, 4);   // late, different
  Add("x", kNow + 10, 2);  // the newest again
  const AppendReport report = Commit();
  EXPECT_EQ(report.accepted, 3);
  EXPECT_EQ(report.duplicates_dropped, 3);
  EXPECT_EQ(report.duplicates_rejected, 1);
  EXPECT_EQ(Samples("x"), (Map{{kNow, 1}, {kNow + 5, 3}, {kNow + 10, 2}}));
}

TEST_F(HeadTest, LateSamplesAreTakenWithinTheWindow) {
  Add("x", kNow, 1);
  Commit();
  Add("x", kNow - 2 * kHour, 2);
  Add("x", kNow - 2 * kHour - 1, 3);
  Add("new", kNow - 3 * kHour, 4);
  const AppendReport report = Commit();
  EXPECT_EQ(report.accepted, 1);
  EXPECT_EQ(report.too_old, 2);
  EXPECT_EQ(Samples("x"), (Map{{kNow - 2 * kHour, 2}, {kNow, 1}}));
}

TEST_F(HeadTest, TheFutureIsBoundedByClockAndNewest) {
  Add("x", kNow + 10 * 60'000 + 1, 1);
  EXPECT_EQ(Commit().too_far_ahead, 1);
  Add("x", kNow + 10 * 60'000, 1);
  EXPECT_EQ(Commit().accepted, 1);
  // The clock is set back by a day: what follows the newest sample is still taken.
  clock_.SetUs((kNow - 24 * kHour) * 1000);
  clock_.AdvanceUs(60'000'000);
  Add("x", kNow + 11 * 60'000, 2);
  EXPECT_EQ(Commit().accepted, 1);
  // What a sender sends does not move the bound.
  Add("x", kNow + 11 * 60'000 + 1, 3);
  EXPECT_EQ(Commit().too_far_ahead, 1);
}

TEST_F(HeadTest, TimestampsThatTablesCannotHoldAreRefused) {
  Add("x", kTimestampMsMin, 1);
  Add("x", kTimestampMsMin / 1000 - 1, 1);
  EXPECT_EQ(Commit().too_old, 2);
  Add("x", kTimestampMsMax, 1);
  EXPECT_EQ(Commit().too_far_ahead, 1);
}

TEST_F(HeadTest, AnAcknowledgedCommitSurvivesAPowerCut) {
  for (int i = 0; i < 100; ++i) {
    Add("x", kNow + i * 1000, i);
    Add("y", kNow + i * 1000, -i);
    ASSERT_EQ(Commit().accepted, 2);
  }
  files_.CutPower(5);
  Reopen();
  EXPECT_EQ(Samples("x").size(), 100u);
  EXPECT_EQ(Samples("y")[kNow + 99'000], -99);
  // And is known when it is sent again.
  Add("x", kNow + 99'000, 99);
  Add("x", kNow + 50'000, 50);
  EXPECT_EQ(Commit().duplicates_dropped, 2);
}

TEST_F(HeadTest, AFailedSyncTakesNothingAndTheNextCommitMendsTheLog) {
  Add("x", kNow, 1);
  Commit();
  bool fail = true;
  files_.SetFaultHook([&](const io::FileOperation& operation) {
    const bool writes = operation.kind == io::FileOperation::Kind::kAppend ||
                        operation.kind == io::FileOperation::Kind::kSync;
    return fail && writes ? Status::ResourceExhausted("disk full") : Status::OK();
  });
  Add("x", kNow + 1, 2);
  Add("z", kNow + 1, 2);
  EXPECT_TRUE(appender_->Commit().status().Is(StatusCode::kResourceExhausted));
  EXPECT_EQ(Samples("x"), (Map{{kNow, 1}}));
  Add("x", kNow + 1, 3);
  EXPECT_FALSE(appender_->Commit().ok());
  fail = false;
  // What failed is forgotten: another value at its timestamp is no duplicate.
  Add("x", kNow + 1, 4);
  Add("z", kNow + 1, 5);
  EXPECT_EQ(Commit().accepted, 2);
  files_.CutPower(1);
  Reopen();
  EXPECT_EQ(Samples("x"), (Map{{kNow, 1}, {kNow + 1, 4}}));
  EXPECT_EQ(Samples("z"), (Map{{kNow + 1, 5}}));
}

TEST_F(HeadTest, FreezingCutsAtALogOffset) {
  Add("x", kNow, 1);
  Commit();
  head_->Freeze();
  head_->Freeze();  // Nothing new: no empty generation.
  Add("x", kNow + 1, 2);
  Commit();
  const Generations generations = Held();
  ASSERT_EQ(generations.size(), 2u);
  EXPECT_TRUE(generations[0]->frozen());
  EXPECT_EQ(generations[0]->end(), generations[1]->begin());
  EXPECT_EQ(generations[0]->samples(), 1);
  EXPECT_EQ(generations[1]->samples(), 1);
  // A sample of a frozen generation is known when it is sent again.
  Add("x", kNow, 1);
  EXPECT_EQ(Commit().duplicates_dropped, 1);
}

TEST_F(HeadTest, GenerationsGoWhenTheyAreSettledAndBehindTheWindow) {
  Add("x", kNow, 1);
  Commit();
  head_->Freeze();
  const wal::Offset settled = Held()[0]->end();
  Add("x", kNow + kHour, 2);
  Commit();
  head_->DropBehindWindow(settled);
  EXPECT_EQ(Held().size(), 2u);  // Within the window: kept.
  clock_.SetUs((kNow + 3 * kHour) * 1000);
  Add("x", kNow + 3 * kHour, 3);
  Commit();
  head_->DropBehindWindow(0);  // Not settled: kept.
  EXPECT_EQ(Held().size(), 2u);
  head_->DropBehindWindow(settled);
  EXPECT_EQ(Held().size(), 1u);
}

TEST_F(HeadTest, ACheckpointMakesATrimmedLogReadable) {
  for (int i = 0; i < 50; ++i) Add("s" + std::to_string(i), kNow, i);
  Commit();
  ASSERT_TRUE(
      head_->Describe("", std::vector<MetricDescription>{{"s1", "gauge", "h", ""}}).ok());
  head_->Freeze();
  const wal::Offset settled = Held()[0]->end();
  const auto records = head_->MakeCheckpoint(settled);
  ASSERT_TRUE(log_->Trim(settled,
                         [&](const wal::Log::CheckpointAppender& append) {
                           for (const CheckpointRecord& r : records) {
                             FIRN_RETURN_IF_ERROR(append(r.kind, r.tenant, r.payload));
                           }
                           return Status::OK();
                         })
                  .ok());
  Add("s7", kNow + 1, 70);  // Uses a reference that only the checkpoint defines now.
  Commit();
  Reopen();
  EXPECT_EQ(Samples("s7"), (Map{{kNow + 1, 70}}));
  EXPECT_EQ(head_->Metadata("", "s1").size(), 1u);
}

TEST_F(HeadTest, APredictionIsTheSeriesThatFollowedLastTime) {
  for (const char* name : {"a", "b", "c"}) Add(name, kNow, 1);
  Commit();
  EXPECT_EQ(appender_->Predict().alias, "");  // Nothing has followed c yet.
  for (const char* name : {"a", "b"}) Add(name, kNow + 1, 1);
  const Appender::Prediction c = appender_->Predict();
  EXPECT_EQ(c.alias, "c");
  appender_->Accept(c);
  appender_->Append(c.ref, {kNow + 1, 5});
  EXPECT_EQ(appender_->Predict().alias, "a");
  EXPECT_EQ(Commit().accepted, 3);
  EXPECT_EQ(Samples("c"), (Map{{kNow, 1}, {kNow + 1, 5}}));
}

TEST_F(HeadTest, DiscardForgetsWhatIsPending) {
  Add("x", kNow, 1);
  appender_->Reject(3, Status::InvalidArgument("no"));
  appender_->Discard();
  const AppendReport report = Commit();
  EXPECT_EQ(report.accepted, 0);
  EXPECT_EQ(report.rejected(), 0);
}

TEST_F(HeadTest, ASeriesBeyondTheLimitIsRefused) {
  options_.series_max = 2;
  Reopen();
  Add("a", kNow, 1);
  Add("b", kNow, 1);
  EXPECT_TRUE(appender_->Resolve("c", Parse).status().Is(StatusCode::kResourceExhausted));
  EXPECT_EQ(Commit().accepted, 2);
}

TEST_F(HeadTest, AStoppedHeadRefusesAndStillReads) {
  Add("x", kNow, 1);
  Commit();
  head_->Stop(Status::Corruption("cloned"));
  Add("x", kNow + 1, 1);
  EXPECT_TRUE(appender_->Commit().status().Is(StatusCode::kCorruption));
  EXPECT_EQ(Samples("x").size(), 1u);
}

// Threads write the same samples, some of them conflicting, while one freezes: each
// timestamp ends up with exactly one value, and a replay finds the same.
TEST_F(HeadTest, RivalsAgreeOnOneValue) {
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([this, thread] {
      const std::unique_ptr<Appender> appender = MakeHeadAppender(*head_, "");
      for (int i = 0; i < 200; ++i) {
        for (const char* name : {"a", "b", "c"}) {
          Add(*appender, name, kNow + i * 100, i % 3 == 0 ? thread : 0);
        }
        const Result<AppendReport> report = appender->Commit();
        ASSERT_TRUE(report.ok()) << report.status();
        if (i % 50 == 0) head_->Freeze();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const Map a = Samples("a");
  const Map b = Samples("b");
  EXPECT_EQ(a.size(), 200u);
  EXPECT_EQ(b.size(), 200u);
  files_.CutPower(9);
  Reopen();
  EXPECT_EQ(Samples("a"), a);
  EXPECT_EQ(Samples("b"), b);
}

}  // namespace
}  // namespace firn::tsdb
