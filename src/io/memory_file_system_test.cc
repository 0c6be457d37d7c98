// SPDX-License-Identifier: Apache-2.0
#include "io/memory_file_system.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <thread>
#include <vector>

#include "io/memory_store.h"
#include "io/power_switch.h"

namespace firn::io {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAre;

constexpr std::uint64_t kSeeds = 64;  // Enough for every outcome of a few coins.

// Every outcome that a power cut can have after `prepare`, as text: `name=bytes` of all
// files in /d, joined by spaces.
std::set<std::string> Outcomes(const std::function<void(MemoryFileSystem&)>& prepare) {
  std::set<std::string> outcomes;
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    MemoryFileSystem files;
    EXPECT_TRUE(files.CreateDirectories("/d").ok());
    prepare(files);
    files.CutPower(seed);
    std::string outcome;
    for (const std::string& name : files.List("/d").value()) {
      if (!outcome.empty()) outcome += " ";
      outcome += name + "=" + files.Read("/d/" + name, 99).value();
    }
    outcomes.insert(outcome);
  }
  return outcomes;
}

void Append(MemoryFileSystem& files, const std::string& path, std::string_view bytes,
            bool sync) {
  auto file = files.OpenAppend(path).value();
  EXPECT_TRUE(file->Append(bytes).ok());
  if (sync) {
    EXPECT_TRUE(file->Sync().ok());
  }
}

void SyncNames(MemoryFileSystem& files) { EXPECT_TRUE(files.SyncDirectory("/d").ok()); }

TEST(PowerCutTest, SyncedBytesUnderASyncedNameStay) {
  EXPECT_THAT(Outcomes([](MemoryFileSystem& files) {
                Append(files, "/d/a", "abc", /*sync=*/true);
                SyncNames(files);
              }),
              ElementsAre("a=abc"));
}

TEST(PowerCutTest, BytesSinceTheSyncAreLostFromSomePointOn) {
  EXPECT_THAT(Outcomes([](MemoryFileSystem& files) {
                Append(files, "/d/a", "abc", /*sync=*/true);
                SyncNames(files);
                Append(files, "/d/a", "de", /*sync=*/false);
              }),
              UnorderedElementsAre("a=abc", "a=abcd", "a=abcde"));
}

TEST(PowerCutTest, ANameThatWasNotSyncedVanishesOrStays) {
  EXPECT_THAT(Outcomes([](MemoryFileSystem& files) {
                Append(files, "/d/a", "abc", /*sync=*/true);
              }),
              UnorderedElementsAre("", "a=abc"));
}

TEST(PowerCutTest, ARemovalThatWasNotSyncedMayComeBack) {
  const auto make = [](MemoryFileSystem& files) {
    Append(files, "/d/a", "abc", /*sync=*/true);
    SyncNames(files);
    EXPECT_TRUE(files.Remove("/d/a").ok());
  };
  EXPECT_THAT(Outcomes(make), UnorderedElementsAre("", "a=abc"));
  EXPECT_THAT(Outcomes([&make](MemoryFileSystem& files) {
                make(files);
                SyncNames(files);
              }),
              ElementsAre(""));
}

TEST(PowerCutTest, ARenameHappensOrNotAndNeverLosesTheFile) {
  EXPECT_THAT(Outcomes([](MemoryFileSystem& files) {
                Append(files, "/d/a", "new", /*sync=*/true);
                Append(files, "/d/b", "old", /*sync=*/true);
                SyncNames(files);
                EXPECT_TRUE(files.Rename("/d/a", "/d/b").ok());
              }),
              UnorderedElementsAre("a=new b=old", "b=new"));
}

TEST(PowerCutTest, ARenameOfUnsyncedBytesMayReplaceGoodOnesByNone) {
  const std::set<std::string> outcomes = Outcomes([](MemoryFileSystem& files) {
    Append(files, "/d/b", "old", /*sync=*/true);
    SyncNames(files);
    Append(files, "/d/a", "x", /*sync=*/false);
    EXPECT_TRUE(files.Rename("/d/a", "/d/b").ok());
  });
  EXPECT_THAT(outcomes, testing::IsSupersetOf({"b=", "b=x", "b=old"}));
}

