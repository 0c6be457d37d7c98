// SPDX-License-Identifier: Apache-2.0
// Rows through TableWriter: checked, routed, sorted, rotated, within memory.
#include "table/table_writer.h"

#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/array/builder_time.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>
#include <arrow/type.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <utility>

#include "base/log.h"
#include "io/memory_file_system.h"
#include "io/memory_store.h"
#include "table/file_source.h"

namespace firn::table {
namespace {

using iceberg::FieldId;
using iceberg::Transform;

constexpr TimestampUs kDayUs = 24LL * 3600 * 1'000'000;

struct Row {
  std::int64_t id;
  TimestampUs ts = 0;
  std::string host = "h";
  auto operator<=>(const Row&) const = default;
};

// A table `t(id, ts, host)` in memory: partitioned by `spec_`, ordered by `order_`.
class TableWriterTest : public testing::Test {
 protected:
  TableWriterTest() { base::SetLogLevel(base::LogLevel::kError); }

  void PartitionBy(FieldId source, const Transform& transform) {
    spec_ = {{source, FieldId(1000), "p", transform}};
  }
  void OrderBy(FieldId source) {
    order_ = {{source, Transform::Identity(), iceberg::SortDirection::kAscending,
               iceberg::NullOrder::kNullsFirst}};
  }

  iceberg::LoadedTable Table() const {
    iceberg::TableMetadata metadata;
    metadata.location = "memory://w/t";
    iceberg::Schema schema;
    schema.root.fields = {{FieldId(1), "id", true, iceberg::kLong, ""},
                          {FieldId(2), "ts", true, iceberg::kTimestamptz, ""},
                          {FieldId(3), "host", false, iceberg::kString, ""}};
    metadata.schemas = {schema};
    metadata.partition_specs = {{iceberg::SpecId(0), spec_}};
    metadata.sort_orders = {{iceberg::SortOrderId(order_.empty() ? 0 : 1), order_}};
    metadata.default_sort_order_id = metadata.sort_orders.front().id;
    return {{{{"ns"}}, "t"},
            "memory://w/t/metadata/1.json",
            std::make_shared<iceberg::TableMetadata>(metadata)};
  }

  Result<std::unique_ptr<TableWriter>> Make() {
    return TableWriter::Make(
        {{context_, store_, clock_, ulids_}, spills_, "/spill", dead_letters_}, Table(),
        options_);
  }

  // As producers send them: columns in another order, text in its large form.
  static std::shared_ptr<arrow::RecordBatch> Batch(const std::vector<Row>& rows) {
    arrow::TimestampBuilder ts(arrow::timestamp(arrow::TimeUnit::MICRO, "+00:00"),
                               arrow::default_memory_pool());
    arrow::LargeStringBuilder host;
    arrow::Int64Builder id;
    for (const Row& row : rows) {
      EXPECT_TRUE(ts.Append(row.ts).ok() && host.Append(row.host).ok() &&
                  id.Append(row.id).ok());
    }
    return arrow::RecordBatch::Make(
        arrow::schema({arrow::field("host", arrow::large_utf8()),
                       arrow::field("id", arrow::int64()),
                       arrow::field("ts", ts.type())}),
        static_cast<std::int64_t>(rows.size()),
        {*host.Finish(), *id.Finish(), *ts.Finish()});
  }

  static Status WriteRows(TableWriter& writer, const std::vector<Row>& rows,
                          std::size_t batch_rows) {
    for (std::size_t begin = 0; begin < rows.size(); begin += batch_rows) {
      const auto at = rows.begin() + static_cast<std::ptrdiff_t>(begin);
      const auto left = std::min(batch_rows, rows.size() - begin);
      FIRN_RETURN_IF_ERROR(
          writer.Write(*Batch({at, at + static_cast<std::ptrdiff_t>(left)})));
    }
    return Status::OK();
  }

