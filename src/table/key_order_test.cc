// SPDX-License-Identifier: Apache-2.0
#include "table/key_order.h"

#include <arrow/array/array_binary.h>
#include <arrow/array/builder_binary.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <utility>

namespace firn::table {
namespace {

using Keys = std::vector<std::vector<std::string>>;

std::shared_ptr<arrow::BinaryArray> ToArray(const std::vector<std::string>& keys) {
  // Behind a key that is no part of it: a slice, as parts of runs are.
  arrow::BinaryBuilder builder;
  EXPECT_TRUE(builder.Append("cut off").ok());
  for (const std::string& key : keys) EXPECT_TRUE(builder.Append(key).ok());
  std::shared_ptr<arrow::BinaryArray> array;
  EXPECT_TRUE(builder.Finish(&array).ok());
  return std::static_pointer_cast<arrow::BinaryArray>(array->Slice(1));
}

// Checks the order against that of a stable sort of the keys themselves.
void ExpectInOrder(const Keys& batches) {
  std::vector<std::shared_ptr<arrow::BinaryArray>> arrays;
  std::vector<std::pair<std::string, RowAt>> expected;
  for (std::uint32_t b = 0; b < batches.size(); ++b) {
    arrays.push_back(ToArray(batches[b]));
    for (std::uint32_t row = 0; row < batches[b].size(); ++row) {
      expected.push_back({batches[b][row], {b, row}});
    }
  }
  std::stable_sort(expected.begin(), expected.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  const std::vector<RowAt> order = OrderByKey(arrays);
  ASSERT_EQ(order.size(), expected.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    const RowAt at = order[i];
    ASSERT_EQ(std::pair(at.batch, at.row),
              std::pair(expected[i].second.batch, expected[i].second.row))
        << "at " << i;
  }
}

TEST(OrderByKey, OfFewKeys) {
  ExpectInOrder({});
  ExpectInOrder({{}});
  ExpectInOrder({{""}});
  ExpectInOrder({{"b", "a", "b"}, {}, {"a", "", "b"}});
}

TEST(OrderByKey, BytesAreUnsignedAndZerosCount) {
  using namespace std::string_literals;
  ExpectInOrder({{"\xff", "\x7f", "\x80", "a\0"s, "a", "a\0\0"s, "\0"s, ""},
                 {"12345678\0"s, "12345678", "1234567\0"s, "1234567", "12345678\0\0"s,
                  "1234567\0\0"s, "12345678"}});
}

// Of few letters and all lengths, so that many are equal, or begin as others do.
TEST(OrderByKey, IsAStableSort) {
  std::mt19937 random(11);
  for (const std::string& letters : {std::string("\0", 1), std::string("\0\x01", 2),
                                     std::string("ab\xff"), std::string("abcdefgh")}) {
    for (const std::size_t longest : {1, 8, 9, 16, 17, 40}) {
      Keys batches(3);
      for (int i = 0; i < 600; ++i) {
        std::string key(random() % 4 == 0 ? "shared by many " : "");
        const std::size_t size = random() % (longest + 1);
        while (key.size() < size) key.push_back(letters[random() % letters.size()]);
        batches[random() % batches.size()].push_back(key);
      }
      ExpectInOrder(batches);
    }
  }
}

// Keys that would make a sort by words call itself a hundred thousand times, one within
// another, if it followed them word by word.
TEST(OrderByKey, LongKeysAreNoDeepRecursion) {
  const std::string zeros(1 << 20, '\0');
  ExpectInOrder({{"", zeros, zeros + "b", zeros, zeros + "a", std::string(3, '\0')}});
  const std::string letters(1 << 20, 'x');
  ExpectInOrder({{letters + "b", letters, letters + "a", "x", letters}});
}

}  // namespace
}  // namespace firn::table
