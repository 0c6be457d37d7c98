// SPDX-License-Identifier: Apache-2.0
// Which files share a split, and what a plan of many splits does as it is read.
#include "table/split_packer.h"

#include <gtest/gtest.h>

#include "base/log.h"
#include "iceberg/plan.h"
#include "table/hand_made_table.h"

namespace firn::table {
namespace {

using iceberg::DataFile;

constexpr std::int64_t kMb = std::int64_t{1} << 20;

iceberg::ScanTask Task(int number, std::int64_t bytes, std::int64_t row_group_bytes = 0) {
  iceberg::ScanTask task;
  task.file.file_path = std::to_string(number);
  task.file.file_size_bytes = bytes;
  for (std::int64_t at = 4; row_group_bytes > 0 && at < bytes; at += row_group_bytes) {
    task.file.split_offsets.push_back(at);
  }
  return task;
}

// Splits as "0,1|2": the names of their files.
std::string Pack(std::vector<iceberg::ScanTask> tasks, int threads,
                 const SplitSizes& sizes = {}) {
  SplitPacker packer(sizes, threads);
  std::string text;
  const auto take = [&] {
    for (const Split& split : packer.Take()) {
      if (!text.empty()) text += "|";
      for (std::size_t i = 0; i < split.size(); ++i) {
        text += (i > 0 ? "," : "") + split[i].task->task().file.file_path;
      }
    }
  };
  for (iceberg::ScanTask& task : tasks) {
    packer.Add(std::move(task));
    take();
  }
  packer.Finish();
  take();
  return text;
}

TEST(SplitPackerTest, SplitsGrowFromOneFileToTheTarget) {
  std::vector<iceberg::ScanTask> tasks;
  for (int i = 0; i < 14; ++i) tasks.push_back(Task(i, 1000));
  EXPECT_EQ(Pack(tasks, 2), "0|1|2,3|4,5|6,7,8,9|10,11,12,13");
  EXPECT_EQ(Pack(tasks, 16), "0|1|2|3|4|5|6|7|8|9|10|11|12|13");
  SplitSizes sizes;
  sizes.target_bytes = 8 * kMb;
  EXPECT_EQ(Pack(tasks, 1, sizes), "0|1,2|3,4|5,6|7,8|9,10|11,12|13");
  sizes.target_bytes = 1;
  EXPECT_EQ(Pack(tasks, 1, sizes), "0|1|2|3|4|5|6|7|8|9|10|11|12|13");
  EXPECT_EQ(Pack({}, 1), "");
}

TEST(SplitPackerTest, LargeFilesAreCutAndDeletesAreWork) {
  SplitSizes sizes;
  sizes.open_file_bytes = 4 * kMb;
  sizes.target_bytes = 16 * kMb;
  // Of row groups of 7 MB three make a piece of the target and more.
  EXPECT_EQ(
      Pack({Task(0, 50 * kMb, 7 * kMb), Task(1, 1), Task(2, 1), Task(3, 1)}, 1, sizes),
      "0|0|0,1,2|3");
  EXPECT_EQ(Pack({Task(0, 50 * kMb), Task(1, 1), Task(2, 20 * kMb)}, 1, sizes), "0|1|2");
  std::vector<iceberg::ScanTask> tasks = {Task(0, 1), Task(1, 1), Task(2, 1), Task(3, 1)};
  EXPECT_EQ(Pack(tasks, 1, sizes), "0|1,2|3");
  const auto deletes = std::make_shared<iceberg::DeleteFile>();
  for (iceberg::ScanTask& task : tasks) task.deletes = {deletes, deletes};
  EXPECT_EQ(Pack(tasks, 1, sizes), "0|1|2|3");
}

TEST(SplitPackerTest, TheTablesPropertiesSayHowLargeSplitsAre) {
  iceberg::TableMetadata metadata;
  EXPECT_EQ(SplitSizesOf(metadata).target_bytes, 128 * kMb);
  EXPECT_EQ(SplitSizesOf(metadata).open_file_bytes, 4 * kMb);
  metadata.properties["read.split.target-size"] = "1048576";
  metadata.properties["read.split.open-file-cost"] = "0";
  EXPECT_EQ(SplitSizesOf(metadata).target_bytes, kMb);
  EXPECT_EQ(SplitSizesOf(metadata).open_file_bytes, 0);
  // Larger than any table, and still a sum of them is a number.
  metadata.properties["read.split.target-size"] = "9223372036854775807";
  metadata.properties["read.split.open-file-cost"] = "9223372036854775807";
  EXPECT_EQ(Pack({Task(0, 1), Task(1, std::numeric_limits<std::int64_t>::max())}, 1,
                 SplitSizesOf(metadata)),
            "0|1");
  // What is no size says nothing: the table is read all the same.
  base::SetLogLevel(base::LogLevel::kError);
  for (const char* wrong : {"", "0", "-1", "64MB", "1e6", "9223372036854775808"}) {
    metadata.properties["read.split.target-size"] = wrong;
    EXPECT_EQ(SplitSizesOf(metadata).target_bytes, 128 * kMb) << wrong;
  }
}

// A table of `files` files of one row, a manifest each.
class ManyManifestsTest : public ::testing::Test {
 protected:
  static iceberg::Schema OneColumn() {
    iceberg::Schema schema;
    schema.root.fields = {{iceberg::FieldId(1), "n", false, iceberg::kLong, ""}};
    return schema;
  }

