// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <filesystem>

#include "io/store.h"

namespace firn::io {
namespace {

TEST(LocationTest, PathsBecomeFileUris) {
  EXPECT_EQ(ParseLocation("/w/a.parquet").value(), "file:///w/a.parquet");
  EXPECT_EQ(ParseLocation("/w//b/../a/").value(), "file:///w/a");
  EXPECT_EQ(ParseLocation("/").value(), "file:///");
  const std::string here = std::filesystem::current_path().string();
  EXPECT_EQ(ParseLocation("data/./w").value(), "file://" + here + "/data/w");
  EXPECT_EQ(ParseLocation(".").value(), "file://" + here);
  // A colon alone makes no URI.
  EXPECT_EQ(ParseLocation("a:b").value(), "file://" + here + "/a:b");
  EXPECT_EQ(ParseLocation("/a b%20c?d#e").value(), "file:///a b%20c?d#e");
}

TEST(LocationTest, UrisAreCheckedAndKept) {
  EXPECT_EQ(ParseLocation("file:///w/a b%20c?d#e").value(), "file:///w/a b%20c?d#e");
  EXPECT_EQ(ParseLocation("memory://w/a.parquet").value(), "memory://w/a.parquet");
  EXPECT_EQ(ParseLocation("MEMORY://w/a/").value(), "memory://w/a");
}

TEST(LocationTest, OtherSpellingsOfALocalFileBecomeOne) {
  for (const char* text : {"file:/w/a", "file:///w/a", "file://localhost/w/a",
                           "FILE:///w/a", "file:///w//a/", "file:////w/a"}) {
    EXPECT_EQ(ParseLocation(text).value(), "file:///w/a") << text;
    EXPECT_EQ(LocalPath(text).value(), "/w/a") << text;
  }
  EXPECT_EQ(LocalPath("/w/a").value(), "/w/a");
  EXPECT_EQ(LocalPath("file:///a%20b c").value(), "/a%20b c");
}

TEST(LocationTest, KeysOfObjectStoresAreKept) {
  EXPECT_EQ(ParseLocation("s3://b/a//c%20 d").value(), "s3://b/a//c%20 d");
  EXPECT_EQ(ParseLocation("s3a://b/a/").value(), "s3://b/a");
  EXPECT_EQ(ParseLocation("S3N://b").value(), "s3://b");
  EXPECT_FALSE(ParseLocation("s3://").ok());
  EXPECT_FALSE(ParseLocation("s3:///a").ok());
  EXPECT_FALSE(ParseLocation("s3://b/../a").ok());
}

TEST(LocationTest, OtherSpellingsOfABucketBecomeOne) {
  EXPECT_EQ(ParseLocation("gs://b/a//c%20 d/").value(), "gs://b/a//c%20 d");
  EXPECT_EQ(ParseLocation("GCS://b/a").value(), "gs://b/a");
  EXPECT_EQ(ParseLocation("az://c/a").value(), "az://c/a");
  EXPECT_EQ(ParseLocation("abfs://c/a/").value(), "az://c/a");
  EXPECT_EQ(ParseLocation("abfss://c").value(), "az://c");
}

TEST(LocationTest, AnAccountThatIsNamedIsKept) {
  for (const char* text : {"abfss://c@acc.dfs.core.windows.net/a/b",
                           "abfs://c@acc.dfs.core.windows.net/a/b/",
                           "wasb://c@acc.blob.core.windows.net/a/b",
                           "WASBS://c@ACC.blob.core.windows.net/a/b"}) {
    EXPECT_EQ(ParseLocation(text).value(), "abfss://c@acc.dfs.core.windows.net/a/b")
        << text;
  }
  EXPECT_EQ(ParseLocation("abfss://c@acc.dfs.core.windows.net").value(),
            "abfss://c@acc.dfs.core.windows.net");
  for (const char* text :
       {"abfss://c@acc/a", "abfss://@acc.dfs.core.windows.net/a", "abfss://c@.dfs.net/a",
        "abfss://c@acc.example.com/a", "abfss://c@acc.dfs.core.windows.net/../a"}) {
    EXPECT_TRUE(ParseLocation(text).status().Is(StatusCode::kInvalidArgument)) << text;
  }
}

TEST(LocationTest, RefusalsQuoteTheText) {
  EXPECT_EQ(ParseLocation("ftp://bucket/a").status(),
            Status::InvalidArgument(
                "location \"ftp://bucket/a\": no store serves the scheme "
                "\"ftp\"; known are file, memory, s3, gs, az, abfss, and plain "
                "paths"));
  EXPECT_EQ(
      ParseLocation("file://w/a").status(),
      Status::InvalidArgument("location \"file://w/a\": names a host; a local file is "
                              "file:///absolute/path"));
  EXPECT_EQ(ParseLocation("file:w/a").status(),
            Status::InvalidArgument("location \"file:w/a\": is relative; a local file is "
                                    "file:///absolute/path"));
  EXPECT_EQ(ParseLocation("").status(),
            Status::InvalidArgument("location \"\": is empty"));
  EXPECT_FALSE(ParseLocation("memory://").ok());
  EXPECT_FALSE(ParseLocation("memory:///a").ok());
  EXPECT_FALSE(ParseLocation(std::string_view("/a\0b", 4)).ok());
  EXPECT_FALSE(LocalPath(std::string_view("file:///a\0b", 11)).ok());
  EXPECT_EQ(LocalPath("memory://w/a").status(),
            Status::InvalidArgument("location \"memory://w/a\": is not a local file"));
  EXPECT_FALSE(LocalPath("w/a").ok());
}

TEST(LocationTest, NoUriLeavesItsPrefix) {
  for (const char* text : {"file:///w/../etc", "file:///w/./a", "file:/..",
                           "file:///w/..", "memory://w/../x"}) {
    EXPECT_TRUE(ParseLocation(text).status().Is(StatusCode::kInvalidArgument)) << text;
    EXPECT_FALSE(LocalPath(text).ok()) << text;
  }
  EXPECT_FALSE(LocalPath("/w/../etc").ok());
  EXPECT_TRUE(LocalPath("file:///w/..a/b..").ok());
}

TEST(LocationTest, JoinPutsOneSlashBetween) {
  EXPECT_EQ(JoinLocation("file:///w", "a"), "file:///w/a");
  EXPECT_EQ(JoinLocation("file:///w/", "/a/b"), "file:///w/a/b");
  EXPECT_EQ(JoinLocation("file:///w", ""), "file:///w/");
}

}  // namespace
}  // namespace firn::io
