// SPDX-License-Identifier: Apache-2.0
// log_fixture.h: a log in memory that tests speak to in short words. For tests only.
//
//   Open(); Write("a b"); Sync(); Write("c"); Reopen();  EXPECT_EQ(Read(), "a b c");
//
// A record is written as a word: `a` is samples of tenant "", `s:a` a series, `t/a`
// samples of tenant t. A word such as `x*300` stands for 300 times x.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/ulid.h"
#include "io/memory_file_system.h"
#include "wal/format.h"
#include "wal/log.h"

namespace firn::wal {

inline constexpr char kDir[] = "wal";

struct WrittenRecord {
  RecordKind kind = RecordKind::kSamples;
  std::string tenant;
  std::string payload;
};

inline WrittenRecord ParseWord(std::string word) {
  WrittenRecord record;
  if (const std::size_t slash = word.find('/'); slash != std::string::npos) {
    record.tenant = word.substr(0, slash);
    word.erase(0, slash + 1);
  }
  if (word.starts_with("s:")) {
    record.kind = RecordKind::kSeries;
    word.erase(0, 2);
  }
  if (const std::size_t star = word.find('*'); star != std::string::npos) {
    const int count = std::stoi(word.substr(star + 1));
    word.erase(star);
    for (int i = 0; i < count; ++i) record.payload += word;
  } else {
    record.payload = word;
  }
  return record;
}

inline std::string WordOf(const Record& record) {
  std::string word;
  if (!record.tenant.empty()) word = std::string(record.tenant) + "/";
  if (record.kind == RecordKind::kSeries) word += "s:";
  const std::string_view payload = record.payload;
  if (payload.size() > 20 && payload.find_first_not_of(payload[0]) == payload.npos) {
    return word + payload[0] + "*" + std::to_string(payload.size());
  }
  return word + std::string(payload);
}

// Fails operations of a file system by their number. Thread-compatible.
class FaultPlan {
 public:
  explicit FaultPlan(io::MemoryFileSystem& files) : files_(files) {
    files_.SetFaultHook([this](const io::FileOperation& operation) {
      if (before_each) before_each(operation);
      if (operation.kind == io::FileOperation::Kind::kRead) return Status::OK();
      ++count_;
      if (dead_) return Status::Unavailable("power is gone");
      if (!fail_at_ || count_ != *fail_at_) return Status::OK();
      dead_ = stay_dead_;
      return fault_;
    });
  }
  ~FaultPlan() { files_.SetFaultHook(nullptr); }

  // Operation `number` from now on (the next is 1) fails with `fault`, once.
  void FailOnce(std::uint64_t number, Status fault) {
    Heal();
    fail_at_ = number;
    fault_ = std::move(fault);
  }
  // From operation `number` on, everything fails.
  void LosePowerAt(std::uint64_t number) {
    FailOnce(number, Status::Unavailable("power is gone"));
    stay_dead_ = true;
  }
  void Heal() {
    fail_at_.reset();
    dead_ = stay_dead_ = false;
    count_ = 0;
  }
  bool fired() const { return fail_at_ && count_ >= *fail_at_; }
  bool dead() const { return dead_; }

  std::function<void(const io::FileOperation&)> before_each;

 private:
  io::MemoryFileSystem& files_;
  std::optional<std::uint64_t> fail_at_;
  Status fault_;
  bool stay_dead_ = false;
  bool dead_ = false;
  std::uint64_t count_ = 0;
};

class LogFixture : public ::testing::Test {
 protected:
  Status TryOpen() {
    log_.reset();
    const Result<std::optional<LogExtent>> found = Log::Inspect(files_, kDir, options_);
    Result<std::unique_ptr<Log>> log = Log::Open(files_, kDir, options_, ulids_);
    if (!log.ok()) return log.status();
    log_ = std::move(log).value();
    ExpectFound(found);
    return Status::OK();
  }
  void Open() {
    const Status status = TryOpen();
    ASSERT_TRUE(status.ok()) << status;
  }
  // What the next open says of the log: its records, or its error.
  std::string ReopenAndRead() {
    const Status status = TryOpen();
    return status.ok() ? Read() : status.ToString();
  }

  // Append each word of `text`; returns the offset past the last.
  Offset Write(const std::string& text) {
    std::istringstream words(text);
    Offset end = 0;
    for (std::string word; words >> word;) {
      const WrittenRecord record = ParseWord(word);
      const Result<Offset> offset =
          log_->Append(record.kind, record.tenant, record.payload);
      EXPECT_TRUE(offset.ok()) << offset.status();
      if (offset.ok()) end = *offset;
    }
    return end;
  }
  void Sync() {
    const Status status = log_->WaitSynced(log_->appended_offset());
    EXPECT_TRUE(status.ok()) << status;
  }
  Offset WriteAndSync(const std::string& text) {
    const Offset end = Write(text);
    Sync();
    return end;
  }
  std::string Read() {
    std::string text;
    const Status status = log_->Replay([&](const Record& record) {
      text += (text.empty() ? "" : " ") + WordOf(record);
      return Status::OK();
    });
    return status.ok() ? text : text + " " + status.ToString();
  }
  // Trim with a checkpoint of the words of `checkpoint`.
  Status Trim(Offset offset, const std::string& checkpoint) {
    return log_->Trim(offset, [&](const Log::CheckpointAppender& append) {
      std::istringstream words(checkpoint);
      for (std::string word; words >> word;) {
        const WrittenRecord record = ParseWord(word);
        FIRN_RETURN_IF_ERROR(append(record.kind, record.tenant, record.payload));
      }
      return Status::OK();
    });
  }

  // The segments' names, oldest first.
  std::vector<std::string> Segments() {
    std::vector<std::string> segments;
    const Result<std::vector<std::string>> names = files_.List(kDir);
    if (!names.ok()) return segments;  // There is no log yet.
    for (const std::string& name : *names) {
      if (ParseSegmentName(name)) segments.push_back(name);
    }
    return segments;
  }
  std::string Bytes(const std::string& segment) {
    return files_.Read(std::string(kDir) + "/" + segment, std::uint64_t{1} << 30).value();
  }
  void SetBytes(const std::string& segment, const std::string& bytes) {
    const Status status =
        files_.WriteAtomically(std::string(kDir) + "/" + segment, bytes);
    ASSERT_TRUE(status.ok()) << status;
  }
  void RemoveLog() {
    log_.reset();
    for (const std::string& segment : Segments()) RemoveSegment(segment);
  }
  void RemoveSegment(const std::string& segment) {
    ASSERT_TRUE(files_.Remove(std::string(kDir) + "/" + segment).ok());
    ASSERT_TRUE(files_.SyncDirectory(kDir).ok());
  }

  // The log that is open now is what `found` said of it before.
  void ExpectFound(const Result<std::optional<LogExtent>>& found) {
    ASSERT_TRUE(found.ok()) << found.status();
    EXPECT_EQ(found->has_value(), !log_->recovery().created);
    if (!found->has_value()) return;
    EXPECT_EQ((*found)->id, log_->id());
    EXPECT_EQ((*found)->trim, log_->trim_offset());
    EXPECT_EQ((*found)->end, log_->appended_offset());
  }

  io::MemoryFileSystem files_;
  base::ManualClock clock_{1'700'000'000'000'000};
  base::UlidSource ulids_{clock_, 1};
  LogOptions options_;
  std::unique_ptr<Log> log_;
};

}  // namespace firn::wal
