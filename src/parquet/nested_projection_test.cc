// SPDX-License-Identifier: Apache-2.0
// Fields inside of columns: what is read, what the batches look like, what is said of a
// path that leads nowhere. test/parquet compares with another reader.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "arrow/array/array_base.h"
#include "arrow/json/from_string.h"
#include "arrow/record_batch.h"
#include "arrow/table.h"
#include "arrow/type.h"

#include "parquet/reader.h"
#include "parquet/test_objects.h"
#include "parquet/writer.h"

namespace firn::parquet {
namespace {

using arrow::field;
using testing::ElementsAre;
using testing::HasSubstr;

std::shared_ptr<arrow::Schema> NestedSchema() {
  const auto c = arrow::struct_(
      {Id(field("d", arrow::utf8()), 4), Id(field("e", arrow::float64()), 5)});
  const auto a =
      arrow::struct_({Id(field("b", arrow::int64()), 2), Id(field("c", c), 3)});
  const auto element = arrow::struct_(
      {Id(field("x", arrow::int64()), 12), Id(field("y", arrow::utf8()), 13)});
  const auto value = arrow::struct_(
      {Id(field("p", arrow::int32()), 22), Id(field("q", arrow::utf8()), 23)});
  return arrow::schema({
      Id(field("a", a), 1),
      Id(field("a.b", arrow::utf8()), 6),
      Id(field("n", arrow::int64(), false), 7),
      Id(field("l", arrow::list(Id(field("element", element), 11))), 10),
      Id(field("m", std::make_shared<arrow::MapType>(
                        Id(field("key", arrow::utf8(), false), 20),
                        Id(field("value", value), 21))),
         19),
  });
}

// NULLs at every level, empty lists and maps.
constexpr char kRows[] = R"([
  {"a": {"b": 1, "c": {"d": "one", "e": 1.5}}, "a.b": "dotted", "n": 0,
   "l": [{"x": 1, "y": "p"}, null, {"x": null, "y": "q"}],
   "m": [["k1", {"p": 1, "q": "s"}], ["k2", null]]},
  {"a": null, "a.b": null, "n": 1, "l": null, "m": null},
  {"a": {"b": null, "c": null}, "a.b": "x", "n": 2, "l": [], "m": []},
  {"a": {"b": 4, "c": {"d": null, "e": null}}, "a.b": "y", "n": 3,
   "l": [null], "m": [["k3", {"p": null, "q": "t"}]]}
])";

class NestedProjectionTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto schema = NestedSchema();
    const auto rows =
        arrow::json::ArrayFromJSONString(arrow::struct_(schema->fields()), kRows);
    ASSERT_TRUE(rows.ok()) << rows.status().ToString();
    const auto batch = arrow::RecordBatch::FromStructArray(*rows).ValueOrDie();
    std::string bytes;
    auto writer =
        FileWriter::Open(std::make_unique<StringWriter>(bytes), schema, {}).value();
    ASSERT_TRUE(
        writer->Write(*arrow::RecordBatch::Make(schema, 4, batch->columns())).ok());
    ASSERT_TRUE(std::move(*writer).Finish().ok());
    Open(std::move(bytes));
  }
  void Open(std::string bytes) {
    ReaderOptions options;
    options.coalesce_hole_bytes = 0;
    object_ = std::make_shared<StringReader>(std::move(bytes));
    reader_ = FileReader::Open(context_, object_, "memory://w/n", options).value();
  }
  Result<std::shared_ptr<arrow::RecordBatch>> Read(std::vector<ColumnRef> columns) {
    ScanSpec spec;
    spec.columns = std::move(columns);
    FIRN_ASSIGN_OR_RETURN(FilePlan plan, reader_->Plan(context_, spec));
    FIRN_ASSIGN_OR_RETURN(const auto stream,
                          reader_->Read(context_, spec, std::move(plan)));
    FIRN_ASSIGN_OR_RETURN(auto batch, stream->Next());
    bytes_read_ = stream->stats().bytes_read;
    EXPECT_TRUE(batch->ValidateFull().ok());
    EXPECT_TRUE(batch->schema()->Equals(*stream->schema()));
    return batch;
  }
  // The only column of the batch is `name`, of the type and with the values given.
  void ExpectOne(std::vector<ColumnRef> columns, const std::string& name,
                 const std::shared_ptr<arrow::DataType>& type, const std::string& json) {
    const auto batch = Read(std::move(columns));
    ASSERT_TRUE(batch.ok()) << batch.status();
    ASSERT_EQ((*batch)->num_columns(), 1);
    EXPECT_EQ((*batch)->schema()->field(0)->name(), name);
    EXPECT_TRUE((*batch)->column(0)->type()->Equals(*type))
        << (*batch)->column(0)->type()->ToString();
    const auto expected =
        arrow::json::ArrayFromJSONString((*batch)->column(0)->type(), json);
    ASSERT_TRUE(expected.ok()) << expected.status().ToString();
    EXPECT_TRUE((*batch)->column(0)->Equals(**expected))
        << (*batch)->column(0)->ToString();
  }

  base::Context context_;
  std::shared_ptr<StringReader> object_;
  std::unique_ptr<FileReader> reader_;
  std::int64_t bytes_read_ = 0;
};

