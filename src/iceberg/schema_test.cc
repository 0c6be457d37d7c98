// SPDX-License-Identifier: Apache-2.0
#include "iceberg/schema.h"

#include <arrow/extension/parquet_variant.h>
#include <arrow/extension/uuid.h>
#include <arrow/type.h>
#include <arrow/util/key_value_metadata.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <random>

#include "iceberg/schema_arrow.h"
#include "iceberg/schema_json.h"

namespace firn::iceberg {
namespace {

using testing::HasSubstr;

Schema NestedSchema() {
  Schema schema;
  schema.id = SchemaId(4);
  schema.identifier_field_ids = {FieldId(1)};
  schema.root.fields = {
      {FieldId(1), "id", true, kLong, "a number"},
      {FieldId(2), "labels", false,
       MakeMap(FieldId(3), kString, FieldId(4), false, kString), ""},
      {FieldId(5), "point", true,
       StructType{{{FieldId(6), "x", true, kDouble, ""},
                   {FieldId(7), "tags", false, MakeList(FieldId(8), true, kString), ""}}},
       ""},
      {FieldId(9), "sid", false, FixedType(16), ""},
      {FieldId(10), "price", false, DecimalType(9, 2), ""},
      {FieldId(11), "at", false, kTimestamptz, ""}};
  return schema;
}

TEST(Schema, FindsByIdAndName) {
  const Schema schema = NestedSchema();
  EXPECT_EQ(schema.FindField(FieldId(7))->name, "tags");
  EXPECT_EQ(schema.FindField(FieldId(8)), nullptr);  // An element is no field.
  EXPECT_EQ(*schema.FindType(FieldId(8)), Type(kString));
  EXPECT_EQ(schema.FindName(FieldId(4)), "labels.value");
  EXPECT_EQ(schema.FindColumn("point.x")->id, FieldId(6));
  EXPECT_EQ(schema.FindColumn("point.y"), nullptr);
  EXPECT_EQ(schema.HighestFieldId(), FieldId(11));
  EXPECT_TRUE(CheckSchema(schema, 2).ok());
}

TEST(Schema, RoundTripsThroughJsonAndArrow) {
  const Schema schema = NestedSchema();
  const auto parsed = SchemaFromJsonText(SchemaToJsonText(schema));
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(*parsed, schema);

  const auto arrow_schema = ToArrowSchema(schema);
  ASSERT_TRUE(arrow_schema.ok()) << arrow_schema.status();
  EXPECT_EQ((*arrow_schema)->field(5)->type()->ToString(), "timestamp[us, tz=UTC]");
  EXPECT_EQ((*arrow_schema)->field(1)->type()->id(), arrow::Type::MAP);
  const auto back = FromArrowSchema(**arrow_schema);
  ASSERT_TRUE(back.ok()) << back.status();
  Schema without_doc = schema;
  without_doc.root.fields[0].doc.clear();
  EXPECT_EQ(back->root, without_doc.root);

  const auto no_id = FromArrowSchema(arrow::Schema({arrow::field("x", arrow::int32())}));
  EXPECT_EQ(no_id.status().message(), "field x has no PARQUET:field_id");
}

TEST(Schema, ChecksNameWhatIsWrong) {
  const auto check = [](const std::function<void(Schema&)>& change, int version = 2) {
    Schema schema = NestedSchema();
    change(schema);
    return std::string(CheckSchema(schema, version).message());
  };
  EXPECT_EQ(check([](Schema& s) { s.root.fields[3].id = FieldId(8); }),
            "field id 8 appears twice");
  EXPECT_EQ(check([](Schema& s) { s.root.fields[3].id = FieldId(0); }),
            "field sid has the id 0, which is out of range");
  EXPECT_EQ(check([](Schema& s) { s.root.fields[3].name = "id"; }),
            "field name id appears twice");
  EXPECT_EQ(check([](Schema& s) { s.root.fields[3].type = kTimestampNs; }),
            "field sid: type timestamp_ns needs format version 3");
  EXPECT_EQ(check([](Schema& s) { s.root.fields[3].type = kTimestampNs; }, 3), "");
  EXPECT_EQ(check([](Schema& s) { s.root.fields[3].name = "c\xff"; }),
            R"(field 9: the name "c\xff" is not UTF-8)");
  EXPECT_EQ(check([](Schema& s) { s.root.fields[3].doc = "\xc3("; }),
            R"(field sid: the doc "\xc3(" is not UTF-8)");
  EXPECT_EQ(check([](Schema& s) { s.identifier_field_ids = {FieldId(6)}; }),
            "identifier field point.x is no required primitive column");
  EXPECT_EQ(check([](Schema& s) {
              Type type = kInt;
              for (int i = 0; i < 100; ++i) {
                type = MakeList(FieldId(100 + i), true, std::move(type));
              }
              s.root.fields[3].type = type;
            }),
            "schema nests deeper than 64");
}

TEST(Schema, FullNamesAreThoseOfOneFieldEach) {
  Schema schema = NestedSchema();
  EXPECT_TRUE(CheckFullNames(schema).ok());
  schema.root.fields[0].name = "point.x";
  EXPECT_TRUE(CheckSchema(schema, 2).ok());  // Tables of others are read.
  EXPECT_EQ(CheckFullNames(schema),
            Status::InvalidArgument(
                R"(two fields have the full name point.x: "point.x" and "x" of "point"; )"
                "other engines refuse such a table: rename one"));
  schema.root.fields[0].name = "labels.value";
  EXPECT_THAT(std::string(CheckFullNames(schema).message()),
              HasSubstr(R"("labels.value" and "value" of "labels")"));
}

TEST(Schema, DefaultsNeedVersion3AndFit) {
  const auto check = [](const std::function<void(NestedField&)>& change,
                        int version = 3) {
    Schema schema = NestedSchema();
    change(schema.root.fields[4]);  // price decimal(9, 2)
    return std::string(CheckSchema(schema, version).message());
  };
  const auto fits = [](NestedField& f) { f.initial_default = Value(Decimal{1420}); };
  EXPECT_EQ(check(fits), "");
  EXPECT_EQ(check(fits, 2), "field price: initial-default needs format version 3");
  EXPECT_EQ(check([](NestedField& f) { f.write_default = Value(std::int32_t{1}); }),
            "field price: write-default is no value that type decimal(9, 2) can have");
  EXPECT_EQ(check([](NestedField& f) {
              f.type = kDouble;
              f.write_default = Value(std::numeric_limits<double>::infinity());
            }),
            "field price: write-default is no value that type double can have");
  EXPECT_EQ(check([](NestedField& f) {
              f.type = kVariant;
              f.write_default = Value(std::string("x"));
            }),
            "field price: write-default is no value that type variant can have");
  EXPECT_EQ(check([](NestedField& f) {
              f.type = kUnknown;
              f.required = true;
            }),
            "field price: a column of type unknown cannot be required");
  const auto of_struct = SchemaFromJsonText(
      R"({"type":"struct","fields":[{"id":1,"name":"p","required":false,)"
      R"("type":{"type":"struct","fields":[]},"initial-default":{}}]})");
  EXPECT_EQ(of_struct.status(),
            Status::Unimplemented("field p: initial-default: a default of a struct, list "
                                  "or map is not read"));
}

// As Parquet stores it, without ids inside; and as Arrow's extension type calls it.
TEST(Schema, VariantsAreTheirEncodingInArrow) {
  Schema schema = NestedSchema();
  schema.root.fields[5].type = MakeList(FieldId(12), false, kVariant);
  const auto encoding = arrow::struct_({arrow::field("metadata", arrow::binary(), false),
                                        arrow::field("value", arrow::binary(), false)});
  const auto converted = ToArrowSchema(schema);
  ASSERT_TRUE(converted.ok()) << converted.status();
  EXPECT_TRUE((*converted)->field(5)->type()->field(0)->type()->Equals(encoding));
  const auto id = arrow::key_value_metadata({kArrowFieldIdKey}, {"1"});
  const auto parsed = FromArrowSchema(
      arrow::Schema({arrow::field("v", arrow::extension::variant(encoding), true, id)}));
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->fields()[0].type, Type(kVariant));
}

TEST(Schema, ArrowUuidsAreUuids) {
  const auto id = arrow::key_value_metadata({kArrowFieldIdKey}, {"1"});
  const auto parsed = FromArrowSchema(
      arrow::Schema({arrow::field("u", arrow::extension::uuid(), true, id)}));
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->fields()[0].type, Type(kUuid));
}

TEST(Schema, NewTablesTakeWhatHoldsTheValues) {
  const auto schema = NewSchemaFromArrow(arrow::Schema(
      {arrow::field("a", arrow::int16(), false), arrow::field("b", arrow::uint32()),
       arrow::field("c", arrow::uint64()), arrow::field("d", arrow::float16()),
       arrow::field("e", arrow::timestamp(arrow::TimeUnit::MILLI, "Europe/Oslo")),
       arrow::field("f", arrow::dictionary(arrow::int8(), arrow::utf8())),
       arrow::field("g",
                    arrow::list(arrow::struct_({arrow::field("h", arrow::uint8()),
                                                arrow::field("i", arrow::date64())}))),
       arrow::field("j", arrow::decimal64(12, 3)),
       arrow::field("k", arrow::time32(arrow::TimeUnit::SECOND))}));
  ASSERT_TRUE(schema.ok()) << schema.status();
  EXPECT_EQ(
      Type(schema->root).ToString(),
      "struct<1: a: required int, 2: b: optional long, 3: c: optional decimal(20, 0), "
      "4: d: optional float, 5: e: optional timestamptz, 6: f: optional string, "
      "7: g: optional list<struct<11: h: optional int, 12: i: optional date>>, "
      "8: j: optional decimal(12, 3), 9: k: optional time>");
  EXPECT_EQ(schema->FindName(FieldId(10)), "g.element");
  EXPECT_EQ(
      NewSchemaFromArrow(arrow::Schema({arrow::field(
                             "s", arrow::struct_({arrow::field(
                                      "d", arrow::duration(arrow::TimeUnit::MICRO))}))}))
          .status(),
      Status::Unimplemented(
          "field s: field d: Arrow type duration[us] has no Iceberg type"));
  EXPECT_EQ(NewSchemaFromArrow(
                arrow::Schema({arrow::field("t", arrow::time64(arrow::TimeUnit::NANO))}))
                .status()
                .code(),
            StatusCode::kUnimplemented);
}

// Schemas of any shape, with ids in random order.
class RandomSchema {
 public:
  explicit RandomSchema(std::uint64_t seed) : random_(seed) {}

