// SPDX-License-Identifier: Apache-2.0
// Changes of a table that a running Db settles into.
#include "firn/table_changes.h"

#include <arrow/record_batch.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/context.h"
#include "db/settled_table_fixture.h"

namespace firn {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;

// A table of three snapshots, with one row more each.
class TableChangesTest : public db::SettledTableTest {
 protected:
  TableChangesTest() : SettledTableTest(3) {
    DbOptions options;
    options.warehouse = root_ / "data" / "warehouse";
    auto changes = TableChanges::Open(options);
    EXPECT_TRUE(changes.ok()) << changes.status();
    changes_ = *std::move(changes);
    for (const SnapshotSummary& snapshot : Snapshots())
      ids_.push_back(snapshot.snapshot_id);
    EXPECT_EQ(ids_.size(), 3U);
  }
  std::vector<SnapshotSummary> Snapshots() {
    const auto snapshots = db_->Snapshots(context_, kTable);
    EXPECT_TRUE(snapshots.ok()) << snapshots.status();
    return snapshots.ok() ? *snapshots : std::vector<SnapshotSummary>();
  }
  std::vector<std::string> RefsOf(std::int64_t snapshot_id) {
    for (const SnapshotSummary& snapshot : Snapshots()) {
      if (snapshot.snapshot_id == snapshot_id) return snapshot.refs;
    }
    return {"no such snapshot"};
  }
  Status SetRef(const std::string& name, RefKind kind,
                std::optional<std::int64_t> snapshot_id, bool replace = false) {
    return changes_->SetRef(context_, kTable, {name, kind, snapshot_id, {}, replace})
        .status();
  }
  std::size_t FilesBelow(const std::string& directory) {
    std::size_t files = 0;
    const fs::path path =
        root_ / "data" / "warehouse" / "metrics" / "samples" / directory;
    for (const auto& entry : fs::recursive_directory_iterator(path)) {
      files += entry.is_regular_file() ? 1 : 0;
    }
    return files;
  }

