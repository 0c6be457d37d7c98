// SPDX-License-Identifier: Apache-2.0
#include "iceberg/orphan_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <sstream>
#include <utility>

#include "base/log.h"
#include "iceberg/action_fixture.h"
#include "iceberg/unreachable_files.h"
#include "io/power_switch.h"

namespace firn::iceberg {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr DurationMs kDayMs = DurationMs{24} * 3'600'000;

// A table whose files are there, as objects.
class OrphanTest : public ActionTest {
 protected:
  void SetUp() override {
    // Power cuts make many lines.
    base::SetLogLevel(base::LogLevel::kError);
    ActionTest::SetUp();
  }

  std::string At(const std::string& path) { return Metadata()->location + "/" + path; }
  Status Put(const std::string& location) {
    return store.PutIfAbsent(context, location, "bytes");
  }
  // A file of ten rows that a writer has written, if it came to that.
  DataFile Written(const std::string& file_name, std::int32_t day,
                   std::int64_t rows = 10) {
    DataFile file = File(file_name, day, rows);
    file.file_path = At("data/" + file_name);
    written_status = Put(file.file_path);
    return file;
  }

  Status Remove(const OrphanSearch& search = {}) {
    removal = {};
    removed.clear();
    return RemoveOrphans(
        context, {*catalog, manifests, clock, random}, name, search,
        [&](const io::ObjectInfo& object) { removed.push_back(NameOf(object.location)); },
        &removal);
  }
  // All that are not under way, whatever their age.
  Status RemoveAll() {
    clock.AdvanceUs(1'000'000);
    return Remove({.age_min_ms = 0});
  }
  std::string NameOf(const std::string& location) {
    return location.substr(At("").size());
  }

  std::set<std::string> Present() {
    std::set<std::string> names;
    EXPECT_TRUE(store
                    .List(context, At(""),
                          [&](const io::ObjectInfo& object) {
                            names.insert(NameOf(object.location));
                            return Status::OK();
                          })
                    .ok());
    return names;
  }
  // Worked out as a reader would, file by file.
  std::set<std::string> Referenced() {
    std::set<std::string> names;
    const auto table = Load();
    EXPECT_TRUE(table.ok()) << table.status();
    names.insert(NameOf(table->metadata_location));
    for (const MetadataLogEntry& entry : table->metadata->metadata_log) {
      names.insert(NameOf(entry.metadata_file));
    }
    for (const Snapshot& snapshot : table->metadata->snapshots) {
      names.insert(NameOf(snapshot.manifest_list));
      for (const auto& manifest : *manifests.ReadManifestList(context, snapshot)) {
        names.insert(NameOf(manifest.manifest_path));
      }
      for (const ManifestEntry& entry : Entries(snapshot)) {
        if (entry.is_live()) names.insert(NameOf(entry.data_file.file_path));
      }
    }
    return names;
  }

