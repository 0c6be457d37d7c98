// SPDX-License-Identifier: Apache-2.0
#include "db/data_directory.h"

#include <gtest/gtest.h>

#include "base/clock.h"
#include "io/memory_file_system.h"

namespace firn::db {
namespace {

class DataDirectoryTest : public testing::Test {
 protected:
  Result<std::unique_ptr<DataDirectory>> Open() {
    return DataDirectory::Open(files_, "data", "pid 7, address 127.0.0.1:7070", create_,
                               ulids_);
  }
  void WriteFormat(std::string_view text) {
    ASSERT_TRUE(files_.CreateDirectories("data").ok());
    ASSERT_TRUE(files_.WriteAtomically("data/FORMAT", text).ok());
  }

  bool create_ = true;
  base::ManualClock clock_{1};
  base::UlidSource ulids_{clock_, 1};
  io::MemoryFileSystem files_;
};

TEST_F(DataDirectoryTest, TheWriterAndTheLogStay) {
  auto first = Open();
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_TRUE((*first)->created());
  const base::Ulid writer = (*first)->writer();
  const std::string log = (*first)->log_path();
  first->reset();
  files_.CutPower(1);
  auto second = Open();
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_FALSE((*second)->created());
  EXPECT_EQ((*second)->writer(), writer);
  EXPECT_EQ((*second)->log_path(), log);
}

TEST_F(DataDirectoryTest, ASecondProcessIsToldWhoHoldsIt) {
  auto first = Open();
  ASSERT_TRUE(first.ok());
  const Status refused = Open().status();
  EXPECT_TRUE(refused.Is(StatusCode::kAlreadyExists)) << refused;
  EXPECT_NE(refused.message().find("pid 7"), std::string_view::npos) << refused;
}

TEST_F(DataDirectoryTest, AnotherLogIsUsedFromOneStepToTheNext) {
  auto directory = Open();
  const std::string before = (*directory)->log_path();
  const std::string name = (*directory)->NewLogName(ulids_);
  ASSERT_TRUE((*directory)->UseLog(name).ok());
  directory->reset();
  files_.CutPower(2);
  auto after = Open();
  ASSERT_TRUE(after.ok());
  EXPECT_EQ((*after)->log_path(), (*after)->PathOf(name));
  EXPECT_NE((*after)->log_path(), before);
}

TEST_F(DataDirectoryTest, NothingIsMadeUnlessAsked) {
  create_ = false;
  EXPECT_TRUE(Open().status().Is(StatusCode::kNotFound));
  EXPECT_FALSE(*files_.Exists("data"));
}

TEST_F(DataDirectoryTest, ANewerVersionIsRefusedByName) {
  WriteFormat("firn data directory\nversion 2\nwriter x\nlog y\n");
  const Status refused = Open().status();
  EXPECT_TRUE(refused.Is(StatusCode::kUnimplemented)) << refused;
  EXPECT_NE(refused.message().find("newer firn"), std::string_view::npos);
}

TEST_F(DataDirectoryTest, WhatIsNoFormatFileIsCorruption) {
  const std::string good = "writer 01ARZ3NDEKTSV4RRFFQ69G5FAV\nlog wal-1\n";
  for (const std::string& text :
       {std::string(), std::string("something else\nversion 1\n") + good,
        std::string("firn data directory\n") + good,
        "firn data directory\nversion x\n" + good,
        "firn data directory\nversion 0\n" + good,
        std::string("firn data directory\nversion 1\n"
                    "writer 01ARZ3NDEKTSV4RRFFQ69G5FAV\nlog ../up\n"),
        std::string("firn data directory\nversion 1\n"
                    "writer 01ARZ3NDEKTSV4RRFFQ69G5FAV\n")}) {
    WriteFormat(text);
    EXPECT_TRUE(Open().status().Is(StatusCode::kCorruption)) << text;
  }
  WriteFormat("firn data directory\nversion 1\nlater thing\n" + good);
  EXPECT_TRUE(Open().ok());
}

}  // namespace
}  // namespace firn::db
