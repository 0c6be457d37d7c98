// SPDX-License-Identifier: Apache-2.0
// Series that come and go: they are forgotten, and nothing else is (docs/design/0016).
#include <arrow/record_batch.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <latch>
#include <random>
#include <thread>

#include "tsdb/world_fixture.h"

namespace firn::tsdb {
namespace {

constexpr DurationMs kHour = 3600 * 1000;
constexpr DurationMs kDay = 24 * kHour;

// As World::Write names a series.
Result<Labels> ParseName(std::string_view alias) {
  return Labels::Make({{std::string(kMetricNameLabel), "m"},
                       {"host", std::string(alias)},
                       {"job", "test"},
                       {"zone", "z-" + std::string(alias)}});
}

class ChurnTest : public World {
 protected:
  // `count` names that no other round has.
  static std::vector<std::string> Names(int round, int count) {
    std::vector<std::string> names;
    for (int i = 0; i < count; ++i) {
      names.push_back("r" + std::to_string(round) + "-" + std::to_string(i));
    }
    return names;
  }
  void Advance(DurationMs by) { clock_.AdvanceUs(by * 1000); }
  const SeriesTable& table() { return engine_->head().series(); }
  std::uint64_t forgotten() {
    return metrics_
        ->GetCounter("firn_head_series_forgotten_total",
                     "Series forgotten because no sample of theirs is in memory.")
        .value();
  }
  // Settle, then let a sample come so new that all before it is behind the window.
  void SettleBehind(const std::string& name) {
    ASSERT_TRUE(Settle().ok());
    Advance(3 * kHour);
    ASSERT_TRUE(Write({name}, clock_.NowMs(), 0).ok());
    ASSERT_TRUE(Settle().ok());
  }

