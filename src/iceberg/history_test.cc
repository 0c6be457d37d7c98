// SPDX-License-Identifier: Apache-2.0
// Branches, tags, travel in time, cherry-picks and expiry.
#include "iceberg/history.h"

#include <gtest/gtest.h>

#include "iceberg/action_fixture.h"
#include "iceberg/unreachable_files.h"

namespace firn::iceberg {
namespace {

bool Holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

class HistoryTest : public ActionTest {
 protected:
  std::string Between(std::optional<SnapshotId> after, SnapshotId until,
                      RewritesInRange rewrites = RewritesInRange::kRefuse) {
    const auto metadata = Metadata();
    const auto appends = AppendsBetween(*metadata, after, until, rewrites);
    if (!appends.ok()) return appends.status().ToString();
    std::string out;
    for (const Snapshot* snapshot : *appends) out += " " + snapshot->id.ToString();
    return out;
  }
  static std::string Ids(std::initializer_list<SnapshotId> ids) {
    std::string out;
    for (const SnapshotId id : ids) out += " " + id.ToString();
    return out;
  }
  ExpireSnapshots ExpireAll() {
    return {clock.NowMs(), clock.NowMs() + 1'000'000, 1, {}};
  }
};

TEST_F(HistoryTest, RefsAreCreatedMovedAndDropped) {
  const SnapshotId a = Append("a", 1);
  const SnapshotId b = Append("b", 1);
  ASSERT_EQ(Do(CreateRef{"side", Branch(a)}), "");
  ASSERT_EQ(Do(CreateRef{"tag", {a, RefType::kTag, {}, {}, 1000}}), "");
  EXPECT_TRUE(Holds(Do(CreateRef{"side", Branch(b)}), "AlreadyExists"));
  EXPECT_TRUE(Holds(Do(CreateRef{"new", Branch(SnapshotId(1))}), "NotFound"));
  EXPECT_TRUE(
      Holds(Do(CreateRef{"t2", {a, RefType::kTag, 2, {}, {}}}), "rules for more"));
  EXPECT_TRUE(Holds(Do(CreateRef{"t2", {a, RefType::kBranch, 0, {}, {}}}), "above 0"));
  EXPECT_TRUE(Holds(Do(ReplaceRef{"tag", Branch(b)}), "is a tag and stays one"));
  EXPECT_TRUE(Holds(Do(ReplaceRef{"none", Branch(b)}), "it has main, side, tag"));
  ASSERT_EQ(Do(ReplaceRef{"side", {b, RefType::kBranch, 5, {}, {}}}), "");
  EXPECT_EQ(Metadata()->refs.at("side").min_snapshots_to_keep, 5);
  EXPECT_TRUE(Holds(Do(DropRef{"main"}), "InvalidArgument"));
  ASSERT_EQ(Do(DropRef{"tag"}), "");
  EXPECT_TRUE(Holds(Do(DropRef{"tag"}), "NotFound"));
}

TEST_F(HistoryTest, RollbackGoesBackAlongMain) {
  const SnapshotId a = Append("a", 1);
  const TimestampMs after_a = Metadata()->last_updated_ms + 1;
  const SnapshotId b = Append("b", 1);
  ASSERT_EQ(Do(RollbackTo{a}), "");
  EXPECT_EQ(Live(), "a");
  EXPECT_TRUE(Holds(Do(RollbackTo{b}), "no ancestor"));
  ASSERT_EQ(Do(SetCurrentSnapshot{b}), "");
  EXPECT_EQ(Live(), "a b");
  ASSERT_EQ(Do(RollbackToTime{after_a}), "");
  EXPECT_EQ(Live(), "a");
  EXPECT_TRUE(Holds(Do(RollbackToTime{5}), "NotFound"));
  // The snapshot log tells what was current when, rollbacks included.
  const auto metadata = Metadata();
  EXPECT_EQ((*SnapshotAsOf(*metadata, after_a))->id, a);
  EXPECT_EQ((*SnapshotAsOf(*metadata, metadata->snapshot_log[1].timestamp_ms))->id, b);
  EXPECT_EQ((*SnapshotAsOf(*metadata, metadata->last_updated_ms))->id, a);
  EXPECT_EQ(SnapshotAsOf(*metadata, 5).status().code(), StatusCode::kNotFound);
}

TEST_F(HistoryTest, FastForwardLosesNothing) {
  const SnapshotId a = Append("a", 1);
  ASSERT_EQ(Do(CreateRef{"side", Branch(a)}), "");
  Append("b", 1, {"side", false});
  ASSERT_EQ(Do(FastForward{"main", "side"}), "");
  EXPECT_EQ(Live(), "a b");
  Append("c", 1, {"side", false});
  Append("d", 1);
  EXPECT_TRUE(Holds(Do(FastForward{"main", "side"}), "cannot be fast-forwarded"));
  ASSERT_EQ(Do(FastForward{"copy", "side"}), "");
  EXPECT_EQ(Live("copy"), "a b c");
  const auto metadata = Metadata();
  EXPECT_EQ((*SnapshotAsOf(*metadata, metadata->last_updated_ms, "copy"))->id,
            metadata->refs.at("side").snapshot_id);
}

TEST_F(HistoryTest, StagedSnapshotsArePublishedOnce) {
  Append("a", 1);
  const SnapshotId staged = Append("w", 2, {"main", true}, {{kSummaryWapId, "audit-1"}});
  EXPECT_EQ(Live(), "a");
  Append("b", 1);
  const SnapshotId twin = Append("w", 2, {"main", true}, {{kSummaryWapId, "audit-1"}});
  ASSERT_EQ(Do(CherryPick{staged}), "");
  EXPECT_EQ(Live(), "a b w");
  const auto& summary = Metadata()->current_snapshot()->summary;
  EXPECT_EQ(summary.at(kSummarySourceSnapshotId), staged.ToString());
  EXPECT_EQ(summary.at(kSummaryPublishedWapId), "audit-1");
  EXPECT_TRUE(Holds(Do(CherryPick{staged}), "AlreadyExists"));
  EXPECT_TRUE(Holds(Do(CherryPick{twin}), "wap.id audit-1 was published already"));
  EXPECT_TRUE(Holds(Do(CherryPick{SnapshotId(1)}), "NotFound"));
  // A child of the current snapshot is moved to, whatever it does.
  const auto now = Current();
  ASSERT_EQ(Do(DeleteFiles{{File("w", 2)}, {}, {"main", true}}), "");
  const SnapshotId child = Metadata()->snapshots.back().id;
  EXPECT_EQ(Current(), now);
  ASSERT_EQ(Do(CherryPick{child}), "");
  EXPECT_EQ(Current(), child);
  ASSERT_EQ(Do(DeleteFiles{{File("a", 1)}, {}, {"main", true}}), "");
  const SnapshotId delete_a = Metadata()->snapshots.back().id;
  Append("c", 1);
  EXPECT_TRUE(Holds(Do(CherryPick{delete_a}), "only an append can be repeated"));
}

TEST_F(HistoryTest, AppendsBetweenTwoSnapshots) {
  const SnapshotId a = Append("a", 1);
  const SnapshotId b = Append("b", 1);
  ASSERT_EQ(Do(ReplaceFiles{{File("ab", 1, 20)}, {File("a", 1), File("b", 1)}, b}), "");
  const SnapshotId c = Append("c", 1);
  EXPECT_EQ(Between(std::nullopt, c), Ids({a, b, c}));
  EXPECT_EQ(Between(a, c), Ids({b, c}));
  EXPECT_EQ(Between(c, c), "");
  EXPECT_TRUE(Holds(Between(c, a), "is no ancestor"));
  EXPECT_TRUE(Holds(Between(a, SnapshotId(1)), "NotFound"));
  ASSERT_EQ(Do(DeleteFiles{{File("c", 1)}}), "");
  const SnapshotId d = Append("d", 1);
  EXPECT_TRUE(Holds(Between(b, d), "of the operation delete"));
  EXPECT_EQ(Between(b, d, RewritesInRange::kSkip), Ids({c, d}));
  // The start may be expired, what follows it may not.
  ASSERT_EQ(Do(ExpireSnapshots{clock.NowMs(), clock.NowMs() + 1'000'000, 2, {}}), "");
  EXPECT_TRUE(Holds(Between(a, d, RewritesInRange::kSkip), "was expired"));
  EXPECT_EQ(Between(c, d, RewritesInRange::kSkip), Ids({d}));
}

TEST_F(HistoryTest, ExpiryFollowsTheRules) {
  std::vector<SnapshotId> ids;
  for (int i = 0; i < 6; ++i) {
    ids.push_back(Append("f" + std::to_string(i), i));
    clock.AdvanceUs(kTestDayUs);
  }
  const auto plan = [&](ExpireSnapshots request) {
    request.now_ms = clock.NowMs();
    const auto metadata = Metadata();
    const auto planned = PlanExpiry(*metadata, request);
    if (!planned.ok()) return planned.status().ToString();
    std::string out;
    for (const SnapshotId id : planned->snapshots) {
      out += std::to_string(std::ranges::find(ids, id) - ids.begin());
    }
    for (const std::string& ref : planned->refs) out += " " + ref;
    return out;
  };
  // Five days are kept by default: the first two are older, by seconds.
  EXPECT_EQ(plan({}), "01");
  EXPECT_EQ(plan({0, clock.NowMs(), {}, {}}), "01234");
  EXPECT_EQ(plan({0, clock.NowMs(), 4, {}}), "01");
  EXPECT_EQ(plan({0, {}, {}, {ids[3]}}), "013");
  EXPECT_TRUE(Holds(plan({0, {}, {}, {ids[5]}}), "the branch or tag main points at it"));
  EXPECT_TRUE(Holds(plan({0, {}, {}, {SnapshotId(1)}}), "NotFound"));
  EXPECT_TRUE(Holds(plan({0, {}, 0, {}}), "at least one"));
  ASSERT_EQ(Do(CreateRef{"tag", {ids[1], RefType::kTag, {}, {}, 4 * 86'400'000}}), "");
  ASSERT_EQ(Do(CreateRef{"old", {ids[2], RefType::kBranch, 2, {}, {}}}), "");
  EXPECT_EQ(plan({0, clock.NowMs(), {}, {}}), "034 tag");
  ASSERT_EQ(Do(ChangeMetadata{{SetProperties{{{kPropertyMaxSnapshotAgeMs, "1"},
                                              {kPropertyMinSnapshotsToKeep, "3"},
                                              {kPropertyMaxRefAgeMs, "1"}}}}}),
            "");
  EXPECT_EQ(plan({}), "012 old tag");
  ASSERT_EQ(Do(ExpireSnapshots{clock.NowMs()}), "");
  EXPECT_EQ(Metadata()->snapshots.size(), 3U);
  EXPECT_EQ(Metadata()->refs.size(), 1U);
  ASSERT_EQ(Do(ChangeMetadata{{SetProperties{{{kPropertyGcEnabled, "false"}}}}}), "");
  EXPECT_TRUE(Holds(plan({}), "gc.enabled is false"));
}

// A staged snapshot, which no ref leads to, ages as others do.
TEST_F(HistoryTest, LooseSnapshotsExpireByAge) {
  Append("a", 1);
  Append("w", 1, {"main", true});
  EXPECT_TRUE(PlanExpiry(*Metadata(), {clock.NowMs()})->snapshots.empty());
  clock.AdvanceUs(6 * kTestDayUs);
  EXPECT_EQ(PlanExpiry(*Metadata(), {clock.NowMs()})->snapshots.size(), 1U);
}

class UnreachableTest : public HistoryTest {
 protected:
  void PutDataFile(const std::string& file) {
    ASSERT_TRUE(store.PutIfAbsent(context, "memory://w/data/" + file, "rows").ok());
  }
  // Every object that some snapshot of the table needs, data files included.
  std::set<std::string> Reachable(const TableMetadata& metadata) {
    std::set<std::string> out;
    for (const Snapshot& snapshot : metadata.snapshots) {
      out.insert(snapshot.manifest_list);
      for (const ManifestFile& manifest :
           *manifests.ReadManifestList(context, snapshot)) {
        out.insert(manifest.manifest_path);
      }
      for (const ManifestEntry& entry : Entries(snapshot)) {
        if (entry.is_live()) out.insert(entry.data_file.file_path);
      }
    }
    for (const StatisticsFile& file : metadata.statistics) {
      out.insert(file.statistics_path);
    }
    return out;
  }
  std::set<std::string> Stored() {
    std::set<std::string> out;
    for (std::string& object : Objects("")) {
      if (!object.ends_with(".metadata.json")) out.insert(std::move(object));
    }
    return out;
  }
  // A history with merges, a rewrite, a removal and a tag.
  void MakeHistory() {
    ASSERT_EQ(Do(ChangeMetadata{{SetProperties{{{kPropertyMergeMinCount, "3"}}}}}), "");
    for (int i = 0; i < 7; ++i) {
      PutDataFile("f" + std::to_string(i));
      Append("f" + std::to_string(i), i % 2);
      if (i == 2) {
        ASSERT_EQ(Do(CreateRef{"tag", Tag(*Current())}), "");
      }
    }
    PutDataFile("g");
    ASSERT_EQ(
        Do(OverwriteFiles{{File("g", 0)}, {File("f0", 0), File("f4", 0)}, Current()}),
        "");
    ASSERT_EQ(Do(DeleteFiles{{File("f5", 1)}}), "");
    const std::string statistics = "memory://w/stats";
    ASSERT_TRUE(store.PutIfAbsent(context, statistics, "s").ok());
    const SnapshotId first = Metadata()->snapshots[0].id;
    ASSERT_EQ(Do(ChangeMetadata{{SetStatistics{{first, statistics, 1, 1, {}, {}}}}}), "");
  }
};

TEST_F(UnreachableTest, ExactlyWhatNothingNeedsGoes) {
  MakeHistory();
  const auto before = Metadata();
  ASSERT_EQ(Stored(), Reachable(*before));
  ASSERT_EQ(Do(ExpireAll()), "");
  const auto after = Metadata();
  const std::set<std::string> expected = Reachable(*after);
  const std::set<std::string> all = Stored();

  CleanupOptions dry;
  dry.dry_run = true;
  const auto counted = RemoveUnreachable(context, manifests, *before, *after, dry);
  ASSERT_TRUE(counted.ok()) << counted.status();
  EXPECT_EQ(Stored(), all);
  CleanupOptions options;
  options.candidates_max = 2;  // Several passes.
  std::vector<UnreachableKind> order;
  options.progress = [&](const UnreachableFile& file, const CleanupCounts&) {
    order.push_back(file.kind);
  };
  const auto removed = RemoveUnreachable(context, manifests, *before, *after, options);
  ASSERT_TRUE(removed.ok()) << removed.status();
  EXPECT_EQ(Stored(), expected);
  EXPECT_TRUE(std::ranges::is_sorted(order));
  // f4 and f5 were removed by expired snapshots; f0 is in the tag.
  EXPECT_EQ(counted->data_files, 2);
  EXPECT_EQ(counted->statistics, 1);
  EXPECT_EQ(counted->manifest_lists, removed->manifest_lists);
  EXPECT_EQ(LiveOf(*FindRef(*after, "tag")), "f0 f1 f2");
  EXPECT_EQ(Live(), "f1 f2 f3 f6 g");
  // Done again it finds nothing but lists to remove once more.
  EXPECT_TRUE(RemoveUnreachable(context, manifests, *before, *after).ok());
  EXPECT_EQ(Stored(), expected);
}

// Cut off at any operation, the removal leaves the table whole, and goes on to the end.
TEST_F(UnreachableTest, MayBeInterruptedAnywhere) {
  MakeHistory();
  const auto before = Metadata();
  ASSERT_EQ(Do(ExpireAll()), "");
  const auto after = Metadata();
  const std::set<std::string> expected = Reachable(*after);
  for (const bool happens : {false, true}) {
    int done = 0;
    for (int fail_at = 0;; ++fail_at) {
      int operations = 0;
      bool fired = false;
      store.SetFaultHook([&](const io::StoreOperation&) -> io::MemoryStore::Fault {
        if (operations++ != fail_at) return {};
        fired = true;
        return {Status::Unavailable("power"), happens};
      });
      const auto cut = RemoveUnreachable(context, manifests, *before, *after);
      store.SetFaultHook(nullptr);
      EXPECT_EQ(cut.ok(), !fired);
      const std::set<std::string> stored = Stored();
      EXPECT_TRUE(std::ranges::includes(stored, expected)) << fail_at;
      ++done;
      if (!fired) break;
    }
    EXPECT_GT(done, 5);
    EXPECT_EQ(Stored(), expected);
  }
}

TEST_F(UnreachableTest, CommitsExpireWhereTheTableSaysSo) {
  ASSERT_EQ(Do(ChangeMetadata{{SetProperties{{{kPropertyExpireAfterCommit, "true"},
                                              {kPropertyMaxSnapshotAgeMs, "1"},
                                              {kPropertyMinSnapshotsToKeep, "5"},
                                              {kPropertyMergeMinCount, "4"}}}}}),
            "");
  for (int i = 0; i < 60; ++i) {
    Append("f" + std::to_string(i), i % 3);
    EXPECT_LE(Metadata()->snapshots.size(), 5 + kExpireAfterCommitMin);
    if (i % 7 == 6) {
      ASSERT_EQ(Do(DeleteFiles{{File("f" + std::to_string(i), i % 3)}}), "");
    }
  }
  const auto metadata = Metadata();
  std::set<std::string> expected = Reachable(*metadata);
  std::erase_if(expected, [](const std::string& path) {
    return path.starts_with("memory://w/data/");
  });
  EXPECT_EQ(Stored(), expected);
  EXPECT_EQ(metadata->current_snapshot()->SummaryCount(kSummaryTotalDataFiles, 0), 52);
}

}  // namespace
}  // namespace firn::iceberg
