// SPDX-License-Identifier: Apache-2.0
// What every store promises, tried on each.
#include "io/store.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "io/memory_store.h"
#include "io/temporary_directory.h"

namespace firn::io {
namespace {

using testing::ElementsAre;

constexpr std::uint64_t kNoLimit = ~std::uint64_t{0};

class StoreTest : public testing::TestWithParam<bool> {
 protected:
  StoreTest() : clock_(1'000'000) {
    if (GetParam()) {
      store_ = MakeLocalStore();
    } else {
      store_ = std::make_unique<MemoryStore>(clock_);
    }
  }

  std::string At(const std::string& name) { return "file://" + (directory_ / name); }
  Status Write(const std::string& name, std::string_view bytes) {
    FIRN_ASSIGN_OR_RETURN(const auto writer, store_->OpenWriter(context_, At(name)));
    FIRN_RETURN_IF_ERROR(writer->Append(bytes.substr(0, bytes.size() / 2)));
    FIRN_RETURN_IF_ERROR(writer->Append(bytes.substr(bytes.size() / 2)));
    return writer->Close();
  }
  std::string Read(const std::string& name) {
    const Result<std::string> bytes = store_->Get(context_, At(name), kNoLimit);
    return bytes.ok() ? *bytes : bytes.status().ToString();
  }
  std::vector<std::string> List(const std::string& prefix) {
    std::vector<std::string> names;
    const Status status =
        store_->List(context_, At(prefix), [this, &names](const ObjectInfo& info) {
          names.push_back(info.location.substr(At("").size()));
          return Status();
        });
    EXPECT_TRUE(status.ok()) << status;
    return names;
  }

