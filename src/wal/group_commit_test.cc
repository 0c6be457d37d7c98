// SPDX-License-Identifier: Apache-2.0
// Threads that append and wait together.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "wal/log_fixture.h"

namespace firn::wal {
namespace {

class GroupCommitTest : public LogFixture {
 protected:
  static std::string Payload(int writer, int i) {
    return std::to_string(writer) + ":" + std::to_string(i);
  }
  // How many records each writer finds, in its own order.
  std::map<int, int> CountByWriter() {
    std::map<int, int> next;
    const Status status = log_->Replay([&](const Record& record) {
      const int writer = std::stoi(std::string(record.payload));
      EXPECT_EQ(record.payload, Payload(writer, next[writer])) << "order of one thread";
      ++next[writer];
      return Status::OK();
    });
    EXPECT_TRUE(status.ok()) << status;
    return next;
  }
};

TEST_F(GroupCommitTest, AllAcknowledgedRecordsOfManyThreadsAreThere) {
  constexpr int kWriters = 4;
  constexpr int kRecords = 500;
  options_.segment_bytes = 4000;
  options_.buffer_bytes_max = 200;
  Open();
  std::vector<std::thread> writers;
  for (int writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([&, writer] {
      for (int i = 0; i < kRecords; ++i) {
        const Result<Offset> end =
            log_->Append(RecordKind::kSamples, "", Payload(writer, i));
        ASSERT_TRUE(end.ok()) << end.status();
        // Some wait for each, some leave it to the others and to the buffer's bound.
        if (writer % 2 == 0 || i == kRecords - 1) {
          ASSERT_TRUE(log_->WaitSynced(*end).ok());
          EXPECT_GE(log_->synced_offset(), *end);
        }
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  log_.reset();
  files_.CutPower(1);
  ASSERT_TRUE(TryOpen().ok());
  for (const auto& [writer, count] : CountByWriter())
    EXPECT_EQ(count, kRecords) << writer;
  EXPECT_EQ(CountByWriter().size(), static_cast<std::size_t>(kWriters));
}

TEST_F(GroupCommitTest, OneSyncServesAllWhoCameDuringTheLast) {
  constexpr int kWriters = 6;
  Open();
  Write("0:0");
  // Hold the first sync until every other writer has appended.
  std::latch appended(kWriters);
  std::atomic<int> syncs{0};
  files_.SetFaultHook([&](const io::FileOperation& operation) {
    if (operation.kind == io::FileOperation::Kind::kSync && syncs++ == 0) appended.wait();
    return Status::OK();
  });
  std::thread first([&] { EXPECT_TRUE(log_->WaitSynced(1).ok()); });
  std::vector<std::thread> writers;
  for (int writer = 1; writer <= kWriters; ++writer) {
    writers.emplace_back([&, writer] {
      while (syncs.load() == 0) std::this_thread::yield();
      const Result<Offset> end =
          log_->Append(RecordKind::kSamples, "", Payload(writer, 0));
      ASSERT_TRUE(end.ok());
      appended.count_down();
      EXPECT_TRUE(log_->WaitSynced(*end).ok());
    });
  }
  first.join();
  for (std::thread& writer : writers) writer.join();
  files_.SetFaultHook(nullptr);
  EXPECT_EQ(syncs.load(), 2) << "appends went on during the first, and shared the second";
  EXPECT_EQ(log_->counts().writes, 2u);
  EXPECT_EQ(CountByWriter().size(), kWriters + 1u);
}

TEST_F(GroupCommitTest, AFailedSyncFailsAllWhoWaitForIt) {
  constexpr int kWriters = 4;
  Open();
  Write("0:0");
  std::latch appended(kWriters);
  files_.SetFaultHook([&](const io::FileOperation& operation) {
    if (operation.kind != io::FileOperation::Kind::kSync) return Status::OK();
    appended.wait();
    return Status::Unavailable("injected");
  });
  std::thread first(
      [&] { EXPECT_EQ(log_->WaitSynced(1).code(), StatusCode::kUnavailable); });
  std::vector<std::thread> writers;
  for (int writer = 1; writer <= kWriters; ++writer) {
    writers.emplace_back([&, writer] {
      const Result<Offset> end =
          log_->Append(RecordKind::kSamples, "", Payload(writer, 0));
      ASSERT_TRUE(end.ok());
      appended.count_down();
      EXPECT_EQ(log_->WaitSynced(*end).code(), StatusCode::kUnavailable);
    });
  }
  first.join();
  for (std::thread& writer : writers) writer.join();
  files_.SetFaultHook(nullptr);
  ASSERT_TRUE(log_->Recover().ok());
  WriteAndSync("9:0");
  EXPECT_EQ(ReopenAndRead(), "9:0");
}

TEST_F(GroupCommitTest, TrimsAndFailuresAmongWriters) {
  constexpr int kWriters = 3;
  constexpr int kRecords = 300;
  options_.segment_bytes = 2000;
  options_.buffer_bytes_max = 300;
  Open();
  std::atomic<int> operations{0};
  files_.SetFaultHook([&](const io::FileOperation& operation) {
    if (operation.kind != io::FileOperation::Kind::kSync) return Status::OK();
    return ++operations % 40 == 0 ? Status::Unavailable("injected") : Status::OK();
  });
  std::atomic<int> running{kWriters};
  std::vector<std::thread> threads;
  for (int writer = 0; writer < kWriters; ++writer) {
    threads.emplace_back([&, writer] {
      for (int i = 0; i < kRecords;) {
        const Result<Offset> end =
            log_->Append(RecordKind::kSamples, "", Payload(writer, i));
        if (end.ok() && log_->WaitSynced(*end).ok()) {
          ++i;
        } else {
          EXPECT_TRUE(log_->Recover().ok());
        }
      }
      --running;
    });
  }
  Offset trimmed = 0;
  threads.emplace_back([&] {
    while (running.load() > 0) {
      const Offset offset = log_->synced_offset();
      const Status status = log_->Trim(offset, [](const Log::CheckpointAppender& append) {
        return append(RecordKind::kSeries, "", "0:checkpoint");
      });
      if (status.ok()) trimmed = offset;
      std::this_thread::yield();
    }
  });
  for (std::thread& thread : threads) thread.join();
  files_.SetFaultHook(nullptr);
  EXPECT_GE(log_->trim_offset(), trimmed);
  std::map<int, int> last;
  bool checkpoint = false;
  const auto visit = [&](const Record& record) {
    if (record.kind == RecordKind::kSeries) {
      checkpoint = true;
      return Status::OK();
    }
    const std::string payload(record.payload);
    const int writer = std::stoi(payload);
    const int i = std::stoi(payload.substr(payload.find(':') + 1));
    if (last.contains(writer)) {
      EXPECT_EQ(i, last[writer] + 1);
    }
    last[writer] = i;
    return Status::OK();
  };
  ASSERT_TRUE(TryOpen().ok());
  const Status status = log_->Replay(visit);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(checkpoint, log_->trim_offset() > 0);
  for (const auto& [writer, i] : last) EXPECT_EQ(i, kRecords - 1) << writer;
}

}  // namespace
}  // namespace firn::wal
