// SPDX-License-Identifier: Apache-2.0
// The public interface, on the local disk.
#include "firn/db.h"

#include <arrow/array/array_primitive.h>
#include <arrow/record_batch.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "base/clock.h"
#include "base/context.h"
#include "base/log.h"
#include "base/metrics.h"
#include "firn/table_changes.h"
#include "firn/table_maintenance.h"

namespace firn {
namespace {

namespace fs = std::filesystem;

class DbTest : public testing::Test {
 protected:
  DbTest() {
    base::SetLogLevel(base::LogLevel::kError);
    std::string pattern = (fs::temp_directory_path() / "firn-db-test-XXXXXX").string();
    root_ = mkdtemp(pattern.data());
    options_.data_dir = root_ / "data";
    options_.holder = "the test";
    options_.settle_interval_ms = 0;
    now_ms_ = base::SystemClock().NowMs();
  }
  ~DbTest() override {
    db_.reset();
    fs::remove_all(root_);
  }

  Status TryOpen() {
    db_.reset();
    FIRN_ASSIGN_OR_RETURN(db_, Db::Open(options_));
    return Status::OK();
  }
  void Open() {
    const Status opened = TryOpen();
    ASSERT_TRUE(opened.ok()) << opened;
  }

  void Write(TimestampMs t, double value, int series = 3) {
    const Status written = TryWrite(t, value, series);
    EXPECT_TRUE(written.ok()) << written;
  }
  Status TryWrite(TimestampMs t, double value, int series = 3) {
    auto appender = db_->NewAppender("");
    FIRN_RETURN_IF_ERROR(appender.status());
    for (int i = 0; i < series; ++i) {
      const std::string host = "h" + std::to_string(i);
      const auto ref = (*appender)->Resolve(host, [](std::string_view alias) {
        return Labels::Make(
            {{"__name__", "m"}, {"job", "j"}, {"host", std::string(alias)}});
      });
      FIRN_RETURN_IF_ERROR(ref.status());
      (*appender)->Append(*ref, {t, value + i});
    }
    const auto report = (*appender)->Commit();
    FIRN_RETURN_IF_ERROR(report.status());
    EXPECT_EQ(report->rejected(), 0) << report->first_rejection;
    return Status::OK();
  }

  // The files of the logs by path, with their bytes.
  std::map<std::string, std::string> LogFiles() {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(options_.data_dir)) {
      if (!entry.is_regular_file() || entry.path().extension() != ".wal") continue;
      std::ifstream in(entry.path(), std::ios::binary);
      files[entry.path()].assign(std::istreambuf_iterator<char>(in), {});
    }
    return files;
  }

  // The first column of the first row.
  double Sql(const std::string& statement) {
    auto cursor = db_->Sql(context_, statement);
    EXPECT_TRUE(cursor.ok()) << cursor.status();
    if (!cursor.ok()) return -1;
    auto batch = (*cursor)->Next();
    EXPECT_TRUE(batch.ok()) << batch.status();
    if (!batch.ok() || *batch == nullptr) return -1;
    const auto& column = *(*batch)->column(0);
    if (column.type_id() == arrow::Type::INT64) {
      return static_cast<double>(static_cast<const arrow::Int64Array&>(column).Value(0));
    }
    return static_cast<const arrow::DoubleArray&>(column).Value(0);
  }
  double Rows() { return Sql("SELECT count(*) FROM metrics.samples"); }

  double Promql(const std::string& expression, TimestampMs t) {
    PromqlRequest request;
    request.expression = expression;
    request.start_ms = request.end_ms = t;
    const auto result = db_->Promql(context_, request);
    EXPECT_TRUE(result.ok()) << result.status();
    if (!result.ok()) return -1;
    const auto* vector = std::get_if<PromqlVector>(&result->value);
    return vector == nullptr || vector->size() != 1 ? -1 : vector->front().sample.value;
  }

