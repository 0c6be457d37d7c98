// SPDX-License-Identifier: Apache-2.0
#include "expr/select.h"

#include <gtest/gtest.h>

#include "arrow/array/builder_binary.h"
#include "arrow/array/builder_primitive.h"
#include "arrow/array/builder_time.h"
#include "arrow/record_batch.h"
#include "arrow/type.h"

namespace firn::expr {
namespace {

using Mask = std::vector<std::uint8_t>;

std::shared_ptr<arrow::RecordBatch> Batch() {
  arrow::BooleanBuilder flag;
  arrow::TimestampBuilder ts(arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"),
                             arrow::default_memory_pool());
  arrow::TimestampBuilder ms(arrow::timestamp(arrow::TimeUnit::MILLI, "UTC"),
                             arrow::default_memory_pool());
  arrow::Date32Builder day;
  arrow::FixedSizeBinaryBuilder id(arrow::fixed_size_binary(2));
  arrow::FloatBuilder real;
  for (int i = 0; i < 3; ++i) {
    const std::string bytes = {'x', static_cast<char>('a' + i)};
    EXPECT_TRUE(flag.Append(i == 1).ok() && ts.Append(i * 1000).ok() &&
                ms.Append(i).ok() && day.Append(i).ok() && id.Append(bytes).ok() &&
                real.Append(0.1f * static_cast<float>(i)).ok());
  }
  return arrow::RecordBatch::Make(
      arrow::schema({arrow::field("flag", arrow::boolean()),
                     arrow::field("ts", ts.type()), arrow::field("ms", ms.type()),
                     arrow::field("day", arrow::date32()), arrow::field("id", id.type()),
                     arrow::field("real", arrow::float32())}),
      3,
      {flag.Finish().ValueOrDie(), ts.Finish().ValueOrDie(), ms.Finish().ValueOrDie(),
       day.Finish().ValueOrDie(), id.Finish().ValueOrDie(), real.Finish().ValueOrDie()});
}

Mask Select(const PredicatePtr& predicate) {
  Mask mask;
  SelectRows(*predicate, *Batch(), mask);
  return mask;
}
Mask SelectWhere(std::string column, CompareOp op, Literal literal) {
  return Select(MakePredicate(Compare{std::move(column), op, std::move(literal)}));
}

TEST(SelectRows, EveryTypeThatHasAnOrder) {
  EXPECT_EQ(SelectWhere("flag", CompareOp::kEq, true), (Mask{0, 1, 0}));
  EXPECT_EQ(SelectWhere("ts", CompareOp::kGtEq, Timestamp{1000}), (Mask{0, 1, 1}));
  EXPECT_EQ(SelectWhere("ms", CompareOp::kGt, Timestamp{1000}), (Mask{0, 0, 1}));
  EXPECT_EQ(SelectWhere("ms", CompareOp::kEq, Timestamp{1000, 1}), (Mask{0, 0, 0}));
  EXPECT_EQ(SelectWhere("ms", CompareOp::kLt, Timestamp{1000, 1}), (Mask{1, 1, 0}));
  EXPECT_EQ(SelectWhere("day", CompareOp::kLt, Date{2}), (Mask{1, 1, 0}));
  EXPECT_EQ(SelectWhere("id", CompareOp::kNotEq, Binary{"xb"}), (Mask{1, 0, 1}));
  EXPECT_EQ(Select(MakePredicate(In{"id", {Binary{"xc"}, Binary{"xa"}}})),
            (Mask{1, 0, 1}));
  // 0.1f is a little above 0.1.
  EXPECT_EQ(SelectWhere("real", CompareOp::kLtEq, 0.1), (Mask{1, 0, 0}));
}

TEST(SelectRows, WhatCannotBeComparedMayMatch) {
  const Mask all = {1, 1, 1};
  EXPECT_EQ(SelectWhere("absent", CompareOp::kEq, true), all);
  EXPECT_EQ(SelectWhere("flag", CompareOp::kEq, std::int64_t{7}), all);
  EXPECT_EQ(SelectWhere("ms", CompareOp::kGt, Date{1}), all);
  EXPECT_EQ(SelectWhere("id", CompareOp::kEq, Literal("xa")), all);
  EXPECT_EQ(Select(MakePredicate(In{"day", {Literal("1970-01-01")}})), all);
  EXPECT_EQ(
      Select(MakePredicate(Not{MakePredicate(Compare{"absent", CompareOp::kEq, true})})),
      all);
}

}  // namespace
}  // namespace firn::expr