TEST_F(NestedProjectionTest, AFieldOfStructs) {
  const auto type =
      arrow::struct_({field("c", arrow::struct_({field("e", arrow::float64())}))});
  const char* const values =
      R"([{"c": {"e": 1.5}}, null, {"c": null}, {"c": {"e": null}}])";
  ExpectOne({{"a.c.e"}}, "a", type, values);
  ExpectOne({{"a.c.e", 5}}, "a", type, values);
  ExpectOne({{"renamed.c.e", 5}}, "renamed", type, values);
  const std::int64_t part = bytes_read_;
  ASSERT_TRUE(Read({{"a"}}).ok());
  EXPECT_LT(part, bytes_read_) << "the other leaves are not read";
  ExpectOne({{"a.c"}}, "a",
            arrow::struct_({field("c", arrow::struct_({field("d", arrow::utf8()),
                                                       field("e", arrow::float64())}))}),
            R"([{"c": {"d": "one", "e": 1.5}}, null, {"c": null},
                {"c": {"d": null, "e": null}}])");
}

TEST_F(NestedProjectionTest, AColumnOfThatVeryNameWins) {
  ExpectOne({{"a.b"}}, "a.b", arrow::utf8(), R"(["dotted", null, "x", "y"])");
  ExpectOne({{"a.b", 2}}, "a", arrow::struct_({field("b", arrow::int64())}),
            R"([{"b": 1}, null, {"b": null}, {"b": 4}])");
}

TEST_F(NestedProjectionTest, ThroughLists) {
  const auto type =
      arrow::list(field("element", arrow::struct_({field("x", arrow::int64())})));
  const char* const values = R"([[{"x": 1}, null, {"x": null}], null, [], [null]])";
  ExpectOne({{"l.list.element.x"}}, "l", type, values);
  ExpectOne({{"l.element.x"}}, "l", type, values);
  ExpectOne({{"l.element.x", 12}}, "l", type, values);
}

TEST_F(NestedProjectionTest, ThroughMaps) {
  const auto p = arrow::struct_({field("p", arrow::int32())});
  const auto type = arrow::map(arrow::utf8(), field("value", p));
  const char* const values =
      R"([[["k1", {"p": 1}], ["k2", null]], null, [], [["k3", {"p": null}]]])";
  ExpectOne({{"m.key"}, {"m.value.p"}}, "m", type, values);
  ExpectOne({{"m.key_value.key"}, {"m.key_value.value.p"}}, "m", type, values);
  // Without its keys it is a map no more.
  ExpectOne({{"m.value.p"}}, "m",
            arrow::list(field("key_value", arrow::struct_({field("value", p)}), false)),
            R"([[{"value": {"p": 1}}, {"value": null}], null, [],
                [{"value": {"p": null}}]])");
}