  void Fill(int files) {
    for (int i = 0; i < files; ++i) {
      table_.Commit(
          {table_.WriteFile("f" + std::to_string(i), {FileField("n", arrow::int64(), 1)},
                            "[[" + std::to_string(i) + "]]")});
    }
  }
  std::unique_ptr<scan::ScanPlan> Plan(int threads) {
    const ScanEnvironment environment{
        .store = table_.store, .footers = table_.footers, .threads = threads};
    source_ = MakeTableSource(environment, table_.Load()).value();
    return source_->Plan(table_.context, {}).value();
  }
  // The numbers in a split; absent where there is none.
  static std::optional<std::vector<std::int64_t>> Read(scan::ScanPlan& plan,
                                                       std::size_t index) {
    const auto stream = plan.OpenSplit(index).value();
    if (stream == nullptr) return std::nullopt;
    std::vector<std::int64_t> numbers;
    while (const auto batch = stream->Next().value()) {
      const auto& column = static_cast<const arrow::Int64Array&>(*batch->column(0));
      for (std::int64_t i = 0; i < column.length(); ++i) {
        numbers.push_back(column.Value(i));
      }
    }
    return numbers;
  }

  HandMadeTable table_{OneColumn()};
  std::shared_ptr<scan::BatchSource> source_;
};

TEST_F(ManyManifestsTest, RowsComeInTheOrderOfFilesWhateverTheThreads) {
  Fill(60);
  for (const int threads : {1, 2, 5, 64}) {
    const auto plan = Plan(threads);
    EXPECT_EQ(plan->estimated_rows(), 60);
    std::int64_t next = 0;
    std::size_t splits = 0;
    while (const auto numbers = Read(*plan, splits)) {
      for (const std::int64_t number : *numbers) EXPECT_EQ(number, next++);
      ++splits;
    }
    EXPECT_EQ(next, 60);
    EXPECT_EQ(plan->stats().files_planned, 60);
    EXPECT_EQ(plan->stats().rows, 60);
    // Each thread begins with splits of one file, and goes on with longer ones.
    EXPECT_LE(splits, threads == 64 ? 60U : 30U);
    EXPECT_GE(splits, std::min<std::size_t>(60, static_cast<std::size_t>(threads)));
    EXPECT_FALSE(plan->HasSplit(splits).value());
    EXPECT_EQ(plan->OpenSplit(splits + 5).value(), nullptr);
  }
}

TEST_F(ManyManifestsTest, AScanThatEndsEarlyPlansNoMoreThanItReads) {
  Fill(60);
  const auto plan = Plan(2);
  EXPECT_EQ(plan->stats().files_planned, 0);
  EXPECT_EQ(Read(*plan, 0)->size(), 1U);
  // One file a manifest: a split for each thread, and what closes the second.
  EXPECT_LE(plan->stats().files_planned, 3);
}

TEST_F(ManyManifestsTest, SplitsMayBeOpenedInAnyOrderByAnyThread) {
  Fill(60);
  const auto plan = Plan(4);
  ASSERT_TRUE(plan->HasSplit(3).value());
  EXPECT_EQ(Read(*plan, 3)->front(), 3);
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  std::set<std::int64_t> seen = {3};
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      while (true) {
        const std::size_t index = next++;
        if (index == 3) continue;
        const auto numbers = Read(*plan, index);
        if (!numbers) return;
        const std::lock_guard lock(mutex);
        for (const std::int64_t number : *numbers) {
          EXPECT_TRUE(seen.insert(number).second) << number;
        }
      }
    });
  }
  threads.clear();
  EXPECT_EQ(seen.size(), 60U);
}

