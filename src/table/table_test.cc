// SPDX-License-Identifier: Apache-2.0
// Rows through DataWriter, CommitPositioned and MakeTableSource, on a store in memory.
#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/array/builder_time.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <numeric>
#include <set>

#include "base/log.h"
#include "iceberg/sql_catalog.h"
#include "io/memory_store.h"
#include "parquet/fetch_threads.h"
#include "table/data_writer.h"
#include "table/positioned_append.h"
#include "table/table_source.h"

namespace firn::table {
namespace {

constexpr TimestampUs kDayUs = 24LL * 3600 * 1'000'000;

// A table `t(ts, name, n)`, partitioned by day and sorted by name.
class TableTest : public testing::Test {
 protected:
  TableTest() {
    base::SetLogLevel(base::LogLevel::kError);
    iceberg::SqlCatalogOptions options;
    options.uri = "sqlite://";
    options.warehouse = "memory://w";
    catalog_ = *iceberg::OpenSqlCatalog(std::move(options), store_, clock_, random_);
    EXPECT_TRUE(catalog_->CreateNamespace(context_, {{"ns"}}, {}).ok());
    iceberg::CreateTableRequest request;
    request.identifier = name_;
    using iceberg::FieldId;
    request.schema.root.fields = {{FieldId(1), "ts", true, iceberg::kTimestamptz, ""},
                                  {FieldId(2), "name", false, iceberg::kString, ""},
                                  {FieldId(3), "n", false, iceberg::kLong, ""}};
    request.spec = {iceberg::SpecId(0),
                    {{FieldId(1), FieldId(1000), "ts_day", iceberg::Transform::Day()}}};
    request.sort_order = {
        iceberg::SortOrderId(1),
        {{FieldId(2), iceberg::Transform::Identity(), iceberg::SortDirection::kAscending,
          iceberg::NullOrder::kNullsFirst}}};
    const auto created = catalog_->CreateTable(context_, request);
    EXPECT_TRUE(created.ok()) << created.status();
    writer_ = ulids_.Next();
    log_ = ulids_.Next();
  }

  struct Row {
    TimestampUs ts;
    std::string name;
    std::int64_t n;
  };

  std::shared_ptr<arrow::RecordBatch> Batch(
      const std::vector<Row>& rows, const std::shared_ptr<arrow::Schema>& schema) {
    arrow::TimestampBuilder ts(arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"),
                               arrow::default_memory_pool());
    arrow::StringBuilder name;
    arrow::Int64Builder n;
    for (const Row& row : rows) {
      EXPECT_TRUE(ts.Append(row.ts).ok() && name.Append(row.name).ok() &&
                  n.Append(row.n).ok());
    }
    return arrow::RecordBatch::Make(schema, static_cast<std::int64_t>(rows.size()),
                                    {*ts.Finish(), *name.Finish(), *n.Finish()});
  }

  Result<std::vector<iceberg::DataFile>> WriteFiles(
      const std::map<std::int32_t, std::vector<Row>>& rows_by_day) {
    FIRN_ASSIGN_OR_RETURN(const auto table, catalog_->LoadTable(context_, name_));
    FIRN_ASSIGN_OR_RETURN(const auto writer, DataWriter::Make(context_, store_, clock_,
                                                              ulids_, table, options_));
    for (const auto& [day, rows] : rows_by_day) {
      FIRN_RETURN_IF_ERROR(writer->Write({iceberg::OptionalValue(iceberg::Value(day))},
                                         *Batch(rows, writer->schema())));
    }
    return std::move(*writer).Finish();
  }

  Result<iceberg::LoadedTable> Commit(std::optional<std::uint64_t> expected,
                                      std::uint64_t target,
                                      std::vector<iceberg::DataFile> files,
                                      bool tried_before = false) {
    PositionedAppend append;
    append.tried_before = tried_before;
    append.table = name_;
    append.writer = writer_;
    if (expected.has_value()) append.expected = Position{log_, *expected};
    append.target = {log_, target};
    append.files = std::move(files);
    iceberg::CommitOptions options;
    options.wait = [](const base::Context&, DurationMs) { return Status::OK(); };
    return CommitPositioned(context_, {*catalog_, manifests_, clock_, random_}, append,
                            options);
  }

