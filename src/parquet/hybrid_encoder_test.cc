// SPDX-License-Identifier: Apache-2.0
#include "parquet/hybrid_encoder.h"

#include <gtest/gtest.h>

#include <random>

namespace firn::parquet {
namespace {

// The first `count` values of encoded bytes, by the letter of the format.
std::vector<std::uint32_t> Decode(const std::string& bytes, int width,
                                  std::size_t count) {
  std::vector<std::uint32_t> values;
  std::size_t at = 0;
  const auto byte = [&]() -> unsigned char {
    EXPECT_LT(at, bytes.size());
    return at < bytes.size() ? static_cast<unsigned char>(bytes[at++]) : '\0';
  };
  while (values.size() < count && at < bytes.size()) {
    std::uint64_t header = 0;
    for (int shift = 0;; shift += 7) {
      const unsigned char part = byte();
      header |= std::uint64_t{part & 0x7fu} << shift;
      if (part < 0x80) break;
    }
    if ((header & 1) == 0) {
      std::uint32_t value = 0;
      for (int bit = 0; bit < width; bit += 8) value |= std::uint32_t{byte()} << bit;
      values.insert(values.end(), header >> 1, value);
      continue;
    }
    std::vector<bool> bits;
    for (std::uint64_t i = 0; i < (header >> 1) * static_cast<std::uint64_t>(width);
         ++i) {
      const unsigned char part = byte();
      for (int bit = 0; bit < 8; ++bit) bits.push_back((part >> bit & 1) != 0);
    }
    for (std::uint64_t i = 0; i < (header >> 1) * 8; ++i) {
      std::uint32_t value = 0;
      for (int bit = 0; bit < width; ++bit) {
        const bool set =
            bits[i * static_cast<std::uint64_t>(width) + static_cast<std::uint64_t>(bit)];
        value |= std::uint32_t{set} << bit;
      }
      values.push_back(value);
    }
  }
  EXPECT_EQ(at, bytes.size()) << "bytes are left over";
  EXPECT_GE(values.size(), count);
  values.resize(count);
  return values;
}

TEST(HybridEncoder, TheExampleOfTheHeader) {
  HybridEncoder encoder(3);
  for (std::uint32_t value = 0; value < 8; ++value) encoder.Put(value, 1);
  encoder.Put(5, 100);
  EXPECT_EQ(encoder.Finish(), "\x03\x88\xc6\xfa\xc8\x01\x05");
  EXPECT_EQ(encoder.Finish(), "") << "it starts anew";
}

TEST(HybridEncoder, RepeatingCostsTheSameHoweverOften) {
  HybridEncoder encoder(20);
  encoder.Put(900'000, 1'000'000'000);
  EXPECT_EQ(encoder.Finish().size(), 5u + 3u);
}

TEST(HybridEncoder, WidthZeroHasNoValueBytes) {
  HybridEncoder encoder(0);
  encoder.Put(0, 100);
  EXPECT_EQ(Decode(encoder.Finish(), 0, 100), std::vector<std::uint32_t>(100, 0));
}

TEST(HybridEncoder, AnyMixIsReadBack) {
  std::mt19937 random(7);
  const auto below = [&](std::uint32_t n) {
    return static_cast<std::uint32_t>(random() % n);
  };
  for (int round = 0; round < 2000; ++round) {
    const int width = static_cast<int>(below(33));
    const auto value = [&] {
      return width == 0 ? 0 : static_cast<std::uint32_t>(random()) >> (32 - width);
    };
    HybridEncoder encoder(width);
    std::vector<std::uint32_t> expected;
    for (std::uint32_t step = below(12); step > 0; --step) {
      if (below(2) == 0) {
        const std::uint32_t v = value();
        const std::uint32_t count = below(below(2) == 0 ? 4 : 40);
        encoder.Put(v, count);
        expected.insert(expected.end(), count, v);
        continue;
      }
      std::vector<std::uint32_t> values(below(below(4) == 0 ? 30 : 8));
      for (std::uint32_t& v : values) v = value();
      const std::uint32_t times = below(below(2) == 0 ? 4 : 100);
      encoder.PutRepeated(values, times);
      for (std::uint32_t i = 0; i < times; ++i) {
        expected.insert(expected.end(), values.begin(), values.end());
      }
    }
    ASSERT_EQ(Decode(encoder.Finish(), width, expected.size()), expected)
        << "round " << round;
  }
}

}  // namespace
}  // namespace firn::parquet
