// SPDX-License-Identifier: Apache-2.0
// Commits of several tables of an SQL catalog at once: crashes, rivals, refusals. That
// all of them change or none is told of other catalogs as well in
// catalog_conformance_test.cc.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <thread>
#include <utility>

#include "iceberg/test_table.h"
#include "iceberg/transaction.h"
#include "io/power_switch.h"
#include "io/temporary_directory.h"

namespace firn::iceberg {
namespace {

using Point = SqlCatalogOptions::Point;

// Two tables that get a file of the same name in each commit.
class SeveralTablesTest : public TableTest {
 protected:
  void SetUp() override { Given("sqlite://"); }

  void Given(const std::string& uri) {
    OpenCatalog(uri);
    CreateTable({{kPropertyPreviousVersionsMax, "1"}});
    const TableIdentifier first = std::exchange(name, other);
    CreateTableRequest request;
    request.identifier = other;
    request.schema = TestSchema();
    request.spec = TestSpec();
    request.properties = {{kPropertyPreviousVersionsMax, "1"}};
    const auto made = catalog->CreateTable(context, request);
    ASSERT_TRUE(made.ok()) << made.status();
    name = first;
  }

  // A change that appends `file` to the table: its manifest and the list are written.
  TableChange Appending(Catalog& of, const TableIdentifier& table,
                        const std::string& file, std::vector<std::string>* written) {
    const auto loaded = of.LoadTable(context, table);
    EXPECT_TRUE(loaded.ok()) << loaded.status();
    Transaction transaction(*loaded->metadata);
    transaction.Append({TestFile(file, 1)});
    auto commit = transaction.BuildCommit(context, manifests, clock, random, written);
    EXPECT_TRUE(commit.ok()) << commit.status();
    return {table, std::move(commit->requirements), std::move(commit->updates)};
  }
  std::vector<TableChange> Both(Catalog& of, const std::string& file) {
    std::vector<std::string> written;
    return {Appending(of, name, file, &written), Appending(of, other, file, &written)};
  }
  std::set<std::string> Files(const TableIdentifier& table) {
    const auto loaded = catalog->LoadTable(context, table);
    EXPECT_TRUE(loaded.ok()) << loaded.status();
    const auto paths = LivePaths(*loaded->metadata);
    EXPECT_TRUE(paths.ok()) << paths.status();
    return {paths->begin(), paths->end()};
  }