  std::mutex unknown_mutex_;
};

TEST_F(ChurnTest, NewSeriesAreNeverRefusedAndMemoryIsBounded) {
  constexpr int kSeriesMax = 200;
  options_.head.series_max = kSeriesMax;
  Start();
  std::int64_t bytes_early = 0;
  for (int round = 0; round < 20; ++round) {
    SCOPED_TRACE(round);
    for (int scrape = 0; scrape < 3; ++scrape) {
      const Status written =
          Write(Names(round, kSeriesMax / 2), clock_.NowMs() + scrape, scrape);
      ASSERT_TRUE(written.ok()) << written;
    }
    ASSERT_TRUE(Settle().ok());
    EXPECT_LE(table().size(), kSeriesMax);
    EXPECT_LE(table().ref_end(), 2u * kSeriesMax);
    if (round == 4) bytes_early = engine_->head().bytes();
    if (round > 4) {
      EXPECT_LE(engine_->head().bytes(), bytes_early * 5 / 4);
    }
    Advance(3 * kHour);
  }
  EXPECT_EQ(acknowledged_.size(), 20u * 3 * kSeriesMax / 2);
  EXPECT_EQ(forgotten(), 19u * kSeriesMax / 2);
  Check();
  Kill();
  Start();
  Check();
  EXPECT_EQ(table().size(), kSeriesMax / 2);
  EXPECT_EQ(CountRows("metrics.series"), 20 * kSeriesMax / 2);
  // Duplicates of what is in the window are known, new series are taken.
  ASSERT_TRUE(Write(Names(19, kSeriesMax / 2), clock_.NowMs() - 3 * kHour, 0).ok());
  ASSERT_TRUE(Write(Names(20, kSeriesMax / 2), clock_.NowMs(), 7).ok());
  ASSERT_TRUE(Settle().ok());
  Check();
}

// Time stands still and the bound on bytes is full of series: a settle makes room.
TEST_F(ChurnTest, AHeadFullOfSeriesIsNotShutForEver) {
  options_.head.bytes_max = 1 << 20;
  Start();
  Status written;
  for (int round = 0; written.ok(); ++round) {
    ASSERT_LT(round, 10'000);
    written = Write(Names(round, 10), clock_.NowMs() + round, round);
  }
  EXPECT_TRUE(written.Is(StatusCode::kResourceExhausted)) << written;
  unknown_.clear();  // A refusal at the bound wrote nothing.
  ASSERT_TRUE(Settle().ok());
  EXPECT_LT(engine_->head().bytes(), options_.head.bytes_max / 8);
  ASSERT_TRUE(Write({"a"}, clock_.NowMs() + 60'000, 1).ok());
  Check();
  CutPower(5);
  Start();
  Check();
}

TEST_F(ChurnTest, ASeriesThatComesBackGoesOnWhereItWas) {
  Start();
  ASSERT_TRUE(Write({"a", "b"}, clock_.NowMs(), 1).ok());
  SettleBehind("c");
  EXPECT_EQ(table().size(), 1);
  Advance(1);
  ASSERT_TRUE(Write({"b", "d", "a"}, clock_.NowMs(), 2).ok());
  Check();
  ASSERT_TRUE(Settle().ok());
  Check();
  // Two names came back on the day they were first seen: one row each all the same.
  EXPECT_EQ(CountRows("metrics.series"), 4);
  CutPower(1);
  Start();
  Check();
  // And after a start that did not read them back.
  SettleBehind("e");
  Kill();
  Start();
  ASSERT_TRUE(Write({"a", "b"}, clock_.NowMs() + 1, 3).ok());
  ASSERT_TRUE(Settle().ok());
  Check();
  EXPECT_EQ(CountRows("metrics.series"), 5);
}

TEST_F(ChurnTest, AStartReadsOnlyTheWindowsSeries) {
  clock_.SetUs((kWorldStart / kDay * kDay + kHour) * 1000);  // The day is young.
  Start();
  for (int round = 0; round < 5; ++round) {
    ASSERT_TRUE(Write(Names(round, 20), clock_.NowMs(), round).ok());
    ASSERT_TRUE(Settle().ok());
    Advance(3 * kHour);
  }
  Kill();
  log_dir_ = "another-log";  // Nothing is replayed: the tables alone say what there is.
  Start();
  EXPECT_EQ(table().size(), 20);
  ASSERT_TRUE(Write(Names(0, 20), clock_.NowMs(), 9).ok());
  ASSERT_TRUE(Settle().ok());
  Check();
  EXPECT_EQ(CountRows("metrics.series"), 5 * 20);
}

// A sender found its series before they were forgotten and commits after.
TEST_F(ChurnTest, ACommitOfForgottenSeriesGoesToTheRightOnes) {
  Start();
  ASSERT_TRUE(Write({"a", "b"}, clock_.NowMs(), 1).ok());
  const auto slow = MakeHeadAppender(engine_->head(), "");
  const auto add = [&](const std::string& name, double value) {
    const Result<SeriesRef> ref = slow->Resolve(name, ParseName);
    ASSERT_TRUE(ref.ok()) << ref.status();
    const TimestampMs t = clock_.NowMs() + 3 * kHour + 1;
    slow->Append(*ref, {t, value});
    acknowledged_.emplace(std::pair(name, t), value);
  };
  add("a", 10);
  add("b", 20);
  SettleBehind("c");
  EXPECT_EQ(forgotten(), 2u);
  // Others take series meanwhile, one of them a series that was forgotten.
  ASSERT_TRUE(Write({"d", "b", "e"}, clock_.NowMs(), 2).ok());
  Result<AppendReport> report = slow->Commit();
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->accepted, 2);
  Check();
  ASSERT_TRUE(Settle().ok());
  Check();
  CutPower(2);
  Start();
  Check();
}

TEST_F(ChurnTest, ASeriesThatCameBackBeyondTheLimitIsRefused) {
  options_.head.series_max = 2;
  Start();
  ASSERT_TRUE(Write({"a"}, clock_.NowMs(), 1).ok());
  const auto slow = MakeHeadAppender(engine_->head(), "");
  slow->Append(*slow->Resolve("a", ParseName), {clock_.NowMs() + 1, 1});
  SettleBehind("b");
  ASSERT_TRUE(Write({"c"}, clock_.NowMs(), 1).ok());
  const Result<AppendReport> report = slow->Commit();
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->accepted, 0);
  EXPECT_EQ(report->over_series_limit, 1);
  EXPECT_NE(report->first_rejection.find("series limit of 2"), std::string::npos);
  Check();
}

TEST_F(ChurnTest, WhatWasLearntOfAForgottenSeriesIsNotTrusted) {
  Start();
  ASSERT_TRUE(Write({"a", "b", "k", "l"}, clock_.NowMs(), 1).ok());
  ASSERT_TRUE(appender_->Resolve("a", ParseName).ok());
  EXPECT_EQ(appender_->Predict().alias, "b");
  appender_->Discard();
  EXPECT_EQ(appender_->Predict().alias, "");  // Nothing is good between requests.
  ASSERT_TRUE(Settle().ok());
  Advance(3 * kHour);
  const auto other = MakeHeadAppender(engine_->head(), "");
  const auto write_other = [&](const std::string& name) {
    other->Append(*other->Resolve(name, ParseName), {clock_.NowMs(), 1});
    ASSERT_TRUE(other->Commit().ok());
  };
  write_other("k");
  write_other("l");
  ASSERT_TRUE(Settle().ok());
  ASSERT_EQ(forgotten(), 2u);
  // Other series have the references of a and b now.
  write_other("y");
  write_other("z");
  EXPECT_EQ(table().ref_end(), 4u);
  // b followed a, where the last request ended: that guess must not be taken.
  const Result<SeriesRef> b = appender_->Resolve("b", ParseName);
  ASSERT_TRUE(b.ok());
  EXPECT_EQ(table().labels(*b), *ParseName("b"));
  const Result<SeriesRef> a = appender_->Resolve("a", ParseName);
  ASSERT_TRUE(a.ok());
  EXPECT_EQ(appender_->Predict().alias, "");
  EXPECT_EQ(table().labels(*a), *ParseName("a"));
  ASSERT_TRUE(appender_->Resolve("k", ParseName).ok());
  EXPECT_EQ(appender_->Predict().alias, "l");  // Those that stayed are known still.
}

TEST_F(ChurnTest, ASampleOfNoResolvedSeriesIsRejected) {
  Start();
  const Result<SeriesRef> a = appender_->Resolve("a", ParseName);
  ASSERT_TRUE(a.ok());
  appender_->Discard();
  appender_->Append(*a, {clock_.NowMs(), 1});
  const Result<AppendReport> report = appender_->Commit();
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->accepted, 0);
  EXPECT_EQ(report->invalid_series, 1);
}

// A reader that began before holds what it needs.
TEST_F(ChurnTest, AReaderKeepsTheSeriesItFound) {
  Start();
  ASSERT_TRUE(Write({"a", "b"}, clock_.NowMs(), 1).ok());
  auto samples = engine_->OpenTable(SamplesTable());
  auto series = engine_->OpenTable(SeriesTableName());
  ASSERT_TRUE(samples.ok() && series.ok());
  const std::int64_t bytes_before = table().bytes();
  SettleBehind("c");
  ASSERT_EQ(forgotten(), 2u);
  ASSERT_TRUE(Settle().ok());
  EXPECT_GT(table().bytes(), bytes_before);  // Not given back yet.
  for (const auto& source : {*samples, *series}) {
    auto plan = source->Plan(context_, {});
    ASSERT_TRUE(plan.ok());
    std::int64_t rows = 0;
    for (std::size_t split = 0;; ++split) {
      auto stream = (*plan)->OpenSplit(split);
      if (stream.ok() && *stream == nullptr) break;
      ASSERT_TRUE(stream.ok());
      for (;;) {
        auto batch = (*stream)->Next();
        ASSERT_TRUE(batch.ok());
        if (*batch == nullptr) break;
        rows += (*batch)->num_rows();
      }
    }
    EXPECT_EQ(rows, 2);
  }
  samples->reset();
  series->reset();
  ASSERT_TRUE(Settle().ok());
  EXPECT_LT(table().bytes(), bytes_before);
  EXPECT_EQ(table().ref_end(), 3u);
}

// One idle series among many is not worth a trim: it stays, and its reference with it.
TEST_F(ChurnTest, AFewIdleSeriesWaitForTheNextTrim) {
  Start();
  std::vector<std::string> names = Names(0, 20);
  ASSERT_TRUE(Write(names, clock_.NowMs(), 1).ok());
  ASSERT_TRUE(Write({"old"}, clock_.NowMs(), 1).ok());
  ASSERT_TRUE(Settle().ok());
  Advance(3 * kHour);
  ASSERT_TRUE(Write(names, clock_.NowMs(), 2).ok());
  ASSERT_TRUE(Settle().ok());
  EXPECT_EQ(log_->trim_offset(), 0u);
  EXPECT_EQ(forgotten(), 0u);
  EXPECT_EQ(table().size(), 21);
  ASSERT_TRUE(Write({"new", "old"}, clock_.NowMs(), 3).ok());
  CutPower(4);
  Start();
  Check();
}

// What the log binds still is kept, until a trim succeeds.
TEST_F(ChurnTest, AnUntrimmedLogKeepsItsSeries) {
  Start();
  ASSERT_TRUE(Write({"a", "b"}, clock_.NowMs(), 1).ok());
  ASSERT_TRUE(Settle().ok());
  Advance(3 * kHour);
  ASSERT_TRUE(Write({"c"}, clock_.NowMs(), 1).ok());
  files_.SetFaultHook([](const io::FileOperation& operation) {
    return operation.kind == io::FileOperation::Kind::kAppend
               ? Status::Unavailable("no writing")
               : Status::OK();
  });
  ASSERT_TRUE(Settle().ok());  // But for the trim.
  EXPECT_EQ(log_->trim_offset(), 0u);
  EXPECT_EQ(forgotten(), 0u);
  files_.SetFaultHook(nullptr);
  // One that the checkpoint gave up is used again, under its old reference.
  const SeriesRef a = *appender_->Resolve("a", ParseName);
  ASSERT_TRUE(Write({"a"}, clock_.NowMs() + 1, 2).ok());
  EXPECT_EQ(*appender_->Resolve("a", ParseName), a);
  ASSERT_TRUE(Settle().ok());
  EXPECT_GT(log_->trim_offset(), 0u);
  EXPECT_EQ(forgotten(), 1u);
  Check();
  CutPower(3);
  Start();
  Check();
}

// The disk dies at each successive operation from a settle that forgets on, through
// commits of series that come back; then the power is cut.
TEST_F(ChurnTest, ACrashAtEveryDiskOperationLosesAndDoublesNothing) {
  for (int dies_at = 0; dies_at < 200; ++dies_at) {
    SCOPED_TRACE(dies_at);
    Start();
    ASSERT_TRUE(Write({"a", "b", "x" + std::to_string(dies_at)}, clock_.NowMs(), 1).ok());
    ASSERT_TRUE(Settle().ok());
    Advance(3 * kHour);
    ASSERT_TRUE(Write({"y" + std::to_string(dies_at)}, clock_.NowMs(), 1).ok());
    int operations = 0;
    files_.SetFaultHook([&](const io::FileOperation&) {
      return operations++ >= dies_at ? Status::Unavailable("dead") : Status::OK();
    });
    (void)Settle();
    Status alive = Write({"b", "z" + std::to_string(dies_at)}, clock_.NowMs() + 1, 2);
    if (alive.ok()) alive = Write({"a"}, clock_.NowMs() + 2, 3);
    const bool done = operations <= dies_at;
    files_.SetFaultHook(nullptr);
    CutPower(static_cast<std::uint64_t>(dies_at));
    Start();
    Check();
    if (HasFailure()) return;
    ASSERT_TRUE(Settle().ok());
    Check();
    Advance(kHour);
    Kill();
    if (done) return;
  }
  FAIL() << "a settle takes more operations than were tried";
}

// Senders of series that come and go, readers, and settles that forget, all at once.
TEST_F(ChurnTest, SendersAndReadersRunWhileSeriesAreForgotten) {
  Start();
  constexpr int kSenders = 3;
  constexpr int kRounds = 12;
  constexpr int kBatchesPerRound = 20;
  std::atomic<int> senders{kSenders};
  // Time begins to pass when there is something to forget, however late threads start.
  std::latch first_round(kSenders);
  std::vector<Samples> taken(kSenders);
  std::vector<std::thread> threads;
  const TimestampMs start = clock_.NowMs();
  for (int sender = 0; sender < kSenders; ++sender) {
    threads.emplace_back([&, sender] {
      const auto appender = MakeHeadAppender(engine_->head(), "");
      std::mt19937_64 random(static_cast<std::uint64_t>(sender));
      for (int i = 0; i < kRounds * kBatchesPerRound; ++i) {
        if (i == kBatchesPerRound) first_round.count_down();
        // All senders name the same series; each its own timestamps.
        const std::vector<std::string> names = {
            "p" + std::to_string(i / 10 + static_cast<int>(random() % 2)), "q",
            "p" + std::to_string(random() % 200)};
        const TimestampMs t = clock_.NowMs() - sender;
        Samples wanted;
        for (const std::string& name : names) {
          const Appender::Prediction guess = appender->Predict();
          SeriesRef ref = guess.ref;
          if (guess.alias == name) {
            appender->Accept(guess);
          } else {
            const Result<SeriesRef> found = appender->Resolve(name, ParseName);
            ASSERT_TRUE(found.ok()) << found.status();
            ref = *found;
          }
          if (!wanted.emplace(std::pair(name, t), sender).second) continue;
          appender->Append(ref, {t, static_cast<double>(sender)});
        }
        if (random() % 8 == 0) {
          appender->Discard();
          continue;
        }
        const Result<AppendReport> report = appender->Commit();
        ASSERT_TRUE(report.ok()) << report.status();
        // Time may have moved on between: the rule of the window holds then.
        if (report->rejected() == 0) {
          taken[sender].merge(wanted);
        } else {
          std::lock_guard lock(unknown_mutex_);
          unknown_.merge(wanted);
        }
      }
      --senders;
    });
  }
  std::thread reader([&] {
    while (senders > 0) {
      (void)ReadSeries();
      (void)ScanTable();
      (void)CountRows("metrics.series");
    }
  });
  while (!first_round.try_wait() && !HasFailure()) std::this_thread::yield();
  int settles = 0;
  while (senders > 0 || settles < kRounds) {
    if (settles < kRounds) Advance(kHour + 1000);
    ++settles;
    EXPECT_TRUE(Settle().ok());
    if (HasFailure()) break;
  }
  for (std::thread& thread : threads) thread.join();
  reader.join();
  for (Samples& samples : taken) acknowledged_.merge(samples);
  EXPECT_GT(forgotten(), 0u);
  EXPECT_GE(clock_.NowMs(), start + kRounds * kHour);
  Check();
  Kill();
  Start();
  Check();
}

// Seeded lives in which the window moves on, so that series are forgotten and come back:
// writes, a slow sender, settles that fail at random, disks that fail, kills, power cuts.
TEST_F(ChurnTest, SeededLivesLoseAndDoubleNothing) {
  log_options_.segment_bytes = 8192;
  std::uint64_t forgotten_total = 0;
  const std::uint64_t lives = SeedCount(8);
  for (std::uint64_t seed = 0; seed < lives; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed + 77);
    if (seed % 10 == 0) BeginAnew("log-" + std::to_string(seed));
    options_.trim_bytes = random() % 2 == 0 ? 2000 : 64 << 20;
    Start();
    if (HasFatalFailure()) return;
    std::unique_ptr<Appender> slow;
    Samples slow_pending;
    const auto name = [&] {
      const auto hours = static_cast<std::uint64_t>(clock_.NowMs() / kHour);
      return "s" + std::to_string(random() % 3 == 0 ? random() % 10
                                                    : hours % 50 + random() % 10);
    };
    const int steps = 10 + static_cast<int>(random() % 40);
    for (int step = 0; step < steps; ++step) {
      Advance(
          static_cast<DurationMs>(random() % (random() % 4 == 0 ? 3 * kHour : 60'000)));
      const TimestampMs now = clock_.NowMs();
      switch (random() % 10) {
        case 0: {
          const auto dies_at = static_cast<int>(random() % 60);
          const bool on_disk = random() % 2 == 0;
          int operations = 0;
          if (on_disk) {
            files_.SetFaultHook([&, dies_at](const io::FileOperation&) {
              return operations++ == dies_at % 10 ? Status::Unavailable("fault")
                                                  : Status::OK();
            });
          } else {
            store_.SetFaultHook(
                [&, dies_at](const io::StoreOperation&) -> io::MemoryStore::Fault {
                  return {operations++ == dies_at ? Status::Unavailable("fault")
                                                  : Status::OK()};
                });
          }
          (void)Settle();
          (void)Write({name()}, now, static_cast<double>(random() % 1000));
          files_.SetFaultHook(nullptr);
          store_.SetFaultHook(nullptr);
          break;
        }
        case 1:
        case 2:
          (void)Settle();
          break;
        case 3: {
          if (slow == nullptr) slow = MakeHeadAppender(engine_->head(), "");
          const std::string slow_name = name();
          const double value = static_cast<double>(random() % 1000);
          if (!slow_pending.emplace(std::pair(slow_name, now), value).second) break;
          slow->Append(*slow->Resolve(slow_name, ParseName), {now, value});
          break;
        }
        case 4: {
          if (slow == nullptr) break;
          const auto report = slow->Commit();
          const bool all = report.ok() && report->rejected() == 0;
          (all ? acknowledged_ : unknown_).merge(slow_pending);
          slow_pending.clear();
          break;
        }
        default:
          (void)Write({name()}, now - static_cast<TimestampMs>(random() % 100'000),
                      static_cast<double>(random() % 1000));
      }
    }
    forgotten_total += forgotten();
    slow.reset();
    EndLife(/*power_cut=*/random() % 2 == 0, seed);
    if (HasFailure()) return;
  }
  EXPECT_GT(forgotten_total, lives);
}

}  // namespace
}  // namespace firn::tsdb
