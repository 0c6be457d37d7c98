// SPDX-License-Identifier: Apache-2.0
// A table that is whole, and the same with one thing wrong at a time.
#include "table/verify_table.h"

#include <arrow/array/array_nested.h>
#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>

#include "base/log.h"
#include "iceberg/commit.h"
#include "iceberg/single_value.h"
#include "iceberg/sql_catalog.h"
#include "io/memory_store.h"
#include "table/data_writer.h"

namespace firn::table {
namespace {

using iceberg::DataFile;
using iceberg::FieldId;
using ::testing::HasSubstr;

// A table `t(n long, name string, at struct<x double>)`, partitioned by truncate(10, n),
// of files with the rows 0 to 4 and 10 to 14, each in a commit of its own. `at` is NULL
// in the first row of a file, and has zeros in the others.
class VerifyTableTest : public testing::Test {
 protected:
  VerifyTableTest() {
    base::SetLogLevel(base::LogLevel::kError);
    iceberg::SqlCatalogOptions options;
    options.uri = "sqlite://";
    options.warehouse = "memory://w";
    catalog_ = *iceberg::OpenSqlCatalog(std::move(options), store_, clock_, random_);
    EXPECT_TRUE(catalog_->CreateNamespace(context_, {{"ns"}}, {}).ok());
    iceberg::CreateTableRequest request;
    request.identifier = name_;
    request.schema.root.fields = {
        {FieldId(1), "n", false, iceberg::kLong, ""},
        {FieldId(2), "name", false, iceberg::kString, ""},
        {FieldId(3), "at", false,
         iceberg::StructType{{{FieldId(4), "x", false, iceberg::kDouble, ""}}}, ""}};
    request.spec = {
        iceberg::SpecId(0),
        {{FieldId(1), FieldId(1000), "n_trunc", iceberg::Transform::Truncate(10)}}};
    EXPECT_TRUE(catalog_->CreateTable(context_, request).ok());
  }

  iceberg::LoadedTable Load() { return *catalog_->LoadTable(context_, name_); }

  // A file of the five rows from `first` on, in the partition of `first`.
  DataFile WriteFile(std::int64_t first) {
    const auto writer =
        *DataWriter::Make(context_, store_, clock_, ulids_, Load(), DataWriterOptions());
    arrow::Int64Builder n;
    arrow::StringBuilder name;
    arrow::DoubleBuilder x;
    for (std::int64_t i = first; i < first + 5; ++i) {
      EXPECT_TRUE(n.Append(i).ok() &&
                  name.Append("a long name " + std::to_string(i)).ok() &&
                  (i == first ? x.AppendNull() : x.Append(0.0)).ok());
    }
    const std::shared_ptr<arrow::Array> zeros = *x.Finish();
    const auto at = std::make_shared<arrow::StructArray>(
        writer->schema()->field(2)->type(), 5, arrow::ArrayVector{zeros},
        zeros->null_bitmap(), 1);
    const auto batch =
        arrow::RecordBatch::Make(writer->schema(), 5, {*n.Finish(), *name.Finish(), at});
    EXPECT_TRUE(writer->Write({iceberg::Value(first / 10 * 10)}, *batch).ok());
    return std::move(*writer).Finish()->front();
  }

  void Commit(std::vector<DataFile> files) {
    const auto outcome = iceberg::CommitWithRetry(
        context_, {*catalog_, manifests_, clock_, random_}, name_,
        [&](const iceberg::LoadedTable&,
            iceberg::Transaction& transaction) -> Result<iceberg::BuildDecision> {
          transaction.Append(files);
          return iceberg::BuildDecision::kCommit;
        },
        {});
    ASSERT_TRUE(outcome.ok()) << outcome.status();
  }

  void MakeTable() {
    for (const std::int64_t first : {0, 10}) {
      files_.push_back(WriteFile(first));
      Commit({files_.back()});
    }
  }
  // The same with `change` done to what the manifest says of the second file.
  void MakeTableWith(const std::function<void(DataFile&)>& change) {
    Commit({WriteFile(0)});
    files_.push_back(WriteFile(10));
    change(files_.back());
    Commit({files_.back()});
  }

  TableCheck Verify(bool content = false) {
    TableCheckOptions options;
    options.content = content;
    options.faults_max = faults_max_;
    const auto check = VerifyTable(context_, {store_, footers_}, Load(), options);
    EXPECT_TRUE(check.ok()) << check.status();
    return check.ok() ? *check : TableCheck();
  }