// What is read of delete files depends on whether all tasks are known before the first
// row is: with many threads they are.
TEST_F(ManyManifestsTest, SharedDeletesApplyToFilesThatAreFoundLater) {
  Fill(30);
  std::vector<std::pair<std::string, std::int64_t>> places;
  for (int i = 0; i < 30; i += 3) {
    places.emplace_back("memory://w/t/data/f" + std::to_string(i), 0);
  }
  table_.Commit({table_.WritePositions("p", places),
                 table_.WriteEqualities("e", {FileField("n", arrow::int64(), 1)},
                                        "[[1],[10],[25]]", {1})});
  for (const int threads : {1, 2, 64}) {
    const auto plan = Plan(threads);
    std::vector<std::int64_t> rows;
    for (std::size_t i = 0; const auto numbers = Read(*plan, i); ++i) {
      rows.insert(rows.end(), numbers->begin(), numbers->end());
    }
    std::vector<std::int64_t> expected;
    for (int i = 0; i < 30; ++i) {
      if (i % 3 != 0 && i != 1 && i != 10 && i != 25) expected.push_back(i);
    }
    EXPECT_EQ(rows, expected) << threads;
    EXPECT_EQ(plan->stats().rows_deleted, 13);
    EXPECT_EQ(plan->stats().delete_files_planned, 2);
  }
}

TEST_F(ManyManifestsTest, PositionsOfOneFileGoWithItsLastSplit) {
  const int files = 20;
  for (int i = 0; i < files; ++i) {
    const DataFile file = table_.WriteFile(
        "f" + std::to_string(i), {FileField("n", arrow::int64(), 1)}, "[[1],[2],[3]]");
    table_.Commit({file});
    DataFile deletes =
        i % 2 == 0 ? table_.WriteVector("dv" + std::to_string(i), file, {0, 2})
                   : table_.WritePositions("p" + std::to_string(i),
                                           {{file.file_path, 0}, {file.file_path, 2}});
    deletes.referenced_data_file = file.file_path;
    table_.Commit({deletes});
  }
  base::ByteBudget budget("of the test", 64 << 20);
  const base::Context context(table_.clock, std::numeric_limits<std::int64_t>::max(),
                              &budget);
  const ScanEnvironment environment{.store = table_.store, .footers = table_.footers};
  const auto source = MakeTableSource(environment, table_.Load()).value();
  auto plan = source->Plan(context, {}).value();
  ASSERT_TRUE(plan->HasSplit(1).value());
  const std::int64_t index_bytes = budget.used_bytes();
  std::int64_t rows = 0;
  std::int64_t most_bytes = 0;
  for (std::size_t i = 0;; ++i) {
    const auto stream = plan->OpenSplit(i).value();
    if (stream == nullptr) break;
    while (const auto batch = stream->Next().value()) {
      rows += batch->num_rows();
      most_bytes = std::max(most_bytes, budget.used_bytes() - index_bytes);
    }
  }
  EXPECT_EQ(rows, files);
  EXPECT_GT(most_bytes, 0);
  EXPECT_LE(budget.used_bytes(), index_bytes);
  plan.reset();
  EXPECT_EQ(budget.used_bytes(), 0);
}

