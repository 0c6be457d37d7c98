// SPDX-License-Identifier: Apache-2.0
// The filesystem catalog: its layout, its hint, its crashes. What it does as others do is
// in catalog_conformance_test.cc.
#include "iceberg/fs_catalog.h"

#include <gtest/gtest.h>

#include <utility>

#include "iceberg/test_table.h"
#include "iceberg/version_files.h"

namespace firn::iceberg {
namespace {

constexpr char kMetadata[] = "memory://w/metrics/probe/metadata/";

class FsCatalogTest : public TableTest {
 protected:
  void SetUp() override { catalog = MakeFsCatalog("memory://w", store, clock, random); }

  std::string At(const std::string& file) const { return kMetadata + file; }
  std::string Read(const std::string& file) {
    const auto bytes = store.Get(context, At(file), 1 << 20);
    return bytes.ok() ? *bytes : bytes.status().ToString();
  }
  void Remove(const std::string& file) {
    ASSERT_TRUE(store.Remove(context, At(file)).ok());
  }
  void Write(const std::string& file, const std::string& bytes) {
    Remove(file);
    ASSERT_TRUE(store.PutIfAbsent(context, At(file), bytes).ok());
  }
  void Commits(int count) {
    for (int i = 0; i < count; ++i) {
      const auto outcome = AppendFiles({TestFile(std::to_string(++files_), 1)});
      ASSERT_TRUE(outcome.ok()) << outcome.status();
    }
  }
  Result<LoadedTable> SetProperty(const std::string& key, const std::string& value) {
    return catalog->CommitTable(context, name, {}, {SetProperties{{{key, value}}}});
  }
  // Rivals commit five times just before the next version of this name is written.
  void CommitFiveTimesBefore(const std::string& suffix) {
    store.SetFaultHook(
        [this, suffix, done = false](
            const io::StoreOperation& operation) mutable -> io::MemoryStore::Fault {
          if (done || !operation.location.ends_with(suffix) ||
              operation.kind != io::StoreOperation::Kind::kPutIfAbsent) {
            return {};
          }
          done = true;
          Commits(5);
          return {};
        });
  }
  // Fail the next write of an object whose name ends so, before it happens or after.
  void FailNextWrite(const std::string& suffix, Status status, bool happens) {
    store.SetFaultHook([=, done = false](const io::StoreOperation& operation) mutable
                           -> io::MemoryStore::Fault {
      const bool writes = operation.kind == io::StoreOperation::Kind::kWrite ||
                          operation.kind == io::StoreOperation::Kind::kPutIfAbsent;
      if (done || !writes || !operation.location.ends_with(suffix)) return {};
      done = true;
      return {status, happens};
    });
  }