  std::unique_ptr<TableChanges> changes_;
  std::vector<std::int64_t> ids_;  // Oldest first.
};

TEST_F(TableChangesTest, NamesSnapshotsAndForgetsTheNames) {
  EXPECT_TRUE(SetRef("first", RefKind::kTag, ids_[0]).ok());
  EXPECT_TRUE(SetRef("audit", RefKind::kBranch, std::nullopt).ok());
  EXPECT_THAT(RefsOf(ids_[0]), ElementsAre("first"));
  EXPECT_THAT(RefsOf(ids_[2]), ElementsAre("audit", "main"));

  ExpectCode(SetRef("first", RefKind::kTag, ids_[1]), StatusCode::kAlreadyExists);
  ExpectCode(SetRef("first", RefKind::kBranch, ids_[1], true),
             StatusCode::kInvalidArgument);
  ExpectCode(SetRef("other", RefKind::kTag, 12345), StatusCode::kNotFound);
  EXPECT_TRUE(SetRef("first", RefKind::kTag, ids_[1], /*replace=*/true).ok());
  EXPECT_THAT(RefsOf(ids_[1]), ElementsAre("first"));

  const auto drop = [&](const char* name, RefKind kind) {
    return changes_->DropRef(context_, kTable, name, kind).status();
  };
  ExpectCode(drop("first", RefKind::kBranch), StatusCode::kInvalidArgument);
  ExpectCode(drop("main", RefKind::kBranch), StatusCode::kInvalidArgument);
  ExpectCode(drop("none", RefKind::kTag), StatusCode::kNotFound);
  EXPECT_TRUE(drop("first", RefKind::kTag).ok());
  EXPECT_THAT(RefsOf(ids_[1]), ElementsAre());
}

TEST_F(TableChangesTest, ARefAnswersWithItsOwnSnapshot) {
  const auto tag =
      changes_->SetRef(context_, kTable, {"first", RefKind::kTag, ids_[0], {}, false});
  ASSERT_TRUE(tag.ok()) << tag.status();
  EXPECT_EQ(tag->snapshot_id, ids_[0]);
  EXPECT_EQ(tag->rows, 1);
  ASSERT_TRUE(SetRef("audit", RefKind::kBranch, ids_[0]).ok());
  ASSERT_TRUE(SetRef("second", RefKind::kTag, ids_[1]).ok());
  const auto moved = changes_->FastForward(context_, kTable, "audit", "second");
  ASSERT_TRUE(moved.ok()) << moved.status();
  EXPECT_EQ(moved->snapshot_id, ids_[1]);
  EXPECT_EQ(moved->rows, 2);
}

TEST_F(TableChangesTest, PropertiesAreCheckedBeforeTheyAreSet) {
  const auto before = *changes_->Properties(context_, kTable);
  const auto changed = changes_->ChangeProperties(
      context_, kTable, {{{"owner", "a"}, {"commit.retry.num-retries", "7"}}, {}});
  ASSERT_TRUE(changed.ok()) << changed.status();
  EXPECT_EQ(changed->at("owner"), "a");
  EXPECT_EQ(*changed, *changes_->Properties(context_, kTable));
  Settle();
  ExpectSound();
  const auto bad = [&](const PropertyChange& change) {
    return changes_->ChangeProperties(context_, kTable, change).status();
  };
  ExpectCode(bad({{{"commit.retry.num-retries", "many"}}, {}}),
             StatusCode::kInvalidArgument);
  ExpectCode(bad({{}, {"none"}}), StatusCode::kNotFound);
  for (const auto& [key, value] : before) {
    if (key.starts_with("firn.position.")) {
      EXPECT_THAT(std::string(bad({{}, {key}}).message()), HasSubstr("retire"));
      EXPECT_THAT(std::string(bad({{{key, value}}, {}}).message()), HasSubstr("retire"));
    }
  }
  EXPECT_TRUE(bad({{}, {"owner", "commit.retry.num-retries"}}).ok());
  EXPECT_FALSE(changes_->Properties(context_, kTable)->contains("owner"));
}

// Of a column change, and of what it says.
using Columns = std::vector<ColumnChange>;

TEST_F(TableChangesTest, ATableIsAlteredWhileADbSettlesIntoIt) {
  AlterTable change;
  change.columns = {{ColumnChangeKind::kAdd, "quality long 'of the sensor'"},
                    {ColumnChangeKind::kWiden, "flags long"},
                    {ColumnChangeKind::kRename, "instance=node"},
                    {ColumnChangeKind::kMove, "quality first"}};
  change.partition = "hour(ts), bucket(2, series_id)";
  change.sort = "ts desc";
  change.dry_run = true;
  const auto before = *db_->DescribeTable(context_, kTable);
  const auto tried = changes_->Alter(context_, kTable, change);
  ASSERT_TRUE(tried.ok()) << tried.status();
  EXPECT_TRUE(tried->changed);
  EXPECT_EQ(changes_->Alter(context_, kTable, change)->table.summary.metadata_location,
            before.summary.metadata_location);

  change.dry_run = false;
  const auto altered = changes_->Alter(context_, kTable, change);
  ASSERT_TRUE(altered.ok()) << altered.status();
  EXPECT_TRUE(altered->changed);
  for (const TableDescription* is : {&altered->table, &tried->table}) {
    EXPECT_EQ(is->columns.front().name, "quality");
    EXPECT_EQ(is->columns.front().doc, "of the sensor");
    EXPECT_EQ(is->partition_spec,
              "[hour(ts) as ts_hour, bucket[2](series_id) as series_id_bucket_2]");
    EXPECT_EQ(is->sort_order, "[ts desc nulls-last]");
  }
  Settle();
  Settle();
  ExpectSound();
  EXPECT_EQ(db_->DescribeTable(context_, kTable)->summary.rows, 5);
  // What is so already is no commit.
  const auto again =
      changes_->Alter(context_, kTable,
                      {Columns{{ColumnChangeKind::kWiden, "flags long"}}, {}, "ts desc"});
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_FALSE(again->changed);
}

TEST_F(TableChangesTest, WhatADbNeedsOfItsTablesStays) {
  const auto alter = [&](const char* table, const Columns& columns) {
    return changes_->Alter(context_, table, {columns, {}, {}}).status();
  };
  const auto expect_refused = [&](const char* table, ColumnChangeKind kind,
                                  const std::string& text, const std::string& said) {
    const Status status = alter(table, {{kind, text}});
    ExpectCode(status, StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()), HasSubstr(said));
    EXPECT_THAT(std::string(status.message()), HasSubstr("firn table retire"));
  };
  constexpr const char* kSeries = "metrics.series";
  for (const char* column : {"value", "flags", "tenant"}) {
    const std::string said =
        "column " + std::string(column) + " is needed by this name: a server settles";
    expect_refused(kTable, ColumnChangeKind::kDrop, column, said);
    expect_refused(kTable, ColumnChangeKind::kRename, column + std::string("=x"), said);
  }
  expect_refused(kTable, ColumnChangeKind::kDocument, "job=of the scrape",
                 "the doc of column job, Label job, says which label is in it");
  expect_refused(kSeries, ColumnChangeKind::kDrop, "labels", "column labels is needed");
  expect_refused(kSeries, ColumnChangeKind::kRename, "last_seen=seen", "last_seen");
  // The others are whoever's.
  EXPECT_TRUE(alter(kTable, {{ColumnChangeKind::kDrop, "start_ts"},
                             {ColumnChangeKind::kDrop, "labels"},
                             {ColumnChangeKind::kDrop, "job"},
                             {ColumnChangeKind::kDocument, "value=of the sample"}})
                  .ok());
  EXPECT_TRUE(alter(kSeries, {{ColumnChangeKind::kDrop, "scope_attributes"},
                              {ColumnChangeKind::kRename, "help=text"}})
                  .ok());
  Settle();
  ExpectSound();
  // A Db that starts takes them as they are.
  db_.reset();
  DbOptions options;
  options.data_dir = root_ / "data";
  options.settle_interval_ms = 0;
  auto db = Db::Open(options);
  ASSERT_TRUE(db.ok()) << db.status();
  db_ = *std::move(db);
  Settle();
  ExpectSound();
  EXPECT_EQ(db_->DescribeTable(context_, kTable)->summary.rows, 5);
}

