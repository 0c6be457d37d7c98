// SPDX-License-Identifier: Apache-2.0
#include "db/partition_text.h"

#include <gtest/gtest.h>

namespace firn::db {
namespace {

using iceberg::FieldId;
using iceberg::Transform;

iceberg::NestedField Column(std::int32_t id, const char* name,
                            const iceberg::PrimitiveType& type) {
  return {FieldId(id), name, false, type, ""};
}

class PartitionTextTest : public testing::Test {
 protected:
  PartitionTextTest() {
    iceberg::Schema schema;
    schema.root.fields = {Column(1, "id", iceberg::kLong), Column(2, "d", iceberg::kDate),
                          Column(3, "s", iceberg::kString)};
    metadata_.schemas = {schema};
    spec_.fields = {{FieldId(1), FieldId(1000), "id", Transform::Identity()},
                    {FieldId(2), FieldId(1001), "d", Transform::Identity()},
                    {FieldId(3), FieldId(1002), "s_bucket", Transform::Bucket(8)},
                    {FieldId(3), FieldId(1003), "s_trunc", Transform::Truncate(2)}};
    values_ = {std::int64_t{7}, std::int32_t{1}, std::int32_t{5}, std::string("a/")};
  }

  // The table goes on with the column `id` alone.
  void DropAllButId() {
    iceberg::Schema less;
    less.id = metadata_.current_schema_id = iceberg::SchemaId(1);
    less.root.fields = {Column(1, "id", iceberg::kLong)};
    metadata_.schemas.push_back(less);
  }
  std::string Text() const { return PartitionText(metadata_, spec_, values_); }

  iceberg::TableMetadata metadata_;
  iceberg::PartitionSpec spec_;
  iceberg::PartitionValues values_;
};

constexpr char kText[] = "id=7/d=1970-01-02/s_bucket=5/s_trunc=a%2F";

TEST_F(PartitionTextTest, DroppedColumnsAreToldByTheSchemaThatHadThem) {
  EXPECT_EQ(Text(), kText);
  DropAllButId();
  EXPECT_EQ(Text(), kText);
  values_[1] = values_[3] = std::nullopt;
  EXPECT_EQ(Text(), "id=7/d=null/s_bucket=5/s_trunc=null");
}

TEST_F(PartitionTextTest, WithoutThatSchemaValuesAreToldAsTheyAre) {
  DropAllButId();
  metadata_.schemas.erase(metadata_.schemas.begin());
  EXPECT_EQ(Text(), "id=7/d=1/s_bucket=5/s_trunc=a%2F");
  values_ = {std::nullopt, iceberg::Bytes{"\x01\xff"}, iceberg::Decimal{12}, true};
  EXPECT_EQ(Text(), "id=null/d=01ff/s_bucket=12/s_trunc=true");
}

TEST_F(PartitionTextTest, ASchemaThatTheValueDoesNotGoWithIsPassedBy) {
  DropAllButId();
  values_[1] = std::string("x");
  EXPECT_EQ(Text(), "id=7/d=x/s_bucket=5/s_trunc=a%2F");
}

}  // namespace
}  // namespace firn::db