  // The rows of a file, in its order.
  std::vector<Row> Read(const iceberg::DataFile& file) {
    std::vector<Row> rows;
    auto source = MakeFileSource(context_, {store_, footers_, nullptr}, file.file_path);
    EXPECT_TRUE(source.ok()) << source.status();
    scan::ScanRequest request;
    request.columns = {"id", "ts", "host"};
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
        const auto& id = static_cast<const arrow::Int64Array&>(*(*batch)->column(0));
        const auto& ts = static_cast<const arrow::TimestampArray&>(*(*batch)->column(1));
        const auto& host = *(*batch)->column(2);  // Text in whatever form.
        for (std::int64_t row = 0; row < id.length(); ++row) {
          rows.push_back(
              {id.Value(row), ts.Value(row), (*host.GetScalar(row))->ToString()});
        }
      }
    }
    EXPECT_EQ(static_cast<std::int64_t>(rows.size()), file.record_count);
    return rows;
  }

  // Every row of `files` is one of `rows`, each once; the files are returned by
  // partition.
  std::map<std::string, std::vector<iceberg::DataFile>> CheckSame(
      const std::vector<iceberg::DataFile>& files, std::vector<Row> rows) {
    std::vector<Row> found;
    std::map<std::string, std::vector<iceberg::DataFile>> by_partition;
    for (const auto& file : files) {
      const auto read = Read(file);
      found.insert(found.end(), read.begin(), read.end());
      by_partition[file.file_path.substr(0, file.file_path.rfind('/'))].push_back(file);
    }
    std::sort(found.begin(), found.end());
    std::sort(rows.begin(), rows.end());
    EXPECT_TRUE(found == rows) << found.size() << " rows found of " << rows.size();
    return by_partition;
  }

  std::vector<std::string> Objects() {
    std::vector<std::string> out;
    EXPECT_TRUE(store_
                    .List(context_, "memory://w",
                          [&](const io::ObjectInfo& info) {
                            out.push_back(info.location);
                            return Status::OK();
                          })
                    .ok());
    return out;
  }
  // What is left of spill files.
  std::size_t SpillFiles() {
    const auto names = spills_.List("/spill");
    return names.ok() ? names->size() : 0;
  }