TEST_F(TableChangesTest, AnAlterationIsAllOrNothing) {
  const auto before = *db_->DescribeTable(context_, kTable);
  const auto fails = [&](const AlterTable& change, StatusCode code,
                         const std::string& said) {
    const Status status = changes_->Alter(context_, kTable, change).status();
    ExpectCode(status, code);
    EXPECT_THAT(std::string(status.message()), EndsWith(said));
    AlterTable dry = change;
    dry.dry_run = true;
    EXPECT_EQ(changes_->Alter(context_, kTable, dry).status().message(), said);
  };
  const ColumnChange good{ColumnChangeKind::kAdd, "n long"};
  fails({{}, {}, {}}, StatusCode::kInvalidArgument, "there is nothing to change");
  fails({{good, {ColumnChangeKind::kAdd, "m lnog"}}, {}, {}},
        StatusCode::kInvalidArgument,
        "add column m lnog: character 3: there is no type lnog; is long meant?");
  fails({{good, {ColumnChangeKind::kAdd, "value long"}}, {}, {}},
        StatusCode::kAlreadyExists, "add column value: the name is taken");
  fails({{good, {ColumnChangeKind::kDrop, "valu"}}, {}, {}}, StatusCode::kNotFound,
        "drop column valu: there is no column valu; is value meant?");
  fails({{good, {ColumnChangeKind::kDrop, "ts"}}, {}, {}}, StatusCode::kInvalidArgument,
        "drop column ts: partition field ts_day is made of it: remove that first");
  fails({{{ColumnChangeKind::kAdd, "\"c\xff\" string"}}, {}, {}},
        StatusCode::kInvalidArgument,
        R"(add column "\"c\xff\" string": character 3: the byte "\xff" is not UTF-8: )"
        "names and texts of a table are");
  fails({{good}, "day(n", {}}, StatusCode::kInvalidArgument,
        "partition: character 6: expected ')', found the end");
  fails({{good}, {}, "n up"}, StatusCode::kInvalidArgument,
        "sort: character 3: expected ',', found 'up'");
  fails(
      {{good,
        {ColumnChangeKind::kWiden, "value float"},
        {ColumnChangeKind::kAdd, "m long required"}},
       {},
       {}},
      StatusCode::kInvalidArgument,
      "the rows that are there do not go with it: value: expected optional float, found "
      "optional double: values of type double do not widen to float. Files are "
      "not rewritten: add optional columns instead; a new column cannot be required, as "
      "it has no default for files from before it: add m as optional");
  EXPECT_EQ(db_->DescribeTable(context_, kTable)->summary.metadata_location,
            before.summary.metadata_location);
}