  // The only fault there is.
  void ExpectFault(TableFaultKind kind, const std::string& location,
                   const std::string& text, bool content = false) {
    const TableCheck check = Verify(content);
    ASSERT_FALSE(check.sound());
    EXPECT_EQ(check.faults.size(), 1U);
    for (const TableFault& fault : check.faults) {
      EXPECT_EQ(fault.kind, kind) << ToString(fault);
      EXPECT_EQ(fault.location, location);
      EXPECT_THAT(ToString(fault), HasSubstr(text));
    }
  }

  std::string Get(const std::string& location) {
    return *store_.Get(context_, location, 1 << 30);
  }
  void Replace(const std::string& location, const std::string& bytes) {
    ASSERT_TRUE(store_.Remove(context_, location).ok());
    ASSERT_TRUE(store_.PutIfAbsent(context_, location, bytes).ok());
  }
  std::vector<iceberg::ManifestFile> Manifests() {
    return *manifests_.ReadManifestList(context_, *Load().metadata->current_snapshot());
  }
  // Makes the current snapshot's list say something else.
  void ChangeList(
      const std::function<void(std::vector<iceberg::ManifestFile>&)>& change) {
    const iceberg::LoadedTable table = Load();
    std::vector<iceberg::ManifestFile> list = Manifests();
    change(list);
    const iceberg::Snapshot& current = *table.metadata->current_snapshot();
    ASSERT_TRUE(store_.Remove(context_, current.manifest_list).ok());
    ASSERT_TRUE(manifests_.WriteManifestList(context_, current, list).ok());
  }
  std::string CurrentList() { return Load().metadata->current_snapshot()->manifest_list; }

