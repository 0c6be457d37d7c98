// SPDX-License-Identifier: Apache-2.0
// Transforms of columns and keys of rows, each against the values one by one.
#include "table/transform_batch.h"

#include <arrow/array/array_binary.h>
#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_decimal.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/array/builder_time.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/decimal.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "iceberg/murmur3.h"
#include "iceberg/schema_arrow.h"
#include "table/row_key.h"

namespace firn::table {
namespace {

using iceberg::OptionalValue;
using iceberg::PrimitiveKind;
using iceberg::PrimitiveType;
using iceberg::Transform;
using iceberg::TransformKind;
using iceberg::Value;

const PrimitiveType kTypes[] = {
    iceberg::kBoolean,     iceberg::kInt,         iceberg::kLong,
    iceberg::kFloat,       iceberg::kDouble,      iceberg::DecimalType(38, 2),
    iceberg::kDate,        iceberg::kTime,        iceberg::kTimestamp,
    iceberg::kTimestamptz, iceberg::kTimestampNs, iceberg::kTimestamptzNs,
    iceberg::kString,      iceberg::kUuid,        iceberg::FixedType(3),
    iceberg::kBinary};
const Transform kTransforms[] = {Transform::Identity(),
                                 Transform::Bucket(16),
                                 Transform::Truncate(3),
                                 {TransformKind::kYear, 0, {}},
                                 {TransformKind::kMonth, 0, {}},
                                 Transform::Day(),
                                 Transform::Hour(),
                                 {TransformKind::kVoid, 0, {}}};

std::string RandomText(std::mt19937_64& random) {
  const char* const parts[] = {"a", "b", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
  std::string text;
  for (std::uint64_t n = random() % 7; n > 0; --n) text += parts[random() % 5];
  return text;
}

std::string RandomBytes(std::mt19937_64& random, std::size_t size) {
  std::string bytes;
  for (; size > 0; --size) bytes.push_back(static_cast<char>(random() % 3));
  return bytes;
}

// Times within the years that the reference's 32-bit hours hold, ends among them.
Value RandomValue(const PrimitiveType& type, std::mt19937_64& random) {
  const auto bits = static_cast<std::int64_t>(random());
  const bool small = random() % 2 == 0;
  switch (type.kind) {
    case PrimitiveKind::kBoolean:
      return bits % 2 == 0;
    case PrimitiveKind::kInt:
    case PrimitiveKind::kDate:
      return static_cast<std::int32_t>(small ? bits % 1000 : bits);
    case PrimitiveKind::kFloat:
      return small ? -0.0F : static_cast<float>(bits);
    case PrimitiveKind::kDouble:
      return bits % 5 == 0 ? std::numeric_limits<double>::quiet_NaN()
                           : (small ? -0.0 : static_cast<double>(bits));
    case PrimitiveKind::kDecimal:
      return iceberg::Decimal{small ? bits % 300
                                    : iceberg::Decimal::Unscaled{bits} * 999};
    case PrimitiveKind::kString:
      return RandomText(random);
    case PrimitiveKind::kUuid:
      return iceberg::Bytes{RandomBytes(random, 16)};
    case PrimitiveKind::kFixed:
      return iceberg::Bytes{RandomBytes(random, 3)};
    case PrimitiveKind::kBinary:
      return iceberg::Bytes{RandomBytes(random, random() % 6)};
    case PrimitiveKind::kTime:
      return std::int64_t{(bits & 0xffffffff) * 20};
    case PrimitiveKind::kLong:
      return small ? bits % 1000 : bits;
    default:
      return small ? bits % 10'000'000'000 : bits;
  }
}

std::shared_ptr<arrow::DataType> ArrowTypeOf(const PrimitiveType& type) {
  iceberg::Schema schema;
  schema.root.fields = {{iceberg::FieldId(1), "c", false, type, ""}};
  return (*iceberg::ToArrowSchema(schema))->field(0)->type();
}

template <typename Builder, typename T>
void AppendAs(arrow::ArrayBuilder& builder, const T& value) {
  ASSERT_TRUE(static_cast<Builder&>(builder).Append(value).ok());
}

std::shared_ptr<arrow::Array> MakeColumn(const PrimitiveType& type,
                                         const std::vector<OptionalValue>& values) {
  std::unique_ptr<arrow::ArrayBuilder> builder;
  const auto arrow_type = ArrowTypeOf(type);
  EXPECT_TRUE(
      arrow::MakeBuilder(arrow::default_memory_pool(), arrow_type, &builder).ok());
  for (const OptionalValue& value : values) {
    if (!value.has_value()) {
      EXPECT_TRUE(builder->AppendNull().ok());
    } else if (const auto* flag = std::get_if<bool>(&*value)) {
      AppendAs<arrow::BooleanBuilder>(*builder, *flag);
    } else if (const auto* i32 = std::get_if<std::int32_t>(&*value)) {
      type.kind == PrimitiveKind::kDate ? AppendAs<arrow::Date32Builder>(*builder, *i32)
                                        : AppendAs<arrow::Int32Builder>(*builder, *i32);
    } else if (const auto* i64 = std::get_if<std::int64_t>(&*value)) {
      if (type.kind == PrimitiveKind::kLong) {
        AppendAs<arrow::Int64Builder>(*builder, *i64);
      } else if (type.kind == PrimitiveKind::kTime) {
        AppendAs<arrow::Time64Builder>(*builder, *i64);
      } else {
        AppendAs<arrow::TimestampBuilder>(*builder, *i64);
      }
    } else if (const auto* f = std::get_if<float>(&*value)) {
      AppendAs<arrow::FloatBuilder>(*builder, *f);
    } else if (const auto* d = std::get_if<double>(&*value)) {
      AppendAs<arrow::DoubleBuilder>(*builder, *d);
    } else if (const auto* decimal = std::get_if<iceberg::Decimal>(&*value)) {
      AppendAs<arrow::Decimal128Builder>(
          *builder, arrow::Decimal128(static_cast<std::int64_t>(decimal->unscaled >> 64),
                                      static_cast<std::uint64_t>(decimal->unscaled)));
    } else if (const auto* text = std::get_if<std::string>(&*value)) {
      AppendAs<arrow::StringBuilder>(*builder, *text);
    } else if (arrow_type->id() == arrow::Type::BINARY) {
      AppendAs<arrow::BinaryBuilder>(*builder, std::get<iceberg::Bytes>(*value).bytes);
    } else {
      AppendAs<arrow::FixedSizeBinaryBuilder>(*builder,
                                              std::get<iceberg::Bytes>(*value).bytes);
    }
  }
  return *builder->Finish();
}

std::vector<OptionalValue> RandomValues(const PrimitiveType& type, std::size_t count,
                                        std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<OptionalValue> values;
  for (std::size_t i = 0; i < count; ++i) {
    values.push_back(random() % 8 == 0 ? OptionalValue() : RandomValue(type, random));
  }
  return values;
}

// NaN equals NaN here.
bool Same(const OptionalValue& a, const OptionalValue& b) {
  if (a.has_value() != b.has_value()) return false;
  return !a.has_value() || iceberg::CompareValues(*a, *b) == 0;
}

TEST(TransformBatchTest, EqualsTheTransformOfEachValue) {
  int pairs = 0;
  for (const PrimitiveType& type : kTypes) {
    for (const Transform& transform : kTransforms) {
      const auto result = iceberg::ResultType(transform, type);
      if (!result.ok()) continue;
      ++pairs;
      const auto values = RandomValues(type, 2'000, 42);
      // A slice, whose bitmap does not begin at a byte.
      const auto column = MakeColumn(type, values)->Slice(5);
      const auto transformed =
          TransformColumn(transform, type, column, arrow::default_memory_pool());
      ASSERT_TRUE(transformed.ok()) << transformed.status();
      ASSERT_TRUE((*transformed)->ValidateFull().ok());
      for (std::int64_t i = 0; i < column->length(); ++i) {
        const auto& value = values[static_cast<std::size_t>(i + 5)];
        const auto expected = iceberg::ApplyTransform(transform, type, value);
        const auto found = ValueAt(**transformed, i, *result);
        ASSERT_TRUE(Same(found, expected))
            << iceberg::ToString(transform) << " of " << iceberg::ToString(type) << " "
            << (value.has_value() ? iceberg::ValueToString(*value, type) : "null");
      }
    }
  }
  EXPECT_EQ(pairs, 16 + 13 + 5 + 3 * 5 + 4 + 16);
}

// The specification's appendix B.
TEST(TransformBatchTest, HashesAsTheSpecificationSays) {
  const auto decimal = [](std::int64_t v) { return Value(iceberg::Decimal{v}); };
  const auto bytes = [](std::string v) { return Value(iceberg::Bytes{std::move(v)}); };
  const std::string uuid(
      "\xf7\x9c\x3e\x09\x67\x7c\x4b\xbd\xa4\x79\x3f\x34\x9c\xb7\x85\xe7", 16);
  const struct {
    PrimitiveType type;
    Value value;
    std::int32_t hash;
  } cases[] = {
      {iceberg::kInt, std::int32_t{34}, 2017239379},
      {iceberg::kLong, std::int64_t{34}, 2017239379},
      {iceberg::DecimalType(9, 2), decimal(1420), -500754589},
      {iceberg::kDate, std::int32_t{17486}, -653330422},
      {iceberg::kTime, std::int64_t{81'068'000'000}, -662762989},
      {iceberg::kTimestamp, std::int64_t{1'510'871'468'000'000}, -2047944441},
      {iceberg::kTimestamptz, std::int64_t{1'510'871'468'000'000}, -2047944441},
      {iceberg::kTimestampNs, std::int64_t{1'510'871'468'000'000'000}, -2047944441},
      {iceberg::kString, std::string("iceberg"), 1210000089},
      {iceberg::kUuid, bytes(uuid), 1488055340},
      {iceberg::FixedType(4), bytes(std::string("\0\1\2\3", 4)), -188683207},
      {iceberg::kBinary, bytes(std::string("\0\1\2\3", 4)), -188683207}};
  constexpr std::int32_t kBuckets = std::numeric_limits<std::int32_t>::max();
  for (const auto& test : cases) {
    const auto column = TransformColumn(Transform::Bucket(kBuckets), test.type,
                                        MakeColumn(test.type, {test.value}),
                                        arrow::default_memory_pool());
    ASSERT_TRUE(column.ok());
    EXPECT_EQ(ValueAt(**column, 0, iceberg::kInt),
              Value((test.hash & kBuckets) % kBuckets))
        << iceberg::ToString(test.type);
  }
  EXPECT_EQ(iceberg::Murmur3("iceberg"), 1210000089);
}

TEST(RowKeyTest, KeysCompareAsValuesDo) {
  for (const PrimitiveType& type : kTypes) {
    const auto values = RandomValues(type, 120, 7);
    const auto column = MakeColumn(type, values);
    for (const bool descending : {false, true}) {
      for (const bool nulls_last : {false, true}) {
        KeyField field{SourceColumn{{0}, type}, Transform::Identity(), type};
        field.descending = descending;
        field.nulls_last = nulls_last;
        const RowKeyEncoder encoder({field});
        std::vector<std::string> keys(values.size());
        for (std::size_t i = 0; i < values.size(); ++i) {
          encoder.AppendKey({column}, static_cast<std::int64_t>(i), &keys[i]);
        }
        for (std::size_t a = 0; a < values.size(); ++a) {
          for (std::size_t b = 0; b < values.size(); ++b) {
            int expected = 0;
            if (values[a].has_value() && values[b].has_value()) {
              expected = iceberg::CompareValues(*values[a], *values[b]);
              if (descending) expected = -expected;
            } else if (values[a].has_value() != values[b].has_value()) {
              expected = values[a].has_value() != nulls_last ? 1 : -1;
            }
            const int order = keys[a].compare(keys[b]);
            ASSERT_EQ((order > 0) - (order < 0), (expected > 0) - (expected < 0))
                << iceberg::ToString(type) << " rows " << a << " and " << b;
          }
        }
      }
    }
  }
}

TEST(RowKeyTest, NaNsAreOrderedBySignAndOneInPartitions) {
  const auto column = MakeColumn(
      iceberg::kDouble, {Value(-std::numeric_limits<double>::quiet_NaN()),
                         Value(-std::numeric_limits<double>::infinity()), Value(-0.0),
                         Value(0.0), Value(std::numeric_limits<double>::quiet_NaN())});
  KeyField field{SourceColumn{{0}, iceberg::kDouble}, Transform::Identity(),
                 iceberg::kDouble};
  const auto key = [&](std::int64_t row) {
    std::string out;
    RowKeyEncoder({field}).AppendKey({column}, row, &out);
    return out;
  };
  for (std::int64_t row = 1; row < 5; ++row) EXPECT_LT(key(row - 1), key(row)) << row;
  field.one_nan = true;
  EXPECT_EQ(key(0), key(4));
}

}  // namespace
}  // namespace firn::table
