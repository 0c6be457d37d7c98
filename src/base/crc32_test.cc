// SPDX-License-Identifier: Apache-2.0
#include "base/crc32.h"

#include <gtest/gtest.h>

namespace firn::base {
namespace {

TEST(Crc32Test, IsThatOfItsCatalogue) {
  EXPECT_EQ(Crc32("123456789"), 0xcbf43926U);
  EXPECT_EQ(Crc32(""), 0U);
  EXPECT_EQ(Crc32("a"), 0xe8b7be43U);
}

}  // namespace
}  // namespace firn::base