  Schema Make() {
    Schema schema;
    schema.id = SchemaId(Below(5));
    schema.root.fields = Fields(0);
    return schema;
  }

 private:
  int Below(int bound) {
    return static_cast<int>(random_() % static_cast<unsigned>(bound));
  }

  std::vector<NestedField> Fields(int depth) {
    std::vector<NestedField> fields;
    const int count = 1 + Below(4);
    for (int i = 0; i < count; ++i) {
      NestedField field{NextId(), "f" + std::to_string(i) + (Below(3) == 0 ? ".x" : ""),
                        Below(2) == 0, MakeType(depth), Below(4) == 0 ? "a \"doc\"" : ""};
      const PrimitiveType* type = field.type.primitive();
      if (type != nullptr && *type == kUnknown) field.required = false;
      if (type != nullptr && *type == kLong) {
        if (Below(2) == 0) field.initial_default = Value(std::int64_t{Below(100)});
        if (Below(2) == 0) field.write_default = Value(std::int64_t{-Below(100)});
      }
      fields.push_back(std::move(field));
    }
    return fields;
  }

  Type MakeType(int depth) {
    const int kind = depth < 4 ? Below(8) : 7;
    if (kind == 0) return StructType{Fields(depth + 1)};
    if (kind == 1) {
      const FieldId id = NextId();
      return MakeList(id, Below(2) == 0, MakeType(depth + 1));
    }
    if (kind == 2) {
      const FieldId key = NextId();
      const FieldId value = NextId();
      return MakeMap(key, MakeType(depth + 1), value, Below(2) == 0, MakeType(depth + 1));
    }
    // Of a uuid Arrow keeps the bytes alone.
    const PrimitiveType types[] = {kBoolean,
                                   kInt,
                                   kLong,
                                   kFloat,
                                   kDouble,
                                   kDate,
                                   kTime,
                                   kTimestamp,
                                   kTimestamptz,
                                   kTimestampNs,
                                   kTimestamptzNs,
                                   kString,
                                   kBinary,
                                   kUnknown,
                                   FixedType(1 + Below(20)),
                                   DecimalType(10 + Below(29), Below(11))};
    return types[Below(static_cast<int>(std::size(types)))];
  }

