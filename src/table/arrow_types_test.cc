// SPDX-License-Identifier: Apache-2.0
// Every type that Arrow has: a new table is made for it that takes its values, or it is
// refused before there is a table.
#include <arrow/array/array_base.h>
#include <arrow/array/array_dict.h>
#include <arrow/array/array_nested.h>
#include <arrow/array/util.h>
#include <arrow/extension/uuid.h>
#include <arrow/json/from_string.h>
#include <arrow/memory_pool.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "iceberg/schema_arrow.h"
#include "table/batch_validator.h"

namespace firn::table {
namespace {

using arrow::TimeUnit;
using testing::HasSubstr;
using testing::IsEmpty;
using ArrayPtr = std::shared_ptr<arrow::Array>;
using TypePtr = std::shared_ptr<arrow::DataType>;

ArrayPtr Json(const TypePtr& type, const std::string& json) {
  auto array = arrow::json::ArrayFromJSONString(type, json);
  EXPECT_TRUE(array.ok()) << array.status();
  return *array;
}
ArrayPtr Stored(const TypePtr& type, const TypePtr& integers, const std::string& json) {
  return *Json(integers, json)->View(type);
}
ArrayPtr Coded(const TypePtr& index, const ArrayPtr& words) {
  return *arrow::DictionaryArray::FromArrays(arrow::dictionary(index, words->type()),
                                             Json(index, "[0, null, 2]"), words);
}

struct Case {
  ArrayPtr column;
  std::string type;  // The new table's.
};

// One of each type, with a NULL.
std::vector<Case> Taken() {
  using namespace arrow;  // NOLINT: the types, and no more.
  const auto numbers = [](const TypePtr& type) { return Json(type, "[1, null, 0]"); };
  const auto texts = [](const TypePtr& type) { return Json(type, R"(["a", null, ""])"); };
  const auto lists = [](const TypePtr& type) {
    return Json(type, R"([["a", null], null, ["b", "c"]])");
  };
  const auto decimals = [](const TypePtr& type) {
    return Json(type, R"(["1.50", null, "-9.99"])");
  };
  const auto item = field("item", large_utf8());
  return {
      {Json(boolean(), "[true, null, false]"), "boolean"},
      {numbers(int8()), "int"},
      {numbers(int16()), "int"},
      {numbers(int32()), "int"},
      {numbers(int64()), "long"},
      {numbers(uint8()), "int"},
      {numbers(uint16()), "int"},
      {numbers(uint32()), "long"},
      {Json(uint64(), "[18446744073709551615, null, 0]"), "decimal(20, 0)"},
      {numbers(float16()), "float"},
      {numbers(float32()), "float"},
      {numbers(float64()), "double"},
      {decimals(decimal32(9, 2)), "decimal(9, 2)"},
      {decimals(decimal64(18, 2)), "decimal(18, 2)"},
      {decimals(decimal128(38, 2)), "decimal(38, 2)"},
      {decimals(decimal256(38, 2)), "decimal(38, 2)"},
      {Stored(date32(), int32(), "[1, null, -1]"), "date"},
      {Stored(date64(), int64(), "[86400000, null, -86400000]"), "date"},
      {Stored(time32(TimeUnit::SECOND), int32(), "[1, null, 0]"), "time"},
      {Stored(time32(TimeUnit::MILLI), int32(), "[1, null, 0]"), "time"},
      {Stored(time64(TimeUnit::MICRO), int64(), "[1, null, 0]"), "time"},
      {Stored(timestamp(TimeUnit::SECOND), int64(), "[1, null, -1]"), "timestamp"},
      {Stored(timestamp(TimeUnit::MILLI), int64(), "[1, null, -1]"), "timestamp"},
      {Stored(timestamp(TimeUnit::MICRO), int64(), "[1, null, -1]"), "timestamp"},
      {Stored(timestamp(TimeUnit::NANO), int64(), "[1, null, -1]"), "timestamp_ns"},
      {Stored(timestamp(TimeUnit::SECOND, "UTC"), int64(), "[1, null, -1]"),
       "timestamptz"},
      {Stored(timestamp(TimeUnit::MILLI, "Europe/Oslo"), int64(), "[1, null, -1]"),
       "timestamptz"},
      {Stored(timestamp(TimeUnit::MICRO, "UTC"), int64(), "[1, null, -1]"),
       "timestamptz"},
      {Stored(timestamp(TimeUnit::NANO, "UTC"), int64(), "[1, null, -1]"),
       "timestamptz_ns"},
      {texts(utf8()), "string"},
      {texts(large_utf8()), "string"},
      {texts(utf8_view()), "string"},
      {texts(binary()), "binary"},
      {texts(large_binary()), "binary"},
      {texts(binary_view()), "binary"},
      {Json(fixed_size_binary(2), R"(["ab", null, "cd"])"), "fixed[2]"},
      {ExtensionType::WrapArray(
           extension::uuid(), Json(fixed_size_binary(16),
                                   R"(["0123456789abcdef", null, "fedcba9876543210"])")),
       "uuid"},
      {Json(null(), "[null, null, null]"), "unknown"},
      {Coded(int8(), texts(utf8())), "string"},
      {Coded(int32(), numbers(uint64())), "decimal(20, 0)"},
      {Coded(uint16(), Stored(date64(), int64(), "[86400000, null, 0]")), "date"},
      {lists(list(item)), "list<string>"},
      {lists(large_list(item)), "list<string>"},
      {lists(list_view(item)), "list<string>"},
      {lists(large_list_view(item)), "list<string>"},
      {lists(fixed_size_list(item, 2)), "list<string>"},
      {Json(list(field("item", uint64())), "[[1, 2], null, []]"), "list<decimal(20, 0)>"},
      {Json(map(utf8(), uint64()), R"([[["a", 1], ["b", null]], null, []])"),
       "map<string, decimal(20, 0)>"},
      {Json(struct_({field("u", uint64()), field("h", float16())}),
            R"([{"u": 1, "h": 0.5}, null, {"u": null, "h": null}])"),
       "struct<"},
  };
}

std::vector<TypePtr> Refused() {
  using namespace arrow;  // NOLINT: the types, and no more.
  return {
      time64(TimeUnit::NANO),
      duration(TimeUnit::MICRO),
      month_interval(),
      day_time_interval(),
      month_day_nano_interval(),
      decimal128(5, -2),
      decimal256(39, 2),
      run_end_encoded(int32(), int64()),
      sparse_union({field("a", int32())}),
      dense_union({field("a", int32())}),
  };
}

TEST(ArrowTypesTest, ATableMadeForATypeTakesItsValues) {
  for (const Case& each : Taken()) {
    const ArrayPtr& column = each.column;
    SCOPED_TRACE(column->type()->ToString());
    const auto given = arrow::schema({arrow::field("c", column->type())});
    const auto schema = iceberg::NewSchemaFromArrow(*given);
    ASSERT_TRUE(schema.ok()) << schema.status();
    EXPECT_THAT(schema->fields()[0].type.ToString(), testing::StartsWith(each.type));
    const auto validator = BatchValidator::Make(*schema);
    ASSERT_TRUE(validator.ok()) << validator.status();
    for (const ArrayPtr& part : {column, column->Slice(1), column->Slice(2, 0)}) {
      const auto batch = arrow::RecordBatch::Make(given, part->length(), {part});
      const auto checked = validator->Check(*batch, arrow::default_memory_pool());
      ASSERT_TRUE(checked.ok()) << checked.status();
      EXPECT_THAT(checked->invalid, IsEmpty());
      EXPECT_TRUE(checked->rows->schema()->Equals(*validator->schema()));
      const arrow::Status sound = checked->rows->ValidateFull();
      EXPECT_TRUE(sound.ok()) << sound;
      for (std::int64_t i = 0; i < part->length(); ++i) {
        EXPECT_EQ(checked->rows->column(0)->IsNull(i),
                  part->type_id() == arrow::Type::NA || part->IsNull(i));
      }
    }
  }
}

// What a list that is NULL has inside is no part of it: Parquet is not to be given it.
TEST(ArrowTypesTest, ListsOfFixedSizeThatAreNullAreEmpty) {
  const TypePtr type = arrow::fixed_size_list(arrow::int32(), 2);
  const auto given = arrow::schema({arrow::field("c", type)});
  const auto schema = iceberg::NewSchemaFromArrow(*given);
  ASSERT_TRUE(schema.ok()) << schema.status();
  const auto validator = BatchValidator::Make(*schema);
  const ArrayPtr lists = Json(type, "[[1, 2], null, [3, 4]]");
  const auto checked =
      validator->Check(*arrow::RecordBatch::Make(given, lists->length(), {lists}),
                       arrow::default_memory_pool());
  ASSERT_TRUE(checked.ok()) << checked.status();
  const auto& plain = static_cast<const arrow::ListArray&>(*checked->rows->column(0));
  EXPECT_EQ(plain.value_length(1), 0);
  EXPECT_EQ(plain.values()->length(), 4);
}

TEST(ArrowTypesTest, OtherTypesAreRefusedByTheColumnsName) {
  for (const TypePtr& type : Refused()) {
    SCOPED_TRACE(type->ToString());
    for (const TypePtr& nested :
         {type, arrow::list(type), arrow::struct_({arrow::field("inner", type)})}) {
      const auto schema =
          iceberg::NewSchemaFromArrow(*arrow::schema({arrow::field("c", nested)}));
      ASSERT_FALSE(schema.ok());
      EXPECT_TRUE(schema.status().Is(StatusCode::kUnimplemented)) << schema.status();
      EXPECT_THAT(schema.status().ToString(), HasSubstr("field c: "));
      EXPECT_THAT(schema.status().ToString(), HasSubstr(type->ToString()));
    }
  }
}

}  // namespace
}  // namespace firn::table
