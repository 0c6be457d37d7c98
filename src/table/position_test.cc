// SPDX-License-Identifier: Apache-2.0
#include "table/position.h"

#include <gtest/gtest.h>

namespace firn::table {
namespace {

constexpr char kLog[] = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

TEST(Position, TextRoundTrips) {
  const auto position = Position::Parse(std::string(kLog) + ":18446744073709551615");
  ASSERT_TRUE(position.ok()) << position.status();
  EXPECT_EQ(position->offset, UINT64_MAX);
  EXPECT_EQ(position->ToString(), std::string(kLog) + ":18446744073709551615");
}

TEST(Position, OtherTextIsRefused) {
  for (const char* text : {"", ":", "x:1", "01ARZ3NDEKTSV4RRFFQ69G5FAV",
                           "01ARZ3NDEKTSV4RRFFQ69G5FAV:", "01ARZ3NDEKTSV4RRFFQ69G5FAV:-1",
                           "01ARZ3NDEKTSV4RRFFQ69G5FAV:1x",
                           "01ARZ3NDEKTSV4RRFFQ69G5FAV:18446744073709551616"}) {
    EXPECT_TRUE(Position::Parse(text).status().Is(StatusCode::kInvalidArgument)) << text;
  }
}

TEST(Position, AnUnreadablePropertyIsCorruption) {
  const auto writer = base::Ulid::Parse(kLog);
  iceberg::TableMetadata metadata;
  EXPECT_EQ(*FindPosition(metadata, *writer), std::nullopt);
  metadata.properties[PositionKey(*writer)] = "nonsense";
  EXPECT_TRUE(FindPosition(metadata, *writer).status().Is(StatusCode::kCorruption));
  metadata.properties[PositionKey(*writer)] = std::string(kLog) + ":7";
  EXPECT_EQ((*FindPosition(metadata, *writer))->offset, 7u);
}

}  // namespace
}  // namespace firn::table
