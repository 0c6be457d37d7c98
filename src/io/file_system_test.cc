// SPDX-License-Identifier: Apache-2.0
// What every file system promises, tried on each; then what is the local one's alone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "io/errno_status.h"
#include "io/file.h"
#include "io/memory_file_system.h"
#include "io/temporary_directory.h"

namespace firn::io {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::uint64_t kNoLimit = ~std::uint64_t{0};

class FileSystemTest : public testing::TestWithParam<bool> {
 protected:
  FileSystemTest() : files_(GetParam() ? LocalFileSystem() : memory_) {
    EXPECT_TRUE(files_.CreateDirectories(directory_.path()).ok());
  }
  std::string At(const std::string& name) { return directory_ / name; }
  std::string Read(const std::string& name) {
    const Result<std::string> bytes = files_.Read(At(name), kNoLimit);
    return bytes.ok() ? *bytes : bytes.status().ToString();
  }

  TemporaryDirectory directory_;
  MemoryFileSystem memory_;
  FileSystem& files_;
};

INSTANTIATE_TEST_SUITE_P(Each, FileSystemTest, testing::Bool(), [](const auto& param) {
  return param.param ? "Local" : "Memory";
});

TEST_P(FileSystemTest, AppendsAndCutsAndGoesOn) {
  {
    auto file = files_.OpenAppend(At("log")).value();
    EXPECT_EQ(file->size_bytes(), 0u);
    ASSERT_TRUE(file->Append("hello ").ok());
    ASSERT_TRUE(file->Append("world").ok());
    ASSERT_TRUE(file->Sync().ok());
    EXPECT_EQ(file->size_bytes(), 11u);
  }
  auto file = files_.OpenAppend(At("log")).value();
  EXPECT_EQ(file->size_bytes(), 11u);
  ASSERT_TRUE(file->Truncate(6).ok());
  EXPECT_EQ(file->size_bytes(), 6u);
  ASSERT_TRUE(file->Append("moon").ok());
  EXPECT_EQ(Read("log"), "hello moon");
  EXPECT_EQ(files_.FileSize(At("log")).value(), 10u);
}

TEST_P(FileSystemTest, ReadsAPart) {
  ASSERT_TRUE(files_.WriteAtomically(At("a"), "0123456789").ok());
  EXPECT_EQ(files_.ReadAt(At("a"), 3, 4).value(), "3456");
  EXPECT_EQ(files_.ReadAt(At("a"), 8, 4).value(), "89");
  EXPECT_EQ(files_.ReadAt(At("a"), 10, 4).value(), "");
  EXPECT_EQ(files_.ReadAt(At("a"), kNoLimit, 4).value(), "");
  EXPECT_EQ(files_.ReadAt(At("a"), 2, kNoLimit).value(), "23456789");
  std::string part(4, '-');
  EXPECT_EQ(files_.ReadInto(At("a"), 3, 4, part.data()).value(), 4U);
  EXPECT_EQ(part, "3456");
  EXPECT_EQ(files_.ReadInto(At("a"), 8, 4, part.data()).value(), 2U);
  EXPECT_EQ(part, "8956");
  EXPECT_EQ(files_.ReadInto(At("a"), 10, 4, part.data()).value(), 0U);
  EXPECT_TRUE(
      files_.ReadInto(At("b"), 0, 1, part.data()).status().Is(StatusCode::kNotFound));
  EXPECT_TRUE(files_.ReadAt(At("b"), 0, 1).status().Is(StatusCode::kNotFound));
}

TEST_P(FileSystemTest, ReadHasALimit) {
  ASSERT_TRUE(files_.WriteAtomically(At("a"), "12345").ok());
  EXPECT_EQ(files_.Read(At("a"), 5).value(), "12345");
  const Status status = files_.Read(At("a"), 4).status();
  EXPECT_TRUE(status.Is(StatusCode::kResourceExhausted));
  EXPECT_THAT(status.message(), HasSubstr(At("a")));
}

TEST_P(FileSystemTest, WriteAtomicallyReplacesAndLeavesNoOther) {
  ASSERT_TRUE(files_.WriteAtomically(At("FORMAT"), "one").ok());
  ASSERT_TRUE(files_.WriteAtomically(At("FORMAT"), "two").ok());
  EXPECT_EQ(Read("FORMAT"), "two");
  EXPECT_THAT(files_.List(directory_.path()).value(), ElementsAre("FORMAT"));
  EXPECT_TRUE(files_.WriteAtomically(At("no/such"), "x").Is(StatusCode::kNotFound));
}

TEST_P(FileSystemTest, ListsNamesInOrder) {
  ASSERT_TRUE(files_.CreateDirectories(At("b/c")).ok());
  ASSERT_TRUE(files_.CreateDirectories(At("b/c")).ok());
  for (const char* name : {"c", "a", "b/x"}) {
    ASSERT_TRUE(files_.OpenAppend(At(name)).ok());
  }
  EXPECT_THAT(files_.List(directory_.path()).value(), ElementsAre("a", "b", "c"));
  EXPECT_THAT(files_.List(At("b")).value(), ElementsAre("c", "x"));
  EXPECT_TRUE(files_.List(At("none")).status().Is(StatusCode::kNotFound));
}

TEST_P(FileSystemTest, RemovesAndRenames) {
  ASSERT_TRUE(files_.WriteAtomically(At("a"), "1").ok());
  ASSERT_TRUE(files_.WriteAtomically(At("b"), "2").ok());
  ASSERT_TRUE(files_.Rename(At("a"), At("b")).ok());
  EXPECT_EQ(Read("b"), "1");
  EXPECT_FALSE(files_.Exists(At("a")).value());
  EXPECT_TRUE(files_.Exists(At("b")).value());
  EXPECT_TRUE(files_.Exists(directory_.path()).value());
  EXPECT_FALSE(files_.Exists(At("b/c")).value());
  ASSERT_TRUE(files_.Rename(At("b"), At("b")).ok());
  EXPECT_EQ(Read("b"), "1");
  ASSERT_TRUE(files_.Remove(At("b")).ok());
  EXPECT_TRUE(files_.Remove(At("b")).ok());
  EXPECT_FALSE(files_.Exists(At("b")).value());
  EXPECT_TRUE(files_.SyncDirectory(directory_.path()).ok());
}

TEST_P(FileSystemTest, ErrorsNameThePathAndTheReason) {
  const auto missing = [this](const Status& status) {
    EXPECT_TRUE(status.Is(StatusCode::kNotFound)) << status;
    EXPECT_THAT(status.message(), HasSubstr(At("none")));
    EXPECT_THAT(status.message(), HasSubstr("No such file or directory"));
  };
  missing(files_.Read(At("none"), 9).status());
  missing(files_.OpenAppend(At("none/log")).status());
  missing(files_.FileSize(At("none")).status());
  missing(files_.Rename(At("none"), At("x")));
  missing(files_.SyncDirectory(At("none")));
  missing(files_.Lock(At("none/LOCK"), "me").status());
}

TEST_P(FileSystemTest, ADirectoryIsNoFile) {
  ASSERT_TRUE(files_.CreateDirectories(At("d")).ok());
  const auto refused = [](const Status& status) {
    EXPECT_TRUE(status.Is(StatusCode::kInvalidArgument)) << status;
  };
  refused(files_.OpenAppend(At("d")).status());
  refused(files_.Read(At("d"), 9).status());
  refused(files_.FileSize(At("d")).status());
  refused(files_.Remove(At("d")));
  ASSERT_TRUE(files_.WriteAtomically(At("f"), "").ok());
  refused(files_.CreateDirectories(At("f")));
  refused(files_.CreateDirectories(At("f/g")));
}

TEST_P(FileSystemTest, ALockNamesItsHolder) {
  auto held = files_.Lock(At("LOCK"), "pid 12, 127.0.0.1:7070").value();
  const Status refused = files_.Lock(At("LOCK"), "pid 13").status();
  EXPECT_EQ(refused, Status::AlreadyExists("lock " + At("LOCK") +
                                           ": held by \"pid 12, 127.0.0.1:7070\""));
  held.reset();
  held = files_.Lock(At("LOCK"), "pid 13").value();
  EXPECT_THAT(files_.Lock(At("LOCK"), "x").status().message(), HasSubstr("\"pid 13\""));
}

TEST(LocalFileSystemTest, WhatACrashLeftOfAWriteIsInvisible) {
  const TemporaryDirectory directory;
  std::ofstream(directory / ".FORMAT.tmp") << "half, and longer than the next";
  EXPECT_TRUE(LocalFileSystem().List(directory.path()).value().empty());
  ASSERT_TRUE(LocalFileSystem().WriteAtomically(directory / "FORMAT", "1").ok());
  EXPECT_EQ(LocalFileSystem().Read(directory / "FORMAT", 99).value(), "1");
  EXPECT_FALSE(std::filesystem::exists(directory / ".FORMAT.tmp"));
}

TEST(LocalFileSystemTest, TheLockGoesWithItsProcessHoweverThatEnds) {
  const TemporaryDirectory directory;
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const auto held = LocalFileSystem().Lock(directory / "LOCK", "the child");
    const char ok = held.ok() ? '1' : '0';
    if (::write(ready[1], &ok, 1) != 1) ::_exit(1);
    for (;;) ::pause();
  }
  char ok = 0;
  ASSERT_EQ(::read(ready[0], &ok, 1), 1);
  EXPECT_EQ(ok, '1');
  EXPECT_THAT(LocalFileSystem().Lock(directory / "LOCK", "me").status().message(),
              HasSubstr("held by \"the child\""));
  ASSERT_EQ(::kill(child, SIGKILL), 0);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_TRUE(LocalFileSystem().Lock(directory / "LOCK", "me").ok());
  ::close(ready[0]);
  ::close(ready[1]);
}