  TemporaryDirectory directory_;
  base::ManualClock clock_;
  base::Context context_;
  std::unique_ptr<Store> store_;
};

INSTANTIATE_TEST_SUITE_P(Each, StoreTest, testing::Bool(), [](const auto& param) {
  return param.param ? "Local" : "Memory";
});

TEST_P(StoreTest, AnObjectAppearsWholeAtClose) {
  auto writer = store_->OpenWriter(context_, At("a/b/c")).value();
  ASSERT_TRUE(writer->Append("hello ").ok());
  ASSERT_TRUE(writer->Append("world").ok());
  EXPECT_THAT(List(""), ElementsAre());
  EXPECT_TRUE(store_->Get(context_, At("a/b/c"), 99).status().Is(StatusCode::kNotFound));
  ASSERT_TRUE(writer->Close().ok());
  EXPECT_EQ(Read("a/b/c"), "hello world");
  EXPECT_THAT(List(""), ElementsAre("a/b/c"));
  EXPECT_FALSE(writer->Append("more").ok());
  EXPECT_FALSE(writer->Close().ok());
  EXPECT_EQ(Read("a/b/c"), "hello world");
}

TEST_P(StoreTest, AWriterThatIsDroppedLeavesNothing) {
  {
    auto writer = store_->OpenWriter(context_, At("a")).value();
    ASSERT_TRUE(writer->Append("bytes").ok());
  }
  EXPECT_THAT(List(""), ElementsAre());
  EXPECT_TRUE(std::filesystem::is_empty(directory_.path()));
}

TEST_P(StoreTest, NothingIsEverReplaced) {
  ASSERT_TRUE(Write("a", "first").ok());
  EXPECT_TRUE(Write("a", "second").Is(StatusCode::kAlreadyExists));
  EXPECT_TRUE(
      store_->PutIfAbsent(context_, At("a"), "third").Is(StatusCode::kAlreadyExists));
  EXPECT_EQ(Read("a"), "first");
  ASSERT_TRUE(store_->PutIfAbsent(context_, At("b"), "once").ok());
  EXPECT_TRUE(Write("b", "twice").Is(StatusCode::kAlreadyExists));
  EXPECT_EQ(Read("b"), "once");
}

TEST_P(StoreTest, OneThatReplacesTakesTheNameInOneStep) {
  const auto begin = [this](std::string_view bytes) {
    auto writer = store_->OpenWriter(context_, At("a"), {.replace = true}).value();
    EXPECT_TRUE(writer->Append(bytes).ok());
    return writer;
  };
  ASSERT_TRUE(begin("first")->Close().ok());  // Nothing need be there.
  const auto reader = store_->OpenReader(context_, At("a")).value();
  {
    const auto second = begin("second");
    EXPECT_EQ(Read("a"), "first");
    ASSERT_TRUE(second->Close().ok());
    EXPECT_EQ(Read("a"), "second");
    begin("third");  // Dropped.
  }
  EXPECT_EQ(Read("a"), "second");
  char byte = 0;
  ASSERT_TRUE(reader->ReadAt(0, 1, &byte).ok());
  EXPECT_EQ(byte, 'f');
  EXPECT_THAT(List(""), ElementsAre("a"));
  const std::filesystem::directory_iterator files(directory_.path());
  EXPECT_EQ(std::distance(files, std::filesystem::directory_iterator()),
            GetParam() ? 1 : 0);
}

TEST_P(StoreTest, OfRivalsExactlyOneCreates) {
  for (int round = 0; round < 20; ++round) {
    const std::string name = "commit-" + std::to_string(round);
    std::atomic<int> created{0};
    std::atomic<int> refused{0};
    std::string winner;
    {
      std::vector<std::jthread> rivals;
      for (int i = 0; i < 4; ++i) {
        rivals.emplace_back([&, i] {
          const std::string mine = std::to_string(i);
          const Status status = store_->PutIfAbsent(context_, At(name), mine);
          if (status.ok()) {
            ++created;
            winner = mine;
          }
          if (status.Is(StatusCode::kAlreadyExists)) ++refused;
        });
      }
    }
    EXPECT_EQ(created, 1);
    EXPECT_EQ(refused, 3);
    EXPECT_EQ(Read(name), winner);
  }
}

TEST_P(StoreTest, ReadsAnyPart) {
  ASSERT_TRUE(Write("a", "0123456789").ok());
  const auto reader = store_->OpenReader(context_, At("a")).value();
  EXPECT_EQ(reader->size_bytes(), 10u);
  char out[10] = {};
  ASSERT_TRUE(reader->ReadAt(3, 4, out).ok());
  EXPECT_EQ(std::string_view(out, 4), "3456");
  EXPECT_TRUE(reader->ReadAt(10, 0, out).ok());
  for (const auto& [offset, size] : std::vector<std::pair<std::uint64_t, std::uint64_t>>{
           {7, 4}, {11, 0}, {~std::uint64_t{0}, 2}, {2, ~std::uint64_t{0}}}) {
    EXPECT_TRUE(reader->ReadAt(offset, size, out).Is(StatusCode::kInvalidArgument));
  }
  // An object that is removed can be read to the end by who has it open.
  ASSERT_TRUE(store_->Remove(context_, At("a")).ok());
  ASSERT_TRUE(reader->ReadAt(0, 10, out).ok());
  EXPECT_EQ(std::string_view(out, 10), "0123456789");
}

TEST_P(StoreTest, AnObjectOfKnownSizeIsLookedForAtTheFirstRead) {
  OpenOptions known;
  known.size_bytes = 10;
  const auto reader = store_->OpenReader(context_, At("a"), known).value();
  EXPECT_EQ(reader->size_bytes(), 10u);
  EXPECT_EQ(reader->identity(), "") << "there is one only, says who opened it";
  EXPECT_EQ(reader->open_requests(), 0);
  char out[10] = {};
  EXPECT_TRUE(reader->ReadAt(0, 1, out).Is(StatusCode::kNotFound));
  ASSERT_TRUE(Write("a", "0123456789").ok());
  ASSERT_TRUE(reader->ReadAt(8, 2, out).ok()) << "a failed read may be tried again";
  EXPECT_EQ(std::string_view(out, 2), "89");
  for (const std::uint64_t wrong : {9, 11}) {
    known.size_bytes = wrong;
    const auto other = store_->OpenReader(context_, At("a"), known).value();
    const Status read = other->ReadAt(0, 1, out);
    EXPECT_TRUE(read.Is(StatusCode::kConflict)) << read;
    EXPECT_THAT(std::string(read.message()),
                testing::HasSubstr("has 10 bytes where " + std::to_string(wrong)));
  }
}

TEST_P(StoreTest, AnotherObjectOfTheNameHasAnotherIdentity) {
  ASSERT_TRUE(Write("a", "first").ok());
  const std::string first = store_->OpenReader(context_, At("a")).value()->identity();
  EXPECT_NE(first, "");
  EXPECT_EQ(store_->OpenReader(context_, At("a")).value()->identity(), first);
  // Written while the first is there, so that they do not share an inode.
  ASSERT_TRUE(Write("b", "later").ok());
  EXPECT_NE(store_->OpenReader(context_, At("b")).value()->identity(), first);
}

TEST_P(StoreTest, ReadsWithTheEndAtHand) {
  ASSERT_TRUE(Write("a", "0123456789").ok());
  for (const std::uint64_t tail : {1, 4, 10, 99}) {
    OpenOptions options;
    options.tail_bytes = tail;
    for (const bool known : {false, true}) {
      if (known) options.size_bytes = 10;
      const auto reader = store_->OpenReader(context_, At("a"), options).value();
      EXPECT_EQ(reader->size_bytes(), 10u);
      EXPECT_LE(reader->tail_bytes(), 10u);
      char out[10] = {};
      for (std::uint64_t offset = 0; offset < 10; ++offset) {
        ASSERT_TRUE(reader->ReadAt(offset, 10 - offset, out).ok());
        EXPECT_EQ(std::string_view(out, 10 - offset),
                  std::string_view("0123456789").substr(offset));
      }
      EXPECT_TRUE(reader->ReadAt(9, 2, out).Is(StatusCode::kInvalidArgument));
    }
  }
}

TEST_P(StoreTest, WhatIsMissingIsNotFound) {
  const auto missing = [this](const Status& status) {
    EXPECT_TRUE(status.Is(StatusCode::kNotFound)) << status;
    EXPECT_NE(status.message().find(directory_.path() + "/no/such"), std::string::npos);
  };
  missing(store_->OpenReader(context_, At("no/such")).status());
  missing(store_->Get(context_, At("no/such"), kNoLimit).status());
  EXPECT_TRUE(store_->Remove(context_, At("no/such")).ok());
  EXPECT_THAT(List("no"), ElementsAre());
}

TEST_P(StoreTest, GetHasALimit) {
  ASSERT_TRUE(Write("a", "0123456789").ok());
  EXPECT_EQ(store_->Get(context_, At("a"), 10).value(), "0123456789");
  EXPECT_TRUE(
      store_->Get(context_, At("a"), 9).status().Is(StatusCode::kResourceExhausted));
}

TEST_P(StoreTest, ListsInOrderOfLocation) {
  // '.' < '/' < '0': the order of whole locations, not of directories.
  for (const char* name :
       {"t/a/2", "t/a.b", "t/a0", "t/a/10/x", "t/b", "u/z", "t/.dot"}) {
    ASSERT_TRUE(Write(name, "x").ok());
  }
  EXPECT_THAT(List("t"),
              ElementsAre("t/.dot", "t/a.b", "t/a/10/x", "t/a/2", "t/a0", "t/b"));
  EXPECT_THAT(List("t/"), testing::SizeIs(6));
  EXPECT_THAT(List("t/a"), ElementsAre("t/a/10/x", "t/a/2"));
  EXPECT_THAT(List("t/b"), ElementsAre());
}

TEST_P(StoreTest, ListTellsSizesAndEndsWhenToldTo) {
  ASSERT_TRUE(Write("a", "12345").ok());
  ASSERT_TRUE(Write("b", "").ok());
  std::vector<ObjectInfo> seen;
  const Status status = store_->List(context_, At(""), [&seen](const ObjectInfo& info) {
    seen.push_back(info);
    return Status::Cancelled("enough");
  });
  EXPECT_EQ(status, Status::Cancelled("enough"));
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].location, At("a"));
  EXPECT_EQ(seen[0].size_bytes, 5u);
  EXPECT_GT(seen[0].modified_us, 0);
}

