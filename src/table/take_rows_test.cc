// SPDX-License-Identifier: Apache-2.0
#include "table/take_rows.h"

#include <arrow/array/array_binary.h>
#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/compute/api_vector.h>
#include <arrow/memory_pool.h>
#include <arrow/type.h>
#include <gtest/gtest.h>

#include <numeric>
#include <random>
#include <string>

namespace firn::table {
namespace {

// Columns with NULL and without, of no length and of many rows.
arrow::ArrayVector Columns(std::int64_t rows, bool with_null) {
  arrow::StringBuilder text;
  arrow::BinaryBuilder bytes;
  arrow::Int64Builder number;
  for (std::int64_t i = 0; i < rows; ++i) {
    if (with_null && i % 3 == 0) {
      EXPECT_TRUE(text.AppendNull().ok());
      EXPECT_TRUE(bytes.AppendNull().ok());
      EXPECT_TRUE(number.AppendNull().ok());
      continue;
    }
    EXPECT_TRUE(text.Append(std::string(static_cast<std::size_t>(i % 50), 'a')).ok());
    EXPECT_TRUE(bytes.Append("key-" + std::to_string(i)).ok());
    EXPECT_TRUE(number.Append(i).ok());
  }
  return {*text.Finish(), *bytes.Finish(), *number.Finish()};
}

TEST(TakeRows, IsWhatArrowTakes) {
  std::mt19937 random(7);
  for (const bool with_null : {false, true}) {
    for (const std::int64_t length : {1, 10, 1000}) {
      for (const std::int64_t offset : {std::int64_t{0}, length / 3}) {
        arrow::ArrayVector columns;
        for (const auto& column : Columns(length, with_null)) {
          columns.push_back(column->Slice(offset));
        }
        std::vector<std::uint32_t> rows(static_cast<std::size_t>(2 * length));
        for (auto& row : rows) {
          row = static_cast<std::uint32_t>(random()) %
                static_cast<std::uint32_t>(length - offset);
        }
        const auto taken = TakeRows(columns, rows, arrow::default_memory_pool());
        ASSERT_TRUE(taken.ok()) << taken.status();
        const arrow::UInt32Array indices(static_cast<std::int64_t>(rows.size()),
                                         arrow::Buffer::Wrap(rows));
        for (std::size_t c = 0; c < columns.size(); ++c) {
          const auto& column = (*taken)[c];
          ASSERT_TRUE(column->ValidateFull().ok());
          EXPECT_TRUE(column->Equals(*arrow::compute::Take(*columns[c], indices)));
          EXPECT_EQ(column->null_count() > 0, with_null && columns[c]->null_count() > 0);
        }
      }
    }
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