  // The values of `n` that a scan returns, and what it pruned.
  std::multiset<std::int64_t> Scan(expr::PredicatePtr predicate = nullptr,
                                   scan::ScanStats* stats = nullptr) {
    const auto values = ScanInOrder({store_, footers_}, std::move(predicate), stats);
    return {values.begin(), values.end()};
  }
  std::vector<std::int64_t> ScanInOrder(const ScanEnvironment& environment,
                                        expr::PredicatePtr predicate,
                                        scan::ScanStats* stats) {
    std::vector<std::int64_t> values;
    auto source = MakeTableSource(environment, *catalog_->LoadTable(context_, name_));
    EXPECT_TRUE(source.ok()) << source.status();
    scan::ScanRequest request;
    request.columns = {"n"};
    request.predicate = std::move(predicate);
    auto plan = (*source)->Plan(context_, request);
    EXPECT_TRUE(plan.ok()) << plan.status();
    for (std::size_t i = 0;; ++i) {
      auto stream = (*plan)->OpenSplit(i);
      if (stream.ok() && *stream == nullptr) break;
      EXPECT_TRUE(stream.ok()) << stream.status();
      for (;;) {
        auto batch = (*stream)->Next();
        EXPECT_TRUE(batch.ok()) << batch.status();
        if (!batch.ok() || *batch == nullptr) break;
        const auto& n = static_cast<const arrow::Int64Array&>(*(*batch)->column(0));
        for (std::int64_t row = 0; row < n.length(); ++row) {
          values.push_back(n.IsNull(row) ? -1 : n.Value(row));
        }
      }
    }
    if (stats != nullptr) *stats = (*plan)->stats();
    return values;
  }

  base::ManualClock clock_{20'000 * kDayUs};
  base::Context context_;
  iceberg::RandomSource random_{1};
  base::UlidSource ulids_{clock_, 1};
  io::MemoryStore store_{clock_};
  iceberg::ManifestIo manifests_{store_};
  parquet::FooterCache footers_{1 << 20};
  std::unique_ptr<iceberg::Catalog> catalog_;
  iceberg::TableIdentifier name_{{{"ns"}}, "t"};
  DataWriterOptions options_;
  base::Ulid writer_;
  base::Ulid log_;
};

TEST_F(TableTest, WritesAFileADayNamedByTableDayAndUlid) {
  auto files =
      WriteFiles({{19'999, {{19'999 * kDayUs, "a", 1}}},
                  {20'000, {{20'000 * kDayUs, "b", 2}, {20'000 * kDayUs, "c", 3}}}});
  ASSERT_TRUE(files.ok()) << files.status();
  ASSERT_EQ(files->size(), 2u);
  const iceberg::DataFile& file = (*files)[1];
  EXPECT_EQ(file.record_count, 2);
  EXPECT_TRUE(file.file_path.starts_with(
      "memory://w/ns/t/data/ts_day=2024-10-04/t_data_20241004_"))
      << file.file_path;
  EXPECT_EQ(file.value_counts.at(iceberg::FieldId(3)), 2);
  EXPECT_EQ(file.null_value_counts.at(iceberg::FieldId(2)), 0);
  EXPECT_EQ(file.lower_bounds.at(iceberg::FieldId(2)), "b");
  EXPECT_EQ(file.upper_bounds.at(iceberg::FieldId(2)), "c");
  EXPECT_EQ(file.sort_order_id, iceberg::SortOrderId(1));
  EXPECT_GT(file.file_size_bytes, 0);
}

TEST_F(TableTest, RowsAndPositionCommitTogether) {
  auto files = WriteFiles({{20'000, {{20'000 * kDayUs, "a", 1}}}});
  ASSERT_TRUE(files.ok());
  const auto committed = Commit(std::nullopt, 10, *files);
  ASSERT_TRUE(committed.ok()) << committed.status();
  EXPECT_EQ((*FindPosition(*committed->metadata, writer_))->offset, 10u);
  const iceberg::Snapshot& snapshot = *committed->metadata->current_snapshot();
  EXPECT_EQ(snapshot.summary.at(PositionKey(writer_)), log_.ToString() + ":10");
  EXPECT_EQ(Scan(), (std::multiset<std::int64_t>{1}));