TEST_P(StoreTest, ACancelledContextStopsEveryCall) {
  ASSERT_TRUE(Write("a", "x").ok());
  context_.Cancel();
  const auto cancelled = [](const Status& s) { return s.Is(StatusCode::kCancelled); };
  EXPECT_TRUE(cancelled(store_->OpenReader(context_, At("a")).status()));
  EXPECT_TRUE(cancelled(store_->OpenWriter(context_, At("b")).status()));
  EXPECT_TRUE(cancelled(store_->Get(context_, At("a"), 9).status()));
  EXPECT_TRUE(cancelled(store_->PutIfAbsent(context_, At("b"), "x")));
  EXPECT_TRUE(cancelled(store_->Remove(context_, At("a"))));
  EXPECT_TRUE(cancelled(
      store_->List(context_, At(""), [](const ObjectInfo&) { return Status(); })));
}

TEST_P(StoreTest, SpellingsOfALocationAreOneObject) {
  ASSERT_TRUE(Write("a", "x").ok());
  const std::string path = directory_ / "a";
  EXPECT_EQ(store_->Get(context_, "file:" + path, 9).value(), "x");
  EXPECT_EQ(store_->Get(context_, path, 9).value(), "x");
  EXPECT_FALSE(store_->Get(context_, "file://host" + path, 9).ok());
  EXPECT_FALSE(store_->Get(context_, At("b/../a"), 9).ok());
}

