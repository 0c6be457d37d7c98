// SPDX-License-Identifier: Apache-2.0
#include "sql/statement.h"

#include <gtest/gtest.h>

#include "arrow/type.h"

#include "sql/test_tables.h"

namespace firn::sql {
namespace {

const scan::TableName kName{"metrics", "samples"};

class StatementTest : public ::testing::Test {
 protected:
  StatementTest() : table_(tables_.Add(kName, arrow::schema({}), {{}, {}})) {}

  base::Context context_;
  TestTables tables_;
  std::shared_ptr<TestTable> table_;
  Statement statement_{context_, tables_};
};

TEST_F(StatementTest, PinsOnce) {
  const auto first = statement_.Pin(kName);
  ASSERT_TRUE(first.ok());
  tables_.Add(kName, arrow::schema({}), {});
  const auto second = statement_.Pin(kName);
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(*first, *second);
  EXPECT_EQ(&(*second)->source(), table_.get());
  Statement later(context_, tables_);
  EXPECT_NE(&(*later.Pin(kName))->source(), table_.get());
}

TEST_F(StatementTest, AFailedPinIsTriedAgain) {
  const scan::TableName other{"metrics", "other"};
  EXPECT_EQ(statement_.Pin(other).status().code(), StatusCode::kNotFound);
  tables_.Add(other, arrow::schema({}), {});
  EXPECT_TRUE(statement_.Pin(other).ok());
}

TEST_F(StatementTest, EstimatesOnce) {
  const auto table = *statement_.Pin(kName);
  EXPECT_EQ(*table->EstimatedRows(context_), 0);
  EXPECT_EQ(*table->EstimatedRows(context_), 0);
  EXPECT_EQ(table_->probe().plans, 1);
}

TEST_F(StatementTest, AddsUpScansThatRunAndThatEnded) {
  std::shared_ptr<scan::ScanPlan> a = *table_->Plan(context_, {});
  std::shared_ptr<scan::ScanPlan> b = *table_->Plan(context_, {});
  EXPECT_EQ(statement_.stats().files_planned, 0);
  statement_.Begin(a);
  statement_.Begin(b);
  EXPECT_EQ(statement_.stats().files_planned, 4);
  statement_.End(*a);
  EXPECT_EQ(a.use_count(), 1);
  statement_.End(*a);  // Not twice.
  EXPECT_EQ(statement_.stats().files_planned, 4);
}

TEST_F(StatementTest, KeepsTheFirstFailure) {
  EXPECT_TRUE(statement_.failure().ok());
  statement_.Fail(Status::Corruption("first"));
  statement_.Fail(Status::Unavailable("second"));
  EXPECT_EQ(statement_.failure(), Status::Corruption("first"));
}

}  // namespace
}  // namespace firn::sql
