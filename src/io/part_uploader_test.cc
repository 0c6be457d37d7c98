// SPDX-License-Identifier: Apache-2.0
#include "io/part_uploader.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>

namespace firn::io {
namespace {

// What an upload was asked, kept beyond its life.
struct Record {
  std::mutex mutex;
  std::condition_variable changed;
  std::map<int, std::string> parts;
  int under_way = 0;
  int under_way_most = 0;
  bool hold = false;  // Parts wait until this is false.
  int fails_at = 0;
  int completed = 0;
  int aborted = 0;
  PutOutcome outcome = PutOutcome::kDone;
};

class FakeUpload final : public MultipartUpload {
 public:
  explicit FakeUpload(Record& record) : record_(record) {}
  Status PutPart(const base::Context&, int number, std::string_view bytes) override {
    std::unique_lock lock(record_.mutex);
    record_.under_way_most = std::max(record_.under_way_most, ++record_.under_way);
    record_.changed.notify_all();
    record_.changed.wait(lock, [&] { return !record_.hold; });
    --record_.under_way;
    record_.parts[number] = bytes;
    return number == record_.fails_at ? Status::Unavailable("part") : Status();
  }
  Result<PutResult> Complete(const base::Context&, int part_count) override {
    std::lock_guard lock(record_.mutex);
    record_.completed = part_count;
    return PutResult{record_.outcome, record_.outcome == PutOutcome::kDone
                                          ? Status()
                                          : Status::Internal("x")};
  }
  Status Abort(const base::Context&) override {
    std::lock_guard lock(record_.mutex);
    ++record_.aborted;
    return {};
  }

 private:
  Record& record_;
};

Status Add(PartUploader& uploader, std::string bytes) {
  const auto memory = std::make_shared<PartMemory>();
  memory->bytes = std::move(bytes);
  return uploader.Add(memory, memory->bytes);
}

TEST(PartUploader, SendsPartsSideBySideAndNoMoreThanAllowed) {
  Record record;
  record.hold = true;
  const base::Context context;
  PartUploader uploader(context, std::make_unique<FakeUpload>(record), 3);
  std::atomic<int> added{0};
  std::jthread adder([&] {
    for (int i = 1; i <= 8; ++i) {
      EXPECT_TRUE(Add(uploader, "part " + std::to_string(i)).ok());
      ++added;
    }
  });
  {
    std::unique_lock lock(record.mutex);
    record.changed.wait(lock, [&] { return record.under_way == 3; });
    EXPECT_LE(added, 3);
    record.hold = false;
    record.changed.notify_all();
  }
  adder.join();
  const Result<PutResult> completed = uploader.Complete();
  ASSERT_TRUE(completed.ok());
  EXPECT_EQ(record.completed, 8);
  EXPECT_EQ(record.under_way_most, 3);
  ASSERT_EQ(record.parts.size(), 8u);
  EXPECT_EQ(record.parts[8], "part 8");
}

TEST(PartUploader, WhateverDoesNotEndWellIsGivenUp) {
  const base::Context context;
  {
    Record record;
    record.fails_at = 2;
    {
      PartUploader uploader(context, std::make_unique<FakeUpload>(record), 2);
      Status status;
      for (int i = 0; i < 100 && status.ok(); ++i) status = Add(uploader, "x");
      EXPECT_TRUE(uploader.Complete().status().Is(StatusCode::kUnavailable));
    }
    EXPECT_EQ(record.aborted, 1);
    EXPECT_EQ(record.completed, 0);
  }
  for (const auto& [outcome, aborted] :
       {std::pair(PutOutcome::kDone, 0), std::pair(PutOutcome::kTaken, 1),
        std::pair(PutOutcome::kUnknown, 0)}) {
    Record record;
    record.outcome = outcome;
    {
      PartUploader uploader(context, std::make_unique<FakeUpload>(record), 2);
      ASSERT_TRUE(Add(uploader, "x").ok());
      EXPECT_EQ(uploader.Complete()->outcome, outcome);
    }
    EXPECT_EQ(record.aborted, aborted);
  }
  Record record;
  {
    PartUploader uploader(context, std::make_unique<FakeUpload>(record), 2);
    ASSERT_TRUE(Add(uploader, "x").ok());
  }
  EXPECT_EQ(record.aborted, 1);
}

TEST(PartUploader, MemoryIsGivenBackWithThePartsThatLieInIt) {
  Record record;
  record.hold = true;
  base::ByteBudget budget("test", 100);
  const base::Context context;
  PartUploader uploader(context, std::make_unique<FakeUpload>(record), 2);
  EXPECT_FALSE(uploader.WaitForOne());
  {
    const auto memory = std::make_shared<PartMemory>();
    memory->bytes = "onetwo";
    memory->reserved = base::ByteReservation::Make(&budget, 60).value();
    const std::string_view all = memory->bytes;
    ASSERT_TRUE(uploader.Add(memory, all.substr(0, 3)).ok());
    ASSERT_TRUE(uploader.Add(memory, all.substr(3)).ok());
  }
  EXPECT_EQ(budget.used_bytes(), 60);
  {
    std::lock_guard lock(record.mutex);
    record.hold = false;
    record.changed.notify_all();
  }
  while (uploader.WaitForOne()) {
  }
  EXPECT_EQ(budget.used_bytes(), 0);
  EXPECT_EQ(record.parts[2], "two");
  EXPECT_TRUE(uploader.Complete().ok());
}

}  // namespace
}  // namespace firn::io