  fs::path root_;
  DbOptions options_;
  base::Context context_;
  std::unique_ptr<Db> db_;
  TimestampMs now_ms_ = 0;
};

TEST_F(DbTest, AnswersTheSameBeforeDuringAndAfterSettling) {
  Open();
  for (int i = 0; i < 10; ++i) Write(now_ms_ - 10'000 + i * 1000, i);
  const auto check = [&] {
    EXPECT_EQ(Rows(), 30);
    EXPECT_EQ(Sql("SELECT sum(value) FROM metrics.samples"), 3 * 45 + 10 * 3);
    EXPECT_EQ(Sql("SELECT count(*) FROM metrics.series"), 3);
    EXPECT_EQ(Promql("sum(m)", now_ms_), 9 + 10 + 11);
    EXPECT_EQ(Promql("sum(count_over_time(m[1m]))", now_ms_), 30);
    const auto series = db_->Series(context_, {"", {}, {}, 0});
    ASSERT_TRUE(series.ok());
    EXPECT_EQ(series->size(), 3u);
    EXPECT_EQ(*db_->LabelNames(context_, {"", {}, {}, 0}),
              (std::vector<std::string>{"__name__", "host", "job"}));
    EXPECT_EQ(*db_->LabelValues(context_, "host", {"", {}, {}, 2}),
              (std::vector<std::string>{"h0", "h1"}));
  };
  check();
  const auto settled = db_->Settle(context_);
  ASSERT_TRUE(settled.ok()) << settled.status();
  ASSERT_EQ(settled->size(), 2u);
  EXPECT_EQ((*settled)[0].table, "metrics.series");
  EXPECT_EQ((*settled)[1].table, "metrics.samples");
  EXPECT_EQ((*settled)[1].rows, 30);
  check();
  Open();
  check();
}

TEST_F(DbTest, AReaderSeesWhatIsCommittedWhileAServerRuns) {
  Open();
  Write(now_ms_, 1);
  ASSERT_TRUE(db_->Settle(context_).ok());
  Write(now_ms_ + 1000, 2);
  DbOptions reading = options_;
  reading.warehouse = options_.data_dir + "/warehouse";
  auto reader = Db::OpenReader(reading);
  ASSERT_TRUE(reader.ok()) << reader.status();
  std::swap(*reader, db_);
  EXPECT_EQ(Rows(), 3);
  EXPECT_EQ(Promql("sum(m)", now_ms_ + 1000), 6);
  EXPECT_TRUE(db_->Settle(context_).status().Is(StatusCode::kInvalidArgument));
  EXPECT_TRUE(db_->NewAppender("").status().Is(StatusCode::kInvalidArgument));
  const auto tables = db_->ListTables(context_);
  ASSERT_TRUE(tables.ok());
  ASSERT_EQ(tables->size(), 2u);
  EXPECT_EQ((*tables)[0].rows, 3);
  const auto files = db_->Files(context_, "metrics.samples");
  ASSERT_TRUE(files.ok());
  ASSERT_EQ(files->size(), 1u);
  EXPECT_TRUE(files->front().partition.starts_with("ts_day="));
  const auto description = db_->DescribeTable(context_, "metrics.samples");
  ASSERT_TRUE(description.ok());
  EXPECT_EQ(description->columns.front().name, "tenant");
  EXPECT_EQ(db_->Snapshots(context_, "metrics.samples")->size(), 1u);
  EXPECT_TRUE(
      db_->DescribeTable(context_, "metrics.nope").status().Is(StatusCode::kNotFound));
}

TEST_F(DbTest, AReaderOfNothingSaysSo) {
  DbOptions reading;
  reading.warehouse = root_ / "none";
  const Status status = Db::OpenReader(reading).status();
  EXPECT_TRUE(status.Is(StatusCode::kNotFound)) << status;
  EXPECT_FALSE(fs::exists(root_ / "none"));
}

TEST_F(DbTest, ASecondServerIsToldWhoHoldsTheDirectory) {
  Open();
  const Status refused = Db::Open(options_).status();
  EXPECT_TRUE(refused.Is(StatusCode::kAlreadyExists)) << refused;
  EXPECT_NE(refused.message().find("the test"), std::string_view::npos) << refused;
}

// An older copy of the data directory is put back beside the newer warehouse.
TEST_F(DbTest, AnOlderDataDirectoryBeginsANewLog) {
  options_.warehouse = root_ / "warehouse";
  Open();
  Write(now_ms_ - 5000, 1);
  db_.reset();
  fs::copy(options_.data_dir, root_ / "backup", fs::copy_options::recursive);
  Open();
  Write(now_ms_ - 4000, 2);
  ASSERT_TRUE(db_->Settle(context_).ok());
  db_.reset();
  fs::remove_all(options_.data_dir);
  fs::copy(root_ / "backup", options_.data_dir, fs::copy_options::recursive);
  Open();
  EXPECT_EQ(Rows(), 6);
  ASSERT_FALSE(db_->start_reports().empty());
  EXPECT_NE(db_->start_reports()[0].find("older copy of the data directory"),
            std::string::npos);
  Write(now_ms_ - 3000, 3);
  ASSERT_TRUE(db_->Settle(context_).ok());
  EXPECT_EQ(Rows(), 9);
  Open();
  EXPECT_EQ(Rows(), 9);
  EXPECT_TRUE(db_->start_reports().empty());
  db_.reset();

  // The same old copy once more: its rows went into the log that came after it.
  fs::remove_all(options_.data_dir);
  fs::copy(root_ / "backup", options_.data_dir, fs::copy_options::recursive);
  const auto before = LogFiles();
  ASSERT_FALSE(before.empty());
  const Status refused = TryOpen();
  EXPECT_TRUE(refused.Is(StatusCode::kCorruption)) << refused;
  EXPECT_EQ(LogFiles(), before);
  EXPECT_NE(refused.message().find("--accept-gap"), std::string_view::npos) << refused;
  options_.accept_gap = true;
  Open();
  EXPECT_EQ(Rows(), 9);
  Write(now_ms_ - 2000, 4);
  ASSERT_TRUE(db_->Settle(context_).ok());
  EXPECT_EQ(Rows(), 12);
}

// The warehouse of another time is put beside a log that has been trimmed since.
TEST_F(DbTest, AGapIsRefusedBeforeTheLogIsTouched) {
  options_.warehouse = root_ / "warehouse";
  options_.log_bytes_max = 64 << 10;
  Open();
  Write(now_ms_ - 60'000, 1);
  ASSERT_TRUE(db_->Settle(context_).ok());
  db_.reset();
  fs::copy(options_.warehouse, root_ / "backup", fs::copy_options::recursive);
  Open();
  for (int i = 1; i <= 1000; ++i) {
    Write(now_ms_ - 60'000 + i, i);
    if (i % 50 == 0) {
      ASSERT_TRUE(db_->Settle(context_).ok());
    }
  }
  db_.reset();
  fs::remove_all(options_.warehouse);
  fs::copy(root_ / "backup", options_.warehouse, fs::copy_options::recursive);
  // A torn tail, which opening would cut off.
  const std::string last = LogFiles().rbegin()->first;
  std::ofstream(last, std::ios::app | std::ios::binary) << "torn";
  const auto before = LogFiles();
  const Status refused = TryOpen();
  EXPECT_TRUE(refused.Is(StatusCode::kCorruption)) << refused;
  EXPECT_NE(refused.message().find("Put the newer warehouse back"),
            std::string_view::npos)
      << refused;
  EXPECT_EQ(LogFiles(), before);
  options_.accept_gap = true;
  Open();
  EXPECT_EQ(db_->start_reports().size(), 2u);
  EXPECT_NE(LogFiles(), before);
  Write(now_ms_, 7);
  ASSERT_TRUE(db_->Settle(context_).ok());
}

// Two servers on copies of one data directory: the second to settle finds that the tables
// are not as it left them. No background loop is needed to stop its writing.
TEST_F(DbTest, ASettleThatFindsTheTablesChangedStopsWriting) {
  options_.warehouse = root_ / "warehouse";
  Open();
  Write(now_ms_ - 5000, 1);
  ASSERT_TRUE(db_->Settle(context_).ok());
  db_.reset();
  const std::string original = options_.data_dir;
  fs::copy(original, root_ / "clone", fs::copy_options::recursive);
  Open();
  Write(now_ms_ - 4000, 2);
  const std::unique_ptr<Db> first = std::move(db_);
  options_.data_dir = root_ / "clone";
  Open();
  Write(now_ms_ - 3000, 3);
  ASSERT_TRUE(first->Settle(context_).ok());
  EXPECT_TRUE(db_->Settle(context_).status().Is(StatusCode::kCorruption));
  const Status refused = TryWrite(now_ms_ - 2000, 4);
  EXPECT_NE(refused.message().find("writing is stopped"), std::string_view::npos)
      << refused;
  EXPECT_EQ(Rows(), 6);  // Reading goes on.
}

TEST_F(DbTest, ASettleOfNothingSeesWhatOthersCommitted) {
  Open();
  Write(now_ms_ - 5000, 1);
  ASSERT_TRUE(db_->Settle(context_).ok());
  Write(now_ms_ - 4000, 2);
  ASSERT_TRUE(db_->Settle(context_).ok());
  EXPECT_EQ(Rows(), 6);
  const auto snapshots = db_->Snapshots(context_, "metrics.samples");
  ASSERT_TRUE(snapshots.ok() && snapshots->size() == 2) << snapshots.status();
  std::int64_t first = snapshots->front().snapshot_id;
  if (snapshots->front().is_current) first = snapshots->back().snapshot_id;
  DbOptions options = options_;
  options.warehouse = options_.data_dir + "/warehouse";
  const auto other = TableChanges::Open(options);
  ASSERT_TRUE(other.ok()) << other.status();
  ASSERT_TRUE((*other)->RollbackTo(context_, "metrics.samples", first).ok());
  const auto settled = db_->Settle(context_);
  ASSERT_TRUE(settled.ok()) << settled.status();
  EXPECT_TRUE(settled->empty());
  EXPECT_EQ(Rows(), 3);
}

TEST_F(DbTest, AQuestionMakesNoDirectory) {
  options_.create = false;
  EXPECT_TRUE(TryOpen().Is(StatusCode::kNotFound));
  EXPECT_FALSE(fs::exists(options_.data_dir));
}

TEST_F(DbTest, AWarehouseWithoutItsLogIsExplainedAndKept) {
  Open();
  Write(now_ms_ - 5000, 1);
  ASSERT_TRUE(db_->Settle(context_).ok());
  db_.reset();
  for (const auto& entry : fs::directory_iterator(options_.data_dir)) {
    if (entry.path().filename().string().starts_with("wal-"))
      fs::remove_all(entry.path());
  }
  Open();
  EXPECT_EQ(Rows(), 3);
  ASSERT_EQ(db_->start_reports().size(), 1u);
  EXPECT_NE(db_->start_reports()[0].find("was not there"), std::string::npos);
}

TEST_F(DbTest, ADataDirectoryWithoutItsWarehouseSettlesAgainWhatItHas) {
  Open();
  Write(now_ms_ - 5000, 1);
  ASSERT_TRUE(db_->Settle(context_).ok());
  Write(now_ms_ - 4000, 1);
  db_.reset();
  fs::remove_all(options_.data_dir + "/warehouse");
  // The log was not trimmed: all of it is here.
  Open();
  ASSERT_EQ(db_->start_reports().size(), 1u);
  EXPECT_NE(db_->start_reports()[0].find("had no tables"), std::string::npos);
  EXPECT_EQ(Rows(), 6);
  ASSERT_TRUE(db_->Settle(context_).ok());
  EXPECT_EQ(Rows(), 6);
}

TEST_F(DbTest, MetadataIsKeptAndGoesIntoTheSeriesTable) {
  Open();
  ASSERT_TRUE(db_->DescribeMetrics("", {{"m", "gauge", "A measure.", "s"}}).ok());
  Write(now_ms_, 1);
  Open();
  const auto metadata = db_->Metadata(context_, "", "", 0);
  ASSERT_TRUE(metadata.ok());
  ASSERT_EQ(metadata->size(), 1u);
  EXPECT_EQ(metadata->front().help, "A measure.");
  ASSERT_TRUE(db_->Settle(context_).ok());
  EXPECT_EQ(
      Sql("SELECT count(*) FROM metrics.series WHERE type = 'gauge' AND unit = 's'"), 3);
}

TEST_F(DbTest, ErrorsPointAtThePlace) {
  Open();
  PromqlRequest request;
  request.expression = "sum(m";
  request.start_ms = request.end_ms = now_ms_;
  const Status promql = db_->Promql(context_, request).status();
  EXPECT_TRUE(promql.Is(StatusCode::kInvalidArgument));
  EXPECT_NE(promql.message().find("1:6"), std::string_view::npos) << promql;
  const Status sql = db_->Sql(context_, "SELECT nope FROM metrics.samples").status();
  EXPECT_TRUE(sql.Is(StatusCode::kInvalidArgument));
  EXPECT_NE(sql.message().find("LINE 1"), std::string_view::npos) << sql;
  // Not NotFound, for which the tables would be looked at again.
  const Status table = db_->Sql(context_, "SELECT * FROM metrics.nope").status();
  EXPECT_TRUE(table.Is(StatusCode::kInvalidArgument)) << table;
}

// Rows that flow already come from a snapshot whose files may go meanwhile.
TEST_F(DbTest, AFileThatGoesWhileRowsFlowIsExplained) {
  options_.query_threads = 1;
  Open();
  // Three files, each more than a query holds in advance.
  for (int file = 0; file < 3; ++file) {
    for (int i = 0; i < 10; ++i) {
      Write(now_ms_ - 60'000 + file * 1000 + i, i, /*series=*/2000);
    }
    ASSERT_TRUE(db_->Settle(context_).ok());
  }
  auto cursor = db_->Sql(context_, "SELECT * FROM metrics.samples");
  ASSERT_TRUE(cursor.ok()) << cursor.status();
  int removed = 0;
  for (const auto& entry : fs::recursive_directory_iterator(options_.data_dir)) {
    const std::string path = entry.path();
    if (path.ends_with(".parquet") && path.find("samples") != path.npos) {
      removed += fs::remove(entry.path()) ? 1 : 0;
    }
  }
  EXPECT_EQ(removed, 3);
  std::int64_t rows = 0;
  Status status;
  while (status.ok()) {
    const auto batch = (*cursor)->Next();
    status = batch.status();
    if (!batch.ok()) break;
    ASSERT_NE(*batch, nullptr) << "all " << rows << " rows came without their files";
    rows += (*batch)->num_rows();
  }
  EXPECT_GT(rows, 0);
  EXPECT_TRUE(status.Is(StatusCode::kUnavailable)) << status;
  EXPECT_NE(status.message().find(".parquet"), std::string_view::npos) << status;
  EXPECT_NE(status.message().find("Ask again"), std::string_view::npos) << status;
  // And where it is gone before the first row, on every snapshot there is.
  status = db_->Sql(context_, "SELECT sum(value) FROM metrics.samples").status();
  EXPECT_TRUE(status.Is(StatusCode::kUnavailable)) << status;
  EXPECT_NE(status.message().find("Ask again"), std::string_view::npos) << status;
}

// The files go after the query began and before a row of it was given out: it is run
// again, on the snapshot there is by then.
TEST_F(DbTest, AQueryWhoseFilesGoBeforeItsFirstRowsIsRunAgain) {
  options_.query_threads = 1;
  Open();
  for (int file = 0; file < 2; ++file) {
    for (int i = 0; i < 3; ++i) {
      Write(now_ms_ - 60'000 + file * 1000 + i, i, /*series=*/2000);
    }
    ASSERT_TRUE(db_->Settle(context_).ok());
  }
  // The rows of a file are more than a query holds in advance, and no whole batch.
  std::string columns = "value";
  for (int i = 0; i < 50; ++i) columns += ", value + " + std::to_string(i);
  auto cursor = db_->Sql(context_, "SELECT " + columns + " FROM metrics.samples");
  ASSERT_TRUE(cursor.ok()) << cursor.status();
  const auto before = db_->Files(context_, "metrics.samples");
  ASSERT_TRUE(before.ok()) << before.status();
  ASSERT_EQ(before->size(), 2U);
  DbOptions options = options_;
  options.warehouse = options_.data_dir + "/warehouse";
  const auto other = TableMaintenance::Open(options);
  ASSERT_TRUE(other.ok()) << other.status();
  CompactOptions all;
  all.rewrite_all = true;
  const auto compacted = (*other)->Compact(context_, "metrics.samples", all);
  ASSERT_TRUE(compacted.ok()) << compacted.status();
  for (const FileSummary& file : *before) {
    ASSERT_TRUE(fs::remove(file.location.substr(std::string("file://").size())));
  }
  std::int64_t rows = 0;
  for (;;) {
    const auto batch = (*cursor)->Next();
    ASSERT_TRUE(batch.ok()) << batch.status();
    if (*batch == nullptr) break;
    rows += (*batch)->num_rows();
  }
  EXPECT_EQ(rows, 12'000);
}

TEST_F(DbTest, CountsItself) {
  Open();
  Write(now_ms_, 1);
  const std::string text = db_->metrics().Expose();
  EXPECT_NE(text.find("firn_head_series 3"), std::string::npos) << text;
  EXPECT_NE(text.find("firn_head_samples_appended_total 3"), std::string::npos) << text;
  EXPECT_NE(text.find("# TYPE firn_log_syncs_total counter\n"), std::string::npos)
      << text;
}

// How often `what` stands in `text`.
std::size_t Count(const std::string& text, const std::string& what) {
  std::size_t count = 0;
  for (std::size_t at = text.find(what); at != std::string::npos;
       at = text.find(what, at + what.size())) {
    ++count;
  }
  return count;
}

TEST_F(DbTest, ShowsItsCatalogToOtherEngines) {
  Open();
  Write(now_ms_ - 2000, 1);
  ASSERT_TRUE(db_->Settle(context_).ok());
  Write(now_ms_ - 1000, 2);
  ASSERT_TRUE(db_->Settle(context_).ok());
  CatalogReader& catalog = db_->catalog();

  using Namespaces = std::vector<NamespaceLevels>;
  EXPECT_EQ(*catalog.ListNamespaces(context_, {}), Namespaces({{"metrics"}}));
  EXPECT_EQ(*catalog.ListNamespaces(context_, {"metrics"}), Namespaces());
  EXPECT_TRUE(catalog.ListNamespaces(context_, {"m"}).status().Is(StatusCode::kNotFound));
  EXPECT_EQ(*catalog.ListTables(context_, {"metrics"}),
            std::vector<std::string>({"samples", "series"}));
  EXPECT_TRUE(catalog.ListTables(context_, {"m"}).status().Is(StatusCode::kNotFound));
  EXPECT_TRUE(catalog.NamespaceProperties(context_, {"metrics"}).ok());

  const auto load = [&](const std::string& table, CatalogSnapshots snapshots) {
    return catalog.LoadTable(context_, {"metrics"}, table, snapshots);
  };
  const auto all = load("samples", CatalogSnapshots::kAll);
  ASSERT_TRUE(all.ok()) << all.status();
  EXPECT_EQ(all->metadata_location,
            db_->DescribeTable(context_, "metrics.samples")->summary.metadata_location);
  EXPECT_EQ(Count(all->metadata_json, "\"manifest-list\""), 2U);
  EXPECT_TRUE(all->config.empty());
  const auto referenced = load("samples", CatalogSnapshots::kReferenced);
  ASSERT_TRUE(referenced.ok()) << referenced.status();
  EXPECT_EQ(Count(referenced->metadata_json, "\"manifest-list\""), 1U);
  EXPECT_TRUE(load("nothing", CatalogSnapshots::kAll).status().Is(StatusCode::kNotFound));
}

}  // namespace
}  // namespace firn
