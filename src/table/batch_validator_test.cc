// SPDX-License-Identifier: Apache-2.0
// What a table takes of the less common types, and how what it does not take is said:
// by column, row and value. TableWriter's tests have the common ones.
#include "table/batch_validator.h"

#include <arrow/array/array_dict.h>
#include <arrow/array/array_nested.h>
#include <arrow/array/util.h>
#include <arrow/compute/cast.h>
#include <arrow/extension/uuid.h>
#include <arrow/json/from_string.h>
#include <arrow/memory_pool.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace firn::table {
namespace {

using iceberg::FieldId;
using iceberg::NestedField;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using ArrayPtr = std::shared_ptr<arrow::Array>;
using TypePtr = std::shared_ptr<arrow::DataType>;

ArrayPtr Json(const TypePtr& type, const std::string& json) {
  auto array = arrow::json::ArrayFromJSONString(type, json);
  EXPECT_TRUE(array.ok()) << array.status();
  return array.ok() ? *array : nullptr;
}

// Integers, as what is stored of another type.
ArrayPtr Stored(const TypePtr& type, const TypePtr& integers, const std::string& json) {
  auto view = Json(integers, json)->View(type);
  EXPECT_TRUE(view.ok()) << view.status();
  return *view;
}

NestedField Field(std::int32_t id, std::string name, iceberg::Type type,
                  bool required = false) {
  return {FieldId(id), std::move(name), required, std::move(type), ""};
}

class BatchValidatorTest : public testing::Test {
 protected:
  Result<CheckedBatch> Check(const NestedField& field, const ArrayPtr& column) {
    iceberg::Schema schema;
    schema.root.fields = {field};
    FIRN_ASSIGN_OR_RETURN(const auto validator, BatchValidator::Make(schema));
    const auto batch = arrow::RecordBatch::Make(
        arrow::schema({arrow::field(field.name, column->type())}), column->length(),
        {column});
    FIRN_ASSIGN_OR_RETURN(CheckedBatch checked,
                          validator.Check(*batch, arrow::default_memory_pool()));
    EXPECT_TRUE(checked.rows->schema()->Equals(*validator.schema()));
    const arrow::Status sound = checked.rows->Validate();
    EXPECT_TRUE(sound.ok()) << sound;
    // A slice is judged as the same rows alone are.
    if (column->length() > 1) CheckSlice(validator, *batch, checked);
    return checked;
  }

  // Faults as text, or the error of the batch.
  std::vector<std::string> Faults(const NestedField& field, const ArrayPtr& column) {
    const auto checked = Check(field, column);
    if (!checked.ok()) return {checked.status().ToString()};
    std::vector<std::string> out;
    for (const InvalidRow& row : checked->invalid) out.push_back(row.ToString());
    return out;
  }
  std::string Error(const NestedField& field, const ArrayPtr& column) {
    const auto checked = Check(field, column);
    EXPECT_FALSE(checked.ok());
    return checked.ok() ? "" : checked.status().ToString();
  }

  static ArrayPtr Column(const Result<CheckedBatch>& checked) {
    EXPECT_TRUE(checked.ok()) << checked.status();
    return checked.ok() ? checked->rows->column(0) : nullptr;
  }