  const TableIdentifier other{{{"metrics"}}, "other"};
};

TEST_F(SeveralTablesTest, ChangeTogether) {
  ASSERT_TRUE(catalog->CommitTables(context, Both(*catalog, "a")).ok());
  ASSERT_TRUE(catalog->CommitTables(context, Both(*catalog, "b")).ok());
  EXPECT_EQ(Files(name).size(), 2U);
  EXPECT_EQ(Files(name), Files(other));
  EXPECT_TRUE(catalog->CommitTables(context, {}).ok());
  // Each keeps the metadata file before the current one, and no more.
  EXPECT_EQ(Objects(".metadata.json").size(), 4U);
}

TEST_F(SeveralTablesTest, ARefusalOfOneIsOfAllAndLeavesNothing) {
  ASSERT_TRUE(catalog->CommitTables(context, Both(*catalog, "a")).ok());
  const auto files = Objects(".metadata.json");
  auto stale = Both(*catalog, "b");
  ASSERT_TRUE(AppendFiles({TestFile("rival", 1)}).ok());
  const std::size_t now = Objects(".metadata.json").size();
  std::reverse(stale.begin(), stale.end());  // What does not hold comes last.
  const Status refused = catalog->CommitTables(context, stale);
  EXPECT_EQ(refused.code(), StatusCode::kConflict) << refused;
  EXPECT_NE(refused.message().find("metrics.probe"), std::string_view::npos) << refused;
  EXPECT_EQ(Files(other).size(), 1U);
  EXPECT_EQ(Objects(".metadata.json").size(), now);

  auto absent = Both(*catalog, "c");
  absent[1].identifier.name = "nowhere";
  EXPECT_EQ(catalog->CommitTables(context, absent).code(), StatusCode::kNotFound);
  auto twice = Both(*catalog, "d");
  twice[1].identifier = name;
  EXPECT_EQ(catalog->CommitTables(context, twice).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(Files(name).size(), 2U);
  EXPECT_EQ(Objects(".metadata.json").size(), now);

  const base::Context cancelled;
  cancelled.Cancel();
  EXPECT_EQ(catalog->CommitTables(cancelled, Both(*catalog, "e")).code(),
            StatusCode::kCancelled);
}

// A rival comes between the reading of both tables and the transaction: the row of the
// last table has moved on, so that the first one's change is rolled back.
TEST_F(SeveralTablesTest, ARivalOfTheLastTableUndoesTheFirst) {
  ASSERT_TRUE(catalog->CommitTables(context, Both(*catalog, "a")).ok());
  auto changes = Both(*catalog, "b");
  std::reverse(changes.begin(), changes.end());
  int written = 0;
  store.SetFaultHook([&](const io::StoreOperation& operation) -> io::MemoryStore::Fault {
    const bool writes = operation.kind == io::StoreOperation::Kind::kPutIfAbsent &&
                        operation.location.ends_with(".metadata.json");
    if (writes && ++written == 2) {
      EXPECT_TRUE(AppendFiles({TestFile("rival", 1)}).ok());
    }
    return {};
  });
  const Status late = catalog->CommitTables(context, changes);
  store.SetFaultHook(nullptr);
  EXPECT_EQ(late.code(), StatusCode::kConflict) << late;
  EXPECT_EQ(Files(other).size(), 1U);
  EXPECT_EQ(Files(name).size(), 2U);
  EXPECT_EQ(Objects(".metadata.json").size(), 4U);
}

// The power goes at each operation of the store in turn and stays off, or the database
// fails around its COMMIT: afterwards both tables are what they were, or both what they
// were to be, and whole.
TEST_F(SeveralTablesTest, PowerCutAtEveryOperation) {
  std::size_t commits = 0;
  for (const bool happens : {false, true}) {
    for (std::uint64_t good = 0;; ++good) {
      ASSERT_LT(good, 100U);
      const auto changes = Both(*catalog, "f" + std::to_string(commits));
      const io::PowerSwitch power(good, happens);
      store.SetFaultHook(power.StoreHook());
      const Status outcome = catalog->CommitTables(context, changes);
      store.SetFaultHook(nullptr);
      if (outcome.ok()) ++commits;
      EXPECT_EQ(Files(name).size(), commits) << good << ": " << outcome;
      EXPECT_EQ(Files(name), Files(other)) << good << ": " << outcome;
      if (!power.is_off()) break;
    }
  }
  EXPECT_GE(commits, 2U);
  for (const Point point : {Point::kBeforeCommit, Point::kAfterCommit}) {
    const auto changes = Both(*catalog, "f" + std::to_string(commits));
    sql_fault = [point](Point at) {
      return at == point ? Status::Unavailable("disk went away") : Status::OK();
    };
    const Status outcome = catalog->CommitTables(context, changes);
    sql_fault = nullptr;
    EXPECT_EQ(outcome.code(), StatusCode::kCommitUnknown) << outcome;
    if (point == Point::kAfterCommit) ++commits;
    EXPECT_EQ(Files(name).size(), commits);
    EXPECT_EQ(Files(name), Files(other));
  }
}

// Writers on connections of their own, one of both tables and one of each alone.
TEST_F(SeveralTablesTest, RivalsLoseAndDoubleNothing) {
  constexpr int kCommits = 40;
  const io::TemporaryDirectory directory;
  const std::string uri = "sqlite:///" + directory.path() + "/catalog.db";
  Given(uri);
  const auto work = [&](const std::string& writer, bool of_first, bool of_other) {
    SqlCatalogOptions options;
    options.uri = uri;
    options.warehouse = "memory://w";
    auto own = OpenSqlCatalog(options, store, clock, random);
    ASSERT_TRUE(own.ok()) << own.status();
    for (int i = 0; i < kCommits; ++i) {
      for (Status done = Status::Conflict("not yet"); !done.ok();) {
        ASSERT_EQ(done.code(), StatusCode::kConflict) << done;
        const std::string file = writer + std::to_string(i);
        std::vector<std::string> written;
        std::vector<TableChange> changes;
        if (of_first) changes.push_back(Appending(**own, name, file, &written));
        if (of_other) changes.push_back(Appending(**own, other, file, &written));
        done = (*own)->CommitTables(context, changes);
      }
    }
  };
  std::thread both(work, "both", true, true);
  std::thread more(work, "more", true, true);
  std::thread alone(work, "alone", false, true);
  both.join();
  more.join();
  alone.join();
  const auto first = Files(name);
  const auto second = Files(other);
  EXPECT_EQ(first.size(), 2U * kCommits);
  EXPECT_EQ(second.size(), 3U * kCommits);
  EXPECT_TRUE(std::includes(second.begin(), second.end(), first.begin(), first.end()));
  EXPECT_EQ(Load()->metadata->last_sequence_number, SequenceNumber(2 * kCommits));
}

}  // namespace
}  // namespace firn::iceberg
