// SPDX-License-Identifier: Apache-2.0
#include "base/crc32c.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "base/crc32c_internal.h"

namespace firn::base {
namespace {

TEST(Crc32cTest, KnownValues) {
  EXPECT_EQ(Crc32c(""), 0u);
  EXPECT_EQ(Crc32c("123456789"), 0xe3069283u);
  // RFC 3720, appendix B.4.
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(Crc32c(std::string(32, '\xff')), 0x62a8ab43u);
}

TEST(Crc32cTest, ContinuesFromASeed) {
  const std::string text = "The quick brown fox jumps over the lazy dog";
  for (std::size_t i = 0; i <= text.size(); ++i) {
    const std::string_view all = text;
    EXPECT_EQ(Crc32c(all.substr(i), Crc32c(all.substr(0, i))), Crc32c(text));
  }
}

TEST(Crc32cTest, TableAndInstructionAgree) {
  if (!crc32c_internal::HasInstruction()) GTEST_SKIP() << "no SSE 4.2 here";
  std::mt19937 random(1);
  for (int size = 0; size < 300; ++size) {
    std::string bytes(size, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    const std::uint32_t seed = random();
    EXPECT_EQ(crc32c_internal::ByTable(bytes, seed),
              crc32c_internal::ByInstruction(bytes, seed));
  }
}

TEST(Crc32cTest, TableAloneIsRight) {
  EXPECT_EQ(crc32c_internal::ByTable("123456789", 0), 0xe3069283u);
}

}  // namespace
}  // namespace firn::base