  Status written_status;
  OrphanRemoval removal;
  std::vector<std::string> removed;
};

TEST_F(OrphanTest, WhatIsOldAndReferredToByNothingGoes) {
  ASSERT_EQ(Do(Adding({Written("a", 1)})), "");
  ASSERT_TRUE(Put(At("data/lost")).ok());
  ASSERT_TRUE(Put(At("metadata/lost.avro")).ok());
  ASSERT_TRUE(Put(At("metadata/version-hint.text")).ok());
  ASSERT_TRUE(Put(At("data/_SUCCESS")).ok());
  ASSERT_TRUE(Put(At(".hidden/x")).ok());
  ASSERT_TRUE(Put(At("data/_p=1/lost")).ok());
  ASSERT_TRUE(Put("memory://w/metrics/probe2/data/x").ok());
  clock.AdvanceUs(4 * kDayMs * 1000);
  ASSERT_TRUE(Put(At("data/young")).ok());
  const std::set<std::string> before = Present();

  ASSERT_TRUE(Remove({.read_only = true}).ok());
  EXPECT_THAT(removed, ::testing::UnorderedElementsAre("data/lost", "data/_p=1/lost",
                                                       "metadata/lost.avro"));
  EXPECT_EQ(removal.bytes, 3 * 5);
  EXPECT_EQ(Present(), before);

  ASSERT_TRUE(Remove().ok());
  EXPECT_EQ(removal.files, 3);
  EXPECT_EQ(removal.bytes, 3 * 5);
  std::set<std::string> after = before;
  for (const std::string& each : removed) after.erase(each);
  EXPECT_EQ(Present(), after);
  EXPECT_TRUE(Objects("probe2/data/x").size() == 1);
  ASSERT_TRUE(Remove().ok());
  EXPECT_EQ(removal.files, 0);
}

// Branches, tags and snapshots that nothing leads to have their files, too; also where
// they go by many names, and where few candidates are held at a time.
TEST_F(OrphanTest, EverySnapshotCounts) {
  ASSERT_EQ(Do(Adding({Written("a", 1)})), "");
  ASSERT_EQ(Do(CreateRef{"audit", Branch(*Current())}), "");
  ASSERT_EQ(Do(Adding({Written("b", 1)}, {"audit"})), "");
  ASSERT_EQ(Do(Adding({Written("c", 1)}, {"main", /*stage_only=*/true})), "");
  ASSERT_EQ(Do(DeleteFiles{{Written("a", 1)}}), "");
  DataFile foreign = Written("d", 2);
  foreign.file_path.insert(foreign.file_path.find("/metrics"), "/");  // As others do.
  EXPECT_EQ(Do(Adding({foreign})), "");
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(Put(At("data/x" + std::to_string(i))).ok());
  StatisticsFile statistics;
  statistics.snapshot_id = *Current();
  statistics.statistics_path = At("metadata/ndv.puffin");
  ASSERT_TRUE(Put(statistics.statistics_path).ok());
  ASSERT_EQ(Do(ChangeMetadata{{SetStatistics{statistics}}}), "");

  std::set<std::string> left = Present();
  for (int i = 0; i < 5; ++i) left.erase("data/x" + std::to_string(i));
  clock.AdvanceUs(1'000'000);
  ASSERT_TRUE(Remove({.age_min_ms = 0, .candidates_max = 2}).ok());
  EXPECT_EQ(removal.files, 5);
  EXPECT_EQ(Present(), left);
}

// A commit that comes while the location is listed keeps its files, however old.
TEST_F(OrphanTest, ARivalsCommitIsHonoured) {
  ASSERT_EQ(Do(Adding({Written("a", 1)})), "");
  const DataFile slow = Written("slow", 1);
  ASSERT_TRUE(Put(At("data/zlost")).ok());
  clock.AdvanceUs(1'000'000);
  bool committed = false;
  store.SetFaultHook([&](const io::StoreOperation& operation) {
    const bool lists = operation.kind == io::StoreOperation::Kind::kList &&
                       !operation.location.ends_with("metadata");
    if (lists && !std::exchange(committed, true)) {
      EXPECT_EQ(Do(Adding({slow})), "");
    }
    return io::MemoryStore::Fault{};
  });
  ASSERT_TRUE(Remove({.age_min_ms = 0}).ok());
  store.SetFaultHook(nullptr);
  EXPECT_TRUE(committed);
  EXPECT_THAT(removed, ::testing::ElementsAre("data/zlost"));
  EXPECT_EQ(Live(), "a slow");
}

TEST_F(OrphanTest, FailuresAreCountedAndTheOthersGoOn) {
  for (const char* each : {"data/x", "data/y", "data/z"}) ASSERT_TRUE(Put(At(each)).ok());
  clock.AdvanceUs(1'000'000);
  store.SetFaultHook([&](const io::StoreOperation& operation) -> io::MemoryStore::Fault {
    const bool fails = operation.kind == io::StoreOperation::Kind::kRemove &&
                       operation.location.ends_with("/y");
    return {fails ? Status::PermissionDenied("no") : Status::OK()};
  });
  ASSERT_TRUE(Remove({.age_min_ms = 0}).ok());
  EXPECT_EQ(removal.files, 2);
  EXPECT_EQ(removal.failed_files, 1);
  ASSERT_EQ(removal.failures.size(), 1U);
  EXPECT_THAT(removal.failures[0], HasSubstr("data/y"));
  store.SetFaultHook(nullptr);
  ASSERT_TRUE(RemoveAll().ok());
  EXPECT_THAT(removed, ::testing::ElementsAre("data/y"));
}

TEST_F(OrphanTest, NothingGoesWhereTheTableCannotBeReadWhole) {
  ASSERT_EQ(Do(Adding({Written("a", 1)})), "");
  ASSERT_TRUE(Put(At("data/lost")).ok());
  clock.AdvanceUs(1'000'000);
  const std::set<std::string> before = Present();
  const auto fail = [&](const std::string& ending, Status status) {
    store.SetFaultHook([=](const io::StoreOperation& operation) {
      const bool fails = operation.kind == io::StoreOperation::Kind::kRead &&
                         operation.location.ends_with(ending);
      return io::MemoryStore::Fault{fails ? status : Status::OK()};
    });
    const StatusCode code = Remove({.age_min_ms = 0}).code();
    store.SetFaultHook(nullptr);
    return code;
  };
  EXPECT_EQ(fail("-m0.avro", Status::Unavailable("down")), StatusCode::kUnavailable);
  EXPECT_EQ(fail("-m0.avro", Status::NotFound("gone")), StatusCode::kNotFound);
  EXPECT_EQ(Present(), before);

  ASSERT_EQ(Do(ChangeMetadata{{iceberg::SetProperties{{{kPropertyGcEnabled, "false"}}}}}),
            "");
  EXPECT_EQ(Remove({.age_min_ms = 0}).code(), StatusCode::kInvalidArgument);
  EXPECT_TRUE(Present().contains("data/lost"));
}

TEST_F(OrphanTest, ALocationThatCannotBeComparedIsRefused) {
  ASSERT_TRUE(Put(At("data/lost")).ok());
  DataFile file = File("a", 1);
  file.file_path = "hdfs://name" + At("data/a").substr(std::string("memory://w").size());
  ASSERT_EQ(Do(Adding({file})), "");
  const Status status = RemoveAll();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("hdfs://name"));
  EXPECT_TRUE(Present().contains("data/lost"));
}

