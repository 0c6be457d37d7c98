// SPDX-License-Identifier: Apache-2.0
#include "iceberg/schema_update.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "iceberg/apply_updates.h"
#include "iceberg/schema_compatibility.h"
#include "iceberg/test_table.h"

namespace firn::iceberg {
namespace {

using testing::HasSubstr;

// id long, ts timestamptz, host string?, then
//   point struct<x: double, tags: list<string>>?, labels map<struct<k: int>, struct<v:
//   int?>>? born date?
// identified by id, partitioned by day(ts), sorted by id.
Schema WideSchema() {
  Schema schema = TestSchema();
  schema.identifier_field_ids = {kTestId};
  auto& fields = schema.root.fields;
  fields.push_back(
      {FieldId(4), "point", false,
       StructType{{{FieldId(5), "x", true, kFloat, ""},
                   {FieldId(6), "tags", false, MakeList(FieldId(7), true, kString), ""}}},
       ""});
  fields.push_back(
      {FieldId(8), "labels", false,
       MakeMap(FieldId(9), StructType{{{FieldId(11), "k", true, kInt, ""}}}, FieldId(10),
               true, StructType{{{FieldId(12), "v", false, kInt, ""}}}),
       ""});
  fields.push_back({FieldId(13), "born", false, kDate, ""});
  return schema;
}

class SchemaUpdateTest : public testing::Test {
 protected:
  SchemaUpdateTest() {
    NewTable made;
    made.uuid = "u";
    made.location = "memory://w/t";
    made.schema = WideSchema();
    made.spec = TestSpec();
    made.sort_order = TestOrder();
    table = *MakeTableMetadata(std::move(made));
  }

  // The schema after these changes, as text without ids; or the error.
  std::string After(const std::vector<SchemaChange>& changes) {
    const auto evolved = EvolveSchema(table, changes);
    if (!evolved.ok()) return evolved.status().ToString();
    std::string out;
    for (const NestedField& field : evolved->fields()) {
      out += (out.empty() ? "" : " ") + field.name + ":" + field.type.ToString() +
             (field.required ? "" : "?");
    }
    return out;
  }

  std::string Error(const SchemaChange& change) {
    const auto evolved = EvolveSchema(table, {change});
    return evolved.ok() ? "no error" : evolved.status().ToString();
  }

  Schema Evolve(const std::vector<SchemaChange>& changes) {
    const auto evolved = EvolveSchema(table, changes);
    EXPECT_TRUE(evolved.ok()) << evolved.status();
    return evolved.ok() ? *evolved : Schema{};
  }