TEST(PowerCutTest, ATruncationThatWasNotSyncedHappensOrNot) {
  EXPECT_THAT(Outcomes([](MemoryFileSystem& files) {
                Append(files, "/d/a", "abcd", /*sync=*/true);
                SyncNames(files);
                auto file = files.OpenAppend("/d/a").value();
                EXPECT_TRUE(file->Truncate(2).ok());
                EXPECT_TRUE(file->Append("X").ok());
              }),
              UnorderedElementsAre("a=abcd", "a=ab", "a=abX"));
}

TEST(PowerCutTest, WriteAtomicallyIsDurable) {
  EXPECT_THAT(Outcomes([](MemoryFileSystem& files) {
                EXPECT_TRUE(files.WriteAtomically("/d/a", "one").ok());
                EXPECT_TRUE(files.WriteAtomically("/d/a", "two").ok());
              }),
              ElementsAre("a=two"));
}

TEST(PowerCutTest, DirectoriesAreDurableOnceMade) {
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    MemoryFileSystem files;
    ASSERT_TRUE(files.CreateDirectories("/d/e/f").ok());
    files.CutPower(seed);
    EXPECT_THAT(files.List("/d/e").value(), ElementsAre("f"));
  }
}

TEST(PowerCutTest, TheSameSeedGivesTheSameResult) {
  const auto run = [](std::uint64_t seed) {
    MemoryFileSystem files;
    for (int i = 0; i < 20; ++i) {
      Append(files, "/f" + std::to_string(i), std::string(i, 'x'), i % 3 == 0);
    }
    files.CutPower(seed);
    std::string state;
    for (const std::string& name : files.List("/").value()) {
      state += name + ":" + std::to_string(files.FileSize("/" + name).value()) + " ";
    }
    return state;
  };
  EXPECT_EQ(run(5), run(5));
  EXPECT_NE(run(5), run(6));
}

TEST(PowerCutTest, OpenHandlesAndLocksDie) {
  MemoryFileSystem files;
  auto file = files.OpenAppend("/a").value();
  auto lock = files.Lock("/LOCK", "first").value();
  files.CutPower(1);
  EXPECT_TRUE(file->Append("x").Is(StatusCode::kUnavailable));
  EXPECT_TRUE(file->Sync().Is(StatusCode::kUnavailable));
  EXPECT_TRUE(file->Truncate(0).Is(StatusCode::kUnavailable));
  auto again = files.Lock("/LOCK", "second").value();
  lock.reset();  // The dead holder gives nothing away.
  EXPECT_TRUE(files.Lock("/LOCK", "third").status().Is(StatusCode::kAlreadyExists));
}

TEST(FaultHookTest, AFailedAppendLeavesHalfBehind) {
  MemoryFileSystem files;
  auto file = files.OpenAppend("/log").value();
  ASSERT_TRUE(file->Append("1234").ok());
  files.SetFaultHook([](const FileOperation& operation) {
    EXPECT_EQ(operation.kind, FileOperation::Kind::kAppend);
    EXPECT_EQ(operation.path, "/log");
    EXPECT_EQ(operation.bytes, 6u);
    return Status::ResourceExhausted("disk full");
  });
  EXPECT_EQ(file->Append("567890"), Status::ResourceExhausted("disk full"));
  files.SetFaultHook(nullptr);
  EXPECT_EQ(file->size_bytes(), 7u);
  EXPECT_EQ(files.Read("/log", 99).value(), "1234567");
  ASSERT_TRUE(file->Truncate(4).ok());
  EXPECT_EQ(files.Read("/log", 99).value(), "1234");
}

TEST(FaultHookTest, AFailedSyncIsFinalForItsFile) {
  MemoryFileSystem files;
  auto file = files.OpenAppend("/log").value();
  files.SetFaultHook([](const FileOperation& operation) {
    return operation.kind == FileOperation::Kind::kSync ? Status::Unavailable("EIO")
                                                        : Status();
  });
  ASSERT_TRUE(file->Append("1234").ok());
  EXPECT_EQ(file->Sync(), Status::Unavailable("EIO"));
  files.SetFaultHook(nullptr);
  EXPECT_EQ(file->Sync(), Status::Unavailable("EIO"));
  EXPECT_EQ(file->Append("5"), Status::Unavailable("EIO"));
}

TEST(FaultHookTest, AWriteMayFailAfterItsRename) {
  MemoryFileSystem files;
  ASSERT_TRUE(files.WriteAtomically("/f", "old").ok());
  files.SetFaultHook([](const FileOperation& operation) {
    return operation.kind == FileOperation::Kind::kSyncDirectory
               ? Status::Unavailable("EIO")
               : Status();
  });
  EXPECT_EQ(files.WriteAtomically("/f", "new"), Status::Unavailable("write /f: EIO"));
  EXPECT_EQ(files.Read("/f", 9).value(), "new");
}

