// SPDX-License-Identifier: Apache-2.0
#include "iceberg/location_scope.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "io/temporary_directory.h"

namespace firn::iceberg {
namespace {

// The name, "-" for a location elsewhere, "?" for one that cannot be compared.
std::string NameIn(const std::string& scope, const std::string& location) {
  auto made = LocationScope::Of(scope);
  EXPECT_TRUE(made.ok()) << made.status();
  const auto name = made->NameOf(location);
  if (name.ok()) return name->value_or("-");
  EXPECT_EQ(name.status().code(), StatusCode::kInvalidArgument) << name.status();
  return "?";
}

TEST(LocationScopeTest, OneObjectHasOneNameHoweverSpelt) {
  for (const char* scope : {"file:///none/w/t", "file:/none/w/t/", "/none/w/t",
                            "file://localhost/none//w/t"}) {
    EXPECT_EQ(NameIn(scope, "file:///none/w/t/data/a"), "data/a") << scope;
    EXPECT_EQ(NameIn(scope, "file:/none/w/t/data/a"), "data/a") << scope;
    EXPECT_EQ(NameIn(scope, "/none/w/t//data/a"), "data/a") << scope;
  }
  for (const char* scheme : {"s3", "s3a", "s3n"}) {
    EXPECT_EQ(NameIn("s3://b/w/t", std::string(scheme) + "://b/w/t/a%20b"), "a%20b");
  }
  EXPECT_EQ(NameIn("gs://b/t", "gcs://b/t/x"), "x");
  EXPECT_EQ(NameIn("abfss://c@acc.dfs.core.windows.net/t",
                   "wasbs://c@acc.blob.core.windows.net/t/x"),
            "x");
}

TEST(LocationScopeTest, WhatLiesElsewhereHasNone) {
  EXPECT_EQ(NameIn("s3://b/w/t", "s3://b/w/t2/a"), "-");
  EXPECT_EQ(NameIn("s3://b/w/t", "s3://b/w/t"), "-");
  EXPECT_EQ(NameIn("s3://b/w/t", "s3://b/w/a"), "-");
  EXPECT_EQ(NameIn("s3://b/w/t", "s3://other/elsewhere/a"), "-");
  EXPECT_EQ(NameIn("file:///none/t", "s3://b/w/t/a"), "-");
}

TEST(LocationScopeTest, WhatCannotBeComparedIsRefused) {
  // The same path in another store: perhaps an alias.
  EXPECT_EQ(NameIn("s3://b/w/t", "s3://b-s3alias/w/t/a"), "?");
  EXPECT_EQ(NameIn("az://c/t", "abfss://c@acc.dfs.core.windows.net/t/x"), "?");
  EXPECT_EQ(NameIn("s3://b/w/t", "hdfs://name/w/t/a"), "?");
  EXPECT_EQ(NameIn("s3://b/w/t", "data/a"), "?");
  EXPECT_EQ(NameIn("s3://b/w/t", "s3://b/w/t/../t2/a"), "?");
  EXPECT_FALSE(LocationScope::Of("w/t").ok());
  EXPECT_FALSE(LocationScope::Of("hdfs://name/w/t").ok());
}

TEST(LocationScopeTest, LinksOfLocalDirectoriesAreFollowed) {
  const io::TemporaryDirectory directory;
  const std::filesystem::path root(directory.path());
  std::filesystem::create_directories(root / "disk" / "t" / "data");
  std::filesystem::create_directory_symlink(root / "disk", root / "w");
  std::filesystem::create_directory_symlink(root / "disk" / "t" / "data",
                                            root / "disk" / "t" / "link");
  for (const char* scope : {"w/t", "disk/t"}) {
    for (const char* file : {"w/t/data/a", "disk/t/data/a", "disk/t/link/a"}) {
      EXPECT_EQ(NameIn(root / scope, root / file), "data/a") << scope << " " << file;
    }
  }
}

TEST(LocationScopeTest, OverlapsWithWhatIsInsideAndAround) {
  auto scope = LocationScope::Of("s3://b/w/t");
  ASSERT_TRUE(scope.ok());
  for (const char* other : {"s3://b/w/t", "s3a://b/w/t/x", "s3://b/w", "s3://b"}) {
    EXPECT_TRUE(*scope->Overlaps(other)) << other;
  }
  for (const char* other : {"s3://b/w/t2", "s3://c/w/t", "file:///w"}) {
    EXPECT_FALSE(*scope->Overlaps(other)) << other;
  }
  EXPECT_TRUE(*scope->Holds("s3://b/w/t/x"));
  EXPECT_TRUE(*scope->Holds("s3n://b/w/t/"));
  EXPECT_FALSE(*scope->Holds("s3://b/w"));
}

}  // namespace
}  // namespace firn::iceberg
