// SPDX-License-Identifier: Apache-2.0
#include "table/take_rows.h"

#include <arrow/array/array_base.h>
#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_decimal.h>
#include <arrow/array/builder_nested.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/array/concatenate.h>
#include <arrow/compute/api_vector.h>
#include <arrow/memory_pool.h>
#include <arrow/type.h>
#include <arrow/util/decimal.h>
#include <gtest/gtest.h>

#include <iterator>
#include <random>
#include <string>
#include <utility>

namespace firn::table {
namespace {

constexpr const char* kNames[] = {"text",  "bytes", "int",  "long",  "decimal",
                                  "fixed", "flag",  "list", "struct"};

// A column of each form that values have in memory, with NULL and without.
arrow::ArrayVector Columns(std::int64_t rows, bool with_null) {
  auto* const pool = arrow::default_memory_pool();
  arrow::StringBuilder text;
  arrow::BinaryBuilder bytes;
  arrow::Int32Builder number;
  arrow::Int64Builder wide;
  arrow::Decimal128Builder decimal(arrow::decimal128(20, 2));
  arrow::FixedSizeBinaryBuilder fixed(arrow::fixed_size_binary(3));
  arrow::BooleanBuilder flag;
  auto items = std::make_shared<arrow::Int32Builder>();
  arrow::ListBuilder list(pool, items);
  auto inner = std::make_shared<arrow::StringBuilder>();
  arrow::StructBuilder record(arrow::struct_({arrow::field("s", arrow::utf8())}), pool,
                              {inner});
  const std::vector<arrow::ArrayBuilder*> builders = {
      &text, &bytes, &number, &wide, &decimal, &fixed, &flag, &list, &record};
  for (std::int64_t i = 0; i < rows; ++i) {
    if (with_null && i % 3 == 0) {
      for (auto* const builder : builders) EXPECT_TRUE(builder->AppendNull().ok());
      continue;
    }
    const std::string digits = std::to_string(100 + i % 900);
    EXPECT_TRUE(text.Append(std::string(static_cast<std::size_t>(i % 50), 'a')).ok());
    EXPECT_TRUE(bytes.Append("key-" + digits).ok());
    EXPECT_TRUE(number.Append(static_cast<std::int32_t>(i)).ok());
    EXPECT_TRUE(wide.Append(i << 40).ok());
    EXPECT_TRUE(decimal.Append(arrow::Decimal128(i - 5)).ok());
    EXPECT_TRUE(fixed.Append(digits).ok());
    EXPECT_TRUE(flag.Append(i % 2 == 0).ok());
    EXPECT_TRUE(list.Append().ok());
    EXPECT_TRUE(items->Append(static_cast<std::int32_t>(i)).ok());
    EXPECT_TRUE(record.Append().ok());
    EXPECT_TRUE(inner->Append(digits).ok());
  }
  arrow::ArrayVector columns;
  for (auto* const builder : builders) columns.push_back(*builder->Finish());
  return columns;
}

// Batches that are parts of larger ones, or none of it.
std::vector<arrow::ArrayVector> Batches(std::int64_t rows, bool with_null) {
  std::vector<arrow::ArrayVector> batches;
  for (const auto& [offset, length] :
       {std::pair(std::int64_t{0}, rows), std::pair(rows / 3, rows / 2 + 1),
        std::pair(rows, std::int64_t{0}), std::pair(rows - 1, std::int64_t{1})}) {
    auto& batch = batches.emplace_back();
    for (const auto& column : Columns(rows, with_null)) {
      batch.push_back(column->Slice(offset, length));
    }
  }
  return batches;
}

TEST(RowGatherer, IsWhatArrowTakesOfAllBatchesJoined) {
  std::mt19937 random(7);
  for (const bool with_null : {false, true}) {
    for (const std::int64_t length : {1, 10, 1000}) {
      const auto batches = Batches(length, with_null);
      std::vector<RowAt> rows;
      arrow::UInt64Builder flat;
      while (rows.size() < static_cast<std::size_t>(2 * length)) {
        const auto b = static_cast<std::uint32_t>(random() % batches.size());
        const auto of_batch = static_cast<std::uint32_t>(batches[b].front()->length());
        if (of_batch == 0) continue;
        rows.push_back({b, static_cast<std::uint32_t>(random()) % of_batch});
        std::uint64_t at = rows.back().row;
        for (std::uint32_t before = 0; before < b; ++before) {
          at += static_cast<std::uint64_t>(batches[before].front()->length());
        }
        ASSERT_TRUE(flat.Append(at).ok());
      }
      const auto indices = *flat.Finish();
      const auto gatherer = RowGatherer::Make(batches, arrow::default_memory_pool());
      ASSERT_TRUE(gatherer.ok()) << gatherer.status();
      const auto taken = gatherer->Gather(rows);
      ASSERT_TRUE(taken.ok()) << taken.status();
      ASSERT_EQ(taken->size(), std::size(kNames));
      for (std::size_t c = 0; c < taken->size(); ++c) {
        SCOPED_TRACE(kNames[c]);
        arrow::ArrayVector pieces;
        for (const auto& batch : batches) pieces.push_back(batch[c]);
        const auto& column = (*taken)[c];
        ASSERT_TRUE(column->ValidateFull().ok());
        EXPECT_TRUE(column->Equals(
            *arrow::compute::Take(**arrow::Concatenate(pieces), *indices)));
      }
    }
  }
}

TEST(RowGatherer, CountsWhatFits) {
  const std::string large(1000, 'x');
  arrow::StringBuilder text;
  arrow::Int64Builder number;
  auto items = std::make_shared<arrow::StringBuilder>();
  arrow::ListBuilder list(arrow::default_memory_pool(), items);
  // A row's text, its list of one text and its number: 4 + 4 + 4 + 8 bytes, and the
  // texts'.
  for (const auto& [own, in_list] : {std::pair(std::string(), std::string()),
                                     {large, std::string()},
                                     {std::string(), large},
                                     {std::string(10, 'y'), std::string(20, 'y')}}) {
    ASSERT_TRUE(text.Append(own).ok() && number.Append(1).ok() && list.Append().ok() &&
                items->Append(in_list).ok());
  }
  arrow::ArrayVector columns = {*text.Finish(), *number.Finish(), *list.Finish()};
  arrow::ArrayVector later;
  for (const auto& column : columns) later.push_back(column->Slice(2));
  const auto gatherer = RowGatherer::Make({columns, later}, arrow::default_memory_pool());
  ASSERT_TRUE(gatherer.ok()) << gatherer.status();
  const auto count = [&](std::vector<RowAt> rows, std::int64_t bytes) {
    return gatherer->CountWithin(rows, bytes);
  };
  EXPECT_EQ(count({}, 100), 0u);
  EXPECT_EQ(count({{0, 0}, {0, 0}}, 40), 2u);
  EXPECT_EQ(count({{0, 0}, {0, 0}}, 39), 1u);
  EXPECT_EQ(count({{0, 1}, {0, 0}}, 40), 1u);  // One at least.
  EXPECT_EQ(count({{0, 0}, {0, 2}}, 1039), 1u);
  EXPECT_EQ(count({{0, 0}, {0, 2}}, 1040), 2u);
  EXPECT_EQ(count({{1, 1}, {1, 0}, {0, 3}}, 50 + 1020 + 50), 3u);
  EXPECT_EQ(count({{1, 1}, {1, 0}, {0, 3}}, 50 + 1020 + 49), 2u);
  EXPECT_EQ(count(std::vector<RowAt>(1000), 20 * 700 + 5), 700u);
}

// Booleans, and where there may be NULL, in columns and inside of lists.
TEST(RowGatherer, CountsBits) {
  auto items = std::make_shared<arrow::BooleanBuilder>();
  arrow::ListBuilder list(arrow::default_memory_pool(), items);
  arrow::BooleanBuilder flag;
  arrow::Int32Builder number;
  ASSERT_TRUE(flag.AppendNull().ok() && number.AppendNull().ok());
  ASSERT_TRUE(list.Append().ok() && flag.Append(true).ok() && number.Append(1).ok());
  ASSERT_TRUE(list.Append().ok());
  for (int i = 0; i < 8000; ++i) ASSERT_TRUE(items->Append(i % 2 == 0).ok());
  const auto gatherer = RowGatherer::Make(
      {{*list.Finish(), *flag.Finish(), *number.Finish()}}, arrow::default_memory_pool());
  ASSERT_TRUE(gatherer.ok()) << gatherer.status();
  // An offset, 8000 values, a flag and whether it is there, a number and whether it is.
  constexpr std::int64_t kBits = 32 + 8000 + 2 + 33;
  const std::vector<RowAt> rows(80, RowAt{0, 1});
  EXPECT_EQ(gatherer->CountWithin(rows, kBits * 80 / 8 + 1), 80u);
  EXPECT_EQ(gatherer->CountWithin(rows, kBits * 80 / 8 - 1), 79u);
  EXPECT_EQ(gatherer->CountWithin(rows, 1 + kBits / 8), 1u);
}

TEST(TakeRows, TakesOfOneBatch) {
  const arrow::ArrayVector columns = Columns(5, false);
  const auto taken = TakeRows(columns, {4, 0, 4}, arrow::default_memory_pool());
  ASSERT_TRUE(taken.ok()) << taken.status();
  for (std::size_t c = 0; c < columns.size(); ++c) {
    SCOPED_TRACE(kNames[c]);
    const auto& column = (*taken)[c];
    ASSERT_EQ(column->length(), 3);
    EXPECT_EQ(column->null_count(), 0);
    EXPECT_TRUE(column->Slice(0, 1)->Equals(columns[c]->Slice(4, 1)));
    EXPECT_TRUE(column->Slice(1, 1)->Equals(columns[c]->Slice(0, 1)));
    EXPECT_TRUE(column->Slice(2, 1)->Equals(columns[c]->Slice(4, 1)));
  }
}

TEST(TakeRows, TakesNone) {
  const auto taken = TakeRows(Columns(0, false), {}, arrow::default_memory_pool());
  ASSERT_TRUE(taken.ok()) << taken.status();
  for (const auto& column : *taken) {
    EXPECT_EQ(column->length(), 0);
    EXPECT_TRUE(column->ValidateFull().ok());
  }
}

}  // namespace
}  // namespace firn::table