TEST_F(TableChangesTest, ATableIsDroppedOnceNoServerSettlesIntoIt) {
  const Status settled = changes_->Drop(context_, kTable).status();
  ExpectCode(settled, StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(settled.message()), HasSubstr("`firn table retire`"));
  const auto properties = *changes_->Properties(context_, kTable);
  const std::string prefix = "firn.position.";
  const auto position = properties.lower_bound(prefix);
  ASSERT_NE(position, properties.end());
  ASSERT_TRUE(
      changes_->Retire(context_, kTable, position->first.substr(prefix.size())).ok());
  const std::size_t data = FilesBelow("data");
  const auto dropped = changes_->Drop(context_, kTable);
  ASSERT_TRUE(dropped.ok()) << dropped.status();
  EXPECT_EQ(dropped->table, kTable);
  EXPECT_THAT(dropped->location, HasSubstr("/metrics/samples"));
  EXPECT_THAT(dropped->metadata_location, HasSubstr(".metadata.json"));
  EXPECT_EQ(FilesBelow("data"), data);
  ExpectCode(changes_->Properties(context_, kTable).status(), StatusCode::kNotFound);
  ExpectCode(changes_->Drop(context_, kTable).status(), StatusCode::kNotFound);
}

TEST_F(TableChangesTest, ARunningDbGoesOnFromWhereTheTableIs) {
  ASSERT_TRUE(changes_->RollbackTo(context_, kTable, ids_[0]).ok());
  Settle();
  EXPECT_EQ(db_->DescribeTable(context_, kTable)->summary.rows, 2);
  const auto cursor = db_->Sql(context_, "SELECT value FROM metrics.samples");
  ASSERT_TRUE(cursor.ok()) << cursor.status();
  std::int64_t rows = 0;
  while (true) {
    const auto batch = (*cursor)->Next();
    ASSERT_TRUE(batch.ok()) << batch.status();
    if (*batch == nullptr) break;
    rows += (*batch)->num_rows();
  }
  EXPECT_EQ(rows, 2);
  ExpectSound();
}

TEST_F(TableChangesTest, GoesBackAndForward) {
  EXPECT_TRUE(SetRef("newest", RefKind::kTag, ids_[2]).ok());
  const auto back = changes_->RollbackTo(context_, kTable, ids_[0]);
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->snapshot_id, ids_[0]);
  EXPECT_EQ(back->rows, 1);
  // What is ahead is no past.
  ExpectCode(changes_->RollbackTo(context_, kTable, ids_[2]).status(),
             StatusCode::kInvalidArgument);
  ExpectCode(changes_->RollbackTo(context_, kTable, 12345).status(),
             StatusCode::kNotFound);
  const auto forward = changes_->FastForward(context_, kTable, "main", "newest");
  ASSERT_TRUE(forward.ok()) << forward.status();
  EXPECT_EQ(forward->snapshot_id, ids_[2]);
  ExpectCode(changes_->FastForward(context_, kTable, "main", "none").status(),
             StatusCode::kNotFound);

  const auto at = Snapshots()[1].timestamp_ms;
  const auto then = changes_->RollbackToTime(context_, kTable, at);
  ASSERT_TRUE(then.ok()) << then.status();
  EXPECT_EQ(then->snapshot_id, ids_[0]);
  ExpectCode(changes_->RollbackToTime(context_, kTable, 0).status(),
             StatusCode::kNotFound);
  ExpectSound();
}

TEST_F(TableChangesTest, ADryExpiryChangesNothing) {
  ExpireOptions options;
  options.older_than_ms = base::SystemClock().NowMs() + 1000;
  options.dry_run = true;
  const std::size_t metadata = FilesBelow("metadata");
  const auto report = changes_->Expire(context_, kTable, options);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_THAT(report->snapshot_ids, ElementsAre(ids_[0], ids_[1]));
  EXPECT_EQ(report->manifest_lists, 2);
  EXPECT_EQ(report->data_files, 0);  // The current snapshot has every file.
  EXPECT_EQ(FilesBelow("metadata"), metadata);
  EXPECT_EQ(Snapshots().size(), 3U);
}