  // Again with the same target: done already, nothing is added.
  const auto again = Commit(std::nullopt, 10, *files, /*tried_before=*/true);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(Scan().size(), 1u);
  // Who tried nothing yet finds somebody else's rows at its target.
  EXPECT_TRUE(Commit(std::nullopt, 10, *files).status().Is(StatusCode::kCorruption));
  EXPECT_EQ(Scan().size(), 1u);
  // From a position that is not the table's: stop.
  EXPECT_TRUE(Commit(5, 20, *files).status().Is(StatusCode::kCorruption));
  EXPECT_EQ(Scan().size(), 1u);
  // A position alone makes no snapshot.
  const auto moved = Commit(10, 30, {});
  ASSERT_TRUE(moved.ok()) << moved.status();
  EXPECT_EQ(moved->metadata->snapshots.size(), 1u);
  EXPECT_EQ((*FindPosition(*moved->metadata, writer_))->offset, 30u);
}

TEST_F(TableTest, PrunesFilesByDayAndColumnsByName) {
  std::map<std::int32_t, std::vector<Row>> rows;
  for (std::int32_t day = 19'990; day < 20'000; ++day) {
    rows[day] = {{day * kDayUs + 5, "x", day}};
  }
  ASSERT_TRUE(Commit(std::nullopt, 1, *WriteFiles(rows)).ok());
  scan::ScanStats stats;
  const auto some =
      Scan(expr::MakePredicate(expr::Compare{"ts", expr::CompareOp::kGtEq,
                                             expr::Timestamp{19'997 * kDayUs}}),
           &stats);
  EXPECT_EQ(some, (std::multiset<std::int64_t>{19'997, 19'998, 19'999}));
  EXPECT_EQ(stats.files_planned, 3);
  EXPECT_EQ(stats.files_pruned, 7);
  EXPECT_EQ(stats.rows, 3);
}

TEST_F(TableTest, CountsWhatWasPrunedInsideOfAFile) {
  ASSERT_TRUE(
      Commit(
          std::nullopt, 1,
          *WriteFiles({{20'000, {{20'000 * kDayUs, "a", 1}, {20'000 * kDayUs, "c", 3}}}}))
          .ok());
  scan::ScanStats stats;
  // Between the file's bounds, and not among its values.
  const auto none = Scan(
      expr::MakePredicate(expr::Compare{"name", expr::CompareOp::kEq, std::string("b")}),
      &stats);
  EXPECT_TRUE(none.empty());
  EXPECT_EQ(stats.files_planned, 1);
  EXPECT_EQ(stats.row_groups_read, 0);
  EXPECT_EQ(stats.row_groups_pruned, 1);
  EXPECT_EQ(stats.row_groups_pruned_by_dictionary, 1);
  EXPECT_EQ(stats.requests, 1);  // The end of so short a file is all of it.
  EXPECT_GT(stats.bytes_read, 0);
}

TEST_F(TableTest, AFileAloneIsReadAheadAndDecodedSideBySideInItsOrder) {
  options_.parquet.row_group_rows = 100;
  std::vector<Row> rows;
  std::vector<std::int64_t> expected(1000);
  std::iota(expected.begin(), expected.end(), 0);
  for (const std::int64_t i : expected) rows.push_back({20'000 * kDayUs + i, "x", i});
  ASSERT_TRUE(Commit(std::nullopt, 1, *WriteFiles({{20'000, rows}})).ok());
  parquet::FetchThreads fetch_threads(2);
  scan::ScanStats stats;
  const auto values = ScanInOrder({.store = store_,
                                   .footers = footers_,
                                   .fetch_threads = &fetch_threads,
                                   .read_ahead_bytes = 1 << 20,
                                   .threads = 3},
                                  nullptr, &stats);
  EXPECT_EQ(values, expected);
  EXPECT_EQ(stats.row_groups_read, 10);
}

TEST_F(TableTest, AColumnAddedLaterIsNullInOlderFiles) {
  ASSERT_TRUE(
      Commit(std::nullopt, 1, *WriteFiles({{20'000, {{20'000 * kDayUs, "a", 1}}}})).ok());
  auto outcome = iceberg::CommitWithRetry(
      context_, {*catalog_, manifests_, clock_, random_}, name_,
      [](const iceberg::LoadedTable&,
         iceberg::Transaction& transaction) -> Result<iceberg::BuildDecision> {
        FIRN_RETURN_IF_ERROR(transaction.AddColumn(
            {iceberg::FieldId(9), "extra", false, iceberg::kString, ""}));
        return iceberg::BuildDecision::kCommit;
      });
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  auto source =
      MakeTableSource({store_, footers_, nullptr}, *catalog_->LoadTable(context_, name_));
  ASSERT_TRUE(source.ok());
  auto plan = (*source)->Plan(context_, {});
  ASSERT_TRUE(plan.ok()) << plan.status();
  auto stream = (*plan)->OpenSplit(0);
  ASSERT_TRUE(stream.ok()) << stream.status();
  auto batch = (*stream)->Next();
  ASSERT_TRUE(batch.ok()) << batch.status();
  ASSERT_EQ((*batch)->num_columns(), 4);
  EXPECT_EQ((*batch)->column_name(3), "extra");
  EXPECT_EQ((*batch)->column(3)->null_count(), 1);
}

TEST_F(TableTest, AnUnknownColumnIsNotFound) {
  auto source =
      MakeTableSource({store_, footers_, nullptr}, *catalog_->LoadTable(context_, name_));
  scan::ScanRequest request;
  request.columns = {"nope"};
  EXPECT_TRUE((*source)->Plan(context_, request).status().Is(StatusCode::kNotFound));
}

TEST_F(TableTest, AGivenUpWriterLeavesNoFile) {
  {
    auto writer = DataWriter::Make(context_, store_, clock_, ulids_,
                                   *catalog_->LoadTable(context_, name_), options_);
    ASSERT_TRUE(writer.ok());
    const auto row = Batch({{20'000 * kDayUs, "a", 1}}, (*writer)->schema());
    ASSERT_TRUE(
        (*writer)->Write({iceberg::OptionalValue(iceberg::Value(20'000))}, *row).ok());
    ASSERT_TRUE(
        (*writer)->Write({iceberg::OptionalValue(iceberg::Value(20'001))}, *row).ok());
  }
  int files = 0;
  ASSERT_TRUE(store_
                  .List(context_, "memory://w/ns/t/data",
                        [&](const io::ObjectInfo&) {
                          ++files;
                          return Status::OK();
                        })
                  .ok());
  EXPECT_EQ(files, 0);
}

TEST_F(TableTest, ACancelledContextEndsWriteAndScan) {
  ASSERT_TRUE(
      Commit(std::nullopt, 1, *WriteFiles({{20'000, {{20'000 * kDayUs, "a", 1}}}})).ok());
  auto source =
      MakeTableSource({store_, footers_, nullptr}, *catalog_->LoadTable(context_, name_));
  context_.Cancel();
  EXPECT_TRUE(WriteFiles({{20'000, {{1, "a", 1}}}}).status().Is(StatusCode::kCancelled));
  EXPECT_TRUE((*source)->Plan(context_, {}).status().Is(StatusCode::kCancelled));
}

TEST_F(TableTest, AMissingDataFileIsNotFoundByName) {
  auto files = WriteFiles({{20'000, {{20'000 * kDayUs, "a", 1}}}});
  ASSERT_TRUE(Commit(std::nullopt, 1, *files).ok());
  ASSERT_TRUE(store_.Remove(context_, (*files)[0].file_path).ok());
  auto source =
      MakeTableSource({store_, footers_, nullptr}, *catalog_->LoadTable(context_, name_));
  auto plan = (*source)->Plan(context_, {});
  ASSERT_TRUE(plan.ok());
  const Status missing = (*plan)->OpenSplit(0).status();
  EXPECT_TRUE(missing.Is(StatusCode::kNotFound)) << missing;
  EXPECT_NE(missing.message().find((*files)[0].file_path), std::string_view::npos);
}

TEST_F(TableTest, ADataFileThatWasCutIsCorruption) {
  auto files = WriteFiles({{20'000, {{20'000 * kDayUs, "a", 1}}}});
  ASSERT_TRUE(Commit(std::nullopt, 1, *files).ok());
  const std::string& location = (*files)[0].file_path;
  ASSERT_TRUE(store_.Remove(context_, location).ok());
  ASSERT_TRUE(store_.PutIfAbsent(context_, location, "PAR1").ok());
  auto source =
      MakeTableSource({store_, footers_, nullptr}, *catalog_->LoadTable(context_, name_));
  auto plan = (*source)->Plan(context_, {});
  ASSERT_TRUE(plan.ok());
  const Status cut = (*plan)->OpenSplit(0).status();
  EXPECT_TRUE(cut.Is(StatusCode::kCorruption)) << cut;
  EXPECT_NE(cut.message().find(location), std::string_view::npos);
}

}  // namespace
}  // namespace firn::table