// The rest concerns the local disk alone.

class LocalStoreTest : public testing::Test {
 protected:
  std::string At(const std::string& name) { return "file://" + (directory_ / name); }
  TemporaryDirectory directory_;
  base::Context context_;
  const std::unique_ptr<Store> store_ = MakeLocalStore();
};

TEST_F(LocalStoreTest, WhatACrashLeftIsInvisibleAndInNobodysWay) {
  std::ofstream(directory_ / ".a.123.tmp") << "half";
  EXPECT_TRUE(store_
                  ->List(context_, At(""),
                         [](const ObjectInfo& info) {
                           return Status::Internal("listed " + info.location);
                         })
                  .ok());
  EXPECT_TRUE(store_->PutIfAbsent(context_, At("a"), "whole").ok());
  EXPECT_TRUE(
      store_->PutIfAbsent(context_, At(".b.tmp"), "x").Is(StatusCode::kInvalidArgument));
  // It is found where it is asked for, and may be removed.
  std::vector<ObjectInfo> found;
  EXPECT_TRUE(store_
                  ->ListUnfinished(context_, At(""),
                                   [&](const ObjectInfo& info) {
                                     found.push_back(info);
                                     return Status::OK();
                                   })
                  .ok());
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].location, At(".a.123.tmp"));
  EXPECT_EQ(found[0].size_bytes, 4U);
  EXPECT_TRUE(store_->Remove(context_, found[0].location).ok());
  EXPECT_FALSE(std::filesystem::exists(directory_ / ".a.123.tmp"));
}

TEST_F(LocalStoreTest, NoTemporaryFileStays) {
  ASSERT_TRUE(store_->PutIfAbsent(context_, At("a"), "1").ok());
  ASSERT_FALSE(store_->PutIfAbsent(context_, At("a"), "2").ok());
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory_.path())) {
    EXPECT_EQ(entry.path().filename(), "a");
    ++files;
  }
  EXPECT_EQ(files, 1);
}

TEST_F(LocalStoreTest, DirectoriesThatWereRemovedAreMadeAgain) {
  ASSERT_TRUE(store_->PutIfAbsent(context_, At("d/e/a"), "1").ok());
  std::filesystem::remove_all(directory_ / "d");
  EXPECT_TRUE(store_->PutIfAbsent(context_, At("d/e/a"), "2").ok());
}