 private:
  static void CheckSlice(const BatchValidator& validator, const arrow::RecordBatch& batch,
                         const CheckedBatch& whole) {
    const auto part = validator.Check(*batch.Slice(1), arrow::default_memory_pool());
    ASSERT_TRUE(part.ok()) << part.status();
    EXPECT_TRUE(part->rows->Equals(*whole.rows->Slice(1)));
    std::vector<InvalidRow> expected;
    for (InvalidRow row : whole.invalid) {
      if (row.row-- > 0) expected.push_back(std::move(row));
    }
    EXPECT_EQ(part->invalid, expected);
  }
};

TEST_F(BatchValidatorTest, DecimalsMustHaveTheScaleAndFitThePrecision) {
  const NestedField d = Field(1, "d", iceberg::DecimalType(5, 2), true);
  EXPECT_THAT(Faults(d, Json(arrow::decimal128(5, 2), R"(["1.00", "-999.99"])")),
              IsEmpty());
  // More digits than the table has are judged by the value.
  EXPECT_THAT(
      Faults(d, Json(arrow::decimal128(38, 2), R"(["999.99", "1000.00", "-1000.00"])")),
      ElementsAre(
          R"(column d, row 1: value "1000.00" has more digits than decimal(5, 2))",
          R"(column d, row 2: value "-1000.00" has more digits than decimal(5, 2))"));
  const auto narrow = Check(d, Json(arrow::decimal32(4, 2), R"(["1.25", "-99.99"])"));
  EXPECT_TRUE(
      Column(narrow)->Equals(*Json(arrow::decimal128(5, 2), R"(["1.25", "-99.99"])")));
  EXPECT_THAT(Faults(d, Json(arrow::decimal64(12, 2), R"(["1.25", "12345.00"])")),
              ElementsAre(HasSubstr(R"(row 1: value "12345.00")")));
  EXPECT_THAT(Faults(d, Json(arrow::decimal128(5, 2), R"(["1.00", null])")),
              ElementsAre("column d, row 1: NULL in a required column"));
  EXPECT_THAT(Error(d, Json(arrow::decimal128(5, 3), R"(["1.000"])")),
              HasSubstr("column d has the type decimal128(5, 3), the table's is "
                        "decimal(5, 2)"));
  const auto wide =
      Check(d, Json(arrow::decimal256(50, 2), R"(["1.25", null, "-999.99"])"));
  EXPECT_TRUE(Column(wide)->Equals(
      *Json(arrow::decimal128(5, 2), R"(["1.25", null, "-999.99"])")));
  EXPECT_THAT(
      Faults(d, Json(arrow::decimal256(70, 2),
                     R"(["1.00", "-1234567890123456789012345678901234567890.00"])")),
      ElementsAre(HasSubstr("row 1: value \"-12345678901234567890")));
  EXPECT_THAT(Error(d, Json(arrow::float64(), "[1.0]")), HasSubstr("the type double"));
  EXPECT_THAT(Error(d, Json(arrow::utf8(), R"(["1.00"])")), HasSubstr("the type string"));
}

TEST_F(BatchValidatorTest, UnsignedNumbersOf64BitsAreJudgedByTheValue) {
  const ArrayPtr numbers = Json(arrow::uint64(),
                                "[0, 9223372036854775807, null, 9223372036854775808, "
                                "18446744073709551615]");
  const NestedField l = Field(1, "l", iceberg::kLong);
  EXPECT_THAT(
      Faults(l, numbers),
      ElementsAre(
          R"(column l, row 3: value "9223372036854775808" is out of range for long)",
          R"(column l, row 4: value "18446744073709551615" is out of range for long)"));
  const auto longs = Check(l, numbers->Slice(0, 3));
  EXPECT_TRUE(
      Column(longs)->Equals(*Json(arrow::int64(), "[0, 9223372036854775807, null]")));
  const auto decimals = Check(Field(1, "d", iceberg::DecimalType(20, 0)), numbers);
  EXPECT_TRUE(Column(decimals)->Equals(
      *Json(arrow::decimal128(20, 0), R"(["0", "9223372036854775807", null,
                                          "9223372036854775808",
                                          "18446744073709551615"])")));
  EXPECT_THAT(Faults(Field(1, "d", iceberg::DecimalType(19, 0)), numbers),
              ElementsAre(R"(column d, row 4: value "18446744073709551615" has more )"
                          "digits than decimal(19, 0)"));
  EXPECT_THAT(Error(Field(1, "d", iceberg::DecimalType(20, 1)), numbers),
              HasSubstr("column d has the type uint64"));
  EXPECT_THAT(Error(Field(1, "i", iceberg::kInt), numbers), HasSubstr("the type uint64"));
}

TEST_F(BatchValidatorTest, DatesOfMillisecondsAreWholeDays) {
  const NestedField d = Field(1, "d", iceberg::kDate);
  const auto dates =
      Check(d, Stored(arrow::date64(), arrow::int64(), "[0, 86400000, null, -86400000]"));
  EXPECT_TRUE(Column(dates)->Equals(
      *Stored(arrow::date32(), arrow::int32(), "[0, 1, null, -1]")));
  EXPECT_THAT(
      Faults(d, Stored(arrow::date64(), arrow::int64(),
                       "[1, null, -1, 185542587187200000]")),
      ElementsAre("column d, row 0: value 1 ms is no whole day",
                  "column d, row 2: value -1 ms is no whole day",
                  "column d, row 3: value 185542587187200000 ms is out of range for "
                  "date"));
  EXPECT_THAT(
      Error(Field(1, "n", iceberg::kInt), Stored(arrow::date64(), arrow::int64(), "[0]")),
      HasSubstr("column n has the type date64"));
}

TEST_F(BatchValidatorTest, TimesLieWithinADay) {
  const NestedField t = Field(1, "t", iceberg::kTime);
  const TypePtr micros = arrow::time64(arrow::TimeUnit::MICRO);
  EXPECT_THAT(Faults(t, Stored(micros, arrow::int64(), "[0, 86399999999, null]")),
              IsEmpty());
  const auto out_of_range =
      Faults(t, Stored(micros, arrow::int64(), "[5, -1, 86400000000, null]"));
  EXPECT_THAT(out_of_range, ElementsAre(HasSubstr("column t, row 1: value "),
                                        HasSubstr("column t, row 2: value ")));
  for (const std::string& fault : out_of_range) {
    EXPECT_THAT(fault, HasSubstr(" is no time of a day"));
  }
  const auto seconds = Check(
      t, Stored(arrow::time32(arrow::TimeUnit::SECOND), arrow::int32(), "[1, null]"));
  EXPECT_TRUE(
      Column(seconds)->Equals(*Stored(micros, arrow::int64(), "[1000000, null]")));
  EXPECT_THAT(Faults(t, Stored(arrow::time32(arrow::TimeUnit::MILLI), arrow::int32(),
                               "[1, 86400000]")),
              ElementsAre(HasSubstr("row 1: value ")));
  EXPECT_THAT(
      Error(t, Stored(arrow::time64(arrow::TimeUnit::NANO), arrow::int64(), "[1]")),
      HasSubstr("column t has the type time64[ns], the table's is time"));
  EXPECT_THAT(Error(t, Json(arrow::int64(), "[1]")), HasSubstr("the type int64"));
}

TEST_F(BatchValidatorTest, FixedValuesHaveTheirLength) {
  const NestedField f = Field(1, "f", iceberg::FixedType(4));
  const TypePtr fixed = arrow::fixed_size_binary(4);
  EXPECT_THAT(Faults(f, Json(fixed, R"(["abcd", null])")), IsEmpty());
  // Bytes of any length are judged by the value.
  for (const TypePtr& bytes :
       {arrow::binary(), arrow::large_binary(), arrow::binary_view()}) {
    SCOPED_TRACE(bytes->ToString());
    const auto checked = Check(f, Json(bytes, R"(["abcd", null, "abc", "", "efgh"])"));
    ASSERT_TRUE(checked.ok()) << checked.status();
    EXPECT_TRUE(checked->rows->column(0)->Equals(
        *Json(fixed, R"(["abcd", null, null, null, "efgh"])")));
    ASSERT_EQ(checked->invalid.size(), 2u);
    EXPECT_EQ(checked->invalid[0].ToString(),
              R"(column f, row 2: value "abc" has 3 bytes, not 4)");
    EXPECT_THAT(checked->invalid[1].ToString(), HasSubstr("row 3: value "));
  }
  EXPECT_THAT(Error(f, Json(arrow::fixed_size_binary(3), R"(["abc"])")),
              HasSubstr("column f has the type fixed_size_binary[3], the table's is "
                        "fixed[4]"));
  EXPECT_THAT(Error(f, Json(arrow::utf8(), R"(["abcd"])")), HasSubstr("the type string"));
}

TEST_F(BatchValidatorTest, UuidsAreSixteenBytes) {
  const NestedField u = Field(1, "u", iceberg::kUuid, true);
  const ArrayPtr stored =
      Json(arrow::fixed_size_binary(16), R"(["0123456789abcdef", "fedcba9876543210"])");
  EXPECT_THAT(Faults(u, stored), IsEmpty());
  const auto extension =
      Check(u, arrow::ExtensionType::WrapArray(arrow::extension::uuid(), stored));
  EXPECT_TRUE(Column(extension)->Equals(*stored));
  EXPECT_THAT(Faults(u, Json(arrow::binary(), R"(["0123456789abcdef", "short", null])")),
              ElementsAre(R"(column u, row 1: value "short" has 5 bytes, not 16)",
                          "column u, row 2: NULL in a required column"));
  EXPECT_THAT(
      Error(u, Json(arrow::utf8(), R"(["f79c3e09-677c-4bbd-a479-3f349cb785e7"])")),
      HasSubstr("column u has the type string, the table's is uuid"));
}

TEST_F(BatchValidatorTest, BytesComeInAnyOfTheirForms) {
  const NestedField b = Field(1, "b", iceberg::kBinary);
  for (const TypePtr& bytes :
       {arrow::binary(), arrow::large_binary(), arrow::binary_view()}) {
    const auto checked = Check(b, Json(bytes, R"(["", "ab", null])"));
    EXPECT_TRUE(Column(checked)->Equals(*Json(arrow::binary(), R"(["", "ab", null])")));
  }
  for (const TypePtr& other : {arrow::utf8(), arrow::fixed_size_binary(2)}) {
    EXPECT_THAT(Error(b, Json(other, R"(["ab"])")), HasSubstr("the table's is binary"));
  }
}

TEST_F(BatchValidatorTest, TimestampsOfLargerUnitsMustFit) {
  const TypePtr seconds = arrow::timestamp(arrow::TimeUnit::SECOND);
  const TypePtr nanos = arrow::timestamp(arrow::TimeUnit::NANO);
  const NestedField us = Field(1, "us", iceberg::kTimestamp);
  const NestedField ns = Field(1, "ns", iceberg::kTimestampNs);
  const std::string values = "[1, 9223372036854775807, null]";
  for (const NestedField& field : {us, ns}) {
    EXPECT_THAT(Faults(field, Stored(seconds, arrow::int64(), values)),
                ElementsAre(testing::AllOf(HasSubstr(field.name + ", row 1: value "),
                                           HasSubstr("is out of range for timestamp"))));
  }
  const auto widened = Check(ns, Stored(seconds, arrow::int64(), "[1, null, -2]"));
  EXPECT_TRUE(Column(widened)->Equals(
      *Stored(nanos, arrow::int64(), "[1000000000, null, -2000000000]")));
  // Nothing is rounded, and what has a zone is no time without.
  EXPECT_THAT(
      Error(us, Stored(nanos, arrow::int64(), "[1000]")),
      HasSubstr("column us has the type timestamp[ns], the table's is timestamp"));
  EXPECT_THAT(Error(ns, Stored(arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"),
                               arrow::int64(), "[1]")),
              HasSubstr("the table's is timestamp_ns"));
}

TEST_F(BatchValidatorTest, AColumnOfTheUnknownTypeIsNull) {
  const NestedField n = Field(1, "n", iceberg::kUnknown);
  EXPECT_THAT(Faults(n, Json(arrow::null(), "[null, null]")), IsEmpty());
  EXPECT_THAT(Error(n, Json(arrow::int32(), "[1]")),
              HasSubstr("column n has the type int32, the table's is unknown"));
}

// A NULL may lie in the dictionary alone.
TEST_F(BatchValidatorTest, DictionariesAreSpelledOut) {
  const ArrayPtr indices = Json(arrow::int8(), "[0, 1, null, 0]");
  const auto coded = [&](const ArrayPtr& words) {
    return *arrow::DictionaryArray::FromArrays(
        arrow::dictionary(arrow::int8(), words->type()), indices, words);
  };
  EXPECT_THAT(Faults(Field(1, "s", iceberg::kString, true),
                     coded(Json(arrow::utf8(), R"(["a", null])"))),
              ElementsAre("column s, row 1: NULL in a required column",
                          "column s, row 2: NULL in a required column"));
  EXPECT_THAT(Faults(Field(1, "d", iceberg::DecimalType(3, 1)),
                     coded(Json(arrow::decimal128(9, 1), R"(["1.5", "100.5"])"))),
              ElementsAre(HasSubstr(R"(column d, row 1: value "100.5")")));
  EXPECT_THAT(Faults(Field(1, "f", iceberg::FixedType(2)),
                     coded(Json(arrow::binary(), R"(["ab", "abc"])"))),
              ElementsAre(HasSubstr("column f, row 1: value ")));
}

// --- Nested columns.

NestedField Points() {
  iceberg::StructType point;
  point.fields = {Field(3, "at", iceberg::kTime, true),
                  Field(4, "price", iceberg::DecimalType(4, 1), true),
                  Field(5, "note", iceberg::kString)};
  return Field(1, "points", iceberg::MakeList(FieldId(2), false, std::move(point)));
}
TypePtr PointsType(const TypePtr& price = arrow::decimal128(9, 1)) {
  return arrow::list(arrow::struct_(
      {arrow::field("at", arrow::time64(arrow::TimeUnit::MICRO)),
       arrow::field("price", price), arrow::field("note", arrow::utf8())}));
}

TEST_F(BatchValidatorTest, RequiredFieldsInsideOfAListAreNamedByPathAndRow) {
  const ArrayPtr points = Json(PointsType(), R"([
      [{"at": 1, "price": "1.0", "note": null}, null],
      null,
      [],
      [{"at": 1, "price": "2.0", "note": "a"}, {"at": null, "price": "3.0", "note": "b"}],
      [{"at": 2, "price": "99999.0", "note": "c"}],
      [{"at": 86400000000, "price": null, "note": "d"}]])");
  EXPECT_THAT(
      Faults(Points(), points),
      ElementsAre(
          "column points.element.at, row 3: NULL in a required column",
          R"(column points.element.price, row 4: value "99999.0" has more digits )"
          "than decimal(4, 1)",
          HasSubstr("column points.element.at, row 5: value ")));
  // Elements themselves may be required.
  NestedField required = Points();
  required.type = iceberg::MakeList(FieldId(2), true, *required.type.list()->element);
  EXPECT_THAT(Faults(required, points->Slice(0, 3)),
              ElementsAre("column points.element, row 0: NULL in a required column"));
}

TEST_F(BatchValidatorTest, WhatIsInNullIsNoNullOfARequiredField) {
  iceberg::StructType inner;
  inner.fields = {Field(3, "x", iceberg::kInt, true), Field(4, "y", iceberg::kString)};
  const auto structs = arrow::StructArray::Make(
      {Json(arrow::int32(), "[7, null]"), Json(arrow::utf8(), "[null, null]")},
      std::vector<std::string>{"x", "y"}, *arrow::AllocateBitmap(2));
  ASSERT_TRUE(structs.ok());
  auto data = (*structs)->data()->Copy();
  data->buffers[0]->mutable_data()[0] = 1;  // The second is NULL.
  data->null_count = 1;
  const auto checked = Check(Field(1, "s", inner), arrow::MakeArray(data));
  ASSERT_TRUE(checked.ok()) << checked.status();
  EXPECT_THAT(checked->invalid, IsEmpty());
  const auto& s = static_cast<const arrow::StructArray&>(*checked->rows->column(0));
  EXPECT_EQ(s.null_count(), 1);
  EXPECT_EQ(s.field(0)->null_count(), 0);
  EXPECT_EQ(s.field(1)->null_count(), 2);
}

// A column or a field that is not there, or has no type.
TEST_F(BatchValidatorTest, WhatIsRequiredInAMissingStructIsNoNull) {
  iceberg::StructType innermost;
  innermost.fields = {Field(4, "x", iceberg::kInt, true), Field(5, "y", iceberg::kInt)};
  iceberg::StructType inner;
  inner.fields = {Field(3, "in", innermost, true), Field(6, "z", iceberg::kInt, true)};
  const auto expect_null = [](const arrow::Array& array) {
    const auto& s = static_cast<const arrow::StructArray&>(array);
    EXPECT_EQ(s.null_count(), 2);
    EXPECT_EQ(s.field(0)->null_count(), 0);
    EXPECT_EQ(s.field(1)->null_count(), 0);
    const auto& in = static_cast<const arrow::StructArray&>(*s.field(0));
    EXPECT_EQ(in.field(0)->null_count(), 0);
    EXPECT_EQ(in.field(1)->null_count(), 2);
  };
  const auto untyped = Check(Field(2, "s", inner), Json(arrow::null(), "[null, null]"));
  ASSERT_TRUE(untyped.ok()) << untyped.status();
  expect_null(*untyped->rows->column(0));

  iceberg::StructType outer;
  outer.fields = {Field(7, "n", iceberg::kInt), Field(2, "s", inner)};
  const auto field =
      Check(Field(1, "o", outer),
            Json(arrow::struct_({arrow::field("n", arrow::int32())}), "[[1], [2]]"));
  ASSERT_TRUE(field.ok()) << field.status();
  expect_null(*static_cast<const arrow::StructArray&>(*field->rows->column(0)).field(1));

  iceberg::Schema schema;
  schema.root.fields = {Field(1, "n", iceberg::kInt), Field(2, "s", inner)};
  const auto n = Json(arrow::int32(), "[1, 2]");
  const auto batch =
      arrow::RecordBatch::Make(arrow::schema({arrow::field("n", n->type())}), 2, {n});
  const auto column =
      BatchValidator::Make(schema)->Check(*batch, arrow::default_memory_pool());
  ASSERT_TRUE(column.ok()) << column.status();
  EXPECT_THAT(column->invalid, IsEmpty());
  expect_null(*column->rows->column(1));
}

TEST_F(BatchValidatorTest, AMapHasEachKeyOnce) {
  const auto map = [](iceberg::PrimitiveType key) {
    return Field(1, "m",
                 iceberg::MakeMap(FieldId(2), key, FieldId(3), false, iceberg::kInt));
  };
  EXPECT_THAT(Faults(map(iceberg::kString),
                     Json(arrow::map(arrow::utf8(), arrow::int32()),
                          R"([[["a", 1], ["b", 2], ["a", 3]], [["a", 1]], null, []])")),
              ElementsAre(R"(column m.key, row 0: value "a" comes twice in one map)"));
  EXPECT_THAT(Faults(map(iceberg::kLong), Json(arrow::map(arrow::int64(), arrow::int32()),
                                               "[[[1, 1], [2, 2]], [[3, 1], [3, 1]]]")),
              ElementsAre(R"(column m.key, row 1: value "3" comes twice in one map)"));
  EXPECT_THAT(
      Faults(map(iceberg::kBoolean), Json(arrow::map(arrow::boolean(), arrow::int32()),
                                          "[[[true, 1], [false, 2], [true, 3]]]")),
      ElementsAre(R"(column m.key, row 0: value "true" comes twice in one map)"));
}

TEST_F(BatchValidatorTest, ListsComeInAnyOfTheirForms) {
  const NestedField l =
      Field(1, "l", iceberg::MakeList(FieldId(2), true, iceberg::FixedType(2)));
  const auto item = arrow::field("item", arrow::binary());
  for (const TypePtr& type :
       {arrow::list(item), arrow::large_list(item), arrow::list_view(item),
        arrow::large_list_view(item), arrow::fixed_size_list(item, 2)}) {
    SCOPED_TRACE(type->ToString());
    EXPECT_THAT(
        Faults(l, Json(type, R"([["ab", "cd"], null, ["ef", "g"], ["hi", null]])")),
        ElementsAre(R"(column l.element, row 2: value "g" has 1 bytes, not 2)",
                    "column l.element, row 3: NULL in a required column"));
  }
  EXPECT_THAT(Error(l, Json(arrow::list(arrow::utf8()), R"([["ab"]])")),
              HasSubstr("column l.element has the type string, the table's is fixed[2]"));
  EXPECT_THAT(Error(l, Json(arrow::binary(), R"(["ab"])")),
              HasSubstr("column l has the type binary, the table's is list<"));
}

TEST_F(BatchValidatorTest, StructsAreMatchedByName) {
  iceberg::StructType inner;
  inner.fields = {Field(3, "u", iceberg::kUuid, true), Field(4, "n", iceberg::kLong)};
  const NestedField s = Field(1, "s", std::move(inner));
  const auto u = arrow::field("u", arrow::binary());
  const auto n = arrow::field("n", arrow::int32());
  // In another order, narrower; what a NULL struct has inside is nobody's.
  const ArrayPtr rows = Json(arrow::struct_({n, u}),
                             R"([{"n": 7, "u": "0123456789abcdef"}, null,
                                 {"n": null, "u": null}, {"n": 1, "u": "short"}])");
  EXPECT_THAT(Faults(s, rows), ElementsAre("column s.u, row 2: NULL in a required column",
                                           HasSubstr("column s.u, row 3: value ")));
  NestedField required = s;
  required.required = true;
  EXPECT_THAT(Faults(required, rows->Slice(0, 2)),
              ElementsAre("column s, row 1: NULL in a required column"));
  EXPECT_THAT(Faults(s, Json(arrow::struct_({u}), R"([{"u": "0123456789abcdef"}])")),
              IsEmpty());
  EXPECT_THAT(Error(s, Json(arrow::struct_({n}), R"([{"n": 1}])")),
              HasSubstr("required column s.u is missing"));
  EXPECT_THAT(
      Error(s, Json(arrow::struct_({u, arrow::field("m", arrow::int32())}), "[null]")),
      HasSubstr("the table has no column s.m"));
  EXPECT_THAT(Error(s, Json(arrow::struct_({u, n, u}), "[null]")),
              HasSubstr("column s.u is there twice"));
  EXPECT_THAT(Error(s, Json(arrow::struct_({u, arrow::field("n", arrow::utf8())}), "[]")),
              HasSubstr("column s.n has the type string, the table's is long"));
}

TEST_F(BatchValidatorTest, MapsHaveKeysAndPerhapsRequiredValues) {
  const NestedField m =
      Field(1, "m",
            iceberg::MakeMap(FieldId(2), iceberg::kString, FieldId(3),
                             /*value_required=*/true, iceberg::DecimalType(4, 1)));
  const TypePtr type = arrow::map(arrow::utf8(), arrow::decimal128(9, 1));
  EXPECT_THAT(
      Faults(m, Json(type, R"([[["a", "1.0"], ["b", "2.0"]], null, [],
                               [["c", "3.0"], ["d", null]], [["e", "12345.0"]]])")),
      ElementsAre("column m.value, row 3: NULL in a required column",
                  R"(column m.value, row 4: value "12345.0" has more digits than )"
                  "decimal(4, 1)"));
  EXPECT_THAT(
      Error(m, Json(arrow::map(arrow::int32(), arrow::decimal128(4, 1)), "[null]")),
      HasSubstr("column m.key has the type int32, the table's is string"));
}

}  // namespace
}  // namespace firn::table