TEST_F(NestedProjectionTest, FieldsOfOneColumnComeTogether) {
  auto batch = Read({{"a.c.e"}, {"n"}, {"a.c.d"}});
  ASSERT_TRUE(batch.ok()) << batch.status();
  EXPECT_THAT((*batch)->schema()->field_names(), ElementsAre("a", "n"));
  EXPECT_EQ((*batch)->column(0)->type()->ToString(),
            "struct<c: struct<d: string, e: double>>");
  // The column itself takes them in, whichever comes first.
  for (const auto& refs : {std::vector<ColumnRef>{{"a"}, {"a.c.e"}},
                           std::vector<ColumnRef>{{"a.c.e"}, {"a"}}}) {
    batch = Read(refs);
    ASSERT_TRUE(batch.ok()) << batch.status();
    EXPECT_THAT((*batch)->schema()->field_names(), ElementsAre("a"));
    EXPECT_TRUE((*batch)->column(0)->type()->Equals(*reader_->schema()->field(0)->type()))
        << (*batch)->column(0)->type()->ToString();
  }
}

TEST_F(NestedProjectionTest, APathThatLeadsNowhere) {
  const auto expect = [&](const ColumnRef& column, const std::string& said) {
    const Status status = Read({column}).status();
    EXPECT_TRUE(status.Is(StatusCode::kNotFound)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(said));
    EXPECT_FALSE(reader_->HasColumn(column));
  };
  expect({"a.c.f"},
         "memory://w/n: column a.c.f: the file has none of that name; "
         "did you mean a.c.d?");
  expect({"l.elemnt.x"}, "did you mean l.element.x?");
  expect({"m.valu.p"}, "did you mean m.value.p?");
  expect({"a.b.c.d"}, "column a.b.c.d: ");
  expect({"n.x"}, "column n.x: ");
  expect({"a."}, "column a.: ");
  expect({"."}, "column .: ");
  expect({"wholly.different.from.all"}, "the file has none of that name");
  expect({"a.c.e", 99}, "column a.c.e (field id 99)");
  EXPECT_TRUE(reader_->HasColumn({"l.element.y"}));
  EXPECT_TRUE(reader_->HasColumn({"", 13}));
}

TEST_F(NestedProjectionTest, PredicatesOnFieldsOfStructsPrune) {
  // Four row groups of a.c.e = 0…99, 100…199, …
  std::vector<std::string> rows;
  std::string json = "[";
  for (int i = 0; i < 400; ++i) {
    json += (i > 0 ? "," : "") + std::string(R"({"a": )") +
            (i % 10 == 3 ? "null" : R"({"c": {"e": )" + std::to_string(i) + "}}") + "}";
  }
  const auto schema = arrow::schema({field(
      "a",
      arrow::struct_({field("c", arrow::struct_({field("e", arrow::float64())}))}))});
  const auto array =
      arrow::json::ArrayFromJSONString(arrow::struct_(schema->fields()), json + "]");
  ASSERT_TRUE(array.ok()) << array.status().ToString();
  std::string bytes;
  WriterOptions options;
  options.row_group_rows = 100;
  options.page_rows = 20;
  auto writer =
      FileWriter::Open(std::make_unique<StringWriter>(bytes), schema, options).value();
  ASSERT_TRUE(
      writer->Write(*arrow::RecordBatch::FromStructArray(*array).ValueOrDie()).ok());
  ASSERT_TRUE(std::move(*writer).Finish().ok());
  Open(std::move(bytes));
  ScanSpec spec;
  spec.columns = {{"a.c.e"}};
  spec.predicate =
      expr::MakePredicate(expr::Compare{"a.c.e", expr::CompareOp::kLt, 150.0});
  auto plan = reader_->Plan(context_, spec).value();
  EXPECT_EQ(plan.row_groups_pruned_by_statistics, 2);
  ASSERT_EQ(plan.row_groups.size(), 2u);
  EXPECT_EQ(plan.row_groups[1].rows.ToString(), "[0,60)");
  const auto stream = reader_->Read(context_, spec, plan).value();
  std::int64_t count = 0;
  while (const auto batch = stream->Next().value()) count += batch->num_rows();
  EXPECT_EQ(count, 160);
  // A NULL struct makes its fields NULL.
  spec.predicate = expr::MakePredicate(expr::IsNull{"a.c.e"});
  EXPECT_EQ(reader_->Plan(context_, spec)->row_count(), 400);
  spec.predicate = expr::MakePredicate(expr::Compare{"a.c.e", expr::CompareOp::kLt, 0.0});
  EXPECT_EQ(reader_->Plan(context_, spec)->row_count(), 0);
}

}  // namespace
}  // namespace firn::parquet