 private:
  int files_ = 0;
};

TEST(VersionNames, AreTakenApart) {
  EXPECT_EQ(VersionOfName("v1.metadata.json"), 1);
  EXPECT_EQ(VersionOfName("v12.gz.metadata.json"), 12);
  EXPECT_EQ(VersionOfName("v12.metadata.json.gz"), 12);
  for (const char* name :
       {"v0.metadata.json", "v-1.metadata.json", "v.metadata.json", "1.metadata.json",
        "v1.metadata.json.tmp", "v1", "", "00001-6a8c.metadata.json",
        "v99999999999999.metadata.json", "v99999999999999999999.metadata.json"}) {
    EXPECT_EQ(VersionOfName(name), std::nullopt) << name;
  }
}

TEST_F(FsCatalogTest, LaysTablesOutAsHadoopDoes) {
  CreateTable();
  EXPECT_EQ(Load()->metadata_location, At("v1.metadata.json"));
  EXPECT_EQ(Load()->metadata->location, "memory://w/metrics/probe");
  EXPECT_EQ(Read("version-hint.text"), "1");
  Commits(2);
  EXPECT_EQ(Load()->metadata_location, At("v3.metadata.json"));
  EXPECT_EQ(Read("version-hint.text"), "3");
  EXPECT_EQ(Load()->metadata->metadata_log.back().metadata_file, At("v2.metadata.json"));
}

TEST_F(FsCatalogTest, AnyHintWillDo) {
  CreateTable();
  Commits(4);
  const auto expected = Load();
  for (const char* hint : {"1", "3\n", "5", "6", "999", "0", "-1", "", "five", "5 5",
                           "99999999999999999999"}) {
    Write("version-hint.text", hint);
    const auto loaded = Load();
    ASSERT_TRUE(loaded.ok()) << hint << ": " << loaded.status();
    EXPECT_EQ(loaded->metadata_location, expected->metadata_location) << hint;
  }
  Write("version-hint.text", std::string(100, '1'));
  EXPECT_EQ(*Load()->metadata, *expected->metadata);
  Remove("version-hint.text");
  EXPECT_EQ(*Load()->metadata, *expected->metadata);
  Commits(1);
  EXPECT_EQ(Read("version-hint.text"), "6");
}

TEST_F(FsCatalogTest, CommitsGoOnFromACrashBeforeTheHint) {
  CreateTable();
  Commits(1);
  // The machine stops once v3 is there: the hint still says 2.
  Write("v3.metadata.json", Read("v2.metadata.json"));
  EXPECT_EQ(Load()->metadata_location, At("v3.metadata.json"));
  Commits(1);
  EXPECT_EQ(Load()->metadata_location, At("v4.metadata.json"));
  EXPECT_EQ(Read("version-hint.text"), "4");
}

TEST_F(FsCatalogTest, AHintThatIsNotWrittenFailsNoCommit) {
  CreateTable();
  FailNextWrite("version-hint.text", Status::Unavailable("disk"), false);
  ASSERT_TRUE(SetProperty("k", "v").ok());
  store.SetFaultHook(nullptr);
  EXPECT_EQ(Read("version-hint.text"), "1");
  EXPECT_EQ(*Load()->metadata->FindProperty("k"), "v");
}

TEST_F(FsCatalogTest, AnUnknownOutcomeIsLookedAt) {
  CreateTable();
  const Status lost = Status::CommitUnknown("no answer");
  FailNextWrite("v2.metadata.json", lost, true);
  const auto happened = SetProperty("k", "1");
  EXPECT_TRUE(happened.ok()) << happened.status();

  FailNextWrite("v3.metadata.json", lost, false);
  EXPECT_EQ(SetProperty("k", "2").status().code(), StatusCode::kCommitUnknown);
  EXPECT_EQ(*Load()->metadata->FindProperty("k"), "1");

  // A rival's version is there when the answer is lost.
  store.SetFaultHook([&](const io::StoreOperation& operation) -> io::MemoryStore::Fault {
    if (!operation.location.ends_with("v3.metadata.json") ||
        operation.kind != io::StoreOperation::Kind::kPutIfAbsent) {
      return {};
    }
    store.SetFaultHook(nullptr);
    EXPECT_TRUE(SetProperty("rival", "1").ok());
    return {lost, false};
  });
  EXPECT_EQ(SetProperty("k", "3").status().code(), StatusCode::kConflict);
  EXPECT_EQ(*Load()->metadata->FindProperty("k"), "1");
  EXPECT_EQ(*Load()->metadata->FindProperty("rival"), "1");
}

TEST_F(FsCatalogTest, ACommitIntoThePastIsNoCommit) {
  CreateTable({{kPropertyPreviousVersionsMax, "1"}});
  CommitFiveTimesBefore("v2.metadata.json");  // v2 to v6, and removes v1 to v4.
  const auto late = SetProperty("k", "v");
  EXPECT_EQ(late.status().code(), StatusCode::kCommitUnknown) << late.status();
  EXPECT_EQ(Load()->metadata_location, At("v6.metadata.json"));
  EXPECT_EQ(Load()->metadata->FindProperty("k"), nullptr);
  EXPECT_EQ(Objects("v2.metadata.json").size(), 0U);
}

TEST_F(FsCatalogTest, ASnapshotIntoThePastIsCommittedAnew) {
  CreateTable({{kPropertyPreviousVersionsMax, "1"}});
  CommitFiveTimesBefore("v2.metadata.json");
  const auto late = AppendFiles({TestFile("late", 1)});
  ASSERT_TRUE(late.ok()) << late.status();
  EXPECT_EQ(late->attempts, 2);
  EXPECT_EQ(Load()->metadata_location, At("v7.metadata.json"));
  EXPECT_EQ(LivePaths(*Load()->metadata)->size(), 6U);
  EXPECT_EQ(Objects("v2.metadata.json").size(), 0U);
}

// The name of a version that is long gone, in a directory that is another table's.
TEST_F(FsCatalogTest, ACommitIntoATableThatWasMadeAnewIsNoCommit) {
  CreateTable();
  Commits(2);
  bool rivals = true;
  store.SetFaultHook([&](const io::StoreOperation& operation) -> io::MemoryStore::Fault {
    if (rivals && operation.location.ends_with("v4.metadata.json") &&
        operation.kind == io::StoreOperation::Kind::kPutIfAbsent) {
      rivals = false;
      EXPECT_TRUE(catalog->DropTable(context, name).ok());
      CreateTableRequest request;
      request.identifier = name;
      request.schema = TestSchema();
      EXPECT_TRUE(catalog->CreateTable(context, request).ok());
    }
    return {};
  });
  const auto late = SetProperty("k", "v");
  store.SetFaultHook(nullptr);
  EXPECT_EQ(late.status().code(), StatusCode::kConflict) << late.status();
  EXPECT_EQ(Load()->metadata_location, At("v1.metadata.json"));
  EXPECT_TRUE(Load()->metadata->snapshots.empty());
  EXPECT_EQ(Read("version-hint.text"), "1");
}

// Others are so quick that a commit finds what came of it long past.
TEST_F(FsCatalogTest, ACommitThatOthersBuiltOnIsACommit) {
  CreateTable({{kPropertyPreviousVersionsMax, "1"}});
  bool is_written = false;
  store.SetFaultHook([&](const io::StoreOperation& operation) -> io::MemoryStore::Fault {
    const bool is_hint = operation.location.ends_with("version-hint.text");
    if (is_hint && std::exchange(is_written, false)) Commits(5);
    is_written |= operation.location.ends_with("v2.metadata.json") &&
                  operation.kind == io::StoreOperation::Kind::kPutIfAbsent;
    return {};
  });
  const auto first = AppendFiles({TestFile("first", 1)});
  store.SetFaultHook(nullptr);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->attempts, 1);
  EXPECT_EQ(Load()->metadata_location, At("v7.metadata.json"));
  EXPECT_EQ(LivePaths(*Load()->metadata)->size(), 6U);
}

// Whatever request fails, the table is as it was or as it was to be.
TEST_F(FsCatalogTest, EveryStoreFaultLeavesOldOrNew) {
  CreateTable({{kPropertyPreviousVersionsMax, "1"}});
  Commits(1);
  for (const bool happens_anyway : {false, true}) {
    for (int fail_at = 0; fail_at < 60; ++fail_at) {
      const auto before = LivePaths(*Load()->metadata);
      ASSERT_TRUE(before.ok()) << before.status();
      int operations = 0;
      bool fired = false;
      store.SetFaultHook(
          [&](const io::StoreOperation& operation) -> io::MemoryStore::Fault {
            if (operations++ != fail_at) return {};
            fired = true;
            // A store that does not know what became of a write says so.
            const bool unknown = happens_anyway &&
                                 operation.kind == io::StoreOperation::Kind::kPutIfAbsent;
            return {unknown ? Status::CommitUnknown("injected")
                            : Status::Unavailable("injected"),
                    happens_anyway};
          });
      const auto outcome = AppendFiles({TestFile("x" + std::to_string(fail_at), 1)});
      store.SetFaultHook(nullptr);
      const auto after = Load();
      ASSERT_TRUE(after.ok()) << after.status();
      const auto paths = LivePaths(*after->metadata);
      ASSERT_TRUE(paths.ok()) << fail_at << ": " << paths.status();
      if (outcome.status().Is(StatusCode::kCommitUnknown)) {
        EXPECT_LE(paths->size(), before->size() + 1) << fail_at;
      } else {
        EXPECT_EQ(paths->size(), before->size() + (outcome.ok() ? 1 : 0))
            << fail_at << ": " << outcome.status();
      }
      if (!fired) break;
    }
  }
}

TEST_F(FsCatalogTest, OtherProgramsTablesAndDirectoriesAreSeen) {
  CreateTable();
  // Spark makes no marker, writes gzip where asked to, and keeps data beside metadata.
  for (const char* object :
       {"memory://w/a/b/t/metadata/v3.gz.metadata.json",
        "memory://w/a/b/t/metadata/snap-1.avro", "memory://w/a/b/t/data/x.parquet",
        "memory://w/lone/metadata/v1.metadata.json", "memory://w/notes.txt",
        "memory://w/dotted.name/t/metadata/v1.metadata.json"}) {
    ASSERT_TRUE(store.PutIfAbsent(context, object, "\x1f\x8b").ok());
  }
  EXPECT_EQ(*catalog->ListNamespaces(context),
            (std::vector<Namespace>{{{"a"}}, {{"a", "b"}}, {{"metrics"}}}));
  const TableIdentifier theirs{{{"a", "b"}}, "t"};
  EXPECT_EQ(*catalog->ListTables(context, theirs.name_space),
            std::vector<TableIdentifier>{theirs});
  EXPECT_TRUE(*catalog->TableExists(context, theirs));
  EXPECT_EQ(catalog->ListTables(context, {{"a"}})->size(), 0U);
}

TEST_F(FsCatalogTest, ATableStaysInItsPlace) {
  CreateTable();
  const auto refused = [&](const Update& update) {
    return catalog->CommitTable(context, name, {}, {update}).status().code();
  };
  EXPECT_EQ(refused(SetLocation{"memory://w/elsewhere"}), StatusCode::kInvalidArgument);
  EXPECT_EQ(refused(SetProperties{{{kPropertyMetadataPath, "memory://m"}}}),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(refused(SetProperties{{{"write.metadata.compression-codec", "gzip"}}}),
            StatusCode::kUnimplemented);
  CreateTableRequest request;
  request.identifier = {name.name_space, "elsewhere"};
  request.schema = TestSchema();
  request.location = "memory://w/any/where";
  EXPECT_EQ(catalog->CreateTable(context, request).status().code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(Objects(".metadata.json").size(), 1U);
}

TEST_F(FsCatalogTest, ADropThatBreaksOffLeavesTheTableOrTakesIt) {
  for (int fail_at = 0;; ++fail_at) {
    ASSERT_LT(fail_at, 20);
    if (!*catalog->TableExists(context, name)) {
      ASSERT_TRUE(catalog->DropNamespace(context, name.name_space).ok() || fail_at == 0);
      CreateTable();
      Commits(2);
    }
    const std::string current = Load()->metadata_location;
    int operations = 0;
    bool fired = false;
    store.SetFaultHook([&](const io::StoreOperation&) -> io::MemoryStore::Fault {
      if (operations++ != fail_at) return {};
      fired = true;
      return {Status::Unavailable("injected"), false};
    });
    const Status dropped = catalog->DropTable(context, name);
    store.SetFaultHook(nullptr);
    const auto after = Load();
    if (dropped.ok()) {
      EXPECT_EQ(after.status().code(), StatusCode::kNotFound);
    } else {
      ASSERT_TRUE(after.ok()) << fail_at << ": " << after.status();
      EXPECT_EQ(after->metadata_location, current);
    }
    if (!fired) break;
  }
}

}  // namespace
}  // namespace firn::iceberg
