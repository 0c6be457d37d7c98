// SPDX-License-Identifier: Apache-2.0
// Fields of structs of a table that a scan wants no other of: fewer bytes, the same
// values, whatever the fields were called and wherever they were when the file was
// written.
#include <gtest/gtest.h>

#include "table/file_columns.h"
#include "table/hand_made_table.h"

namespace firn::table {
namespace {

using iceberg::DataFile;
using iceberg::FieldId;
using iceberg::NestedField;
using iceberg::Schema;
using iceberg::StructType;

using Parts = std::vector<std::vector<std::string>>;

NestedField Field(int id, std::string name, iceberg::Type type) {
  return {FieldId(id), std::move(name), false, std::move(type), ""};
}

// id, s { a int, b string, in { x float, y string, list [string] } }
NestedField StructS() {
  return Field(
      2, "s",
      StructType{
          {Field(3, "a", iceberg::kInt), Field(4, "b", iceberg::kString),
           Field(5, "in",
                 StructType{
                     {Field(6, "x", iceberg::kFloat), Field(7, "y", iceberg::kString),
                      Field(8, "list",
                            iceberg::MakeList(FieldId(9), false, iceberg::kString))}})}});
}
Schema IdAndS() {
  Schema schema;
  schema.root.fields = {Field(1, "id", iceberg::kLong), StructS()};
  return schema;
}
// The same with other names, orders and types: a promoted, b renamed, in.y dropped, c and
// in.z added.
Schema Evolved() {
  NestedField added = Field(11, "c", iceberg::kLong);
  added.initial_default = iceberg::Value(std::int64_t{7});
  Schema schema;
  schema.root.fields = {
      Field(2, "t",
            StructType{{Field(5, "inner",
                              StructType{{Field(12, "z", iceberg::kString),
                                          Field(6, "x", iceberg::kDouble)}}),
                        added, Field(4, "a", iceberg::kString),
                        Field(3, "n", iceberg::kLong)}}),
      Field(1, "id", iceberg::kLong)};
  return schema;
}

ArrowFields FileFields() {
  const auto in = arrow::struct_(
      {FileField("x", arrow::float32(), 6), FileField("y", arrow::utf8(), 7),
       FileField("list", arrow::list(FileField("element", arrow::utf8(), 9)), 8)});
  return {FileField("id", arrow::int64(), 1),
          FileField(
              "s",
              arrow::struct_({FileField("a", arrow::int32(), 3),
                              FileField("b", arrow::utf8(), 4), FileField("in", in, 5)}),
              2)};
}

// NULLs at every level, and texts that are seen in the bytes read.
std::string Rows() {
  const std::string text(2000, 'x');
  std::string rows = "[";
  for (int i = 0; i < 40; ++i) {
    const std::string n = std::to_string(i);
    const std::string long_text = "\"" + n + text + "\"";
    if (i > 0) rows += ",";
    if (i % 7 == 3) {
      rows += "[" + n + ",null]";
    } else if (i % 7 == 5) {
      rows += "[" + n + ",[null," + long_text + ",null]]";
    } else {
      rows += "[" + n + ",[" + n + "," + long_text + ",[" + n + ".5," + long_text + ",[" +
              long_text + ",null]]]]";
    }
  }
  return rows + "]";
}

parquet::WriterOptions Plain() {
  parquet::WriterOptions options;
  options.codec = parquet::Codec::kUncompressed;
  return options;
}

// What an SQL engine would take of a batch: column `path[0]`, then fields, with a NULL
// struct making NULL.
std::string Taken(const arrow::Array& rows, const std::vector<std::string>& path) {
  std::string text;
  const auto& all = static_cast<const arrow::StructArray&>(rows);
  for (std::int64_t i = 0; i < rows.length(); ++i) {
    std::shared_ptr<arrow::Array> array = all.GetFieldByName(path[0]);
    bool is_null = array->IsNull(i);
    for (std::size_t at = 1; at < path.size() && !is_null; ++at) {
      array = static_cast<const arrow::StructArray&>(*array).GetFieldByName(path[at]);
      is_null = array->IsNull(i);
    }
    text += (is_null ? "NULL" : (*array->GetScalar(i))->ToString()) + "\n";
  }
  return text;
}

class NestedPartsTest : public ::testing::Test {
 protected:
  // The parts are as in a scan of everything, and reading them takes at most this many
  // bytes in a hundred of those.
  void ExpectParts(const std::string& column, const Parts& parts, int percent_max) {
    scan::ScanRequest request;
    request.columns = {column};
    const auto whole = table_.Scan(request);
    ASSERT_TRUE(whole.status.ok()) << whole.status;
    request.parts = parts;
    const auto some = table_.Scan(request);
    ASSERT_TRUE(some.status.ok()) << some.status;
    EXPECT_TRUE(some.rows->type()->Equals(whole.rows->type()));
    EXPECT_EQ(Taken(*some.rows, {column}).size() > 0, true);
    for (const std::vector<std::string>& part : parts) {
      EXPECT_EQ(Taken(*some.rows, part), Taken(*whole.rows, part)) << part.back();
    }
    EXPECT_LE(some.stats.bytes_read * 100, whole.stats.bytes_read * percent_max)
        << some.stats.bytes_read << " of " << whole.stats.bytes_read;
    // Where a struct is NULL is seen in parts as well.
    const auto& all = static_cast<const arrow::StructArray&>(*whole.rows);
    const auto& few = static_cast<const arrow::StructArray&>(*some.rows);
    for (std::int64_t i = 0; i < all.length(); ++i) {
      EXPECT_EQ(few.field(0)->IsNull(i), all.field(0)->IsNull(i)) << i;
    }
  }