  const iceberg::TableIdentifier name_{{{"ns"}}, "t"};
  const base::Context context_;
  base::ManualClock clock_{1'767'225'600'000'000};
  io::MemoryStore store_{clock_};
  iceberg::RandomSource random_;
  base::UlidSource ulids_{clock_};
  iceberg::ManifestIo manifests_{store_};
  parquet::FooterCache footers_{1 << 20};
  std::unique_ptr<iceberg::Catalog> catalog_;
  std::vector<DataFile> files_;
  std::size_t faults_max_ = 1000;
};

TEST_F(VerifyTableTest, AWholeTableIsSound) {
  MakeTable();
  for (const bool content : {false, true}) {
    const TableCheck check = Verify(content);
    EXPECT_TRUE(check.sound()) << ToString(check.faults.front());
    EXPECT_EQ(check.table, "ns.t");
    EXPECT_EQ(check.snapshots, 2);
    EXPECT_EQ(check.manifests, 2);  // The second snapshot has the first one's manifest.
    EXPECT_EQ(check.files, 2);
    EXPECT_EQ(check.rows, 10);
    EXPECT_GT(check.bytes_read, 0);
  }
}

TEST_F(VerifyTableTest, AnEmptyTableIsSound) { EXPECT_TRUE(Verify().sound()); }

TEST_F(VerifyTableTest, AFileIsMissing) {
  MakeTable();
  ASSERT_TRUE(store_.Remove(context_, files_[0].file_path).ok());
  ExpectFault(TableFaultKind::kMissingFile, files_[0].file_path, "it is not there");
}

TEST_F(VerifyTableTest, AFileIsCutOff) {
  MakeTable();
  Replace(files_[1].file_path, Get(files_[1].file_path).substr(0, 100));
  ExpectFault(TableFaultKind::kFile, files_[1].file_path, "100 bytes, expected ");
}

TEST_F(VerifyTableTest, AFileIsSomethingElse) {
  MakeTable();
  Replace(files_[1].file_path, std::string(Get(files_[1].file_path).size(), 'x'));
  ExpectFault(TableFaultKind::kFile, files_[1].file_path, "Parquet");
}

TEST_F(VerifyTableTest, APageIsDamaged) {
  MakeTable();
  std::string bytes = Get(files_[0].file_path);
  bytes[40] ^= 1;  // Footers tell nothing of it.
  Replace(files_[0].file_path, bytes);
  EXPECT_TRUE(Verify().sound());
  const TableCheck check = Verify(/*content=*/true);
  ASSERT_FALSE(check.sound());
  EXPECT_EQ(check.faults.front().kind, TableFaultKind::kContent);
  EXPECT_EQ(check.faults.front().location, files_[0].file_path);
  EXPECT_THAT(check.faults.front().found, HasSubstr("row group 0"));
}

TEST_F(VerifyTableTest, TheManifestHasAnotherRowCount) {
  MakeTableWith([](DataFile& file) { file.record_count = 6; });
  ExpectFault(TableFaultKind::kRowCount, files_[0].file_path, "5 rows, expected 6");
}

TEST_F(VerifyTableTest, AValueCountIsWrong) {
  MakeTableWith([](DataFile& file) { file.value_counts[FieldId(2)] = 4; });
  ExpectFault(TableFaultKind::kMetrics, files_[0].file_path,
              "column name: metrics: 4 values, expected 5");
}

TEST_F(VerifyTableTest, ANullCountIsWrong) {
  MakeTableWith([](DataFile& file) { file.null_value_counts[FieldId(1)] = 5; });
  ExpectFault(TableFaultKind::kMetrics, files_[0].file_path, "5 NULL values, expected 0");
}

TEST_F(VerifyTableTest, ALowerBoundIsTooHigh) {
  MakeTableWith([](DataFile& file) {
    file.lower_bounds[FieldId(1)] =
        iceberg::SerializeValue(iceberg::Value(std::int64_t{11}), iceberg::kLong);
  });
  ExpectFault(TableFaultKind::kMetrics, files_[0].file_path,
              "column n: metrics: lower bound 11, expected at most 10");
}

TEST_F(VerifyTableTest, AnUpperBoundWasCutAndNotRaised) {
  MakeTableWith([](DataFile& file) { file.upper_bounds[FieldId(2)] = "a long"; });
  ExpectFault(TableFaultKind::kMetrics, files_[0].file_path,
              R"(upper bound "a long", expected at least "a long name 14")");
}

TEST_F(VerifyTableTest, ABoundIsNoValue) {
  MakeTableWith([](DataFile& file) { file.upper_bounds[FieldId(1)] = "abc"; });
  ExpectFault(TableFaultKind::kMetrics, files_[0].file_path,
              "metrics: upper bound that is no value: ");
}

TEST_F(VerifyTableTest, MetricsThatAreLeftOutAreNoFault) {
  MakeTableWith([](DataFile& file) {
    file.lower_bounds.clear();
    file.upper_bounds.clear();
    file.null_value_counts.clear();
    file.value_counts.clear();
  });
  EXPECT_TRUE(Verify().sound());
}

TEST_F(VerifyTableTest, TheRowsOfAnAbsentStructMayBeLeftOutOfCounts) {
  MakeTableWith([](DataFile& file) {
    EXPECT_EQ(file.value_counts[FieldId(4)]--, 5);
    EXPECT_EQ(file.null_value_counts[FieldId(4)]--, 1);
  });
  EXPECT_TRUE(Verify().sound());
}

TEST_F(VerifyTableTest, AValueInAStructMayNotBeLeftOutOfCounts) {
  MakeTableWith([](DataFile& file) { --file.value_counts[FieldId(4)]; });
  ExpectFault(TableFaultKind::kMetrics, files_[0].file_path,
              "column at.x: metrics: 4 values, expected 5");
}

TEST_F(VerifyTableTest, ABoundMayBeAZeroOfEitherSign) {
  MakeTableWith([](DataFile& file) {
    file.lower_bounds[FieldId(4)] =
        iceberg::SerializeValue(iceberg::Value(0.0), iceberg::kDouble);
    file.upper_bounds[FieldId(4)] =
        iceberg::SerializeValue(iceberg::Value(-0.0), iceberg::kDouble);
  });
  EXPECT_TRUE(Verify().sound());
}

TEST_F(VerifyTableTest, AFileIsInTheWrongPartition) {
  MakeTableWith(
      [](DataFile& file) { file.partition = {iceberg::Value(std::int64_t{20})}; });
  ExpectFault(TableFaultKind::kPartition, files_[0].file_path,
              "column n_trunc: partition: the value 10, expected what belongs to "
              "n_trunc=20");
}

TEST_F(VerifyTableTest, AFileOfValuesIsInThePartitionOfNull) {
  MakeTableWith([](DataFile& file) { file.partition = {std::nullopt}; });
  ExpectFault(TableFaultKind::kPartition, files_[0].file_path,
              "5 values that are not NULL");
}

TEST_F(VerifyTableTest, AFileIsThereTwice) {
  MakeTable();
  Commit({files_[0]});
  const TableCheck check = Verify();
  ASSERT_EQ(check.faults.size(), 1U);
  EXPECT_EQ(check.faults[0].kind, TableFaultKind::kManifest);
  EXPECT_THAT(check.faults[0].found, HasSubstr(files_[0].file_path + " once more"));
}

TEST_F(VerifyTableTest, AManifestIsMissing) {
  MakeTable();
  const std::string path = Manifests().back().manifest_path;
  ASSERT_TRUE(store_.Remove(context_, path).ok());
  ExpectFault(TableFaultKind::kManifest, path, "it is not there");
}

TEST_F(VerifyTableTest, AManifestIsDamaged) {
  MakeTable();
  const std::string path = Manifests().back().manifest_path;
  std::string bytes = Get(path);
  // In the marker that ends a block: what is compressed has no checksum.
  bytes[bytes.size() - 4] ^= 0x55;
  Replace(path, bytes);
  ExpectFault(TableFaultKind::kManifest, path, "");
}

TEST_F(VerifyTableTest, AListIsMissing) {
  MakeTable();
  const std::string path = CurrentList();
  ASSERT_TRUE(store_.Remove(context_, path).ok());
  ExpectFault(TableFaultKind::kManifestList, path, "it is not there");
}

TEST_F(VerifyTableTest, AListCountsWrong) {
  MakeTable();
  ChangeList([](auto& list) { list.back().added_rows_count = 4; });
  const TableCheck check = Verify();
  ASSERT_EQ(check.faults.size(), 2U);
  EXPECT_EQ(ToString(check.faults[0]),
            CurrentList() +
                ": manifest list: manifests with 9, expected total-records 10, "
                "by the summary of snapshot " +
                Load().metadata->current_snapshot()->id.ToString());
  EXPECT_EQ(check.faults[1].kind, TableFaultKind::kManifest);
  EXPECT_EQ(check.faults[1].found, "5 added rows");
}

TEST_F(VerifyTableTest, ASummaryOfPartitionsLeavesOneOut) {
  MakeTable();
  ChangeList([](auto& list) {
    const std::string twenty =
        iceberg::SerializeValue(iceberg::Value(std::int64_t{20}), iceberg::kLong);
    list.back().partitions[0].lower_bound = twenty;
    list.back().partitions[0].upper_bound = twenty;
  });
  ExpectFault(TableFaultKind::kManifest, Manifests().back().manifest_path,
              "column n_trunc: manifest: a file of n_trunc=");
}

TEST_F(VerifyTableTest, AListHasAManifestTwiceAndOfAnotherLength) {
  MakeTable();
  ChangeList([](auto& list) {
    list.back().manifest_length_bytes += 1;
    list.push_back(list.back());
  });
  std::vector<TableFaultKind> kinds;
  for (const TableFault& fault : Verify().faults) kinds.push_back(fault.kind);
  EXPECT_THAT(kinds, testing::ElementsAre(
                         TableFaultKind::kManifestList, TableFaultKind::kManifestList,
                         TableFaultKind::kManifestList, TableFaultKind::kManifest));
}

TEST_F(VerifyTableTest, FaultsAreBounded) {
  MakeTable();
  for (const DataFile& file : files_) {
    ASSERT_TRUE(store_.Remove(context_, file.file_path).ok());
  }
  faults_max_ = 1;
  const TableCheck check = Verify();
  EXPECT_EQ(check.faults.size(), 1U);
  EXPECT_TRUE(check.more_faults);
}

TEST_F(VerifyTableTest, AStoreThatDoesNotAnswerIsNoFaultOfTheTable) {
  MakeTable();
  store_.SetFaultHook([&](const io::StoreOperation& operation) {
    const bool is_file = operation.location == files_[1].file_path;
    return io::MemoryStore::Fault{is_file ? Status::Unavailable("no answer") : Status()};
  });
  const auto check = VerifyTable(context_, {store_, footers_}, Load(), {});
  EXPECT_TRUE(check.status().Is(StatusCode::kUnavailable)) << check.status();
}

TEST_F(VerifyTableTest, StopsWhenItIsTold) {
  MakeTable();
  TableCheckOptions options;
  options.on_progress = [&](double) { context_.Cancel(); };
  const auto check = VerifyTable(context_, {store_, footers_}, Load(), options);
  EXPECT_TRUE(check.status().Is(StatusCode::kCancelled)) << check.status();
}

}  // namespace
}  // namespace firn::table