  base::ManualClock clock_{20'000 * kDayUs};
  base::Context context_;
  base::UlidSource ulids_{clock_, 1};
  io::MemoryStore store_{clock_};
  io::MemoryFileSystem spills_;
  parquet::FooterCache footers_{1 << 20};
  DeadLetterSink* dead_letters_ = nullptr;
  TableWriterOptions options_;
  std::vector<iceberg::PartitionField> spec_;
  std::vector<iceberg::SortField> order_;
};

// `count` rows of random ids and hosts over `days` days, seeded.
std::vector<Row> RandomRows(std::int64_t count, std::int64_t days, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<Row> rows;
  for (std::int64_t i = 0; i < count; ++i) {
    const auto day =
        static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(days));
    rows.push_back({static_cast<std::int64_t>(random() % 1'000'000'007),
                    (20'000 + day) * kDayUs + i,
                    "host-" + std::to_string(random() % 99)});
  }
  return rows;
}

TEST_F(TableWriterTest, WritesEachPartitionToItsOwnFile) {
  PartitionBy(FieldId(2), Transform::Day());
  const auto rows = RandomRows(5'000, 7, 1);
  auto writer = *Make();
  ASSERT_TRUE(WriteRows(*writer, rows, 1'000).ok());
  EXPECT_EQ(writer->stats().open_partitions, 7);
  const auto files = std::move(*writer).Finish();
  ASSERT_TRUE(files.ok()) << files.status();
  const auto by_partition = CheckSame(*files, rows);
  EXPECT_EQ(files->size(), 7u);
  EXPECT_EQ(by_partition.size(), 7u);
  for (const auto& file : *files) {
    const auto day = std::get<std::int32_t>(*file.partition.front());
    for (const Row& row : Read(file)) EXPECT_EQ(row.ts / kDayUs, day);
    EXPECT_FALSE(file.sort_order_id.has_value());
  }
  EXPECT_TRUE(files->front().file_path.find("/t_data_20241004_") != std::string::npos);
}

TEST_F(TableWriterTest, AnyNumberOfPartitionsStaysInMemoryAndMakesAFileEach) {
  PartitionBy(FieldId(1), Transform::Truncate(1));
  options_.memory_bytes_max = 32 << 20;
  options_.pool_bytes = 1 << 20;
  for (const std::int64_t partitions : {1'000, 20'000}) {
    std::vector<Row> rows;
    for (std::int64_t i = 0; i < 2 * partitions; ++i) {
      rows.push_back({i * 7919 % partitions, i});
    }
    auto writer = *Make();
    ASSERT_TRUE(WriteRows(*writer, rows, 4'096).ok());
    EXPECT_LE(writer->stats().open_partitions, 32);
    EXPECT_LE(writer->stats().used_bytes, options_.memory_bytes_max);
    EXPECT_EQ(writer->stats().spilled_bytes > 0, partitions > 1'000);
    const auto files = std::move(*writer).Finish();
    ASSERT_TRUE(files.ok()) << files.status();
    EXPECT_EQ(static_cast<std::int64_t>(files->size()), partitions);
    std::int64_t count = 0;
    for (const auto& file : *files) count += file.record_count;
    EXPECT_EQ(count, 2 * partitions);
    writer.reset();
    EXPECT_EQ(SpillFiles(), 0u);
  }
}

// Days one after the other: a day's file ends soon after it is over.
TEST_F(TableWriterTest, AFileToWhichNothingComesAnyMoreEnds) {
  PartitionBy(FieldId(2), Transform::Day());
  auto writer = *Make();
  std::vector<Row> all;
  const auto write_days = [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t day = first; day < last; ++day) {
      std::vector<Row> rows;
      for (std::int64_t i = 0; i < 70'000; ++i) {
        rows.push_back({static_cast<std::int64_t>(all.size()) + i, day * kDayUs + i});
      }
      ASSERT_TRUE(WriteRows(*writer, rows, 10'000).ok());
      all.insert(all.end(), rows.begin(), rows.end());
    }
  };
  write_days(0, 8);
  // Days 4 to 7 may still get some of the rows that are late.
  EXPECT_EQ(writer->stats().files, 4);
  EXPECT_EQ(writer->stats().open_partitions, 4);
  EXPECT_EQ(writer->stats().files_rolled_early, 0);
  // One that comes back makes another file, and no further one ends for that.
  write_days(0, 8);
  write_days(0, 8);
  EXPECT_EQ(writer->stats().files, 4);
  const auto files = std::move(*writer).Finish();
  ASSERT_TRUE(files.ok()) << files.status();
  const auto by_partition = CheckSame(*files, all);
  EXPECT_EQ(by_partition.size(), 8U);
  EXPECT_EQ(files->size(), 12U);
}

// Small ones wait: a batch of each of many partitions makes a file each in the end.
TEST_F(TableWriterTest, FilesOfFewRowsWaitForMore) {
  PartitionBy(FieldId(2), Transform::Day());
  auto writer = *Make();
  std::vector<Row> rows;
  for (std::int64_t i = 0; i < 600'000; ++i) {
    rows.push_back({i, i / 20'000 % 30 * kDayUs});
  }
  ASSERT_TRUE(WriteRows(*writer, rows, 20'000).ok());
  EXPECT_EQ(writer->stats().files, 0);
  const auto files = std::move(*writer).Finish();
  ASSERT_TRUE(files.ok()) << files.status();
  EXPECT_EQ(files->size(), 30U);
}

TEST_F(TableWriterTest, SortsByPartitionAndOrderInMemoryAndOnDisk) {
  PartitionBy(FieldId(2), Transform::Day());
  OrderBy(FieldId(1));
  const auto rows = RandomRows(25'000, 3, 2);
  // So little that more runs come about than are merged at once.
  options_.memory_bytes_max = 16 << 20;
  for (const std::int64_t pool_bytes : {4 << 20, 64 << 10}) {
    options_.pool_bytes = pool_bytes;
    auto writer = *Make();
    ASSERT_TRUE(WriteRows(*writer, rows, 1'000).ok());
    EXPECT_EQ(writer->stats().spilled_bytes > 0, pool_bytes < 1 << 20);
    const auto files = std::move(*writer).Finish();
    ASSERT_TRUE(files.ok()) << files.status();
    EXPECT_EQ(files->size(), 3u);
    CheckSame(*files, rows);
    for (const auto& file : *files) {
      const auto read = Read(file);
      EXPECT_TRUE(std::is_sorted(read.begin(), read.end(),
                                 [](const Row& a, const Row& b) { return a.id < b.id; }));
      EXPECT_EQ(file.sort_order_id, iceberg::SortOrderId(1));
    }
    writer.reset();
    EXPECT_EQ(SpillFiles(), 0u);
  }
}

// What is larger than all others lies together in the order, or there are so many runs
// that they are merged to longer ones first: batches stay small all the same.
TEST_F(TableWriterTest, SortsWithinItsMemoryWhateverLiesTogether) {
  OrderBy(FieldId(1));
  std::vector<Row> large_last = RandomRows(20'000, 1, 5);
  for (std::size_t i = 0; i < large_last.size(); i += 40) {
    large_last[i].id += 1'000'000'007;
    large_last[i].host.append(64 << 10, 'x');
  }
  std::vector<Row> many = RandomRows(150'000, 1, 6);
  for (Row& row : many) row.host.append(300, 'x');
  options_.memory_bytes_max = 16 << 20;
  for (const auto& [rows, pool_bytes] :
       {std::pair(&large_last, 4 << 20), std::pair(&large_last, 64 << 10),
        std::pair(&many, 64 << 10)}) {
    options_.pool_bytes = pool_bytes;
    auto writer = *Make();
    const Status written = WriteRows(*writer, *rows, 500);
    ASSERT_TRUE(written.ok()) << written;
    const auto files = std::move(*writer).Finish();
    ASSERT_TRUE(files.ok()) << files.status();
    CheckSame(*files, *rows);
    ASSERT_EQ(files->size(), 1u);
    const auto read = Read(files->front());
    EXPECT_TRUE(std::is_sorted(read.begin(), read.end(),
                               [](const Row& a, const Row& b) { return a.id < b.id; }));
  }
}

// The hash table of a dictionary takes many times the dictionary's own bytes.
TEST_F(TableWriterTest, DictionariesStayWithinLittleMemory) {
  options_.memory_bytes_max = 16 << 20;
  auto rows = RandomRows(200'000, 1, 7);
  for (Row& row : rows) row.host = std::to_string(row.id);
  auto writer = *Make();
  const Status written = WriteRows(*writer, rows, 8'192);
  ASSERT_TRUE(written.ok()) << written;
  const auto files = std::move(*writer).Finish();
  ASSERT_TRUE(files.ok()) << files.status();
  CheckSame(*files, rows);
}

TEST_F(TableWriterTest, SortedInputPassesThroughAndAStepBackBeginsAFile) {
  OrderBy(FieldId(1));
  options_.pool_bytes = 64 << 10;
  std::vector<Row> rows;
  for (std::int64_t i = 0; i < 20'000; ++i) rows.push_back({i, i});
  auto writer = *Make();
  ASSERT_TRUE(WriteRows(*writer, rows, 1'000).ok());
  EXPECT_EQ(writer->stats().spilled_bytes, 0);
  EXPECT_EQ(writer->stats().files, 0);
  const std::vector<Row> late = {{5, 0}, {4, 0}};
  ASSERT_TRUE(WriteRows(*writer, late, 2).ok());
  rows.insert(rows.end(), late.begin(), late.end());
  const auto files = std::move(*writer).Finish();
  ASSERT_TRUE(files.ok()) << files.status();
  CheckSame(*files, rows);
  EXPECT_EQ(files->size(), 2u);
  for (const auto& file : *files) {
    const auto read = Read(file);
    EXPECT_TRUE(std::is_sorted(read.begin(), read.end()));
  }
}

TEST_F(TableWriterTest, SplitsABatchAtTheTargetSize) {
  options_.file_bytes_target = 200'000;
  options_.parquet.row_group_rows = 1'000;
  const auto rows = RandomRows(60'000, 1, 3);
  auto writer = *Make();
  ASSERT_TRUE(WriteRows(*writer, rows, rows.size()).ok());
  const auto files = std::move(*writer).Finish();
  ASSERT_TRUE(files.ok()) << files.status();
  CheckSame(*files, rows);
  EXPECT_GE(files->size(), 3u);
  for (const auto& file : *files) EXPECT_LE(file.file_size_bytes, 240'000);
}

TEST_F(TableWriterTest, RotatesWhatIsOldWhenTicked) {
  auto writer = *Make();
  ASSERT_TRUE(WriteRows(*writer, {{1}}, 1).ok());
  clock_.AdvanceUs(4LL * 60 * 1'000'000);
  ASSERT_TRUE(writer->Tick().ok());
  EXPECT_TRUE(writer->TakeFiles().empty());
  clock_.AdvanceUs(60LL * 1'000'000);
  ASSERT_TRUE(writer->Tick().ok());
  EXPECT_EQ(writer->TakeFiles().size(), 1u);
  ASSERT_TRUE(WriteRows(*writer, {{2}}, 1).ok());
  EXPECT_EQ(std::move(*writer).Finish()->size(), 1u);
  writer.reset();
  EXPECT_EQ(Objects().size(), 2u);
}

TEST_F(TableWriterTest, TickAlsoEndsRowsThatWaitToBeSorted) {
  OrderBy(FieldId(1));
  auto writer = *Make();
  ASSERT_TRUE(WriteRows(*writer, {{2}, {1}}, 2).ok());
  clock_.AdvanceUs(5LL * 60 * 1'000'000);
  ASSERT_TRUE(writer->Tick().ok());
  const auto files = writer->TakeFiles();
  ASSERT_EQ(files.size(), 1u);
  EXPECT_EQ(Read(files.front()), (std::vector<Row>{{1}, {2}}));
}

TEST_F(TableWriterTest, AWriterGivenUpLeavesNothing) {
  PartitionBy(FieldId(2), Transform::Day());
  options_.file_bytes_target = 1'000;
  auto writer = *Make();
  ASSERT_TRUE(WriteRows(*writer, RandomRows(2'000, 3, 4), 100).ok());
  EXPECT_GT(writer->stats().files, 0);
  writer.reset();
  EXPECT_TRUE(Objects().empty());
}

TEST_F(TableWriterTest, AFullDiskIsSaidAndLeavesNothing) {
  const auto full = Status::ResourceExhausted("no space left");
  store_.SetFaultHook([&](const io::StoreOperation& operation) {
    const bool writes = operation.kind == io::StoreOperation::Kind::kWrite;
    return io::MemoryStore::Fault{writes ? full : Status::OK(), false};
  });
  auto writer = *Make();
  const Status written = WriteRows(*writer, {{1}}, 1);
  const Status outcome = written.ok() ? writer->Flush() : written;
  EXPECT_TRUE(outcome.Is(StatusCode::kResourceExhausted)) << outcome;
  EXPECT_NE(outcome.message().find("t_data_20241004_"), std::string::npos) << outcome;
  EXPECT_EQ(WriteRows(*writer, {{2}}, 1), outcome);  // It takes nothing any more.
  writer.reset();
  store_.SetFaultHook({});
  EXPECT_TRUE(Objects().empty());
}

TEST_F(TableWriterTest, AFullSpillDiskIsSaidAndLeavesNothing) {
  OrderBy(FieldId(1));
  options_.pool_bytes = 64 << 10;
  spills_.SetFaultHook([](const io::FileOperation& operation) {
    return operation.kind == io::FileOperation::Kind::kAppend
               ? Status::ResourceExhausted("no space left")
               : Status::OK();
  });
  auto writer = *Make();
  const Status outcome = WriteRows(*writer, RandomRows(9'000, 1, 5), 1'000);
  EXPECT_TRUE(outcome.Is(StatusCode::kResourceExhausted)) << outcome;
  EXPECT_NE(outcome.message().find("/spill/firn-spill-"), std::string::npos) << outcome;
  writer.reset();
  EXPECT_EQ(SpillFiles(), 0u);
  EXPECT_TRUE(Objects().empty());
}

TEST_F(TableWriterTest, ABatchThatDoesNotFitIsRefusedWholeAndTheWriterGoesOn) {
  auto writer = *Make();
  auto batch = Batch({{1}, {2}});
  const auto expect = [&](const arrow::Result<std::shared_ptr<arrow::RecordBatch>>& made,
                          const std::string& text) {
    const Status status = writer->Write(**made);
    EXPECT_TRUE(status.Is(StatusCode::kInvalidArgument)) << status;
    EXPECT_EQ(status.message(), "ns.t: " + text);
  };
  expect(batch->RemoveColumn(1), "required column id is missing");
  expect(batch->AddColumn(0, "hosts", batch->column(0)),
         "the table has no column hosts; did you mean host?");
  expect(batch->SetColumn(1, arrow::field("id", arrow::large_utf8()), batch->column(0)),
         "column id has the type large_string, the table's is long");
  arrow::Int64Builder ids;
  ASSERT_TRUE(ids.Append(7).ok() && ids.AppendNull().ok());
  expect(batch->SetColumn(1, arrow::field("id", arrow::int64()), *ids.Finish()),
         "column id, row 1: NULL in a required column");
  ASSERT_TRUE(writer->Write(*batch).ok());
  EXPECT_EQ(CheckSame(*std::move(*writer).Finish(), {{1}, {2}}).size(), 1u);
}

class RememberedLetters final : public DeadLetterSink {
 public:
  Status Add(const arrow::RecordBatch&, const std::vector<InvalidRow>& invalid) override {
    rows.insert(rows.end(), invalid.begin(), invalid.end());
    return outcome;
  }
  std::vector<InvalidRow> rows;
  Status outcome;
};

TEST_F(TableWriterTest, InvalidRowsBecomeDeadLettersAndTheRestIsWritten) {
  RememberedLetters letters;
  dead_letters_ = &letters;
  options_.on_invalid = OnInvalid::kQuarantine;
  auto writer = *Make();
  ASSERT_TRUE(writer->Write(*Batch({{1}, {2, 0, "\xff"}, {3}})).ok());
  ASSERT_EQ(letters.rows.size(), 1u);
  EXPECT_EQ(letters.rows.front().row, 1);
  EXPECT_EQ(letters.rows.front().column, "host");
  EXPECT_NE(letters.rows.front().reason.find("is not UTF-8"), std::string::npos);
  ASSERT_TRUE(writer->Write(**Batch({{4}, {5}})->RemoveColumn(1)).ok());
  EXPECT_EQ(writer->stats().rows_quarantined, 3);
  letters.outcome = Status::Unavailable("gone");
  EXPECT_TRUE(writer->Write(*Batch({{6, 0, "\xff"}})).Is(StatusCode::kUnavailable));
  EXPECT_TRUE(writer->Write(*Batch({{7}})).Is(StatusCode::kUnavailable));
}

TEST_F(TableWriterTest, BadOptionsAreNamed) {
  options_.pool_bytes = 0;
  EXPECT_EQ(Make().status().message(), "pool_bytes of 0 must be above 0");
  options_ = {};
  options_.on_invalid = OnInvalid::kQuarantine;
  EXPECT_TRUE(Make().status().Is(StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace firn::table