TEST_F(LocalStoreTest, NamesUpToTheFileSystemsLimitWork) {
  const std::string longest(255, 'n');
  ASSERT_TRUE(store_->PutIfAbsent(context_, At(longest), "x").ok());
  EXPECT_EQ(store_->Get(context_, At(longest), 9).value(), "x");
  const Status status = store_->PutIfAbsent(context_, At(longest + "n"), "x");
  EXPECT_TRUE(status.Is(StatusCode::kInvalidArgument)) << status;
}

TEST_F(LocalStoreTest, LinksToDirectoriesAreNotFollowed) {
  ASSERT_TRUE(store_->PutIfAbsent(context_, At("d/a"), "x").ok());
  std::filesystem::create_directory_symlink(directory_.path(), directory_ / "d/loop");
  std::filesystem::create_symlink("a", directory_ / "d/link");
  std::vector<std::string> seen;
  ASSERT_TRUE(store_
                  ->List(context_, At("d"),
                         [&seen](const ObjectInfo& info) {
                           seen.push_back(info.location);
                           return Status();
                         })
                  .ok());
  EXPECT_THAT(seen, ElementsAre(At("d/a"), At("d/link")));
}

TEST_F(LocalStoreTest, ADirectoryIsNoObject) {
  ASSERT_TRUE(store_->PutIfAbsent(context_, At("d/a"), "x").ok());
  EXPECT_TRUE(
      store_->Get(context_, At("d"), 9).status().Is(StatusCode::kInvalidArgument));
  EXPECT_TRUE(store_->PutIfAbsent(context_, At("d"), "x").Is(StatusCode::kAlreadyExists));
  EXPECT_TRUE(
      store_->PutIfAbsent(context_, At("d/a/b"), "x").Is(StatusCode::kInvalidArgument));
}

