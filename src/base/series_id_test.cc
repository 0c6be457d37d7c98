// SPDX-License-Identifier: Apache-2.0
#include "base/series_id.h"

#include <gtest/gtest.h>

#include <set>

namespace firn::base {
namespace {

// Computed by xxh3_128_hexdigest of Python's xxhash over the bytes that the header
// describes. Tables hold these ids: a change here is a change of format.
TEST(SeriesIdTest, GoldenValues) {
  EXPECT_EQ(ComputeSeriesId("", Labels()).ToString(), "a6cd5e9392000f6ac44bdff4074eecdb");
  EXPECT_EQ(ComputeSeriesId("", Labels{{"__name__", "up"},
                                       {"instance", "localhost:9090"},
                                       {"job", "prometheus"}})
                .ToString(),
            "b198a69479b77847ff2b17ce20578737");
  // A value whose length takes two bytes, and more than 240 bytes in all, where XXH3
  // changes its method.
  const std::string path = "/" + std::string(300, 'x');
  EXPECT_EQ(ComputeSeriesId("acme", Labels{{"__name__", "http_requests_total"},
                                           {"code", "200"},
                                           {"path", path}})
                .ToString(),
            "42ba34b413b05b6136ed83036825520f");
}

TEST(SeriesIdTest, DependsOnTheSetAndNotOnItsOrder) {
  EXPECT_EQ(ComputeSeriesId("t", Labels{{"a", "1"}, {"b", "2"}}),
            ComputeSeriesId("t", Labels{{"b", "2"}, {"a", "1"}}));
}

TEST(SeriesIdTest, WhereTextsMeetMatters) {
  const std::set<SeriesId> ids{
      ComputeSeriesId("", Labels{{"a", "bc"}}),
      ComputeSeriesId("", Labels{{"ab", "c"}}),
      ComputeSeriesId("a", Labels{{"b", "c"}}),
      ComputeSeriesId("", Labels{{"a", "b"}, {"c", "d"}}),
      ComputeSeriesId("", Labels{{"a", "bcd"}}),
  };
  EXPECT_EQ(ids.size(), 5u);
}

TEST(SeriesIdTest, RawBytesGoThereAndBack) {
  const SeriesId id = ComputeSeriesId("", Labels{{"a", "b"}});
  EXPECT_EQ(SeriesId::FromRaw(id.view()), id);
  EXPECT_EQ(id.ToString().size(), 32u);
}

TEST(SeriesIdDeathTest, RawBytesHaveOneSize) {
  EXPECT_DEATH(SeriesId::FromRaw("short"), "assertion failed");
}

}  // namespace
}  // namespace firn::base