// A limit on file sizes stands for a full disk: write(2) stores what fits, then fails.
TEST(LocalFileSystemTest, AFullDiskIsResourceExhaustedAndTheSizeIsTold) {
  const TemporaryDirectory directory;
  rlimit before;
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto ignored = std::signal(SIGXFSZ, SIG_IGN);
  auto file = LocalFileSystem().OpenAppend(directory / "log").value();
  ASSERT_TRUE(file->Append("12345").ok());
  const rlimit small{8, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const Status status = file->Append("6789012345");
  const std::uint64_t size_bytes = file->size_bytes();
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, ignored);

  EXPECT_TRUE(status.Is(StatusCode::kResourceExhausted)) << status;
  EXPECT_THAT(status.message(), HasSubstr(directory / "log"));
  EXPECT_EQ(size_bytes, 8u);
  ASSERT_TRUE(file->Truncate(5).ok());
  ASSERT_TRUE(file->Append("ok").ok());
  EXPECT_EQ(LocalFileSystem().Read(directory / "log", 99).value(), "12345ok");
}

TEST(LocalFileSystemTest, ADeviceThatIsFullIsResourceExhausted) {
  if (::access("/dev/full", W_OK) != 0) GTEST_SKIP() << "no /dev/full here";
  // OpenAppend refuses what is no regular file, before anything is written to it.
  EXPECT_TRUE(LocalFileSystem()
                  .OpenAppend("/dev/full")
                  .status()
                  .Is(StatusCode::kInvalidArgument));
}