TEST_F(LocalStoreTest, AFileWrittenUnderItsReaderIsAConflict) {
  ASSERT_TRUE(store_->PutIfAbsent(context_, At("a"), "0123456789").ok());
  const auto set_time = [&](std::int64_t second) {
    const timespec times[2] = {{second, 0}, {second, 0}};
    ASSERT_EQ(::utimensat(AT_FDCWD, (directory_ / "a").c_str(), times, 0), 0);
  };
  set_time(1'000);
  const auto reader = store_->OpenReader(context_, At("a")).value();
  char out[10];
  ASSERT_TRUE(reader->ReadAt(0, 10, out).ok());
  std::ofstream(directory_ / "a") << "9876543210";
  set_time(2'000);
  const Status read = reader->ReadAt(0, 10, out);
  EXPECT_TRUE(read.Is(StatusCode::kConflict)) << read;
  EXPECT_NE(store_->OpenReader(context_, At("a")).value()->identity(),
            reader->identity());
}

TEST_F(LocalStoreTest, AFileCutUnderItsReaderIsCorruption) {
  ASSERT_TRUE(store_->PutIfAbsent(context_, At("a"), "0123456789").ok());
  const auto reader = store_->OpenReader(context_, At("a")).value();
  std::filesystem::resize_file(directory_ / "a", 4);
  char out[10];
  EXPECT_TRUE(reader->ReadAt(0, 10, out).Is(StatusCode::kCorruption));
}

// Faults of the store in memory.

class MemoryStoreTest : public testing::Test {
 protected:
  const base::ManualClock clock_{5'000'000};
  base::Context context_;
  MemoryStore store_{clock_};
};

TEST_F(MemoryStoreTest, ServesEveryScheme) {
  ASSERT_TRUE(store_.PutIfAbsent(context_, "s3://bucket/a", "x").ok());
  ASSERT_TRUE(store_.PutIfAbsent(context_, "memory://w/a", "y").ok());
  EXPECT_EQ(store_.Get(context_, "s3://bucket/a", 9).value(), "x");
}

TEST_F(MemoryStoreTest, TimesAreThoseOfItsClock) {
  ASSERT_TRUE(store_.PutIfAbsent(context_, "memory://w/a", "x").ok());
  ASSERT_TRUE(store_
                  .List(context_, "memory://w",
                        [](const ObjectInfo& info) {
                          EXPECT_EQ(info.modified_us, 5'000'000);
                          return Status();
                        })
                  .ok());
}

TEST_F(MemoryStoreTest, AFaultStopsTheOperation) {
  std::vector<StoreOperation::Kind> seen;
  store_.SetFaultHook([&seen](const StoreOperation& operation) {
    seen.push_back(operation.kind);
    EXPECT_EQ(operation.location, "memory://w/a");
    return MemoryStore::Fault{Status::Unavailable("503"), false};
  });
  const std::string location = "memory://w/a";
  EXPECT_EQ(store_.PutIfAbsent(context_, location, "x"), Status::Unavailable("503"));
  auto writer = store_.OpenWriter(context_, location).value();
  EXPECT_FALSE(writer->Append("x").ok());
  EXPECT_FALSE(writer->Close().ok());
  EXPECT_FALSE(store_.Get(context_, location, 9).ok());
  EXPECT_FALSE(store_.Remove(context_, location).ok());
  using Kind = StoreOperation::Kind;
  EXPECT_THAT(seen,
              ElementsAre(Kind::kPutIfAbsent, Kind::kWrite, Kind::kRead, Kind::kRemove));
  store_.SetFaultHook(nullptr);
  EXPECT_TRUE(store_.Get(context_, location, 9).status().Is(StatusCode::kNotFound));
}

TEST_F(MemoryStoreTest, AnOperationMayHappenAndSayOtherwise) {
  store_.SetFaultHook([](const StoreOperation&) {
    return MemoryStore::Fault{Status::CommitUnknown("no answer"), true};
  });
  EXPECT_TRUE(
      store_.PutIfAbsent(context_, "memory://w/a", "x").Is(StatusCode::kCommitUnknown));
  store_.SetFaultHook(nullptr);
  EXPECT_EQ(store_.Get(context_, "memory://w/a", 9).value(), "x");
}

TEST_F(MemoryStoreTest, AsksAsAStoreElsewhereWould) {
  ASSERT_TRUE(store_.PutIfAbsent(context_, "memory://w/a", "0123456789").ok());
  int asked = 0;
  store_.SetFaultHook([&asked](const StoreOperation&) {
    ++asked;
    return MemoryStore::Fault{};
  });
  OpenOptions options;
  options.size_bytes = 10;
  char out[10];
  auto reader = store_.OpenReader(context_, "memory://w/a", options).value();
  EXPECT_EQ(asked, 0);
  ASSERT_TRUE(reader->ReadAt(9, 1, out).ok());
  EXPECT_EQ(asked, 1);
  options.tail_bytes = 4;
  reader = store_.OpenReader(context_, "memory://w/a", options).value();
  EXPECT_EQ(asked, 2);
  EXPECT_EQ(reader->open_requests(), 1);
  ASSERT_TRUE(reader->ReadAt(6, 4, out).ok());
  EXPECT_EQ(asked, 2);
  ASSERT_TRUE(reader->ReadAt(5, 5, out).ok());
  EXPECT_EQ(asked, 3);
}

TEST_F(MemoryStoreTest, AnOpenReaderMeetsFaultsToo) {
  ASSERT_TRUE(store_.PutIfAbsent(context_, "memory://w/a", "x").ok());
  const auto reader = store_.OpenReader(context_, "memory://w/a").value();
  store_.SetFaultHook([](const StoreOperation&) {
    return MemoryStore::Fault{Status::Unavailable("503"), false};
  });
  char out;
  EXPECT_EQ(reader->ReadAt(0, 1, &out), Status::Unavailable("503"));
}

}  // namespace
}  // namespace firn::io