// What a plan has in memory does not grow with the table, and is on the budget.
TEST_F(ManyManifestsTest, FilesPlannedAreOnTheBudget) {
  Fill(120);  // A split has 32 at most; two may be there.
  const auto loaded = table_.Load();
  const auto gather = [&](base::ByteBudget& budget) {
    const base::Context context(table_.clock, std::numeric_limits<std::int64_t>::max(),
                                &budget);
    const auto files = iceberg::PlanFiles(
        context, iceberg::ManifestIo(table_.store), *loaded.metadata,
        *loaded.metadata->current_snapshot(), loaded.metadata->current_schema(), nullptr);
    return std::make_pair(files.status(), budget.used_bytes());
  };
  base::ByteBudget large("of the test", 64 << 20);
  const auto [gathered, all_bytes] = gather(large);
  ASSERT_TRUE(gathered.ok()) << gathered;
  EXPECT_EQ(large.used_bytes(), 0);
  base::ByteBudget small("of the test", all_bytes / 4 * 3);
  const auto [failed, used_bytes] = gather(small);
  EXPECT_TRUE(failed.Is(StatusCode::kResourceExhausted)) << failed;
  EXPECT_NE(failed.message().find("plan the files of a table"), std::string_view::npos)
      << failed;
  EXPECT_EQ(small.used_bytes(), 0);

  const base::Context context(table_.clock, std::numeric_limits<std::int64_t>::max(),
                              &small);
  const ScanEnvironment environment{.store = table_.store, .footers = table_.footers};
  const auto source = MakeTableSource(environment, loaded).value();
  const auto plan = source->Plan(context, {}).value();
  std::int64_t splits = 0;
  for (;; ++splits) {
    const auto stream = plan->OpenSplit(static_cast<std::size_t>(splits)).value();
    if (stream == nullptr) break;
  }
  EXPECT_GT(splits, 1);
  EXPECT_EQ(plan->stats().files_planned, 120);
}

TEST_F(ManyManifestsTest, ADamagedManifestEndsThePlanWhereItIs) {
  Fill(40);
  const std::string location = table_.manifests[30].manifest_path;
  ASSERT_TRUE(table_.store.Remove(table_.context, location).ok());
  for (const int threads : {1, 3}) {
    const auto plan = Plan(threads);
    std::int64_t rows = 0;
    Status status;
    for (std::size_t i = 0; status.ok(); ++i) {
      const auto stream = plan->OpenSplit(i);
      status = stream.status();
      if (!status.ok()) break;
      ASSERT_NE(*stream, nullptr);
      while (const auto batch = (*stream)->Next().value()) rows += batch->num_rows();
    }
    EXPECT_TRUE(status.Is(StatusCode::kNotFound)) << status;
    EXPECT_NE(status.ToString().find(location), std::string::npos) << status;
    EXPECT_LE(rows, 30);
    EXPECT_GT(rows, 0);
    EXPECT_EQ(plan->OpenSplit(1000).status(), status);
    EXPECT_EQ(plan->HasSplit(1000).status(), status);
  }
}

TEST_F(ManyManifestsTest, CancellingStopsAPlanInTheMiddle) {
  Fill(40);
  const auto plan = Plan(2);
  ASSERT_TRUE(Read(*plan, 0).has_value());
  table_.context.Cancel();
  EXPECT_TRUE(plan->HasSplit(1000).status().Is(StatusCode::kCancelled));
}

}  // namespace
}  // namespace firn::table