TEST(LocalFileSystemTest, ModesAreRespected) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may do anything";
  const TemporaryDirectory directory;
  std::filesystem::permissions(directory.path(), std::filesystem::perms::owner_read |
                                                     std::filesystem::perms::owner_exec);
  const Status status = LocalFileSystem().OpenAppend(directory / "log").status();
  EXPECT_TRUE(status.Is(StatusCode::kPermissionDenied)) << status;
  std::filesystem::permissions(directory.path(), std::filesystem::perms::owner_all);
}

TEST(LocalFileSystemTest, ThreadsMayReplaceTheSameFile) {
  const TemporaryDirectory directory;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back([&directory, t] {
        for (int i = 0; i < 10; ++i) {
          const std::string bytes(1000, static_cast<char>('a' + t));
          EXPECT_TRUE(LocalFileSystem().WriteAtomically(directory / "f", bytes).ok());
          const std::string seen = LocalFileSystem().Read(directory / "f", 1000).value();
          EXPECT_EQ(seen, std::string(1000, seen[0]));
        }
      });
    }
  }
}

TEST(ErrnoStatusTest, CodesSayWhatToDoNext) {
  EXPECT_EQ(ErrnoStatus(ENOSPC, "write", "/d/log"),
            Status::ResourceExhausted("write /d/log: No space left on device"));
  const auto code = [](int error) { return ErrnoStatus(error, "x", "/y").code(); };
  EXPECT_EQ(code(EDQUOT), StatusCode::kResourceExhausted);
  EXPECT_EQ(code(EACCES), StatusCode::kPermissionDenied);
  EXPECT_EQ(code(EROFS), StatusCode::kPermissionDenied);
  EXPECT_EQ(code(EIO), StatusCode::kUnavailable);
  EXPECT_EQ(code(ENOENT), StatusCode::kNotFound);
  EXPECT_EQ(code(EEXIST), StatusCode::kAlreadyExists);
  EXPECT_EQ(code(ENAMETOOLONG), StatusCode::kInvalidArgument);
  EXPECT_EQ(code(EBADF), StatusCode::kInternal);
}

}  // namespace
}  // namespace firn::io