  FieldId NextId() {
    id_ += 1 + Below(3);
    return FieldId(id_);
  }

  std::mt19937_64 random_;
  std::int32_t id_ = 0;
};

// What does not travel through Arrow.
StructType WithoutDocsAndDefaults(std::vector<NestedField> fields) {
  for (NestedField& field : fields) {
    field.doc.clear();
    field.initial_default.reset();
    field.write_default.reset();
    field.type = WithChildFields(field.type,
                                 WithoutDocsAndDefaults(ChildFields(field.type)).fields);
  }
  return {std::move(fields)};
}

TEST(Schema, AnySchemaRoundTripsThroughJsonAndArrow) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    const Schema schema = RandomSchema(seed).Make();
    ASSERT_TRUE(CheckSchema(schema, 3).ok()) << seed << ": " << CheckSchema(schema, 3);
    const auto from_json = SchemaFromJsonText(SchemaToJsonText(schema));
    ASSERT_TRUE(from_json.ok()) << seed << ": " << from_json.status();
    EXPECT_EQ(*from_json, schema) << seed;

    const auto arrow_schema = ToArrowSchema(schema);
    ASSERT_TRUE(arrow_schema.ok()) << seed << ": " << arrow_schema.status();
    const auto from_arrow = FromArrowSchema(**arrow_schema);
    ASSERT_TRUE(from_arrow.ok()) << seed << ": " << from_arrow.status();
    EXPECT_EQ(from_arrow->root, WithoutDocsAndDefaults(schema.fields())) << seed;
  }
}

}  // namespace
}  // namespace firn::iceberg