TEST(MemoryFileSystemTest, ThreadsWorkOnFilesOfTheirOwnWhilePowerIsCut) {
  MemoryFileSystem files;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back([&files, t] {
        const std::string path = "/f" + std::to_string(t);
        for (int i = 0; i < 200; ++i) {
          auto file = files.OpenAppend(path).value();
          if (file->Append("x").ok() && file->Sync().ok()) (void)files.SyncDirectory("/");
          (void)files.List("/");
          (void)file->size_bytes();
        }
      });
    }
    for (int i = 0; i < 50; ++i) files.CutPower(i);
  }
  for (const std::string& name : files.List("/").value()) {
    EXPECT_LE(files.FileSize("/" + name).value(), 200u);
  }
}

// A log and a store that lose power at the same operation: what the log has synced and
// the store has published agree with what the program was told, at every one.
TEST(PowerSwitchTest, FilesAndObjectsFailTogetherFromOneOperationOn) {
  const base::ManualClock clock(0);
  const base::Context context;

  // Logs a line, syncs it and then publishes it, three times. Returns what was
  // acknowledged as logged and as published.
  const auto run = [&context](FileSystem& files, Store& store) {
    std::pair<int, int> acknowledged{0, 0};
    auto file = files.OpenAppend("/d/log");
    if (!file.ok() || !files.SyncDirectory("/d").ok()) return acknowledged;
    for (int i = 0; i < 3; ++i) {
      if (!(*file)->Append("line\n").ok() || !(*file)->Sync().ok()) break;
      ++acknowledged.first;
      const std::string location = "memory://w/" + std::to_string(i);
      if (!store.PutIfAbsent(context, location, "line\n").ok()) break;
      ++acknowledged.second;
    }
    return acknowledged;
  };

  std::uint64_t operations = 0;
  bool lost_an_answer = false;
  for (std::uint64_t good = 0; good <= operations || good == 0; ++good) {
    for (const bool last_happens : {false, true}) {
      MemoryFileSystem files;
      MemoryStore store(clock);
      ASSERT_TRUE(files.CreateDirectories("/d").ok());
      if (operations == 0) {
        const PowerSwitch counting;
        files.SetFaultHook(counting.FileHook());
        store.SetFaultHook(counting.StoreHook());
        EXPECT_EQ(run(files, store), std::make_pair(3, 3));
        operations = counting.operation_count();
        ASSERT_EQ(operations, 11u);  // Open, sync of the name, and three times three.
        break;
      }
      const PowerSwitch power(good, last_happens);
      files.SetFaultHook(power.FileHook());
      store.SetFaultHook(power.StoreHook());
      const auto [logged, published] = run(files, store);
      EXPECT_EQ(power.is_off(), good < operations || power.operation_count() == good);
      if (good < operations) {
        EXPECT_FALSE(files.Exists("/d/log").ok());
      }
      files.SetFaultHook(nullptr);
      store.SetFaultHook(nullptr);
      files.CutPower(good);

      std::uint64_t size = 0;
      if (files.Exists("/d/log").value()) size = files.FileSize("/d/log").value();
      EXPECT_GE(size, 5u * logged) << good;
      int objects = 0;
      ASSERT_TRUE(store
                      .List(context, "memory://w",
                            [&objects](const ObjectInfo&) {
                              ++objects;
                              return Status();
                            })
                      .ok());
      EXPECT_GE(objects, published) << good;
      EXPECT_LE(objects, published + (last_happens ? 1 : 0)) << good;
      EXPECT_LE(objects, logged) << good;
      lost_an_answer |= objects > published;
    }
  }
  EXPECT_TRUE(lost_an_answer);
}

TEST(PowerSwitchTest, TurnsOffAtOnce) {
  MemoryFileSystem files;
  PowerSwitch power;
  files.SetFaultHook(power.FileHook());
  EXPECT_TRUE(files.Exists("/").ok());
  EXPECT_FALSE(power.is_off());
  power.TurnOff();
  EXPECT_TRUE(files.Exists("/").status().Is(StatusCode::kUnavailable));
  EXPECT_TRUE(power.is_off());
}

}  // namespace
}  // namespace firn::io