  HandMadeTable table_{IdAndS()};
};

TEST_F(NestedPartsTest, OnlyWhatIsWantedIsRead) {
  table_.Commit({table_.WriteFile("f", FileFields(), Rows(), {}, Plain())});
  ExpectParts("s", {{"s", "a"}}, 10);
  ExpectParts("s", {{"s", "in", "x"}}, 10);
  ExpectParts("s", {{"s", "a"}, {"s", "in", "x"}}, 10);
  ExpectParts("s", {{"s", "b"}}, 50);
  ExpectParts("s", {{"s", "in", "list"}}, 50);
  ExpectParts("s", {{"s", "in"}, {"s", "in", "x"}}, 80);
  ExpectParts("s", {{"s"}, {"s", "a"}}, 100);
  // A path that leads nowhere is not believed.
  scan::ScanRequest request;
  request.columns = {"s"};
  const auto whole = table_.Scan(request);
  request.parts = {{"s", "nothing"}};
  const auto same = table_.Scan(request);
  ASSERT_TRUE(same.status.ok()) << same.status;
  EXPECT_TRUE(same.rows->Equals(*whole.rows));
}

TEST_F(NestedPartsTest, FieldsThatWereRenamedMovedPromotedAndAdded) {
  table_.Commit({table_.WriteFile("f", FileFields(), Rows(), {}, Plain())});
  table_.Evolve(Evolved());
  ExpectParts("t", {{"t", "n"}}, 15);           // int to long.
  ExpectParts("t", {{"t", "inner", "x"}}, 15);  // float to double.
  ExpectParts("t", {{"t", "a"}}, 100);          // That was called b.
  ExpectParts("t", {{"t", "c"}}, 15);           // A default.
  ExpectParts("t", {{"t", "inner", "z"}}, 15);  // NULL, where inner is not.
  // What was dropped is not read by a scan of everything either.
  scan::ScanRequest request;
  request.columns = {"t"};
  const auto evolved = table_.Scan(request);
  ASSERT_TRUE(evolved.status.ok()) << evolved.status;
  table_.metadata.current_schema_id = table_.metadata.schemas[0].id;
  request.columns = {"s"};
  const auto before = table_.Scan(request);
  EXPECT_LT(evolved.stats.bytes_read, before.stats.bytes_read / 2);
}

TEST_F(NestedPartsTest, DeletesCompareFieldsThatAreNotWanted) {
  const DataFile file = table_.WriteFile("f", FileFields(), Rows(), {}, Plain());
  table_.Commit({file});
  table_.Commit(
      {table_.WriteEqualities(
           "e", {FileField("s", arrow::struct_({FileField("a", arrow::int32(), 3)}), 2)},
           "[[[4]],[[6]]]", {3}),
       table_.WriteVector("dv", file, {0, 1})});
  ExpectParts("s", {{"s", "in", "x"}}, 20);
  scan::ScanRequest request;
  request.columns = {"s"};
  request.parts = {{"s", "b"}};
  const auto answer = table_.Scan(request);
  ASSERT_TRUE(answer.status.ok()) << answer.status;
  EXPECT_EQ(answer.rows->length(), 36);
  EXPECT_EQ(answer.stats.rows_deleted, 4);
}

TEST_F(NestedPartsTest, AFileWithoutIdsIsReadWhole) {
  table_.metadata.properties[iceberg::kPropertyNameMapping] =
      R"([{"field-id":1,"names":["id"]},{"field-id":2,"names":["s"],"fields":[)"
      R"({"field-id":3,"names":["a"]},{"field-id":4,"names":["b"]}]}])";
  table_.with_metrics = false;
  table_.Commit({table_.WriteFile(
      "f",
      {arrow::field("id", arrow::int64()),
       arrow::field("s", arrow::struct_({arrow::field("a", arrow::int32()),
                                         arrow::field("b", arrow::utf8())}))},
      R"([[1,[1,"x"]],[2,null],[3,[null,"y"]]])")});
  ExpectParts("s", {{"s", "a"}}, 100);
  ExpectParts("s", {{"s", "b"}}, 100);
}

TEST(FieldsLeftOutTest, AreTheOutermostThatNoPathLeadsTo) {
  const auto left_out = [](const Parts& parts) {
    std::vector<int> ids;
    for (const FieldId id : FieldsLeftOut(StructS(), parts)) ids.push_back(id.value);
    return ids;
  };
  using Ids = std::vector<int>;
  EXPECT_EQ(left_out({}), Ids{});
  EXPECT_EQ(left_out({{"other", "a"}}), Ids{});
  EXPECT_EQ(left_out({{"s"}}), Ids{});
  EXPECT_EQ(left_out({{"s", "a"}}), (Ids{4, 5}));
  EXPECT_EQ(left_out({{"s", "in", "x"}, {"s", "b"}}), (Ids{3, 7, 8}));
  EXPECT_EQ(left_out({{"s", "in", "x"}, {"s", "in"}}), (Ids{3, 4}));
  EXPECT_EQ(left_out({{"s", "a", "deeper"}}), Ids{});
  EXPECT_EQ(left_out({{"s", "a"}, {"s", "none"}}), Ids{});
}

}  // namespace
}  // namespace firn::table
