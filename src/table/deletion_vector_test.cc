// SPDX-License-Identifier: Apache-2.0
#include "table/deletion_vector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "base/crc32.h"
#include "table/hand_made_table.h"

namespace firn::table {
namespace {

using ::testing::HasSubstr;

std::string Big(std::uint32_t value) {
  std::string out;
  for (int i = 3; i >= 0; --i) out.push_back(static_cast<char>(value >> (8 * i)));
  return out;
}

// A blob around a bitmap, whole but for what the bitmap says.
std::string Around(const std::string& bitmap) {
  const std::string covered = "\xd1\xd3\x39\x64" + bitmap;
  return Big(static_cast<std::uint32_t>(covered.size())) + covered +
         Big(base::Crc32(covered));
}

std::string Bytes(std::initializer_list<int> bytes) {
  std::string out;
  for (const int byte : bytes) out.push_back(static_cast<char>(byte));
  return out;
}

// One bitmap of 32 bits with the high half 0, from the cookie on.
std::string One(const std::string& bitmap) {
  return Bytes({1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}) + bitmap;
}

std::vector<std::int64_t> Members(const PositionSet& set, std::int64_t end) {
  std::vector<std::int64_t> members;
  for (std::int64_t i = 0; i < end; ++i) {
    if (set.Contains(i)) members.push_back(i);
  }
  return members;
}

TEST(DeletionVectorTest, ReadsTheExampleOfItsDrawing) {
  const auto set = DecodeDeletionVector(Around(
      One(Bytes({0x3a, 0x30, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0x10, 0, 0, 0, 1, 0, 3, 0}))));
  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_EQ(Members(*set, 100), (std::vector<std::int64_t>{1, 3}));
  EXPECT_EQ(set->count(), 2);
  EXPECT_EQ(set->last(), 3);
}

TEST(DeletionVectorTest, ReadsRunsAndHighHalves) {
  // Two high halves; in the second a block of two runs, without offsets.
  std::string bitmap = Bytes({2, 0, 0, 0, 0, 0, 0, 0});
  bitmap += Bytes({0, 0, 0, 0, 0x3a, 0x30, 0, 0, 0, 0, 0, 0});
  bitmap +=
      Bytes({5, 0, 0, 0, 0x3b, 0x30, 0, 0, 1, 2, 0, 6, 0, 2, 0, 1, 0, 2, 0, 10, 0, 3, 0});
  const auto set = DecodeDeletionVector(Around(bitmap));
  ASSERT_TRUE(set.ok()) << set.status();
  const std::int64_t base = (std::int64_t{5} << 32) + (2 << 16);
  EXPECT_EQ(set->count(), 7);
  for (const int low : {1, 2, 3, 10, 11, 12, 13}) EXPECT_TRUE(set->Contains(base + low));
  for (const int low : {0, 4, 9, 14}) EXPECT_FALSE(set->Contains(base + low));
  EXPECT_EQ(set->last(), base + 13);
}

TEST(DeletionVectorTest, ReadsListsAndBits) {
  std::mt19937 random(7);
  std::set<std::int64_t> positions;
  while (positions.size() < 9000) positions.insert(random() % 131072);
  for (int i = 0; i < 40; ++i) positions.insert(400'000 + random() % 1000);
  const std::vector<std::int64_t> sorted(positions.begin(), positions.end());
  const auto set = DecodeDeletionVector(VectorBlob(sorted));
  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_EQ(Members(*set, 500'000), sorted);
  EXPECT_EQ(set->count(), static_cast<std::int64_t>(sorted.size()));
  EXPECT_TRUE(DecodeDeletionVector(VectorBlob({}))->empty());
}

TEST(DeletionVectorTest, EveryFaultIsCorruption) {
  const std::string good = VectorBlob({1, 3, 70'000});
  const auto fault = [](const std::string& blob) {
    const Status status = DecodeDeletionVector(blob).status();
    EXPECT_TRUE(status.Is(StatusCode::kCorruption)) << status;
    return std::string(status.message());
  };
  EXPECT_THAT(fault(""), HasSubstr("of 0 bytes"));
  EXPECT_THAT(fault(good.substr(0, 11)), HasSubstr("of 11 bytes"));
  EXPECT_THAT(fault(good.substr(0, good.size() - 1)), HasSubstr("its length is"));
  std::string altered = good;
  altered[5] ^= 1;
  EXPECT_THAT(fault(altered), HasSubstr("d1 d3 39 64"));
  altered = good;
  altered[altered.size() - 6] ^= 1;
  EXPECT_THAT(fault(altered), HasSubstr("checksum"));
  // What a right checksum covers.
  EXPECT_THAT(fault(Around("")), HasSubstr("too early"));
  EXPECT_THAT(fault(Around(One(Bytes({1, 2, 3, 4})))), HasSubstr("cookie"));
  EXPECT_THAT(fault(Around(One(Bytes({0x3a, 0x30, 0, 0, 255, 255, 255, 255})))),
              HasSubstr("blocks"));
  EXPECT_THAT(fault(Around(Bytes({1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80}))),
              HasSubstr("out of order or of range"));
  EXPECT_THAT(fault(Around(One(Bytes({0x3a, 0x30, 0,    0, 1, 0, 0, 0, 0, 0,
                                      1,    0,    0x10, 0, 0, 0, 3, 0, 1, 0})))),
              HasSubstr("out of order"));
  EXPECT_THAT(
      fault(Around(One(Bytes({0x3b, 0x30, 0, 0, 1, 0, 0, 1, 0, 1, 0, 255, 255, 1, 0})))),
      HasSubstr("too long"));
  EXPECT_THAT(fault(Around(Bytes({0, 0, 0, 0, 0, 0, 0, 0, 9}))), HasSubstr("come after"));
  EXPECT_THAT(fault(Around(Bytes({255, 255, 255, 255, 255, 255, 255, 255}))),
              HasSubstr("too early"));
}

TEST(DeletionVectorTest, CutAndFlippedBlobsNeverPassAsOthers) {
  std::vector<std::int64_t> many;
  for (std::int64_t i = 0; i < 5000; ++i) many.push_back(i * 3);
  const std::string good = VectorBlob(many);
  for (std::size_t size = 0; size < good.size(); size += 97) {
    EXPECT_FALSE(DecodeDeletionVector(good.substr(0, size)).ok()) << size;
  }
  for (std::size_t at = 0; at < good.size(); at += 61) {
    std::string altered = good;
    altered[at] = static_cast<char>(altered[at] ^ 0x40);
    EXPECT_FALSE(DecodeDeletionVector(altered).ok()) << at;
  }
}

TEST(DeletionVectorTest, AsksForTheMemoryItTakes) {
  std::vector<std::int64_t> sparse;  // A block each: they take most.
  for (std::int64_t i = 0; i < 20'000; ++i) sparse.push_back(i << 16);
  std::int64_t asked = 0;
  const auto set = DecodeDeletionVector(VectorBlob(sparse), [&](std::int64_t bytes) {
    asked += bytes;
    return Status::OK();
  });
  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_EQ(asked, set->memory_bytes());
  EXPECT_GT(asked, 2 << 20);
  int calls = 0;
  const auto refused = DecodeDeletionVector(VectorBlob(sparse), [&](std::int64_t) {
    return ++calls == 2 ? Status::ResourceExhausted("enough") : Status::OK();
  });
  EXPECT_TRUE(refused.status().Is(StatusCode::kResourceExhausted));
  EXPECT_EQ(calls, 2);
}

TEST(PositionSetTest, IsASet) {
  std::mt19937_64 random(11);
  for (const std::uint64_t range : {50ULL, 70'000ULL, 5'000'000'000ULL}) {
    PositionSet set;
    PositionSet other;
    std::set<std::int64_t> model;
    for (int i = 0; i < 20'000; ++i) {
      const auto position = static_cast<std::int64_t>(random() % range);
      (i % 3 == 0 ? other : set).Add(position);
      model.insert(position);
    }
    set.AddAll(other);
    EXPECT_EQ(set.count(), static_cast<std::int64_t>(model.size()));
    EXPECT_EQ(set.last(), *model.rbegin());
    std::vector<std::int64_t> asked;
    for (int i = 0; i < 5000; ++i) {
      asked.push_back(static_cast<std::int64_t>(random() % range));
    }
    asked.insert(asked.end(), model.begin(), std::next(model.begin(), 20));
    std::vector<bool> keep(asked.size(), true);
    keep[0] = false;
    std::int64_t excluded = 0;
    for (std::size_t i = 1; i < asked.size(); ++i) excluded += model.contains(asked[i]);
    EXPECT_EQ(set.Exclude(asked, keep), excluded);
    for (std::size_t i = 1; i < asked.size(); ++i) {
      EXPECT_EQ(keep[i], !model.contains(asked[i]));
      EXPECT_EQ(set.Contains(asked[i]), model.contains(asked[i]));
    }
  }
}

}  // namespace
}  // namespace firn::table