TEST_F(OrphanTest, ACancelledRemovalIsTakenUpAgain) {
  for (int i = 0; i < 9; ++i) ASSERT_TRUE(Put(At("data/x" + std::to_string(i))).ok());
  clock.AdvanceUs(1'000'000);
  const base::Context cancelled;
  OrphanRemoval partly;
  const Status status = RemoveOrphans(
      cancelled, {*catalog, manifests, clock, random}, name, {.age_min_ms = 0},
      [&](const io::ObjectInfo&) { cancelled.Cancel(); }, &partly);
  EXPECT_EQ(status.code(), StatusCode::kCancelled);
  EXPECT_EQ(partly.files, 1);
  ASSERT_TRUE(RemoveAll().ok());
  EXPECT_EQ(removal.files, 8);
}

// A writer dies at each operation of the store in turn, whatever it does. A reader sees
// the old or the new table, and what then goes as an orphan is all that nothing refers
// to. A removal of orphans that dies itself is taken up again.
TEST_F(OrphanTest, ACrashAnywhereLeavesTheTableAndOrphans) {
  using Names = std::vector<std::string>;  // Of live files, sorted.
  struct Case {
    const char* what;
    // Write a file of the name and commit it, given what is live.
    std::function<Status(const Names& live, const std::string& added)> work;
    // How many of the first live files the added one takes the place of.
    std::ptrdiff_t replaced;
  };
  const auto commit = [&](const Action& action) {
    // The writer died before it came to the commit.
    FIRN_RETURN_IF_ERROR(written_status);
    return Commit(action).status();
  };
  const auto named = [&](const std::string& file) {
    DataFile out = File(file, 1);
    out.file_path = At("data/" + file);
    return out;
  };
  const std::vector<Case> cases = {
      {"append",
       [&](const Names&, const std::string& added) {
         return commit(Adding({Written(added, 1)}));
       },
       0},
      {"overwrite",
       [&](const Names& live, const std::string& added) {
         return commit(OverwriteFiles{{Written(added, 1)}, {named(live[0])}, Current()});
       },
       1},
      {"replace",
       [&](const Names& live, const std::string& added) {
         return commit(ReplaceFiles{
             {Written(added, 1, 20)}, {named(live[0]), named(live[1])}, Current()});
       },
       2},
  };
  const auto live = [&] {
    std::istringstream words(Live());
    return Names(std::istream_iterator<std::string>(words), {});
  };
  // Let `work` die at every operation until it gets through, and clean up after each.
  const auto crash = [&](const char* what, bool happens,
                         const std::function<Status(const std::string&)>& work,
                         const std::function<Names(const std::string&)>& after) {
    const Names before = live();
    for (std::uint64_t good = 0;; ++good) {
      ASSERT_LT(good, 200U);
      SCOPED_TRACE(std::string(what) + " " + std::to_string(good));
      const std::string added = what + std::to_string(good) + (happens ? "h" : "");
      written_status = Status::OK();
      const io::PowerSwitch power(good, happens);
      store.SetFaultHook(power.StoreHook());
      const Status status = work(added);
      const io::PowerSwitch again(good / 2, happens);
      store.SetFaultHook(again.StoreHook());
      static_cast<void>(RemoveAll());
      store.SetFaultHook(nullptr);
      ASSERT_TRUE(RemoveAll().ok());
      EXPECT_THAT(removal.failures, IsEmpty());
      EXPECT_EQ(Present(), Referenced());
      const Names now = live();
      if (status.ok() || now != before) {
        EXPECT_EQ(now, after(added));
        return;
      }
    }
  };
  for (const bool happens : {false, true}) {
    FreshTable({{kPropertyMergeMinCount, "2"}, {kPropertyPreviousVersionsMax, "1"}});
    for (const char* each : {"a", "b", "c"}) {
      ASSERT_EQ(Do(Adding({Written(each + std::to_string(happens), 1)})), "");
    }
    for (const Case& c : cases) {
      const Names before = live();
      crash(
          c.what, happens,
          [&](const std::string& added) { return c.work(before, added); },
          [&](const std::string& added) {
            Names names(before.begin() + c.replaced, before.end());
            names.push_back(added);
            std::sort(names.begin(), names.end());
            return names;
          });
    }
    // Expiry commits first and removes then.
    const Names before = live();
    crash(
        "expire", happens,
        [&](const std::string&) -> Status {
          const auto old = Load();
          FIRN_RETURN_IF_ERROR(old.status());
          FIRN_RETURN_IF_ERROR(
              Commit(ExpireSnapshots{clock.NowMs(), clock.NowMs() + 1'000'000, 1})
                  .status());
          const auto now = Load();
          FIRN_RETURN_IF_ERROR(now.status());
          return RemoveUnreachable(context, manifests, *old->metadata, *now->metadata)
              .status();
        },
        [&](const std::string&) { return before; });
    EXPECT_EQ(Metadata()->snapshots.size(), 1U);
  }
}

}  // namespace
}  // namespace firn::iceberg
