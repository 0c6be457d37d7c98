// SPDX-License-Identifier: Apache-2.0
#include "iceberg/partition_statistics.h"

#include <gmock/gmock.h>

#include "iceberg/action_fixture.h"

namespace firn::iceberg {
namespace {

class PartitionStatisticsTest : public ActionTest {
 protected:
  std::vector<PartitionStatistics> Of(const std::vector<FieldId>& columns) {
    const LoadedTable table = Load().value();
    auto out = ComputePartitionStatistics(context, manifests, *table.metadata,
                                          *table.metadata->current_snapshot(), columns);
    EXPECT_TRUE(out.ok()) << out.status();
    return out.ok() ? *out : std::vector<PartitionStatistics>();
  }
};

TEST_F(PartitionStatisticsTest, AddsUpTheFilesOfEachPartition) {
  DataFile silent = TestFile("c", 2, 100, 5);
  silent.lower_bounds.clear();
  silent.null_value_counts.erase(kTestId);
  ASSERT_TRUE(
      TableTest::AppendFiles({TestFile("a", 1, 50, 10), TestFile("b", 1, 7, 20)}).ok());
  clock.AdvanceUs(1'000'000);
  ASSERT_TRUE(TableTest::AppendFiles({TestFile("d", 1, 20, 1), silent}).ok());
  const auto partitions = Of({kTestId, kTestHost});
  ASSERT_EQ(partitions.size(), 2U);
  const PartitionStatistics& first = partitions[0];
  EXPECT_EQ(first.partition, PartitionValues{Value(std::int32_t{1})});
  EXPECT_EQ(first.data_record_count, 31);
  EXPECT_EQ(first.data_file_count, 3);
  EXPECT_EQ(first.total_data_file_size_bytes, 3000);
  EXPECT_EQ(first.last_updated_ms, clock.NowMs());
  EXPECT_EQ(first.last_updated_snapshot_id, Load()->metadata->current_snapshot_id);
  ASSERT_EQ(first.columns.size(), 2U);
  EXPECT_EQ(first.columns[0].lower_bound, OptionalValue(std::int64_t{7}));
  EXPECT_EQ(first.columns[0].upper_bound, OptionalValue(std::int64_t{59}));
  EXPECT_EQ(first.columns[0].null_count, 0);
  EXPECT_FALSE(first.columns[0].nan_count.has_value());
  // Nothing but NULL: no bounds, and that is known.
  EXPECT_EQ(first.columns[1].null_count, 31);
  EXPECT_FALSE(first.columns[1].lower_bound.has_value());
  // What one file does not say is not known of the partition.
  EXPECT_FALSE(partitions[1].columns[0].lower_bound.has_value());
  EXPECT_EQ(partitions[1].columns[0].upper_bound, OptionalValue(std::int64_t{104}));
  EXPECT_FALSE(partitions[1].columns[0].null_count.has_value());
}

TEST_F(PartitionStatisticsTest, OnlyLiveFilesCount) {
  ASSERT_TRUE(TableTest::AppendFiles({TestFile("a", 1), TestFile("b", 2)}).ok());
  ASSERT_EQ(Do(DeleteFiles{{TestFile("a", 1)}}), "");
  const auto partitions = Of({});
  ASSERT_EQ(partitions.size(), 1U);
  EXPECT_EQ(partitions[0].partition, PartitionValues{Value(std::int32_t{2})});
}

// Of one partition some files are from before its column was widened.
TEST_F(PartitionStatisticsTest, AWidenedPartitionIsOne) {
  ASSERT_TRUE(catalog->DropTable(context, name).ok());
  CreateTableRequest request;
  request.identifier = name;
  request.schema.root.fields = {{kTestId, "n", false, kInt, ""}};
  request.spec = {SpecId(0), {{kTestId, FieldId(1000), "n", Transform::Identity()}}};
  ASSERT_TRUE(catalog->CreateTable(context, request).ok());
  ASSERT_EQ(Do(Adding({File("a", 7)})), "");
  Schema wide = request.schema;
  wide.root.fields[0].type = kLong;
  ASSERT_EQ(Do(ReplaceSchema{wide, Metadata()->current_schema_id}), "");
  DataFile file = File("b", 7);
  file.partition = {Value(std::int64_t{7})};
  ASSERT_EQ(Do(Adding({file})), "");
  const auto partitions = Of({});
  ASSERT_EQ(partitions.size(), 1U);
  EXPECT_EQ(partitions[0].data_file_count, 2);
}

}  // namespace
}  // namespace firn::iceberg
