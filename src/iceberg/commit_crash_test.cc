// SPDX-License-Identifier: Apache-2.0
// Commits that die, whose outcome is lost, or that meet rivals.
#include <gtest/gtest.h>

#include <atomic>
#include <bit>
#include <limits>
#include <random>
#include <thread>

#include "iceberg/action_fixture.h"
#include "iceberg/commit.h"
#include "io/power_switch.h"
#include "io/temporary_directory.h"

namespace firn::iceberg {
namespace {

using Point = SqlCatalogOptions::Point;

class CommitCrashTest : public ActionTest {
 protected:
  // Everything that the table, and each snapshot of it, names is there.
  void CheckWhole() {
    const auto metadata = Metadata();
    for (const Snapshot& snapshot : metadata->snapshots) {
      for (const ManifestFile& manifest :
           *manifests.ReadManifestList(context, snapshot)) {
        EXPECT_TRUE(Exists(manifest.manifest_path)) << manifest.manifest_path;
      }
      LiveOf(snapshot);
    }
    for (const MetadataLogEntry& entry : metadata->metadata_log) {
      EXPECT_TRUE(Exists(entry.metadata_file)) << entry.metadata_file;
    }
  }
  bool Exists(const std::string& location) {
    return store.Get(context, location, 1 << 20).ok();
  }
};

// The power goes at each operation of the store in turn, and stays off: afterwards the
// table is what it was or what it was to be, and whole.
TEST_F(CommitCrashTest, PowerCutAtEveryOperation) {
  struct Case {
    const char* what;
    std::function<Action()> action;
    std::string after;
  };
  const std::vector<Case> cases = {
      {"append", [&]() -> Action { return Adding({File("d", 1)}); }, "a b c d"},
      {"overwrite",
       [&]() -> Action {
         return OverwriteFiles{{File("e", 1)}, {File("a", 1)}, Current()};
       },
       "b c d e"},
      {"replace",
       [&]() -> Action {
         return ReplaceFiles{
             {File("be", 1, 20)}, {File("b", 1), File("e", 1)}, Current()};
       },
       "be c d"},
      {"replace partitions",
       [&]() -> Action {
         return ReplacePartitions{
             {File("f", 2)}, Current(), IsolationLevel::kSerializable};
       },
       "be d f"},
      {"expire",
       [&]() -> Action {
         return ExpireSnapshots{clock.NowMs(), clock.NowMs() + 1'000'000, 1};
       },
       "be d f"},
  };
  for (const bool happens : {false, true}) {
    FreshTable({{kPropertyMergeMinCount, "2"}, {kPropertyPreviousVersionsMax, "1"}});
    Append("a", 1);
    Append("b", 1);
    Append("c", 2);
    for (const Case& c : cases) {
      const std::string before = Live();
      for (std::uint64_t good = 0;; ++good) {
        const Action action = c.action();
        const io::PowerSwitch power(good, happens);
        store.SetFaultHook(power.StoreHook());
        const auto outcome = Commit(action);
        store.SetFaultHook(nullptr);
        const std::string now = Live();
        EXPECT_TRUE(now == before || now == c.after) << c.what << " " << good;
        CheckWhole();
        if (outcome.ok() || now != before) break;
        ASSERT_LT(good, 200U);
      }
      EXPECT_EQ(Live(), c.after);
    }
    EXPECT_EQ(Metadata()->snapshots.size(), 1U);
  }
}

// An unknown outcome answered either way, with a rival in between or not: whoever looks
// at the table before trying again loses and doubles nothing.
TEST_F(CommitCrashTest, UnknownOutcomesAreSettledByLooking) {
  std::mt19937 dice(11);
  std::string position = "0";
  for (int i = 1; i <= 60; ++i) {
    const std::string target = std::to_string(i);
    for (int attempt = 0;; ++attempt) {
      ASSERT_LT(attempt, 50);
      const int fate = static_cast<int>(dice() % 4);
      if (fate < 2) {
        sql_fault = [&](Point at) {
          const Point when = fate == 0 ? Point::kBeforeCommit : Point::kAfterCommit;
          return at == when ? Status::Unavailable("disk went away") : Status::OK();
        };
      }
      const auto outcome = CommitWithRetry(
          context, {*catalog, manifests, clock, random}, name,
          [&](const LoadedTable& table,
              Transaction& transaction) -> Result<BuildDecision> {
            const std::string* at = table.metadata->FindProperty("position");
            const std::string now = at == nullptr ? "0" : *at;
            if (now == target) return BuildDecision::kAlreadyDone;
            EXPECT_EQ(now, position);
            transaction.Append({File("mine" + target, i % 3)});
            transaction.SetProperties({{"position", target}});
            return BuildDecision::kCommit;
          },
          Options(3));
      sql_fault = nullptr;
      if (dice() % 2 == 0) Append("rival" + target + "-" + std::to_string(attempt), 5);
      if (outcome.ok()) break;
      ASSERT_EQ(outcome.status().code(), StatusCode::kCommitUnknown) << outcome.status();
    }
    position = target;
  }
  const std::string live = Live();
  for (int i = 1; i <= 60; ++i) {
    EXPECT_NE((live + " ").find("mine" + std::to_string(i) + " "), std::string::npos);
  }
  CheckWhole();
}

// Two actors, one step of each at a time in every order: load, build, commit.
TEST_F(CommitCrashTest, EveryInterleavingOfTwoOverwrites) {
  Append("x", 1);
  int conflicts = 0;
  int committed = 0;
  // Bit i says who takes step i; each takes three.
  for (unsigned order = 0; order < 64; ++order) {
    if (std::popcount(order) != 3) continue;
    struct Actor {
      std::shared_ptr<const TableMetadata> seen;
      Result<TableCommit> commit = Status::Internal("not built");
      Status outcome;
      int step = 0;
    };
    Actor actors[2];
    for (int step = 0; step < 6; ++step) {
      const unsigned who = (order >> step) & 1U;
      Actor& actor = actors[who];
      std::vector<std::string> written;
      switch (actor.step++) {
        case 0:
          actor.seen = Metadata();
          break;
        case 1: {
          // Both want to replace the one file there is.
          Transaction transaction(*actor.seen);
          const std::string now = LiveOf(*actor.seen->current_snapshot());
          transaction.Add(OverwriteFiles{
              {File("o" + std::to_string(order) + "w" + std::to_string(who), 1)},
              {File(now, 1)},
              actor.seen->current_snapshot_id});
          actor.commit =
              transaction.BuildCommit(context, manifests, clock, random, &written);
          ASSERT_TRUE(actor.commit.ok()) << actor.commit.status();
          break;
        }
        default:
          actor.outcome = catalog
                              ->CommitTable(context, name, actor.commit->requirements,
                                            actor.commit->updates)
                              .status();
      }
    }
    for (const Actor& actor : actors) {
      ASSERT_TRUE(actor.outcome.ok() || actor.outcome.Is(StatusCode::kConflict))
          << actor.outcome;
      ++(actor.outcome.ok() ? committed : conflicts);
    }
    // Exactly one file is left, by the last who committed.
    EXPECT_EQ(Live().find(' '), std::string::npos) << Live();
    EXPECT_EQ(Metadata()->current_snapshot()->SummaryCount(kSummaryTotalRecords, 0), 10);
  }
  // Only the two orders in which one ends before the other begins let both commit.
  EXPECT_EQ(committed, 20 + 2);
  EXPECT_EQ(conflicts, 20 - 2);
}

class TwoWritersTest : public ActionTest {
 protected:
  void SetUp() override {}
};

// Five hundred commits each, on connections of their own. Every fifth replaces the
// writer's own former file; what each expects to find is what it left. Commits expire
// what is old, so that files go from under who looked at the table before.
TEST_F(TwoWritersTest, LoseAndDoubleNothing) {
  constexpr int kCommits = 500;
  const io::TemporaryDirectory directory;
  const std::string uri = "sqlite:///" + directory.path() + "/catalog.db";
  OpenCatalog(uri);
  CreateTable({{kPropertyExpireAfterCommit, "true"},
               {kPropertyMaxSnapshotAgeMs, "1"},
               {kPropertyMinSnapshotsToKeep, "10"}});
  std::atomic<int> attempts_max = 0;
  const auto work = [&](const std::string& writer) {
    SqlCatalogOptions options;
    options.uri = uri;
    options.warehouse = "memory://w";
    auto own = OpenSqlCatalog(options, store, clock, random);
    ASSERT_TRUE(own.ok()) << own.status();
    CommitOptions patient = Options(1000);
    patient.total_ms = std::numeric_limits<DurationMs>::max();
    std::optional<DataFile> former;
    for (int i = 0; i < kCommits; ++i) {
      clock.AdvanceUs(10'000);
      const DataFile file = File(writer + std::to_string(i), i % 7);
      const bool overwrites = i % 5 == 4;
      const auto outcome = CommitWithRetry(
          context, {**own, manifests, clock, random}, name,
          [&](const LoadedTable& table,
              Transaction& transaction) -> Result<BuildDecision> {
            const std::string* position = table.metadata->FindProperty("pos." + writer);
            EXPECT_EQ(position == nullptr ? "0" : *position, std::to_string(i));
            if (overwrites) {
              transaction.Add(OverwriteFiles{{file},
                                             {*former},
                                             table.metadata->current_snapshot_id,
                                             IsolationLevel::kSnapshot});
            } else {
              transaction.Append({file});
            }
            transaction.SetProperties({{"pos." + writer, std::to_string(i + 1)}});
            return BuildDecision::kCommit;
          },
          patient);
      ASSERT_TRUE(outcome.ok()) << outcome.status();
      int seen = attempts_max;
      while (seen < outcome->attempts &&
             !attempts_max.compare_exchange_weak(seen, outcome->attempts)) {
      }
      former = file;
    }
  };
  std::thread a(work, "a");
  std::thread b(work, "b");
  a.join();
  b.join();
  const auto metadata = Metadata();
  EXPECT_LE(metadata->snapshots.size(), 10 + kExpireAfterCommitMin);
  EXPECT_EQ(metadata->last_sequence_number, SequenceNumber(2 * kCommits));
  std::string expected;
  std::set<std::string> names;
  for (const char* writer : {"a", "b"}) {
    for (int i = 0; i < kCommits; ++i) {
      if (i % 5 != 3) names.insert(writer + std::to_string(i));
    }
  }
  for (const std::string& each : names) expected += (expected.empty() ? "" : " ") + each;
  EXPECT_EQ(Live(), expected);
  EXPECT_EQ(metadata->current_snapshot()->SummaryCount(kSummaryTotalRecords, 0),
            static_cast<std::int64_t>(names.size()) * 10);
  RecordProperty("attempts_max", attempts_max);
}

}  // namespace
}  // namespace firn::iceberg
