// SPDX-License-Identifier: Apache-2.0
#include "iceberg/plan.h"

#include <gtest/gtest.h>

#include "iceberg/test_table.h"

namespace firn::iceberg {
namespace {

using expr::Compare;
using expr::CompareOp;
using expr::MakePredicate;
using expr::PredicatePtr;

// Ten files: day d holds ids [100 d, 100 d + 10), days 1 to 10, two days a commit.
class PlanTest : public TableTest {
 protected:
  void SetUp() override {
    OpenCatalog();
    CreateTable();
    for (int day = 1; day <= 10; day += 2) {
      ASSERT_TRUE(
          AppendFiles({TestFile(std::to_string(day), day, day * 100),
                       TestFile(std::to_string(day + 1), day + 1, day * 100 + 100)})
              .ok());
    }
    table = *Load();
  }

  FilePlan Plan(const PredicatePtr& predicate) {
    auto plan = PlanFiles(context, manifests, *table.metadata,
                          *table.metadata->current_snapshot(),
                          table.metadata->current_schema(), predicate);
    EXPECT_TRUE(plan.ok()) << plan.status();
    return plan.ok() ? *plan : FilePlan{};
  }

  static PredicatePtr Ts(CompareOp op, std::int64_t us) {
    return MakePredicate(Compare{"ts", op, expr::Timestamp{us}});
  }

  LoadedTable table;
};

TEST_F(PlanTest, WithoutPredicateEveryFileIsPlanned) {
  const FilePlan plan = Plan(nullptr);
  EXPECT_EQ(plan.tasks.size(), 10U);
  EXPECT_EQ(plan.stats.manifests_total, 5);
  EXPECT_EQ(plan.stats.files_planned, 10);
}

TEST_F(PlanTest, DaysPruneManifestsAndFiles) {
  const FilePlan plan = Plan(expr::Conjoin(Ts(CompareOp::kGtEq, 4 * kTestDayUs),
                                           Ts(CompareOp::kLt, 5 * kTestDayUs)));
  ASSERT_EQ(plan.tasks.size(), 1U);
  EXPECT_EQ(plan.tasks[0].file.file_path, "memory://w/data/4");
  EXPECT_EQ(plan.stats.manifests_pruned, 4);
  EXPECT_EQ(plan.stats.files_in_pruned_manifests, 8);
  EXPECT_EQ(plan.stats.files_pruned_by_partition, 1);
}

TEST_F(PlanTest, DayEndsAreExact) {
  EXPECT_EQ(Plan(Ts(CompareOp::kLt, 2 * kTestDayUs)).tasks.size(), 1U);
  EXPECT_EQ(Plan(Ts(CompareOp::kLtEq, 2 * kTestDayUs)).tasks.size(), 2U);
  EXPECT_EQ(Plan(Ts(CompareOp::kGt, 11 * kTestDayUs - 1)).tasks.size(), 0U);
  EXPECT_EQ(Plan(Ts(CompareOp::kGtEq, 11 * kTestDayUs - 1)).tasks.size(), 1U);
}

TEST_F(PlanTest, MetricsPruneFiles) {
  const FilePlan plan =
      Plan(MakePredicate(Compare{"id", CompareOp::kEq, std::int64_t{705}}));
  ASSERT_EQ(plan.tasks.size(), 1U);
  EXPECT_EQ(plan.tasks[0].file.file_path, "memory://w/data/7");
  EXPECT_EQ(plan.stats.files_pruned_by_metrics, 9);
  // The host column is NULL throughout.
  EXPECT_EQ(Plan(MakePredicate(expr::IsNotNull{"host"})).tasks.size(), 0U);
  EXPECT_EQ(Plan(MakePredicate(expr::IsNull{"host"})).tasks.size(), 10U);
}

TEST_F(PlanTest, WhatIsNotKnownPrunesNothing) {
  EXPECT_EQ(
      Plan(MakePredicate(Compare{"no_such_column", CompareOp::kEq, std::int64_t{1}}))
          .tasks.size(),
      10U);
  EXPECT_EQ(Plan(MakePredicate(expr::Or{
                     {Ts(CompareOp::kLt, 0),
                      MakePredicate(Compare{"other", CompareOp::kEq, std::int64_t{1}})}}))
                .tasks.size(),
            10U);
}

TEST_F(PlanTest, VisitorAndContextEndThePlanning) {
  const auto visit_error =
      PlanFiles(context, manifests, *table.metadata, *table.metadata->current_snapshot(),
                table.metadata->current_schema(), nullptr,
                [](ScanTask&&) { return Status::ResourceExhausted("enough"); });
  EXPECT_EQ(visit_error.status().message(), "enough");
  const base::Context cancelled;
  cancelled.Cancel();
  const auto plan = PlanFiles(cancelled, manifests, *table.metadata,
                              *table.metadata->current_snapshot(),
                              table.metadata->current_schema(), nullptr);
  EXPECT_EQ(plan.status().code(), StatusCode::kCancelled);
}

TEST_F(PlanTest, DataInADeleteManifestIsCorruption) {
  Snapshot snapshot = *table.metadata->current_snapshot();
  auto list = *manifests.ReadManifestList(context, snapshot);
  list[0].content = ManifestContent::kDeletes;
  snapshot.manifest_list = "memory://w/deletes.avro";
  ASSERT_TRUE(manifests.WriteManifestList(context, snapshot, list).ok());
  const auto plan = PlanFiles(context, manifests, *table.metadata, snapshot,
                              table.metadata->current_schema(), nullptr);
  EXPECT_EQ(plan.status().code(), StatusCode::kCorruption);
}

TEST_F(PlanTest, MissingManifestIsNamed) {
  const auto list =
      *manifests.ReadManifestList(context, *table.metadata->current_snapshot());
  ASSERT_TRUE(store.Remove(context, list[0].manifest_path).ok());
  const auto plan =
      PlanFiles(context, manifests, *table.metadata, *table.metadata->current_snapshot(),
                table.metadata->current_schema(), nullptr);
  EXPECT_EQ(plan.status().code(), StatusCode::kNotFound);
  EXPECT_NE(plan.status().message().find(list[0].manifest_path), std::string_view::npos);
}

}  // namespace
}  // namespace firn::iceberg
