// SPDX-License-Identifier: Apache-2.0
#include "base/bytes.h"

#include <gtest/gtest.h>

#include <limits>

namespace firn::base {
namespace {

TEST(BytesTest, WhatIsWrittenReadsBack) {
  std::string bytes;
  ByteWriter writer(bytes);
  writer.U8(7);
  writer.U32(0xdeadbeef);
  writer.U64(0x0123456789abcdef);
  writer.F64(-0.5);
  writer.Varint(300);
  writer.SignedVarint(-3);
  writer.Text("label");
  writer.Raw("xyz");
  EXPECT_EQ(bytes.substr(1, 4), "\xef\xbe\xad\xde");

  ByteReader reader(bytes);
  EXPECT_EQ(reader.U8(), 7);
  EXPECT_EQ(reader.U32(), 0xdeadbeef);
  EXPECT_EQ(reader.U64(), 0x0123456789abcdefu);
  EXPECT_EQ(reader.F64(), -0.5);
  EXPECT_EQ(reader.Varint(), 300u);
  EXPECT_EQ(reader.SignedVarint(), -3);
  EXPECT_EQ(reader.Text(), "label");
  EXPECT_EQ(reader.Raw(3), "xyz");
  EXPECT_TRUE(reader.ok());
  EXPECT_TRUE(reader.AtEnd());
}

TEST(BytesTest, VarintsOfEverySize) {
  for (int shift = 0; shift < 64; ++shift) {
    for (const std::uint64_t v :
         {std::uint64_t{1} << shift, (std::uint64_t{2} << shift) - 1}) {
      std::string bytes;
      ByteWriter(bytes).Varint(v);
      EXPECT_EQ(bytes.size(), static_cast<std::size_t>(shift / 7 + 1));
      ByteReader reader(bytes);
      EXPECT_EQ(reader.Varint(), v);
      EXPECT_TRUE(reader.AtEnd() && reader.ok());
      ByteReader cut(std::string_view(bytes).substr(0, bytes.size() - 1));
      cut.Varint();
      EXPECT_FALSE(cut.ok());
    }
  }
}

TEST(BytesTest, VarintsBeyond64BitsAreRefused) {
  const std::string above = std::string(9, '\xff') + "\x02";
  ByteReader too_large(above);
  EXPECT_EQ(too_large.Varint(), 0u);
  EXPECT_FALSE(too_large.ok());
  const std::string endless(20, '\x80');
  ByteReader too_long(endless);
  too_long.Varint();
  EXPECT_FALSE(too_long.ok());
}

TEST(BytesTest, ZigZagKeepsTheEnds) {
  for (const std::int64_t v : {std::int64_t{0}, std::int64_t{-1}, std::int64_t{1},
                               std::numeric_limits<std::int64_t>::min(),
                               std::numeric_limits<std::int64_t>::max()}) {
    EXPECT_EQ(UnZigZag(ZigZag(v)), v);
  }
  EXPECT_EQ(ZigZag(-1), 1u);
}

TEST(BytesTest, AfterAnErrorEverythingIsEmpty) {
  std::string bytes;
  ByteWriter writer(bytes);
  writer.Varint(1'000'000'000);  // A length far beyond what follows.
  writer.Raw("abc");
  ByteReader reader(bytes);
  EXPECT_EQ(reader.Text(), "");
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.U64(), 0u);
  EXPECT_EQ(reader.Raw(0), "");
  EXPECT_EQ(reader.remaining(), 0u);
}

}  // namespace
}  // namespace firn::base
