// SPDX-License-Identifier: Apache-2.0
#include "iceberg/name_mapping.h"

#include <arrow/type.h>
#include <arrow/util/key_value_metadata.h>
#include <gtest/gtest.h>

#include "iceberg/schema_arrow.h"

namespace firn::iceberg {
namespace {

Schema LocationSchema() {
  Schema schema;
  schema.root.fields = {
      {FieldId(1), "id", true, kLong, ""},
      {FieldId(2), "where", false,
       StructType{{{FieldId(3), "lat", false, kDouble, ""},
                   {FieldId(4), "long", false, kDouble, ""}}},
       ""},
      {FieldId(5), "tags", false,
       MakeList(FieldId(6), false, StructType{{{FieldId(7), "t", false, kString, ""}}}),
       ""},
      {FieldId(8), "counts", false,
       MakeMap(FieldId(9), kString, FieldId(10), false, kLong), ""}};
  return schema;
}

constexpr char kLocationJson[] =
    R"([{"field-id":1,"names":["id"]},{"field-id":2,"names":["where"],"fields":[)"
    R"({"field-id":3,"names":["lat"]},{"field-id":4,"names":["long"]}]},)"
    R"({"field-id":5,"names":["tags"],"fields":[{"field-id":6,"names":["element"],)"
    R"("fields":[{"field-id":7,"names":["t"]}]}]},)"
    R"({"field-id":8,"names":["counts"],"fields":[{"field-id":9,"names":["key"]},)"
    R"({"field-id":10,"names":["value"]}]}])";

TEST(NameMapping, OfASchemaHasTheSpecifiedText) {
  const NameMapping mapping = MakeNameMapping(LocationSchema());
  EXPECT_EQ(NameMappingToJson(mapping), kLocationJson);
  EXPECT_EQ(*NameMappingFromJson(kLocationJson), mapping);
}

TEST(NameMapping, FieldsOfFilesAloneAndOfNoFileAreKept) {
  const std::string text =
      R"([{"names":["only.in.files"]},{"field-id":4,"names":[]},)"
      R"({"field-id":5,"names":["a","b"],"fields":[{"field-id":6,"names":["a"]}]}])";
  const auto mapping = NameMappingFromJson(text);
  ASSERT_TRUE(mapping.ok()) << mapping.status();
  EXPECT_EQ(NameMappingToJson(*mapping), text);
}

TEST(NameMapping, RefusesWhatIsNone) {
  const auto error = [](const char* text) {
    return NameMappingFromJson(text).status().ToString();
  };
  EXPECT_EQ(error("{}"), "Corruption: name mapping is no JSON array");
  EXPECT_EQ(error("[1]"), "Corruption: name mapping is not a JSON object");
  EXPECT_EQ(error(R"([{"field-id":1}])"),
            "Corruption: name mapping: field names is missing");
  EXPECT_EQ(error(R"([{"names":[1]}])"),
            "Corruption: name mapping: field names is not an array of strings");
  EXPECT_EQ(error(R"([{"names":["a"]},{"names":["b","a"]}])"),
            "Corruption: name mapping: name a appears twice");
  EXPECT_EQ(
      error(R"([{"names":["a"],"field-id":1,"fields":[{"names":[],"field-id":1}]}])"),
      "Corruption: name mapping: field id 1 is not positive or appears twice");
  EXPECT_EQ(error(R"([{"names":[],"field-id":-1}])"),
            "Corruption: name mapping: field id -1 is not positive or appears twice");
  EXPECT_EQ(NameMappingFromJson(std::string(10'000, '[')).status().code(),
            StatusCode::kCorruption);
}

TEST(NameMapping, FollowsTheSchema) {
  const Schema before = LocationSchema();
  Schema after = before;
  // id is dropped, where.lat and `where` are renamed, and a struct is new.
  auto& fields = after.root.fields;
  fields.erase(fields.begin());
  fields[0].name = "place";
  StructType place = *fields[0].type.struct_type();
  place.fields[0].name = "latitude";
  fields[0].type = place;
  fields.push_back({FieldId(11), "host", false,
                    StructType{{{FieldId(12), "id", false, kString, ""}}}, ""});
  const auto mapping = UpdateNameMapping(MakeNameMapping(before), before, after);
  ASSERT_TRUE(mapping.ok()) << mapping.status();
  const auto text = [&](std::size_t i) {
    return NameMappingToJson(NameMapping{{mapping->fields.at(i)}});
  };
  EXPECT_EQ(text(0), R"([{"field-id":1,"names":["id"]}])");
  EXPECT_EQ(
      text(1),
      R"([{"field-id":2,"names":["where","place"],"fields":[)"
      R"({"field-id":3,"names":["lat","latitude"]},{"field-id":4,"names":["long"]}]}])");
  EXPECT_EQ(text(4), R"([{"field-id":11,"names":["host"],"fields":[)"
                     R"({"field-id":12,"names":["id"]}]}])");
  EXPECT_EQ(*UpdateNameMapping(*mapping, after, after), *mapping);
  EXPECT_TRUE(NameMappingFromJson(NameMappingToJson(*mapping)).ok());
  // A name that the field had before is still its own.
  EXPECT_EQ(*UpdateNameMapping(*mapping, after, before), *mapping);
}

// Fields of ids 1, 2 and so on; one without a name is left out.
Schema Strings(const std::vector<std::string>& names) {
  Schema schema;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const FieldId id(static_cast<std::int32_t>(i) + 1);
    if (!names[i].empty()) {
      schema.root.fields.push_back({id, names[i], false, kString, ""});
    }
  }
  return schema;
}

TEST(NameMapping, ANameStaysWithTheFieldThatFilesHaveItFor) {
  const Schema before = Strings({"a", "b"});
  const NameMapping mapping = MakeNameMapping(before);
  const auto error = [&](const NameMapping& from, const Schema& was, const Schema& is) {
    return UpdateNameMapping(from, was, is).status().ToString();
  };
  // Swapped; taken from one that was renamed; taken from one that was dropped.
  EXPECT_EQ(
      error(mapping, before, Strings({"b", "a"})),
      "AlreadyExists: column b: the table's name mapping "
      "(schema.name-mapping.default) has this name for the column of id 2, and "
      "files without field ids are read by it: choose another name, or have `firn "
      "table compact --rewrite-all` give all rows ids and then remove the property");
  EXPECT_EQ(error(mapping, before, Strings({"c", "b", "a"})).substr(0, 24),
            "AlreadyExists: column a:");
  const Schema dropped = Strings({"", "b"});
  const auto kept = UpdateNameMapping(mapping, before, dropped);
  ASSERT_TRUE(kept.ok()) << kept.status();
  EXPECT_EQ(*kept, mapping);
  EXPECT_EQ(error(*kept, dropped, Strings({"", "b", "a"})).substr(0, 24),
            "AlreadyExists: column a:");
  // Files have it, and it is no column.
  const auto strange =
      NameMappingFromJson(R"([{"field-id":1,"names":["a"]},{"names":["x"]}])");
  const std::string said = error(*strange, Strings({"a"}), Strings({"a", "x"}));
  EXPECT_NE(said.find("has this name for no column, and"), std::string::npos) << said;
}

TEST(NameMapping, NamesInsideOfAStructAreItsOwn) {
  const Schema before = LocationSchema();
  Schema after = before;
  StructType where = *after.root.fields[1].type.struct_type();
  where.fields.push_back({FieldId(11), "id", false, kString, ""});
  after.root.fields[1].type = where;
  EXPECT_TRUE(UpdateNameMapping(MakeNameMapping(before), before, after).ok());
  where.fields[2].name = "long";
  where.fields[1].name = "longitude";
  after.root.fields[1].type = where;
  const auto taken = UpdateNameMapping(MakeNameMapping(before), before, after);
  EXPECT_EQ(taken.status().ToString().substr(0, 33), "AlreadyExists: column where.long:");
}

TEST(NameMapping, WhatAnotherMadeOfItStays) {
  // Names of both columns are the other's in files, and c is in none.
  const Schema before = Strings({"a", "b", "c"});
  const auto mapping = NameMappingFromJson(
      R"([{"field-id":1,"names":["b"]},{"field-id":2,"names":["a"]}])");
  const auto same = UpdateNameMapping(*mapping, before, Strings({"a", "b", "d"}));
  ASSERT_TRUE(same.ok()) << same.status();
  EXPECT_EQ(*same, *mapping);
  const auto more = UpdateNameMapping(*mapping, before, Strings({"a", "b", "c", "d"}));
  ASSERT_TRUE(more.ok()) << more.status();
  EXPECT_EQ(NameMappingToJson(*more),
            R"([{"field-id":1,"names":["b"]},{"field-id":2,"names":["a"]},)"
            R"({"field-id":4,"names":["d"]}])");
}

TEST(NameMapping, GivesAFileItsIds) {
  const auto stale = arrow::key_value_metadata({kArrowFieldIdKey, "k"}, {"99", "v"});
  const arrow::Schema file(
      {arrow::field("stranger", arrow::struct_({arrow::field("id", arrow::int64())}),
                    true, stale),
       arrow::field("counts", arrow::map(arrow::utf8(), arrow::int64())),
       arrow::field("tags", arrow::list(arrow::field("item", arrow::struct_({arrow::field(
                                                                 "t", arrow::utf8())})))),
       arrow::field("where", arrow::struct_({arrow::field("long", arrow::float64()),
                                             arrow::field("lat", arrow::float64())})),
       arrow::field("id", arrow::int64(), false)});
  const auto mapped = ApplyNameMapping(MakeNameMapping(LocationSchema()), file);
  ASSERT_TRUE(mapped.ok()) << mapped.status();
  const arrow::Field& stranger = *(*mapped)->field(0);
  EXPECT_FALSE(stranger.metadata()->Contains(kArrowFieldIdKey));
  EXPECT_EQ(*stranger.metadata()->Get("k"), "v");
  EXPECT_FALSE(stranger.type()->field(0)->HasMetadata());

  const auto rest = (*mapped)->RemoveField(0);
  ASSERT_TRUE(rest.ok());
  const auto schema = FromArrowSchema(**rest);
  ASSERT_TRUE(schema.ok()) << schema.status();
  const Schema expected = LocationSchema();
  for (std::int32_t id = 1; id <= 10; ++id) {
    EXPECT_EQ(schema->FindName(FieldId(id)), expected.FindName(FieldId(id))) << id;
  }
  EXPECT_TRUE(schema->FindField(FieldId(1))->required);
}

TEST(NameMapping, NestingIsBounded) {
  std::shared_ptr<arrow::DataType> type = arrow::int32();
  for (int i = 0; i < 100; ++i) type = arrow::list(type);
  EXPECT_EQ(ApplyNameMapping({}, arrow::Schema({arrow::field("deep", type)})).status(),
            Status::InvalidArgument("schema nests too deeply"));
}

}  // namespace
}  // namespace firn::iceberg