  TableMetadata table;
};

TEST_F(SchemaUpdateTest, NestedColumnsAreAddedInTheirStructs) {
  const Schema schema = Evolve(
      {AddColumn{
           "", "a",
           StructType{{{FieldId(1), "b", true, kInt, "deep"},
                       {FieldId(1), "c", false, MakeList(FieldId(1), false, kInt), ""},
                       {FieldId(1), "d", false, kInt, ""}}},
           false, "doc"},
       AddColumn{"point", "y", kDouble}, AddColumn{"labels", "w", kString}});
  const auto id = [&](const char* path) {
    return schema.FindId(path).value_or(FieldId(0)).value;
  };
  // The fields of one struct in a row, what is below them behind.
  EXPECT_EQ(id("a"), 14);
  EXPECT_EQ(id("a.b"), 15);
  EXPECT_EQ(id("a.c"), 16);
  EXPECT_EQ(id("a.d"), 17);
  EXPECT_EQ(id("a.c.element"), 18);
  EXPECT_EQ(id("point.y"), 19);
  EXPECT_EQ(id("labels.value.w"), 20);
  EXPECT_EQ(schema.FindColumn("a")->doc, "doc");
  EXPECT_EQ(schema.FindColumn("a.b")->doc, "deep");
  EXPECT_TRUE(schema.FindColumn("a.b")->required);
  EXPECT_FALSE(schema.FindColumn("point.y")->required);

  const auto next = ApplyUpdates(table, "", {AddSchema{schema}, SetCurrentSchema{}}, 1);
  ASSERT_TRUE(next.ok()) << next.status();
  EXPECT_EQ(next->last_column_id, FieldId(20));
  EXPECT_EQ(next->current_schema().root, schema.root);
}

TEST_F(SchemaUpdateTest, IdsAreNeverUsedTwice) {
  table.last_column_id = FieldId(20);  // Up to there were columns that are gone.
  const Schema schema =
      Evolve({AddColumn{"", "a", kInt}, DropColumn{"a"}, AddColumn{"", "a", kString}});
  EXPECT_EQ(schema.FindColumn("a")->id, FieldId(22));
  EXPECT_EQ(schema.FindColumn("a")->type, Type(kString));
}

TEST_F(SchemaUpdateTest, RequiredColumnsNeedADefault) {
  const AddColumn required{"", "n", kInt, true};
  EXPECT_EQ(
      Error(required),
      "InvalidArgument: a new column cannot be required, as it has no default for files "
      "from before it: add n as optional");
  AddColumn with_default = required;
  with_default.default_value = Value(std::int32_t{5});
  EXPECT_EQ(Error(with_default),
            "InvalidArgument: field n: initial-default needs format version 3");
  table.format_version = 3;
  EXPECT_THAT(Error(required), HasSubstr("add n as optional"));
  const Schema schema =
      Evolve({with_default, SetWriteDefault{"n", Value(std::int32_t{6})}});
  EXPECT_EQ(schema.FindColumn("n")->initial_default, Value(std::int32_t{5}));
  EXPECT_EQ(schema.FindColumn("n")->write_default, Value(std::int32_t{6}));
  with_default.default_value = Value(std::string("5"));
  EXPECT_EQ(
      Error(with_default),
      "InvalidArgument: field n: initial-default is no value that type int can have");
}

TEST_F(SchemaUpdateTest, NamesMustBeFree) {
  EXPECT_EQ(Error(AddColumn{"", "host", kInt}),
            "AlreadyExists: add column host: the name is taken");
  EXPECT_EQ(Error(AddColumn{"labels.value", "v", kInt}),
            "AlreadyExists: add column labels.value.v: the name is taken");
  EXPECT_EQ(Error(RenameColumn{"host", "id"}),
            "AlreadyExists: rename column host: the name id is taken");
  EXPECT_EQ(Error(RenameColumn{"host", "host"}), "no error");
  EXPECT_EQ(
      Error(RenameColumn{"host", "ts_day"}),
      "InvalidArgument: partition field ts_day: a column has that name; give one of "
      "them another, the partition field with `as NAME`");
  EXPECT_EQ(Error(RenameColumn{"host", ""}), "InvalidArgument: field 3 has no name");
}

TEST_F(SchemaUpdateTest, FullNamesMustBeFree) {
  EXPECT_THAT(Error(AddColumn{"", "point.x", kInt}),
              HasSubstr(R"(the full name point.x: "x" of "point" and "point.x")"));
  EXPECT_THAT(Error(RenameColumn{"born", "labels.value.v"}),
              HasSubstr("the full name labels.value.v"));
  // What another engine has made so can be mended.
  table.schemas.back().root.fields[2].name = "point.x";
  EXPECT_THAT(After({AddColumn{"", "more", kInt}}), HasSubstr("more:int"));
}

TEST_F(SchemaUpdateTest, PathsMustLeadSomewhere) {
  EXPECT_EQ(Error(DropColumn{"hosts"}),
            "NotFound: drop column hosts: there is no column hosts; is host meant?");
  EXPECT_EQ(Error(SetDoc{"point.zz", "x"}),
            "NotFound: document column point.zz: there is no column point.zz");
  EXPECT_EQ(Error(AddColumn{"host", "x", kInt}),
            "InvalidArgument: add column host.x: type string has no fields");
  EXPECT_EQ(Error(AddColumn{"point.tags", "x", kInt}),
            "InvalidArgument: add column point.tags.x: type list<string> has no fields");
  EXPECT_EQ(
      Error(RenameColumn{"point.tags.element", "x"}),
      "InvalidArgument: rename column point.tags.element: point.tags.element is the "
      "element of a list or map, and no field of a struct");
}

TEST_F(SchemaUpdateTest, KeysOfMapsDoNotChange) {
  const std::string why = ": keys of a map cannot change: values are found by them";
  EXPECT_EQ(Error(AddColumn{"labels.key", "x", kInt}),
            "InvalidArgument: add column labels.key.x" + why);
  EXPECT_EQ(Error(DropColumn{"labels.key.k"}),
            "InvalidArgument: drop column labels.key.k" + why);
  EXPECT_EQ(Error(WidenType{"labels.key.k", kLong}),
            "InvalidArgument: widen column labels.key.k" + why);
}

TEST_F(SchemaUpdateTest, WhatIsNeededIsNotDropped) {
  EXPECT_EQ(Error(DropColumn{"id"}),
            "InvalidArgument: drop column id: it identifies rows: take it out of the "
            "identifier fields first");
  EXPECT_EQ(
      Error(DropColumn{"ts"}),
      "InvalidArgument: drop column ts: partition field ts_day is made of it: remove "
      "that first");
  table.schemas[0].identifier_field_ids.clear();
  EXPECT_EQ(Error(DropColumn{"id"}),
            "InvalidArgument: drop column id: the table is sorted by it: change the sort "
            "order first");
  EXPECT_EQ(Error(DropColumn{"host"}), "no error");
  EXPECT_EQ(Error(DropColumn{"point.x"}), "no error");
  // Also where another engine gave a field no name.
  table.schemas[0].root.fields[3].type = StructType{{{FieldId(5), "", false, kInt, ""}}};
  table.sort_orders.back().fields[0].source_id = FieldId(5);
  EXPECT_THAT(Error(DropColumn{"point"}), HasSubstr("the table is sorted by it"));
}

// Parquet has no group without fields.
TEST_F(SchemaUpdateTest, StructsAndTablesKeepAField) {
  EXPECT_EQ(After({DropColumn{"point.x"}, DropColumn{"point.tags"}}),
            "InvalidArgument: struct point would have no fields, and files have no place "
            "for such a one: drop column point itself, or give it a field");
  EXPECT_EQ(Error(DropColumn{"labels.value.v"}),
            "InvalidArgument: struct labels.value would have no fields, and files have "
            "no place for such a one: drop column labels itself, or give it a field");
  EXPECT_THAT(After({DropColumn{"labels.value.v"}, AddColumn{"labels.value", "w", kInt}}),
              HasSubstr("w: optional int"));
  EXPECT_THAT(Error(AddColumn{"point", "inner", StructType{}}),
              HasSubstr("drop column point.inner itself"));
  // What another engine has made so can be mended.
  table.schemas.back().root.fields[3].type = StructType{};
  EXPECT_THAT(After({AddColumn{"", "more", kInt}}), HasSubstr("more:int"));

  table.schemas.back().root.fields.resize(1);
  table.schemas.back().identifier_field_ids.clear();
  table.partition_specs[0].fields.clear();
  table.sort_orders = {SortOrder{kUnsortedOrderId, {}}};
  table.default_sort_order_id = kUnsortedOrderId;
  EXPECT_EQ(Error(DropColumn{"id"}),
            "InvalidArgument: the table would have no columns, and it has at least one: "
            "add another by the same command, or drop the table");
  EXPECT_EQ(After({DropColumn{"id"}, AddColumn{"", "n", kInt}}), "n:int?");
}

TEST_F(SchemaUpdateTest, ColumnsMoveAmongTheirSiblings) {
  const auto names = [&](const std::vector<SchemaChange>& changes) {
    const Schema schema = Evolve(changes);
    std::string out;
    for (const NestedField& field : schema.fields()) out += field.name + " ";
    return out;
  };
  EXPECT_EQ(names({MoveColumn{"born", Place::kFirst}}), "born id ts host point labels ");
  EXPECT_EQ(names({MoveColumn{"id", Place::kAfter, "host"}}),
            "ts host id point labels born ");
  EXPECT_EQ(names({MoveColumn{"labels", Place::kBefore, "ts"}}),
            "id labels ts host point born ");
  EXPECT_EQ(names({AddColumn{"", "n", kInt}, MoveColumn{"n", Place::kAfter, "id"},
                   RenameColumn{"n", "m"}}),
            "id m ts host point labels born ");
  EXPECT_EQ(Evolve({MoveColumn{"point.tags", Place::kFirst}})
                .FindColumn("point")
                ->type.struct_type()
                ->fields[0]
                .name,
            "tags");
  EXPECT_EQ(Error(MoveColumn{"point.x", Place::kAfter, "host"}),
            "NotFound: move column point.x: there is no other field host beside it");
  EXPECT_EQ(Error(MoveColumn{"id", Place::kAfter, "id"}),
            "InvalidArgument: move column id: its place is given beside itself: name "
            "another column");
}

TEST_F(SchemaUpdateTest, TypesWidenAndNothingElse) {
  const Schema schema =
      Evolve({WidenType{"point.x", kDouble}, WidenType{"labels.value.v", kLong}});
  EXPECT_EQ(schema.FindColumn("point.x")->type, Type(kDouble));
  EXPECT_EQ(*schema.FindType(FieldId(12)), Type(kLong));
  EXPECT_EQ(Error(WidenType{"host", kLong}),
            "InvalidArgument: the rows that are there do not go with it: host: expected "
            "optional long, found optional string: values of type string do not widen to "
            "long. Files are not rewritten: add optional columns instead");
  EXPECT_THAT(Error(WidenType{"id", kInt}),
              HasSubstr("id: expected required int, found required long"));
  EXPECT_EQ(Error(WidenType{"point", kInt}).substr(0, 58),
            "InvalidArgument: widen column point: type struct<5: x: req");
}

TEST_F(SchemaUpdateTest, EachChangeThatRowsDoNotGoWithIsNamed) {
  EXPECT_EQ(
      After({WidenType{"id", kInt}, AddColumn{"", "fine", kInt},
             AddColumn{"point", "n", kInt, true}, WidenType{"host", kLong}}),
      "InvalidArgument: the rows that are there do not go with it: id: expected required "
      "int, found required long: values of type long do not widen to int; host: "
      "expected optional long, found optional string: values of type string do not widen "
      "to long. Files are not rewritten: add optional columns instead; a new column "
      "cannot be required, as it has no default for files from before it: add point.n as "
      "optional");
  // Undone by a later change it still is one.
  EXPECT_THAT(After({WidenType{"host", kLong}, DropColumn{"host"}}),
              HasSubstr("host: expected optional long"));
}

TEST_F(SchemaUpdateTest, DatesWidenFromVersion3OnWherePartitionsStay) {
  EXPECT_NE(Error(WidenType{"born", kTimestamp}), "no error");
  table.format_version = 3;
  EXPECT_EQ(Error(WidenType{"born", kTimestamp}), "no error");
  EXPECT_EQ(Error(WidenType{"born", kTimestampNs}), "no error");
  EXPECT_NE(Error(WidenType{"born", kTimestamptz}), "no error");
  auto& partitions = table.partition_specs[0].fields;
  partitions.push_back(
      {FieldId(13), FieldId(1001), "born_month", ParseTransform("month")});
  EXPECT_EQ(Error(WidenType{"born", kTimestamp}), "no error");
  partitions.push_back({FieldId(13), FieldId(1002), "born_b", Transform::Bucket(4)});
  EXPECT_EQ(Error(WidenType{"born", kTimestamp}),
            "InvalidArgument: widen column born: partition field born_b would have other "
            "values: remove that first");
}

TEST_F(SchemaUpdateTest, DefaultsWidenWithTheirType) {
  table.format_version = 3;
  AddColumn column{"", "n", kInt};
  column.default_value = Value(std::int32_t{5});
  const Schema schema = Evolve({column, WidenType{"n", kLong}});
  EXPECT_EQ(schema.FindColumn("n")->initial_default, Value(std::int64_t{5}));
  AddColumn day{"", "d", kDate};
  day.default_value = Value(std::int32_t{200'000'000});
  EXPECT_EQ(After({day, WidenType{"d", kTimestamp}}),
            "InvalidArgument: widen column d: its default does not fit type timestamp");
}

TEST_F(SchemaUpdateTest, OptionalIsOneWay) {
  const Schema schema = Evolve({MakeOptional{"ts"}, MakeOptional{"point.tags.element"},
                                MakeOptional{"labels.value"}});
  EXPECT_FALSE(schema.FindColumn("ts")->required);
  EXPECT_FALSE(schema.FindColumn("point.tags")->type.list()->element_required);
  EXPECT_FALSE(schema.FindColumn("labels")->type.map()->value_required);
  EXPECT_EQ(
      Error(MakeOptional{"id"}),
      "InvalidArgument: make column id optional: it identifies rows: take it out of "
      "the identifier fields first");
  EXPECT_EQ(Error(SetIdentifierFields{{"host"}}),
            "InvalidArgument: identifier field host is no required primitive column");
  table.schemas.back().root.fields[3].required = true;
  table.schemas.back().root.fields[3].type =
      StructType{{{FieldId(5), "k", true, kInt, ""}}};
  EXPECT_EQ(After({SetIdentifierFields{{"point.k"}}, MakeOptional{"point"}}),
            "InvalidArgument: make column point optional: column point.k in it "
            "identifies rows: take it out of the identifier fields first");
  EXPECT_EQ(Evolve({SetIdentifierFields{{"ts"}}}).identifier_field_ids,
            std::vector<FieldId>{kTestTs});
  EXPECT_EQ(Error(SetIdentifierFields{{"nope"}}),
            "NotFound: set identifier fields: there is no column nope");
}

TEST_F(SchemaUpdateTest, UnionMakesRoomForRows) {
  Schema rows;
  rows.root.fields = {
      {FieldId(0), "id", false, kInt, ""},  // Narrower: stays. Identifies: required.
      {FieldId(0), "ts", false, kTimestamptz, "when"},  // Becomes optional.
      {FieldId(0), "level", true, kInt, ""},            // New, so optional.
      {FieldId(0), "point", true,
       StructType{{{FieldId(0), "x", true, kDouble, ""},  // Widens.
                   {FieldId(0), "z", true, kInt, ""}}},   // New.
       ""}};
  EXPECT_EQ(After({UnionByName{rows}}),
            "id:long ts:timestamptz? host:string? "
            "point:struct<5: x: required double, 6: tags: optional list<string>, 15: z: "
            "optional int>? "
            "labels:map<struct<11: k: required int>, struct<12: v: optional int>>? "
            "born:date? level:int?");
  EXPECT_EQ(Evolve({UnionByName{rows}}).FindColumn("ts")->doc, "when");
  rows.root.fields[0].type = kString;
  EXPECT_THAT(Error(UnionByName{rows}),
              HasSubstr("id: expected required string, found required long"));
  rows.root.fields = {{FieldId(0), "host", false, StructType{}, ""}};
  EXPECT_EQ(
      Error(UnionByName{rows}),
      "InvalidArgument: make room for columns: host: type struct<> does not go into "
      "string");
  rows.root.fields = {{FieldId(0), "labels", false,
                       MakeMap(FieldId(0),
                               StructType{{{FieldId(0), "k", true, kInt, ""},
                                           {FieldId(0), "extra", false, kInt, ""}}},
                               FieldId(0), true, StructType{}),
                       ""}};
  EXPECT_EQ(
      Error(UnionByName{rows}),
      "InvalidArgument: make room for columns: labels: keys of a map cannot change: "
      "values are found by them");
}

TEST_F(SchemaUpdateTest, UnionWithItselfChangesNothing) {
  EXPECT_EQ(Evolve({UnionByName{WideSchema()}}), table.current_schema());
}

// Whatever changes are accepted, the old files still read, no id means two things, and
// the commit takes the result.
TEST_F(SchemaUpdateTest, AnyAcceptedChangeKeepsOldRowsReadable) {
  std::mt19937_64 random(7);
  const auto below = [&](std::size_t bound) { return random() % bound; };
  const std::string paths[] = {"id",      "ts",           "host",         "point",
                               "point.x", "point.tags",   "labels",       "born",
                               "n0",      "labels.value", "labels.key.k", "point.n1"};
  const PrimitiveType types[] = {kInt, kLong, kFloat, kDouble, kString, kTimestamp};
  const auto path = [&] { return paths[below(std::size(paths))]; };
  int accepted = 0;
  for (int round = 0; round < 3000; ++round) {
    table.format_version = 2 + static_cast<int>(below(2));
    const std::string name = "n" + std::to_string(below(3));
    const SchemaChange all[] = {
        AddColumn{below(2) == 0 ? "" : path(), name, types[below(6)], below(4) == 0},
        DropColumn{path()},
        RenameColumn{path(), name},
        MoveColumn{path(), static_cast<Place>(below(3)), paths[below(5)]},
        MakeOptional{path()},
        WidenType{path(), types[below(6)]},
        SetDoc{path(), name},
        SetIdentifierFields{{path()}}};
    std::vector<SchemaChange> changes;
    for (std::size_t i = 0; i <= below(3); ++i) changes.push_back(all[below(8)]);
    const auto evolved = EvolveSchema(table, changes);
    if (!evolved.ok()) continue;
    ++accepted;
    for (const Incompatibility& finding :
         ExplainIncompatibility(*evolved, table.current_schema(),
                                {.match_by_name = false,
                                 .allow_more_columns = true,
                                 .format_version = table.format_version})) {
      ADD_FAILURE() << round << ": " << ToString(finding);
    }
    const auto next =
        ApplyUpdates(table, "", {AddSchema{*evolved}, SetCurrentSchema{}}, 1);
    EXPECT_TRUE(next.ok()) << round << ": " << next.status();
  }
  EXPECT_GT(accepted, 500);
}

class CompatibilityTest : public testing::Test {
 protected:
  std::string Explain(const std::vector<NestedField>& reader,
                      const std::vector<NestedField>& writer,
                      const CompatibilityRules& rules = {}) {
    Schema to;
    to.root.fields = reader;
    Schema from;
    from.root.fields = writer;
    std::string out;
    for (const Incompatibility& finding : ExplainIncompatibility(to, from, rules)) {
      out += ToString(finding) + "\n";
    }
    return out;
  }

