// SPDX-License-Identifier: Apache-2.0
#include "iceberg/relocate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/log.h"
#include "iceberg/action_fixture.h"
#include "io/power_switch.h"

namespace firn::iceberg {
namespace {

using testing::HasSubstr;

class RelocateTest : public ActionTest {
 protected:
  // A table of three snapshots and two files, then moved from `w` to `v`.
  void SetUp() override {
    base::SetLogLevel(base::LogLevel::kError);
    ActionTest::SetUp();
    for (const char* file : {"a", "b", "c"}) {
      ASSERT_TRUE(
          store.PutIfAbsent(context, "memory://w/data/" + std::string(file), "x").ok());
    }
    Append("a", 1);
    Append("b", 2);
    Append("c", 2);
    ASSERT_EQ(Do(DeleteFiles{{File("c", 2)}}), "");
    before_ = *Metadata();
  }

  void MoveObjects(const std::string& from, const std::string& to) {
    std::vector<std::string> names;
    ASSERT_TRUE(store
                    .List(context, from,
                          [&](const io::ObjectInfo& info) {
                            names.push_back(info.location.substr(from.size()));
                            return Status::OK();
                          })
                    .ok());
    for (const std::string& object : names) {
      const auto bytes = store.Get(context, from + object, 1 << 20);
      ASSERT_TRUE(bytes.ok() && store.PutIfAbsent(context, to + object, *bytes).ok() &&
                  store.Remove(context, from + object).ok());
    }
  }

  Result<RelocateOutcome> Run(bool dry_run = false, Move move = kMove) {
    RelocateRequest request{name, std::move(move), dry_run};
    return Relocate(context, store, *catalog, random, clock, request);
  }
  std::size_t ObjectCount() { return Objects("").size(); }

  static inline const Move kMove{"memory://w", "memory://v"};
  TableMetadata before_;
};

TEST_F(RelocateTest, NamesEveryFileByItsNewPlace) {
  MoveObjects("memory://w", "memory://v");
  const std::size_t objects = ObjectCount();
  const auto dry = Run(/*dry_run=*/true);
  ASSERT_TRUE(dry.ok()) << dry.status();
  EXPECT_EQ(ObjectCount(), objects);
  const auto done = Run();
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_EQ(done->manifest_lists, 4);
  EXPECT_EQ(dry->manifests, done->manifests);
  EXPECT_EQ(done->files, 3);
  EXPECT_EQ(done->files_elsewhere, 0);
  const auto after = Metadata();
  EXPECT_EQ(after->location, "memory://v/metrics/probe");
  EXPECT_THAT(Load()->metadata_location, HasSubstr("memory://v/metrics/probe/metadata/"));
  EXPECT_EQ(Live(), "a b");
  ASSERT_EQ(after->snapshots.size(), before_.snapshots.size());
  for (const Snapshot& snapshot : after->snapshots) {
    const Snapshot* const was = before_.FindSnapshot(snapshot.id);
    ASSERT_NE(was, nullptr);
    EXPECT_EQ(snapshot.summary, was->summary);
    EXPECT_EQ(snapshot.sequence_number, was->sequence_number);
    for (const ManifestEntry& entry : Entries(snapshot)) {
      EXPECT_THAT(entry.data_file.file_path, HasSubstr("memory://v/data/"));
      EXPECT_TRUE(entry.sequence_number.has_value());
    }
  }
  EXPECT_EQ(after->metadata_log.size(), before_.metadata_log.size() + 1);
  EXPECT_TRUE(Run().status().Is(StatusCode::kInvalidArgument));
  // The table goes on.
  Append("d", 3);
  EXPECT_EQ(Live(), "a b d");
}

TEST_F(RelocateTest, AFileThatIsNotThereIsNamedAndNothingChanges) {
  MoveObjects("memory://w", "memory://v");
  ASSERT_TRUE(store.Remove(context, "memory://v/data/b").ok());
  const std::size_t objects = ObjectCount();
  const auto done = Run();
  EXPECT_TRUE(done.status().Is(StatusCode::kNotFound)) << done.status();
  EXPECT_THAT(std::string(done.status().message()), HasSubstr("memory://v/data/b"));
  EXPECT_EQ(ObjectCount(), objects);
}

TEST_F(RelocateTest, FilesElsewhereStay) {
  MoveObjects("memory://w/metrics", "memory://v/metrics");
  const auto done = Run(false, {"memory://w/metrics", "memory://v/metrics"});
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_EQ(done->files, 0);
  EXPECT_EQ(done->files_elsewhere, 3);
  for (const ManifestEntry& entry : Entries(*Metadata()->current_snapshot())) {
    EXPECT_THAT(entry.data_file.file_path, HasSubstr("memory://w/data/"));
  }
}

TEST_F(RelocateTest, DeletesThatNameFilesAreRefused) {
  ASSERT_EQ(AddDeletes(Deletes("p", 1)), "");
  MoveObjects("memory://w", "memory://v");
  const auto done = Run();
  EXPECT_TRUE(done.status().Is(StatusCode::kUnimplemented)) << done.status();
}

class RelocatePowerTest : public RelocateTest,
                          public testing::WithParamInterface<bool> {};

TEST_P(RelocatePowerTest, APowerCutLeavesTheTableAsItWasOrMoved) {
  MoveObjects("memory://w", "memory://v");
  const std::string named = *catalog->CurrentMetadataLocation(context, name);
  for (std::uint64_t good = 0;; ++good) {
    ASSERT_LT(good, 200U);
    const io::PowerSwitch power(good, /*last_happens=*/GetParam());
    store.SetFaultHook(power.StoreHook());
    const bool said_done = Run().ok();
    store.SetFaultHook(nullptr);
    EXPECT_EQ(said_done, *catalog->CurrentMetadataLocation(context, name) != named);
    if (said_done) break;
  }
  EXPECT_EQ(Live(), "a b");
}
INSTANTIATE_TEST_SUITE_P(LastHappens, RelocatePowerTest, testing::Bool());

TEST_F(RelocateTest, ARivalsCommitIsAConflict) {
  MoveObjects("memory://w", "memory://v");
  bool first = true;
  store.SetFaultHook([&](const io::StoreOperation& operation) {
    if (first && operation.location.ends_with(".metadata.json") &&
        operation.kind == io::StoreOperation::Kind::kPutIfAbsent) {
      first = false;
      EXPECT_TRUE(Run().ok());
    }
    return io::MemoryStore::Fault{};
  });
  const auto done = Run();
  store.SetFaultHook(nullptr);
  EXPECT_TRUE(done.status().Is(StatusCode::kConflict)) << done.status();
  EXPECT_EQ(Live(), "a b");
}

TEST_F(RelocateTest, TheMoveIsFoundOut) {
  const auto find = [&](const std::string& location) {
    const auto move = FindMove(context, store, location, "memory://v/wh");
    EXPECT_TRUE(move.ok()) << move.status();
    return move.ok() && *move ? (*move)->from : "";
  };
  ASSERT_TRUE(store.PutIfAbsent(context, "memory://v/wh/ns/t/x.json", "x").ok());
  EXPECT_EQ(find("memory://old/place/ns/t/x.json"), "memory://old/place");
  EXPECT_EQ(find("memory://ns/t/x.json"), "");
  EXPECT_EQ(find("memory://old/ns/t/y.json"), "");
  EXPECT_EQ(find("memory://v/wh/ns/t/x.json"), "");  // It is where it was.
}

}  // namespace
}  // namespace firn::iceberg
