// SPDX-License-Identifier: Apache-2.0
// Files of older schemas, and of none, read by the table's.
#include <gtest/gtest.h>

#include "table/hand_made_table.h"

namespace firn::table {
namespace {

using iceberg::DataFile;
using iceberg::FieldId;
using iceberg::NestedField;
using iceberg::Schema;
using iceberg::StructType;
using iceberg::Value;

Schema SchemaOf(std::vector<NestedField> fields) {
  Schema schema;
  schema.root.fields = std::move(fields);
  return schema;
}
NestedField Field(int id, std::string name, iceberg::Type type) {
  return {FieldId(id), std::move(name), false, std::move(type), ""};
}
scan::ScanRequest Where(expr::PredicatePtr predicate) {
  scan::ScanRequest request;
  request.predicate = std::move(predicate);
  return request;
}
template <typename Literal>
expr::PredicatePtr Equals(std::string column, Literal literal) {
  return expr::MakePredicate(
      expr::Compare{std::move(column), expr::CompareOp::kEq, expr::Literal(literal)});
}

TEST(SchemaEvolutionTest, RenamedReorderedDroppedAndAddedAgain) {
  HandMadeTable table(
      SchemaOf({Field(1, "a", iceberg::kLong), Field(2, "b", iceberg::kString),
                Field(3, "c", iceberg::kInt)}));
  table.Commit({table.WriteFile(
      "f",
      {FileField("a", arrow::int64(), 1), FileField("b", arrow::utf8(), 2),
       FileField("c", arrow::int32(), 3)},
      R"([[1,"x",10],[2,"y",20]])")});
  // a is called b now, the old b is a new c, and c is another column than it was.
  table.Evolve(SchemaOf({Field(9, "c", iceberg::kInt), Field(2, "z", iceberg::kString),
                         Field(1, "b", iceberg::kLong)}));
  ExpectRows(table.Scan(), R"([[null,"x",1],[null,"y",2]])");
  table.with_metrics = false;
  ExpectRows(table.Scan(Where(expr::MakePredicate(expr::IsNull{"c"}))),
             R"([[null,"x",1],[null,"y",2]])");
  ExpectRows(table.Scan(Where(Equals("b", std::int64_t{2}))), R"([[null,"y",2]])");
  scan::ScanRequest two;
  two.columns = {"b", "c"};
  ExpectRows(table.Scan(two), "[[1,null],[2,null]]");
}

TEST(SchemaEvolutionTest, ColumnsOfTypeUnknownAreNull) {
  HandMadeTable table(
      SchemaOf({Field(1, "a", iceberg::kLong), Field(2, "u", iceberg::kUnknown),
                Field(3, "s",
                      StructType{{Field(4, "v", iceberg::kUnknown),
                                  Field(5, "b", iceberg::kInt)}})}));
  const auto structure = [](ArrowFields fields) { return arrow::struct_(fields); };
  table.Commit({table.WriteFile(
      "without",
      {FileField("a", arrow::int64(), 1),
       FileField("s", structure({FileField("b", arrow::int32(), 5)}), 3)},
      "[[1,[1]],[2,null]]")});
  // The specification says that files leave such columns out; some writers do not.
  table.with_metrics = false;
  table.Commit({table.WriteFile(
      "with",
      {FileField("a", arrow::int64(), 1), FileField("u", arrow::null(), 2),
       FileField("s",
                 structure({FileField("v", arrow::int32(), 4),
                            FileField("b", arrow::int32(), 5)}),
                 3)},
      "[[3,null,[7,3]]]")});
  ExpectRows(table.Scan(), "[[1,null,[null,1]],[2,null,null],[3,null,[null,3]]]");
  scan::ScanRequest request = Where(expr::MakePredicate(expr::IsNull{"u"}));
  request.columns = {"u"};
  ExpectRows(table.Scan(request), "[[null],[null],[null]]");
  // It becomes a type, and what was written before stays NULL.
  table.Evolve(
      SchemaOf({Field(1, "a", iceberg::kLong), Field(2, "u", iceberg::kString)}));
  table.Commit({table.WriteFile(
      "typed", {FileField("a", arrow::int64(), 1), FileField("u", arrow::utf8(), 2)},
      R"([[4,"x"]])")});
  ExpectRows(table.Scan(), R"([[1,null],[2,null],[3,null],[4,"x"]])");
}

// Format version 3 stores it as a group of bytes without ids.
TEST(SchemaEvolutionTest, AVariantIsReadAsItIsEncoded) {
  HandMadeTable table(
      SchemaOf({Field(1, "a", iceberg::kLong), Field(2, "v", iceberg::kVariant),
                Field(3, "s",
                      StructType{{Field(4, "any", iceberg::kVariant),
                                  Field(5, "b", iceberg::kInt)}})}));
  table.with_metrics = false;
  const auto plain = [](bool nullable) {
    return arrow::struct_({arrow::field("metadata", arrow::binary(), false),
                           arrow::field("value", arrow::binary(), nullable)});
  };
  const auto inner = [&](std::shared_ptr<arrow::DataType> variant) {
    return arrow::struct_(
        {FileField("any", std::move(variant), 4), FileField("b", arrow::int32(), 5)});
  };
  table.Commit({table.WriteFile(
      "f",
      {FileField("a", arrow::int64(), 1), FileField("v", plain(false), 2),
       FileField("s", inner(plain(true)), 3)},
      R"([[1,["m","x"],[["m","y"],7]],[2,null,null]])")});
  ExpectRows(table.Scan(), R"([[1,["m","x"],[["m","y"],7]],[2,null,null]])");
  // Conditions on it leave nothing out; nor does a part of it.
  ExpectRows(table.Scan(Where(expr::MakePredicate(expr::IsNull{"v"}))),
             R"([[1,["m","x"],[["m","y"],7]],[2,null,null]])");
  ExpectRows(table.Scan(Where(Equals("v.value", std::string("none")))),
             R"([[1,["m","x"],[["m","y"],7]],[2,null,null]])");
  scan::ScanRequest part;
  part.columns = {"v"};
  part.parts = {{"v", "value"}};
  ExpectRows(table.Scan(part), R"([[["m","x"]],[null]])");

  const auto shredded = arrow::struct_({arrow::field("metadata", arrow::binary(), false),
                                        arrow::field("value", arrow::binary()),
                                        arrow::field("typed_value", arrow::int64())});
  table.Commit(
      {table.WriteFile("shredded",
                       {FileField("a", arrow::int64(), 1), FileField("v", shredded, 2),
                        FileField("s", inner(shredded), 3)},
                       R"([[3,["m",null,5],[["m",null,6],8]]])")});
  ExpectError(table.Scan(), StatusCode::kUnimplemented,
              {"data/shredded", "column v", "shredded"});
  scan::ScanRequest others;
  others.columns = {"a"};
  ExpectRows(table.Scan(others), "[[1],[2],[3]]");
}

TEST(SchemaEvolutionTest, DefaultsOfWhatAFileLacks) {
  HandMadeTable table(SchemaOf({Field(1, "a", iceberg::kLong)}));
  table.Commit({table.WriteFile("f", {FileField("a", arrow::int64(), 1)}, "[[1],[2]]")});
  std::vector<NestedField> fields = {Field(1, "a", iceberg::kLong)};
  const auto add = [&](int id, iceberg::PrimitiveType type, Value value) {
    NestedField field = Field(id, "d" + std::to_string(id), type);
    field.initial_default = std::move(value);
    fields.push_back(field);
  };
  add(2, iceberg::kInt, std::int32_t{7});
  add(3, iceberg::kString, std::string("text"));
  add(4, iceberg::DecimalType(9, 2), iceberg::Decimal{-1234});
  add(5, iceberg::kTimestamptz, std::int64_t{1'000'000});
  add(6, iceberg::kBoolean, true);
  add(7, iceberg::kDouble, 0.5);
  add(8, iceberg::kBinary, iceberg::Bytes{"ab"});
  add(9, iceberg::kUuid, iceberg::Bytes{std::string(16, 'u')});
  add(10, iceberg::kDate, std::int32_t{1});
  fields[1].required = true;
  table.Evolve(SchemaOf(fields));
  const std::string rest = R"(,7,"text","-12.34",1000000,true,0.5,"ab",)"
                           R"("uuuuuuuuuuuuuuuu",1])";
  ExpectRows(table.Scan(), "[[1" + rest + ",[2" + rest + "]");
  // A default is a value, whatever the metrics of older files lack.
  ExpectRows(table.Scan(Where(Equals("d2", std::int64_t{7}))),
             "[[1" + rest + ",[2" + rest + "]");
  fields[1].initial_default.reset();
  table.Evolve(SchemaOf(fields));
  ExpectError(table.Scan(), StatusCode::kCorruption, {"data/f", "d2", "required"});
}

TEST(SchemaEvolutionTest, Promotions) {
  HandMadeTable table(SchemaOf(
      {Field(1, "i", iceberg::kInt), Field(2, "f", iceberg::kFloat),
       Field(3, "d", iceberg::DecimalType(5, 2)), Field(4, "t", iceberg::kDate)}));
  const ArrowFields old = {
      FileField("i", arrow::int32(), 1), FileField("f", arrow::float32(), 2),
      FileField("d", arrow::decimal128(5, 2), 3), FileField("t", arrow::date32(), 4)};
  table.Commit({table.WriteFile("f", old,
                                R"([[-1,0.5,"123.45",1],[2147483647,-1.5,"0.01",-1],
                                    [null,null,null,null]])")});
  const auto before = *table.metadata.current_snapshot_id;
  table.Evolve(SchemaOf({Field(1, "i", iceberg::kLong), Field(2, "f", iceberg::kDouble),
                         Field(3, "d", iceberg::DecimalType(12, 2)),
                         Field(4, "t", iceberg::kTimestamp)}));
  table.Commit({table.WriteFile(
      "g",
      {FileField("i", arrow::int64(), 1), FileField("f", arrow::float64(), 2),
       FileField("d", arrow::decimal128(12, 2), 3),
       FileField("t", arrow::timestamp(arrow::TimeUnit::MICRO), 4)},
      R"([[4294967296,0.1,"9999999999.99",1]])")});
  ExpectRows(table.Scan(), R"([[-1,0.5,"123.45","1970-01-02"],
                               [2147483647,-1.5,"0.01","1969-12-31"],
                               [null,null,null,null],
                               [4294967296,0.1,"9999999999.99",1]])");
  const auto finds = [&](expr::PredicatePtr predicate, std::int64_t id) {
    const auto answer = table.Scan(Where(std::move(predicate)));
    ASSERT_TRUE(answer.status.ok()) << answer.status;
    const auto& rows = static_cast<const arrow::StructArray&>(*answer.rows);
    const auto& ids = static_cast<const arrow::Int64Array&>(*rows.field(0));
    bool found = false;
    for (std::int64_t i = 0; i < ids.length(); ++i) {
      found = found || (ids.IsValid(i) && ids.Value(i) == id);
    }
    EXPECT_TRUE(found) << id;
  };
  finds(Equals("i", std::int64_t{-1}), -1);
  finds(Equals("i", std::int64_t{1} << 32), std::int64_t{1} << 32);
  finds(Equals("f", 0.5), -1);
  finds(Equals("f", 0.1), std::int64_t{1} << 32);
  finds(Equals("d", expr::Decimal{12345, 2}), -1);
  finds(Equals("d", expr::Decimal{999'999'999'999, 2}), std::int64_t{1} << 32);
  finds(Equals("t", expr::Timestamp{-86'400'000'000}), 2147483647);
  finds(Equals("t", expr::Timestamp{86'400'000'000}), -1);
  finds(Equals("t", expr::Timestamp{1}), std::int64_t{1} << 32);
  // The snapshot from before has its own types, and so have predicates on it.
  scan::ScanRequest old_types = Where(Equals("t", expr::Date{-1}));
  old_types.columns = {"i", "t"};
  const auto past = table.Scan(old_types, RowsOfSnapshot{before});
  ASSERT_TRUE(past.status.ok()) << past.status;
  EXPECT_NE(past.rows->ToString().find("2147483647"), std::string::npos);
  EXPECT_TRUE(past.rows->type()->field(0)->type()->Equals(arrow::int32()));
  EXPECT_TRUE(past.rows->type()->field(1)->type()->Equals(arrow::date32()));
}

TEST(SchemaEvolutionTest, NestedFieldsAtEveryDepth) {
  const auto point = [](std::vector<NestedField> fields) {
    return StructType{std::move(fields)};
  };
  HandMadeTable table(SchemaOf(
      {Field(1, "s",
             point({Field(2, "a", iceberg::kInt),
                    Field(3, "in", point({Field(4, "x", iceberg::kInt)}))})),
       Field(5, "l",
             MakeList(FieldId(6), false, point({Field(7, "p", iceberg::kFloat)}))),
       Field(8, "m",
             MakeMap(FieldId(9), iceberg::kString, FieldId(10), false,
                     point({Field(11, "v", iceberg::kInt)})))}));
  const ArrowFields in_file = {
      FileField(
          "s",
          arrow::struct_(
              {FileField("a", arrow::int32(), 2),
               FileField("in", arrow::struct_({FileField("x", arrow::int32(), 4)}), 3)}),
          1),
      FileField("l",
                arrow::list(FileField(
                    "element", arrow::struct_({FileField("p", arrow::float32(), 7)}), 6)),
                5),
      FileField("m",
                std::make_shared<arrow::MapType>(
                    arrow::field("key", arrow::utf8(), false,
                                 arrow::key_value_metadata({"PARQUET:field_id"}, {"9"})),
                    FileField("value",
                              arrow::struct_({FileField("v", arrow::int32(), 11)}), 10)),
                8)};
  table.Commit({table.WriteFile(
      "f", in_file,
      R"([[{"a":1,"in":{"x":5}}, [{"p":0.5},null], [["k",{"v":1}],["j",null]]],
          [{"a":2,"in":null}, [], []],
          [null, null, null]])")});
  ExpectRows(table.Scan(),
             R"([[{"a":1,"in":{"x":5}}, [{"p":0.5},null], [["k",{"v":1}],["j",null]]],
                 [{"a":2,"in":null}, [], []],
                 [null, null, null]])");
  NestedField with_default = Field(14, "w", iceberg::kLong);
  with_default.initial_default = Value(std::int64_t{3});
  table.Evolve(
      SchemaOf({Field(8, "m2",
                      MakeMap(FieldId(9), iceberg::kString, FieldId(10), false,
                              point({with_default, Field(11, "v2", iceberg::kLong)}))),
                Field(5, "l",
                      MakeList(FieldId(6), false,
                               point({Field(13, "q", iceberg::kString),
                                      Field(7, "p", iceberg::kDouble)}))),
                Field(1, "s",
                      point({Field(3, "inner",
                                   point({Field(12, "y", iceberg::kString),
                                          Field(4, "x", iceberg::kLong)}))}))}));
  ExpectRows(table.Scan(),
             R"([[[["k",{"w":3,"v2":1}],["j",null]], [{"q":null,"p":0.5},null],
                  {"inner":{"y":null,"x":5}}],
                 [[], [], {"inner":null}],
                 [null, null, null]])");
  // By the new path, and by the old one, which is none any more.
  ExpectRows(table.Scan(Where(Equals("s.inner.x", std::int64_t{5}))),
             R"([[[["k",{"w":3,"v2":1}],["j",null]], [{"q":null,"p":0.5},null],
                  {"inner":{"y":null,"x":5}}],
                 [[], [], {"inner":null}],
                 [null, null, null]])");
  table.Evolve(SchemaOf({Field(1, "s", point({Field(20, "a", iceberg::kInt)}))}));
  ExpectRows(table.Scan(Where(expr::MakePredicate(expr::IsNull{"s.a"}))),
             R"([[{"a":null}],[{"a":null}],[null]])");
}

TEST(SchemaEvolutionTest, FilesWithoutIdsGoByTheNameMapping) {
  HandMadeTable table(
      SchemaOf({Field(1, "id", iceberg::kLong),
                Field(2, "s", StructType{{Field(3, "a", iceberg::kInt)}}),
                Field(4, "l",
                      MakeList(FieldId(5), false,
                               StructType{{Field(6, "b", iceberg::kString)}}))}));
  const ArrowFields in_file = {
      FileField("extra", arrow::utf8(), {}), FileField("ID", arrow::int32(), {}),
      FileField("s", arrow::struct_({FileField("old_a", arrow::int16(), {})}), {}),
      FileField("l",
                arrow::list(FileField(
                    "item", arrow::struct_({FileField("b", arrow::utf8(), {})}), {})),
                {})};
  const char* const rows =
      R"([["x",1,{"old_a":7},[{"b":"p"}]],["y",2,{"old_a":8},null]])";
  const DataFile file = table.WriteFile("f", in_file, rows);
  table.Commit({file});
  ExpectError(table.Scan(), StatusCode::kInvalidArgument,
              {"data/f", "schema.name-mapping.default"});
  table.metadata.properties["schema.name-mapping.default"] = R"([
    {"field-id": 1, "names": ["id", "ID"]},
    {"field-id": 2, "names": ["s"], "fields": [{"field-id": 3, "names": ["old_a"]}]},
    {"field-id": 4, "names": ["l"], "fields": [{"field-id": 5, "names": ["element"],
      "fields": [{"field-id": 6, "names": ["b"]}]}]}])";
  ExpectRows(table.Scan(), R"([[1,{"a":7},[{"b":"p"}]],[2,{"a":8},null]])");
  const auto answer = table.Scan(Where(Equals("id", std::int64_t{3})));
  ExpectRows(answer, "[]");
  EXPECT_EQ(answer.stats.row_groups_pruned, 1);
  ExpectRows(table.Scan(Where(Equals("s.a", std::int64_t{8}))),
             R"([[1,{"a":7},[{"b":"p"}]],[2,{"a":8},null]])");
  // The file has a column of that name, which is not the table's.
  ExpectRows(table.Scan(Where(Equals("extra", std::string("none")))),
             R"([[1,{"a":7},[{"b":"p"}]],[2,{"a":8},null]])");
  table.metadata.properties["schema.name-mapping.default"] = "[{]";
  ExpectError(table.Scan(), StatusCode::kCorruption,
              {"data/f", "schema.name-mapping.default"});
}

TEST(SchemaEvolutionTest, APartitionSaysWhatAFileLacks) {
  HandMadeTable table(
      SchemaOf({Field(1, "id", iceberg::kLong), Field(2, "day", iceberg::kDate),
                Field(3, "kind", iceberg::kString)}),
      {iceberg::SpecId(0),
       {{FieldId(2), FieldId(1000), "day", iceberg::Transform::Identity()},
        {FieldId(3), FieldId(1001), "kind_t", iceberg::Transform::Truncate(2)}}});
  table.Commit({table.WriteFile("f", {FileField("id", arrow::int64(), 1)}, "[[1],[2]]",
                                {Value(std::int32_t{3}), Value(std::string("ab"))})});
  table.Commit({table.WriteFile("g", {FileField("id", arrow::int64(), 1)}, "[[4]]",
                                {std::nullopt, std::nullopt})});
  ExpectRows(table.Scan(), R"([[1,3,null],[2,3,null],[4,null,null]])");
}

TEST(SchemaEvolutionTest, OtherFormsOfATypeAreRead) {
  HandMadeTable table(
      SchemaOf({Field(1, "t", iceberg::kTimestamp), Field(2, "z", iceberg::kTimestamptz),
                Field(3, "s", iceberg::kString), Field(4, "c", iceberg::kTime)}));
  table.with_metrics = false;
  table.Commit({table.WriteFile(
      "f",
      {FileField("t", arrow::timestamp(arrow::TimeUnit::MILLI), 1),
       FileField("z", arrow::timestamp(arrow::TimeUnit::MILLI, "UTC"), 2),
       FileField("s", arrow::binary(), 3),
       FileField("c", arrow::time32(arrow::TimeUnit::MILLI), 4)},
      R"([[1,2,"x",3]])")});
  ExpectRows(table.Scan(), R"([[1000,2000,"x",3000]])");
  ExpectRows(table.Scan(Where(Equals("t", expr::Timestamp{1000}))),
             R"([[1000,2000,"x",3000]])");
}

TEST(SchemaEvolutionTest, ATypeThatDoesNotPromoteIsNamed) {
  HandMadeTable table(SchemaOf({Field(1, "a", iceberg::kInt)}));
  table.with_metrics = false;
  table.Commit({table.WriteFile("f", {FileField("a", arrow::int64(), 1)}, "[[1]]")});
  ExpectError(table.Scan(), StatusCode::kCorruption, {"data/f", "column a", "int64"});
}

TEST(SchemaEvolutionTest, TimeTravel) {
  HandMadeTable table(SchemaOf({Field(1, "a", iceberg::kInt)}));
  const ArrowFields a = {FileField("a", arrow::int32(), 1)};
  const auto first = table.Commit({table.WriteFile("f", a, "[[1]]")});
  const auto second = table.Commit({table.WriteFile("g", a, "[[2]]")});
  table.Evolve(SchemaOf({Field(1, "b", iceberg::kLong), Field(2, "c", iceberg::kInt)}));
  const auto third = table.Commit({table.WriteFile(
      "h", {FileField("b", arrow::int64(), 1), FileField("c", arrow::int32(), 2)},
      "[[3,30]]")});
  table.metadata.refs["t"] = {first, iceberg::RefType::kTag, {}, {}, {}};
  table.metadata.refs["b"] = {second, iceberg::RefType::kBranch, {}, {}, {}};
  const auto names = [](const HandMadeTable::Answer& answer) {
    return answer.rows->type()->field(0)->name();
  };
  const auto at_first = table.Scan({}, RowsOfSnapshot{first});
  ExpectRows(at_first, "[[1]]");
  EXPECT_EQ(names(at_first), "a");
  ExpectRows(table.Scan({}, RowsOfRef{"t"}), "[[1]]");
  // A branch has the schema of today.
  ExpectRows(table.Scan({}, RowsOfRef{"b"}), "[[1,null],[2,null]]");
  ExpectRows(table.Scan({}, RowsOfRef{"main"}), "[[1,null],[2,null],[3,30]]");
  ExpectRows(table.Scan({}, RowsAsOf{2999}), "[[1],[2]]");
  ExpectRows(table.Scan({}, RowsAppended{first, third}), "[[2,null],[3,30]]");
  ExpectRows(table.Scan({}, RowsAppended{first, second}), "[[2,null]]");
  ExpectRows(table.Scan({}, RowsAppended{}), "[[1,null],[2,null],[3,30]]");
  ExpectRows(table.Scan(Where(Equals("b", std::int64_t{3})), RowsAppended{first, {}}),
             "[[3,30]]");
  ExpectError(table.Scan({}, RowsOfSnapshot{iceberg::SnapshotId(7)}),
              StatusCode::kNotFound, {"7"});
  ExpectError(table.Scan({}, RowsOfRef{"nope"}), StatusCode::kNotFound, {"nope", "main"});
  ExpectError(table.Scan({}, RowsAsOf{10}), StatusCode::kNotFound, {"main"});
  ExpectError(table.Scan({}, RowsAppended{third, first}), StatusCode::kInvalidArgument,
              {third.ToString()});
  table.Commit({table.WritePositions("p", {{"memory://w/t/data/h", 0}})},
               iceberg::Operation::kDelete);
  ExpectError(table.Scan({}, RowsAppended{first, {}}), StatusCode::kInvalidArgument, {});
  ExpectRows(table.Scan({}, RowsOfSnapshot{third}), "[[1,null],[2,null],[3,30]]");
  ExpectRows(table.Scan(), "[[1,null],[2,null]]");
}

TEST(SchemaEvolutionTest, ASnapshotOfVersionOneNamesItsManifests) {
  HandMadeTable table(SchemaOf({Field(1, "a", iceberg::kInt)}));
  const ArrowFields a = {FileField("a", arrow::int32(), 1)};
  table.Commit({table.WriteFile("f", a, "[[1]]")});
  table.Commit({table.WriteFile("g", a, "[[2]]")});
  table.metadata.format_version = 1;
  iceberg::Snapshot& snapshot = table.metadata.snapshots.back();
  snapshot.manifest_list.clear();
  snapshot.sequence_number = {};
  for (const auto& manifest : table.manifests) {
    snapshot.manifests.push_back(manifest.manifest_path);
  }
  ExpectRows(table.Scan(), "[[1],[2]]");
  snapshot.manifests[0] += ".gone";
  ExpectError(table.Scan(), StatusCode::kNotFound, {".gone"});
}

}  // namespace
}  // namespace firn::table