TEST_F(TableChangesTest, ExpiryRemovesWhatOnlyOldSnapshotsNeed) {
  ASSERT_TRUE(SetRef("first", RefKind::kTag, ids_[0]).ok());
  ASSERT_TRUE(changes_->RollbackTo(context_, kTable, ids_[1]).ok());
  ExpireOptions options;
  options.older_than_ms = base::SystemClock().NowMs() + 1000;
  std::int64_t told = 0;
  options.on_progress = [&](std::int64_t files) { told = files; };
  const std::size_t data = FilesBelow("data");
  const auto report = changes_->Expire(context_, kTable, options);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_THAT(report->snapshot_ids, ElementsAre(ids_[2]));  // The tag keeps the first.
  EXPECT_EQ(report->data_files, 1);
  EXPECT_EQ(report->manifest_lists, 1);
  EXPECT_EQ(told, report->data_files + report->manifests + report->manifest_lists);
  EXPECT_EQ(FilesBelow("data"), data - 1);
  EXPECT_EQ(Snapshots().size(), 2U);
  ExpectSound();
  // There is nothing more to do.
  EXPECT_TRUE(changes_->Expire(context_, kTable, options)->snapshot_ids.empty());

  options.snapshot_ids = {ids_[0]};
  ExpectCode(changes_->Expire(context_, kTable, options).status(),
             StatusCode::kInvalidArgument);
  options.snapshot_ids = {12345};
  ExpectCode(changes_->Expire(context_, kTable, options).status(), StatusCode::kNotFound);
}

TEST_F(TableChangesTest, ACancelledExpirySaysWhatStaysBehind) {
  ExpireOptions options;
  options.older_than_ms = base::SystemClock().NowMs() + 1000;
  options.on_progress = [&](std::int64_t) { context_.Cancel(); };
  const Status status = changes_->Expire(context_, kTable, options).status();
  ExpectCode(status, StatusCode::kCancelled);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("2 snapshots have expired, and 1 of their files are removed"));
}

TEST_F(TableChangesTest, AStagedAppendIsPicked) {
  // A snapshot that a rollback left off main.
  ASSERT_TRUE(changes_->RollbackTo(context_, kTable, ids_[1]).ok());
  const auto picked = changes_->CherryPick(context_, kTable, ids_[2]);
  ASSERT_TRUE(picked.ok()) << picked.status();
  EXPECT_EQ(picked->snapshot_id, ids_[2]);  // A child of the current one: main moves.
  EXPECT_EQ(picked->rows, 3);
  ExpectCode(changes_->CherryPick(context_, kTable, ids_[2]).status(),
             StatusCode::kAlreadyExists);
}

TEST_F(TableChangesTest, AWriterIsRetired) {
  std::string writer;
  const auto description = db_->DescribeTable(context_, kTable);
  ASSERT_TRUE(description.ok()) << description.status();
  for (const auto& [key, value] : description->properties) {
    const std::string prefix = "firn.position.";
    if (key.starts_with(prefix)) writer = key.substr(prefix.size());
  }
  ASSERT_FALSE(writer.empty());
  ExpectCode(changes_->Retire(context_, kTable, "nobody").status(),
             StatusCode::kInvalidArgument);
  ExpectCode(changes_->Retire(context_, kTable, "01ARZ3NDEKTSV4RRFFQ69G5FAV").status(),
             StatusCode::kNotFound);
  EXPECT_TRUE(changes_->Retire(context_, kTable, writer).ok());
  ExpectCode(changes_->Retire(context_, kTable, writer).status(), StatusCode::kNotFound);
}

TEST_F(TableChangesTest, OtherTablesAndWarehousesAreNotFound) {
  const Status status = changes_->RollbackTo(context_, "metrics.none", 1).status();
  ExpectCode(status, StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("metrics.samples"));
  DbOptions options;
  options.warehouse = root_ / "nowhere";
  ExpectCode(TableChanges::Open(options).status(), StatusCode::kNotFound);
  EXPECT_FALSE(fs::exists(root_ / "nowhere"));
}

}  // namespace
}  // namespace firn
