// SPDX-License-Identifier: Apache-2.0
// Keys of every type that may identify a row.
#include "table/key_set.h"

#include <arrow/array/array_base.h>
#include <arrow/json/from_string.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "iceberg/schema_arrow.h"

namespace firn::table {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

iceberg::Schema OneColumn(iceberg::Type type) {
  iceberg::Schema schema;
  schema.root.fields = {{iceberg::FieldId(1), "k", false, std::move(type), ""}};
  return schema;
}

std::shared_ptr<arrow::RecordBatch> Batch(const iceberg::Schema& schema,
                                          const std::string& json) {
  const auto arrow_schema = iceberg::ToArrowSchema(schema);
  EXPECT_TRUE(arrow_schema.ok()) << arrow_schema.status();
  const auto column =
      arrow::json::ArrayFromJSONString((*arrow_schema)->field(0)->type(), json);
  EXPECT_TRUE(column.ok()) << column.status();
  return arrow::RecordBatch::Make(*arrow_schema, (*column)->length(), {*column});
}

struct KeyCase {
  iceberg::PrimitiveType type;
  const char* keys;   // Two, the lesser first.
  const char* rows;   // Before, the first, between, NULL, the second, after.
  const char* twice;  // In the error of a key that comes again.
};

const KeyCase kCases[] = {
    {iceberg::kInt, "[-5, 7]", "[-6, -5, 0, null, 7, 8]", "-5"},
    {iceberg::kLong, "[-5, 9223372036854775807]",
     "[-6, -5, 0, null, 9223372036854775807, 9223372036854775806]", "-5"},
    {iceberg::kDate, "[-1, 1]", "[-2, -1, 0, null, 1, 2]", "1969-12-31"},
    {iceberg::kTime, "[1, 86399999999]", "[0, 1, 2, null, 86399999999, 3]", "00:00:00"},
    {iceberg::kTimestamp, "[-1, 1]", "[-2, -1, 0, null, 1, 2]", "1969-12-31"},
    {iceberg::kTimestamptz, "[-1, 1]", "[-2, -1, 0, null, 1, 2]", "1969-12-31"},
    {iceberg::kTimestampNs, "[-1, 1]", "[-2, -1, 0, null, 1, 2]", "1969-12-31"},
    {iceberg::DecimalType(38, 1),
     R"(["-1.5", "9999999999999999999999999999999999999.9"])",
     R"(["-1.6", "-1.5", "0.0", null, "9999999999999999999999999999999999999.9", "1.5"])",
     "-1.5"},
    {iceberg::kString, R"(["", "é"])", R"(["a", "", "b", null, "é", "z"])",
     "comes twice"},
    {iceberg::kBinary, R"(["", "ab"])", R"(["a", "", "b", null, "ab", "abc"])",
     "comes twice"},
    {iceberg::FixedType(2), R"(["aa", "bb"])", R"(["a0", "aa", "ab", null, "bb", "bc"])",
     R"(key "aa" comes twice)"},
    {iceberg::kUuid, R"(["0000000000000000", "~~~~~~~~~~~~~~~~"])",
     R"(["0000000000000001", "0000000000000000", "0000000000000002", null,
         "~~~~~~~~~~~~~~~~", "~~~~~~~~~~~~~~~}"])",
     R"(key "0000000000000000" comes twice)"},
    {iceberg::kBoolean, "[false, true]", "[null, false, null, null, true, null]",
     "false"},
};

TEST(KeySet, FindsTheRowsOfItsKeysWhateverTheirType) {
  for (const KeyCase& c : kCases) {
    SCOPED_TRACE(iceberg::ToString(c.type));
    const iceberg::Schema schema = OneColumn(c.type);
    base::ByteBudget budget("keys", 1 << 20);
    auto keys = KeySet::Make(schema, {"k"}, budget);
    ASSERT_TRUE(keys.ok()) << keys.status();
    CheckedBatch batch{Batch(schema, c.keys), {}};
    ASSERT_TRUE(keys->Add(batch).ok());
    EXPECT_THAT(batch.invalid, IsEmpty());
    EXPECT_EQ(keys->size(), 2u);
    std::vector<std::uint8_t> mask;
    ASSERT_TRUE(keys->Find(*Batch(schema, c.rows), mask).ok());
    EXPECT_THAT(mask, ElementsAre(0, 1, 0, 0, 1, 0));
    // Sliced as well.
    ASSERT_TRUE(keys->Find(*Batch(schema, c.rows)->Slice(3), mask).ok());
    EXPECT_THAT(mask, ElementsAre(0, 1, 0));
    ASSERT_NE(keys->Bounds(), nullptr);
    ASSERT_TRUE(keys->Add(batch).ok());
    ASSERT_EQ(batch.invalid.size(), 2u);
    EXPECT_EQ(batch.invalid[1].row, 1);
    EXPECT_THAT(batch.invalid[0].ToString(), HasSubstr(c.twice));
    CheckedBatch null{Batch(schema, "[null]"), {}};
    ASSERT_TRUE(keys->Add(null).ok());
    ASSERT_EQ(null.invalid.size(), 1u);
    EXPECT_EQ(null.invalid[0].ToString(), "column k, row 0: NULL in a key");
  }
}

TEST(KeySet, LeavesInvalidRowsOut) {
  const iceberg::Schema schema = OneColumn(iceberg::kInt);
  base::ByteBudget budget("keys", 1 << 20);
  auto keys = KeySet::Make(schema, {"k"}, budget);
  ASSERT_TRUE(keys.ok()) << keys.status();
  CheckedBatch batch{Batch(schema, "[1, 2, null, 2, 1]"), {{0, "x", "wrong"}}};
  ASSERT_TRUE(keys->Add(batch).ok());
  std::vector<std::int64_t> rows;
  for (const InvalidRow& row : batch.invalid) rows.push_back(row.row);
  EXPECT_THAT(rows, ElementsAre(0, 2, 3));  // The second 1 is the first that is valid.
  EXPECT_EQ(batch.invalid[0].reason, "wrong");
  EXPECT_EQ(keys->size(), 2u);
}

TEST(KeySet, RefusesTypesThatIdentifyNoRow) {
  iceberg::StructType inner;
  inner.fields = {{iceberg::FieldId(2), "x", false, iceberg::kInt, ""}};
  const iceberg::Type types[] = {
      iceberg::kFloat,
      iceberg::kDouble,
      iceberg::kUnknown,
      iceberg::kVariant,
      iceberg::MakeList(iceberg::FieldId(2), false, iceberg::kInt),
      inner};
  base::ByteBudget budget("keys", 1 << 20);
  for (const iceberg::Type& type : types) {
    const auto keys = KeySet::Make(OneColumn(type), {"k"}, budget);
    EXPECT_THAT(keys.status().ToString(),
                HasSubstr("key: column k is of type " + type.ToString()));
  }
}

}  // namespace
}  // namespace firn::table
