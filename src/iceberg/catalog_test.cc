// SPDX-License-Identifier: Apache-2.0
// The SQL catalog, commits and their rivals.
#include "iceberg/catalog.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <limits>
#include <set>
#include <thread>

#include "iceberg/sqlite.h"
#include "iceberg/test_table.h"

namespace firn::iceberg {
namespace {

using Point = SqlCatalogOptions::Point;

// A database file that goes when the test ends.
class DatabaseFile {
 public:
  explicit DatabaseFile(const std::string& name)
      : path_(std::filesystem::temp_directory_path() /
              ("firn-" + name + "-" + std::to_string(std::random_device()()) + ".db")) {}
  ~DatabaseFile() { std::filesystem::remove(path_); }
  std::string path() const { return path_.string(); }
  std::string uri() const { return "sqlite:///" + path_.string(); }

 private:
  std::filesystem::path path_;
};

class SqlCatalogTest : public TableTest {
 protected:
  void SetUp() override { OpenCatalog(); }
};

TEST(Names, ParseAndRefuse) {
  const auto table = TableIdentifier::Parse("a.b.t");
  ASSERT_TRUE(table.ok());
  EXPECT_EQ(table->name_space.levels, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(table->ToString(), "a.b.t");
  for (const char* text : {"", "t", ".t", "a.", "a..t", "a/b.t", "a.t\n"}) {
    EXPECT_EQ(TableIdentifier::Parse(text).status().code(), StatusCode::kInvalidArgument)
        << text;
  }
}

TEST_F(SqlCatalogTest, NamespacesAreListedWithTheirParents) {
  ASSERT_TRUE(catalog->CreateNamespace(context, {{"a", "b"}}, {{"owner", "me"}}).ok());
  ASSERT_TRUE(catalog->CreateNamespace(context, {{"z"}}, {}).ok());
  EXPECT_EQ(catalog->CreateNamespace(context, {{"z"}}, {}).code(),
            StatusCode::kAlreadyExists);
  const auto listed = catalog->ListNamespaces(context);
  EXPECT_EQ(*listed, (std::vector<Namespace>{{{"a"}}, {{"a", "b"}}, {{"z"}}}));
  EXPECT_EQ(*catalog->NamespaceProperties(context, {{"a", "b"}}),
            (std::map<std::string, std::string>{{"owner", "me"}}));
  EXPECT_EQ(catalog->NamespaceProperties(context, {{"q"}}).status().code(),
            StatusCode::kNotFound);
  EXPECT_EQ(catalog->ListTables(context, {{"q"}}).status().code(), StatusCode::kNotFound);
}

TEST_F(SqlCatalogTest, TablesAreCreatedListedRenamedAndDropped) {
  CreateTable();
  const auto loaded = Load();
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->metadata->location, "memory://w/metrics/probe");
  EXPECT_EQ(loaded->metadata->PropertyFlag(kPropertyDeleteAfterCommit, false), true);
  EXPECT_EQ(loaded->metadata->current_schema().fields(), TestSchema().fields());
  EXPECT_TRUE(
      loaded->metadata_location.starts_with("memory://w/metrics/probe/metadata/00000-"));

  CreateTableRequest again;
  again.identifier = name;
  again.schema = TestSchema();
  EXPECT_EQ(catalog->CreateTable(context, again).status().code(),
            StatusCode::kAlreadyExists);
  again.identifier.name_space = {{"nowhere"}};
  EXPECT_EQ(catalog->CreateTable(context, again).status().code(), StatusCode::kNotFound);
  // What failed left nothing behind.
  EXPECT_EQ(Objects(".metadata.json").size(), 1U);

  const TableIdentifier other{{{"metrics"}}, "other"};
  ASSERT_TRUE(catalog->RenameTable(context, name, other).ok());
  EXPECT_EQ(*catalog->ListTables(context, name.name_space),
            std::vector<TableIdentifier>{other});
  EXPECT_EQ(Load().status().code(), StatusCode::kNotFound);
  ASSERT_TRUE(catalog->DropTable(context, other).ok());
  EXPECT_EQ(catalog->DropTable(context, other).code(), StatusCode::kNotFound);
  ASSERT_TRUE(catalog->RegisterTable(context, name, loaded->metadata_location).ok());
  EXPECT_EQ(*Load()->metadata, *loaded->metadata);
  EXPECT_EQ(
      catalog->RegisterTable(context, name, loaded->metadata_location).status().code(),
      StatusCode::kAlreadyExists);
}

TEST_F(SqlCatalogTest, AppendsMakeSnapshots) {
  CreateTable();
  ASSERT_TRUE(AppendFiles({TestFile("a", 1), TestFile("b", 2)}, {{"pos", "10"}}).ok());
  clock.SetUs(kTestNowUs - kTestDayUs);  // The clock is set back.
  const auto second = AppendFiles({TestFile("c", 2)}, {{"pos", "20"}});
  ASSERT_TRUE(second.ok()) << second.status();
  const TableMetadata& metadata = *second->table.metadata;
  EXPECT_EQ(metadata.snapshots.size(), 2U);
  EXPECT_EQ(metadata.last_sequence_number, SequenceNumber(2));
  EXPECT_EQ(metadata.snapshots[1].parent_id, metadata.snapshots[0].id);
  EXPECT_GE(metadata.snapshots[1].timestamp_ms, metadata.snapshots[0].timestamp_ms);
  EXPECT_EQ(metadata.last_updated_ms, metadata.snapshots[1].timestamp_ms);
  EXPECT_EQ(metadata.snapshot_log.size(), 2U);
  EXPECT_EQ(metadata.metadata_log.size(), 2U);
  EXPECT_EQ(metadata.current_snapshot()->SummaryCount(kSummaryTotalRecords, -1), 30);
  EXPECT_EQ(metadata.current_snapshot()->SummaryCount(kSummaryAddedDataFiles, -1), 1);
  EXPECT_EQ(*metadata.FindProperty("pos"), "20");
  EXPECT_EQ(LivePaths(metadata)->size(), 3U);
  EXPECT_EQ(*Load()->metadata, metadata);
}

TEST_F(SqlCatalogTest, MetadataFilesStayBounded) {
  CreateTable({{kPropertyPreviousVersionsMax, "3"}});
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(AppendFiles({TestFile(std::to_string(i), i)}).ok());
  }
  EXPECT_EQ(Objects(".metadata.json").size(), 4U);
  EXPECT_EQ(Load()->metadata->metadata_log.size(), 3U);
  EXPECT_EQ(LivePaths(*Load()->metadata)->size(), 10U);
}

TEST_F(SqlCatalogTest, ManifestsAreMergedByCount) {
  CreateTable({{kPropertyMergeMinCount, "5"}});
  for (int i = 0; i < 23; ++i) {
    ASSERT_TRUE(AppendFiles({TestFile(std::to_string(i), i)}).ok());
    const auto metadata = Load()->metadata;
    const auto list = manifests.ReadManifestList(context, *metadata->current_snapshot());
    EXPECT_LT(list->size(), 5U);
    EXPECT_EQ(LivePaths(*metadata)->size(), static_cast<std::size_t>(i + 1));
  }
  // A merge keeps what each file was added by.
  std::map<std::string, std::int64_t> sequence;
  const auto metadata = Load()->metadata;
  for (const ManifestFile& m :
       *manifests.ReadManifestList(context, *metadata->current_snapshot())) {
    ASSERT_TRUE(manifests
                    .ReadManifest(context, m,
                                  [&](const ManifestHeader&, ManifestEntry&& e) {
                                    sequence[e.data_file.file_path] =
                                        e.sequence_number->value;
                                    return Status::OK();
                                  })
                    .ok());
  }
  for (int i = 0; i < 23; ++i) {
    EXPECT_EQ(sequence["memory://w/data/" + std::to_string(i)], i + 1);
  }
}

TEST_F(SqlCatalogTest, ConflictRebuildsOnFreshMetadata) {
  CreateTable();
  int rounds = 0;
  const auto outcome = CommitWithRetry(
      context, {*catalog, manifests, clock, random}, name,
      [&](const LoadedTable& table, Transaction& transaction) -> Result<BuildDecision> {
        // A rival commits after this round's load, twice.
        if (++rounds <= 2) {
          EXPECT_TRUE(AppendFiles({TestFile("rival" + std::to_string(rounds), 1)}).ok());
        }
        EXPECT_EQ(table.metadata->snapshots.size(), static_cast<std::size_t>(rounds - 1));
        transaction.Append({TestFile("mine", 1)});
        return BuildDecision::kCommit;
      },
      Options(3));
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  EXPECT_EQ(outcome->attempts, 3);
  EXPECT_EQ(LivePaths(*outcome->table.metadata)->size(), 3U);
  // Two lists and two manifests of the failed rounds are gone: three commits are left.
  EXPECT_EQ(Objects(".avro").size(), 6U);
}

TEST_F(SqlCatalogTest, RetriesAreBounded) {
  CreateTable();
  const auto outcome = CommitWithRetry(
      context, {*catalog, manifests, clock, random}, name,
      [&](const LoadedTable&, Transaction& transaction) -> Result<BuildDecision> {
        EXPECT_TRUE(AppendFiles({TestFile("rival", 1)}).ok());
        transaction.Append({TestFile("mine", 1)});
        return BuildDecision::kCommit;
      },
      Options(2));
  EXPECT_EQ(outcome.status().code(), StatusCode::kConflict);
  EXPECT_NE(outcome.status().message().find("gave up after attempt 3"),
            std::string_view::npos)
      << outcome.status();
}

TEST_F(SqlCatalogTest, BuilderMayStop) {
  CreateTable();
  const auto done = CommitWithRetry(
      context, {*catalog, manifests, clock, random}, name,
      [](const LoadedTable&, Transaction&) -> Result<BuildDecision> {
        return BuildDecision::kAlreadyDone;
      },
      Options(2));
  ASSERT_TRUE(done.ok());
  EXPECT_FALSE(done->committed);
  const auto stopped = CommitWithRetry(
      context, {*catalog, manifests, clock, random}, name,
      [](const LoadedTable&, Transaction&) -> Result<BuildDecision> {
        return Status::Internal("a cloned writer");
      },
      Options(2));
  EXPECT_EQ(stopped.status().message(), "commit metrics.probe: a cloned writer");
}

TEST_F(SqlCatalogTest, UnknownOutcomeKeepsFiles) {
  CreateTable();
  for (const Point point : {Point::kBeforeCommit, Point::kAfterCommit}) {
    const auto before = Load();
    sql_fault = [point](Point at) {
      return at == point ? Status::Unavailable("disk went away") : Status::OK();
    };
    const auto outcome = AppendFiles({TestFile("u", 1)});
    sql_fault = nullptr;
    EXPECT_EQ(outcome.status().code(), StatusCode::kCommitUnknown) << outcome.status();
    const auto after = Load();
    ASSERT_TRUE(after.ok()) << after.status();
    const bool happened = point == Point::kAfterCommit;
    EXPECT_EQ(after->metadata_location != before->metadata_location, happened);
    EXPECT_EQ(LivePaths(*after->metadata)->size(), happened ? 1U : 0U);
    EXPECT_EQ(Objects(".avro").size(), happened ? 4U : 2U);
  }
  // The connection still works.
  EXPECT_TRUE(AppendFiles({TestFile("v", 1)}).ok());
}

// Whatever write of a commit fails, the table is as it was or as it was to be.
TEST_F(SqlCatalogTest, EveryStoreFaultLeavesOldOrNew) {
  CreateTable({{kPropertyPreviousVersionsMax, "1"}});
  ASSERT_TRUE(AppendFiles({TestFile("first", 1)}).ok());
  for (const bool happens_anyway : {false, true}) {
    for (int fail_at = 0; fail_at < 20; ++fail_at) {
      const auto before = *LivePaths(*Load()->metadata);
      int operations = 0;
      bool fired = false;
      store.SetFaultHook([&](const io::StoreOperation&) -> io::MemoryStore::Fault {
        if (operations++ != fail_at) return {};
        fired = true;
        return {Status::Unavailable("injected"), happens_anyway};
      });
      const std::string path = std::to_string(fail_at) + (happens_anyway ? "+" : "-");
      const auto outcome = AppendFiles({TestFile(path, 1)});
      store.SetFaultHook(nullptr);
      const auto after = Load();
      ASSERT_TRUE(after.ok()) << after.status();
      const auto paths = LivePaths(*after->metadata);
      ASSERT_TRUE(paths.ok()) << paths.status();
      EXPECT_EQ(paths->size(), before.size() + (outcome.ok() ? 1 : 0)) << fail_at;
      if (!fired) break;
    }
  }
}

TEST_F(SqlCatalogTest, CancelledCommitLeavesNothing) {
  CreateTable();
  const std::size_t before = Objects("").size();
  const base::Context cancelled;
  const auto outcome = CommitWithRetry(
      cancelled, {*catalog, manifests, clock, random}, name,
      [&](const LoadedTable&, Transaction& transaction) -> Result<BuildDecision> {
        transaction.Append({TestFile("a", 1)});
        cancelled.Cancel();
        return BuildDecision::kCommit;
      },
      Options(2));
  EXPECT_EQ(outcome.status().code(), StatusCode::kCancelled);
  EXPECT_EQ(Objects("").size(), before);
}

TEST_F(SqlCatalogTest, AddColumnCommitsWithItsFiles) {
  CreateTable();
  const NestedField column{FieldId(1000), "label", false, kString, ""};
  const auto outcome = CommitWithRetry(
      context, {*catalog, manifests, clock, random}, name,
      [&](const LoadedTable&, Transaction& transaction) -> Result<BuildDecision> {
        FIRN_RETURN_IF_ERROR(transaction.AddColumn(column));
        transaction.Append({TestFile("a", 1)});
        return BuildDecision::kCommit;
      },
      Options(2));
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  const TableMetadata& metadata = *outcome->table.metadata;
  EXPECT_EQ(metadata.current_schema().fields().back(), column);
  EXPECT_EQ(metadata.current_snapshot()->schema_id, metadata.current_schema_id);
  EXPECT_EQ(metadata.last_column_id, FieldId(1000));

  Transaction again(metadata);
  EXPECT_TRUE(again.AddColumn(column).ok());
  EXPECT_TRUE(again.empty());
  EXPECT_EQ(again.AddColumn({FieldId(1001), "label", false, kLong, ""}).code(),
            StatusCode::kAlreadyExists);
  EXPECT_EQ(again.AddColumn({FieldId(1000), "other", false, kString, ""}).code(),
            StatusCode::kAlreadyExists);
  EXPECT_EQ(again.AddColumn({FieldId(1001), "must", true, kLong, ""}).code(),
            StatusCode::kInvalidArgument);
}

TEST_F(SqlCatalogTest, DamagedMetadataIsCorruption) {
  CreateTable();
  const std::string location = Load()->metadata_location;
  ASSERT_TRUE(store.Remove(context, location).ok());
  EXPECT_EQ(Load().status().code(), StatusCode::kCorruption);
  ASSERT_TRUE(store.PutIfAbsent(context, location, "{").ok());
  EXPECT_EQ(Load().status().code(), StatusCode::kCorruption);
  ASSERT_TRUE(store.Remove(context, location).ok());
  ASSERT_TRUE(store.PutIfAbsent(context, location, "\x1f\x8b").ok());
  EXPECT_EQ(Load().status().code(), StatusCode::kCorruption);  // Gzip, cut off.
}

class SqlCatalogFileTest : public TableTest {};

TEST_F(SqlCatalogFileTest, RivalsOnTwoConnectionsLoseNothing) {
  constexpr int kCommits = 100;
  const DatabaseFile file("rivals");
  OpenCatalog(file.uri());
  CreateTable({{kPropertyMergeMinCount, "10"}});
  const auto work = [&](const std::string& writer) {
    SqlCatalogOptions options;
    options.uri = file.uri();
    options.warehouse = "memory://w";
    auto own = OpenSqlCatalog(options, store, clock, random);
    ASSERT_TRUE(own.ok()) << own.status();
    // Waits pass in no time here, so that a writer which loses often runs out of none.
    CommitOptions patient = Options(10'000);
    patient.total_ms = std::numeric_limits<DurationMs>::max();
    for (int i = 0; i < kCommits; ++i) {
      const auto outcome = CommitWithRetry(
          context, {**own, manifests, clock, random}, name,
          [&](const LoadedTable& table,
              Transaction& transaction) -> Result<BuildDecision> {
            // The position is where this writer left it.
            const std::string* position = table.metadata->FindProperty("pos." + writer);
            EXPECT_EQ(position == nullptr ? "0" : *position, std::to_string(i));
            transaction.Append({TestFile(writer + std::to_string(i), i)});
            transaction.SetProperties({{"pos." + writer, std::to_string(i + 1)}});
            return BuildDecision::kCommit;
          },
          patient);
      ASSERT_TRUE(outcome.ok()) << outcome.status();
    }
  };
  std::thread a(work, "a");
  std::thread b(work, "b");
  a.join();
  b.join();
  const auto metadata = Load()->metadata;
  EXPECT_EQ(metadata->snapshots.size(), 2U * kCommits);
  EXPECT_EQ(metadata->last_sequence_number, SequenceNumber(2 * kCommits));
  const auto paths = LivePaths(*metadata);
  ASSERT_TRUE(paths.ok()) << paths.status();
  EXPECT_EQ(std::set<std::string>(paths->begin(), paths->end()).size(), 2U * kCommits);
  EXPECT_EQ(metadata->current_snapshot()->SummaryCount(kSummaryTotalRecords, 0),
            2 * kCommits * 10);
}

TEST_F(SqlCatalogFileTest, OpensADatabaseOfVersionV0) {
  const DatabaseFile file("v0");
  {
    auto db = SqliteDatabase::Open(file.path(), {});
    ASSERT_TRUE(db.ok());
    ASSERT_TRUE(
        (*db)
            ->Execute("CREATE TABLE iceberg_tables (catalog_name VARCHAR(255) NOT "
                      "NULL, table_namespace VARCHAR(255) NOT NULL, table_name "
                      "VARCHAR(255) NOT NULL, metadata_location VARCHAR(1000), "
                      "previous_metadata_location VARCHAR(1000), PRIMARY KEY "
                      "(catalog_name, table_namespace, table_name));"
                      "INSERT INTO iceberg_tables VALUES ('firn', 'old', 't', "
                      "'memory://w/t.json', NULL)")
            .ok());
  }
  OpenCatalog(file.uri());
  EXPECT_EQ(catalog->ListTables(context, {{"old"}})->size(), 1U);
  CreateTable();
  EXPECT_TRUE(Load().ok());
}

TEST_F(SqlCatalogFileTest, RefusesWhatIsNoDatabase) {
  const DatabaseFile file("none");
  std::FILE* out = std::fopen(file.path().c_str(), "w");
  ASSERT_NE(out, nullptr);
  std::fputs(std::string(5000, 'x').c_str(), out);
  std::fclose(out);
  SqlCatalogOptions options;
  options.uri = file.uri();
  EXPECT_EQ(OpenSqlCatalog(options, store, clock, random).status().code(),
            StatusCode::kCorruption);
  options.uri = "sqlite:////nowhere/at/all/catalog.db";
  EXPECT_EQ(OpenSqlCatalog(options, store, clock, random).status().code(),
            StatusCode::kUnavailable);
  options.uri = "postgres://x";
  EXPECT_EQ(OpenSqlCatalog(options, store, clock, random).status().code(),
            StatusCode::kInvalidArgument);
}

TEST_F(SqlCatalogFileTest, AFullDiskIsResourceExhausted) {
  OpenCatalog();
  CreateTable();
  const DatabaseFile file("full");
  auto db = SqliteDatabase::Open(file.path(), {});
  ASSERT_TRUE(db.ok());
  ASSERT_TRUE((*db)->Execute("PRAGMA page_size=512; CREATE TABLE t (x TEXT)").ok());
  ASSERT_TRUE((*db)->Execute("PRAGMA max_page_count=3").ok());
  EXPECT_EQ((*db)->Execute("INSERT INTO t VALUES (zeroblob(100000))").code(),
            StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace firn::iceberg