  const NestedField id{FieldId(1), "id", true, kLong, ""};
  const CompatibilityRules by_name{
      .match_by_name = true, .allow_more_columns = false, .format_version = 2};
};

TEST_F(CompatibilityTest, EachFindingNamesItsColumn) {
  EXPECT_EQ(Explain(WideSchema().fields(), WideSchema().fields()), "");
  EXPECT_EQ(
      Explain({id}, {}),
      "id: expected required long, found no column: rows have no value for it, and it "
      "has no default\n");
  EXPECT_EQ(Explain({id}, {{FieldId(1), "key", false, kString, ""}}),
            "id: expected required long, found optional string: rows may have no value\n"
            "id: expected required long, found optional string: values of type string do "
            "not widen to long\n");
  EXPECT_EQ(Explain({id}, {{FieldId(1), "other", true, kInt, ""}}), "");
  EXPECT_EQ(Explain({}, {id}), "");
  NestedField defaulted = id;
  defaulted.initial_default = Value(std::int64_t{1});
  EXPECT_EQ(Explain({defaulted}, {}), "");
}

TEST_F(CompatibilityTest, RowsOfOthersMatchByName) {
  EXPECT_EQ(Explain({id}, {{FieldId(9), "id", true, kInt, ""}}, by_name), "");
  EXPECT_EQ(Explain({id}, {id, {FieldId(1), "extra", false, kInt, ""}}, by_name),
            "extra: expected no column, found optional int: its values would be lost\n");
  EXPECT_EQ(
      Explain({id}, {{FieldId(1), "ID", true, kLong, ""}}, by_name),
      "id: expected required long, found no column: rows have no value for it, and it "
      "has no default\n"
      "ID: expected no column, found required long: its values would be lost\n");
}

TEST_F(CompatibilityTest, LooksIntoNestedTypes) {
  const auto list = [](FieldId element, bool required, Type type) {
    return std::vector<NestedField>{
        {FieldId(1), "l", false, MakeList(element, required, std::move(type)), ""}};
  };
  EXPECT_EQ(Explain(list(FieldId(2), true, kInt), list(FieldId(2), false, kInt)),
            "l.element: expected required int, found optional int: rows may have no "
            "value\n");
  EXPECT_EQ(
      Explain(list(FieldId(2), true, kInt), list(FieldId(3), true, kInt)),
      "l.element: expected field id 2, found field id 3: files have its values under "
      "another id\n");
  EXPECT_EQ(
      Explain(list(FieldId(2), false, StructType{{id}}),
              list(FieldId(2), false, StructType{})),
      "l.element.id: expected required long, found no column: rows have no value for "
      "it, and it has no default\n");
  EXPECT_EQ(
      Explain(list(FieldId(2), false, kInt), {{FieldId(1), "l", false, kInt, ""}}),
      "l: expected optional list<int>, found optional int: values of type int do not "
      "widen to list<int>\n");
}

TEST_F(CompatibilityTest, Version3WidensMore) {
  const std::vector<NestedField> moment{{FieldId(1), "t", false, kTimestamp, ""}};
  const std::vector<NestedField> day{{FieldId(1), "t", false, kDate, ""}};
  const std::vector<NestedField> nothing{{FieldId(1), "t", false, kUnknown, ""}};
  const std::vector<NestedField> any{
      {FieldId(1), "t", false, MakeList(FieldId(2), true, kInt), ""}};
  CompatibilityRules version3;
  version3.format_version = 3;
  EXPECT_NE(Explain(moment, day), "");
  EXPECT_EQ(Explain(moment, day, version3), "");
  EXPECT_EQ(Explain(any, nothing, version3), "");
}

}  // namespace
}  // namespace firn::iceberg
