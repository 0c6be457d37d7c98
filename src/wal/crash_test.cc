// SPDX-License-Identifier: Apache-2.0
// Power cuts, full disks and failed syncs at every operation, against a model.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <vector>

#include "wal/log_fixture.h"

namespace firn::wal {
namespace {

using ::testing::HasSubstr;

constexpr std::size_t kPageBytes = 64;  // Small, so that small writes span several.

// What the log promised so far. The checks
//   - every record read was appended, once, and the offsets increase;
//   - every acknowledged record above the trim point is read;
//   - what is read is a prefix of what was appended and not given up.
class Model {
 public:
  struct Entry {
    Offset end;
    std::string payload;
  };

  void Appended(Offset end, std::string payload) {
    entries_.push_back({end, std::move(payload)});
  }
  void Acknowledged(Offset through) { acknowledged_ = std::max(acknowledged_, through); }
  void GivenUp(Offset after) {
    std::erase_if(entries_, [&](const Entry& entry) { return entry.end > after; });
  }
  void TrimTried(Offset offset) { trims_.insert(offset); }

  // Compare with what `log` replays, then take that as the new truth: an open makes
  // durable what it found.
  void CheckAndAdopt(Log& log) {
    const Offset trim = log.trim_offset();
    ASSERT_TRUE(trims_.contains(trim)) << trim;
    std::vector<Entry> read;
    std::vector<std::string> checkpoint;
    Offset last = 0;
    const Status status = log.Replay([&](const Record& record) {
      EXPECT_GE(record.end, last);
      if (record.kind == RecordKind::kSeries) {
        EXPECT_EQ(record.end, trim);
        checkpoint.emplace_back(record.payload);
      } else {
        EXPECT_GT(record.end, std::max(last, trim));
        read.push_back({record.end, std::string(record.payload)});
      }
      last = record.end;
      return Status::OK();
    });
    ASSERT_TRUE(status.ok()) << status;
    if (trim > 0) {
      EXPECT_THAT(checkpoint, ::testing::ElementsAre(CheckpointPayload(trim, 0),
                                                     CheckpointPayload(trim, 1)));
    }
    std::erase_if(entries_, [&](const Entry& entry) { return entry.end <= trim; });
    ASSERT_LE(read.size(), entries_.size());
    for (std::size_t i = 0; i < read.size(); ++i) {
      ASSERT_EQ(read[i].end, entries_[i].end);
      ASSERT_EQ(read[i].payload, entries_[i].payload);
    }
    if (read.size() < entries_.size()) {
      ASSERT_GT(entries_[read.size()].end, acknowledged_)
          << "an acknowledged record lost";
    }
    entries_ = std::move(read);
    acknowledged_ = log.synced_offset();
    trims_ = {trim};
  }

  static std::string CheckpointPayload(Offset trim, int part) {
    return "checkpoint " + std::to_string(trim) + " part " + std::to_string(part);
  }
  // Some acknowledged end above the newest trim point, or 0.
  Offset SomeAcknowledged(std::mt19937_64& random) const {
    std::vector<Offset> ends;
    for (const Entry& entry : entries_) {
      if (entry.end <= acknowledged_) ends.push_back(entry.end);
    }
    return ends.empty() ? 0 : ends[random() % ends.size()];
  }
  std::size_t size() const { return entries_.size(); }

 private:
  std::vector<Entry> entries_;  // Neither trimmed nor given up, in order.
  Offset acknowledged_ = 0;
  std::set<Offset> trims_{0};  // Points that may be in force.
};

class CrashTest : public LogFixture {
 protected:
  void Begin(std::uint64_t seed) {
    random_.seed(seed);
    options_.segment_bytes = 200 + random_() % 2000;
    options_.buffer_bytes_max = 100 + random_() % 1000;
  }

  void AppendOne() {
    std::string payload = std::to_string(next_++);
    payload.append(random_() % (random_() % 8 == 0 ? 900 : 60), '.');
    const Result<Offset> end = log_->Append(RecordKind::kSamples, "t", payload);
    if (end.ok()) model_.Appended(*end, payload);
  }
  void WaitOne() {
    const Offset appended = log_->appended_offset();
    const Offset synced = std::min(log_->synced_offset(), appended);
    const Offset target =
        synced + (appended == synced ? 0 : random_() % (appended - synced + 1));
    if (log_->WaitSynced(target).ok()) model_.Acknowledged(target);
  }
  void TrimOne() {
    const Offset offset = model_.SomeAcknowledged(random_);
    if (offset <= log_->trim_offset()) return;
    model_.TrimTried(offset);
    const Status status = log_->Trim(offset, [&](const Log::CheckpointAppender& append) {
      for (int part = 0; part < 2; ++part) {
        FIRN_RETURN_IF_ERROR(
            append(RecordKind::kSeries, "", Model::CheckpointPayload(offset, part)));
        if (random_() % 2 == 0) AppendOne();
      }
      return Status::OK();
    });
    if (status.ok()) model_.Acknowledged(log_->synced_offset());
  }
  // Another thread's appends while a write or sync is under way.
  void AppendDuring(const io::FileOperation& operation) {
    if (log_ == nullptr || operation.kind != io::FileOperation::Kind::kSync) return;
    if (random_() % 2 == 0) return;
    // The active buffer is empty then, so this need not wait for the sync it comes from.
    std::string payload = std::to_string(next_++);
    const Result<Offset> end = log_->Append(RecordKind::kSamples, "t", payload);
    if (end.ok()) model_.Appended(*end, payload);
  }
  void RecoverIfFailed() {
    if (log_->failure().ok()) return;
    const Offset synced = log_->synced_offset();
    if (log_->Recover().ok()) model_.GivenUp(synced);
  }
  void Step() {
    switch (random_() % 8) {
      case 0:
      case 1:
      case 2:
      case 3:
        AppendOne();
        break;
      case 4:
      case 5:
        WaitOne();
        break;
      case 6:
        RecoverIfFailed();
        break;
      default:
        if (random_() % 4 == 0) TrimOne();
    }
  }

  // Pages that the disk never wrote, anywhere behind what was synced. The file system
  // cuts an unsynced file short; this makes holes in what it leaves.
  void PunchHoles(Offset synced) {
    const std::vector<std::string> segments = Segments();
    for (const std::string& segment : segments) {
      const Offset start = ParseSegmentName(segment).value();
      if (segment != segments.back() || start > synced) continue;
      std::string bytes = Bytes(segment);
      const std::size_t from = kSegmentHeaderBytes + (synced - start);
      for (std::size_t at = from; at < bytes.size();) {
        const std::size_t page_end = (at / kPageBytes + 1) * kPageBytes;
        const std::size_t end = std::min(page_end, bytes.size());
        if (random_() % 3 == 0) std::fill(bytes.begin() + at, bytes.begin() + end, '\0');
        at = end;
      }
      if (random_() % 4 == 0) bytes.append(random_() % 200, '\0');
      SetBytes(segment, bytes);
    }
  }

  std::mt19937_64 random_;
  Model model_;
  std::uint64_t next_ = 0;
};

TEST_F(CrashTest, FiveHundredSeedsOfPowerCuts) {
  std::uint64_t cuts = 0;
  std::uint64_t records = 0;
  for (std::uint64_t seed = 1; seed <= 500; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RemoveLog();
    model_ = Model();
    Begin(seed);
    FaultPlan faults(files_);
    faults.before_each = [&](const io::FileOperation& operation) {
      if (!faults.dead()) AppendDuring(operation);
    };
    for (int life = 0; life < 5; ++life) {
      const std::uint64_t at = 1 + random_() % 60;
      if (random_() % 3 == 0) {
        faults.FailOnce(at, random_() % 2 == 0 ? Status::Unavailable("fault")
                                               : Status::ResourceExhausted("fault"));
      } else {
        faults.LosePowerAt(at);
      }
      if (!TryOpen().ok()) {  // Cut off, or failed, while it mended the log.
        faults.Heal();
        files_.CutPower(random_());
        const Status status = TryOpen();
        ASSERT_TRUE(status.ok()) << status;
      }
      model_.CheckAndAdopt(*log_);
      if (HasFatalFailure()) return;
      for (int step = 0; step < 80 && !faults.dead(); ++step) Step();
      const Offset synced = log_->synced_offset();
      records += model_.size();
      faults.Heal();
      log_.reset();
      const bool failed = random_() % 4 == 0;  // A kill: the page cache survives.
      if (!failed) {
        files_.CutPower(random_());
        PunchHoles(synced);
        ++cuts;
      }
      if (HasFatalFailure()) return;
    }
    const Status status = TryOpen();
    ASSERT_TRUE(status.ok()) << status;
    model_.CheckAndAdopt(*log_);
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(cuts, 1000u);
  EXPECT_GT(records, 10000u) << "the simulation did too little to mean anything";
}

// A life of the log that touches everything: groups, rotation, a trim that removes files.
class ScriptTest : public CrashTest {
 protected:
  void SetUp() override {
    random_.seed(7);
    options_.segment_bytes = 300;
  }
  // Runs on past errors, recovering where the log has failed.
  void Run() {
    for (int round = 0; round < 12; ++round) {
      for (int i = 0; i < 3; ++i) AppendOne();
      const Offset target = log_->appended_offset();
      const Status status = log_->WaitSynced(target);
      if (status.ok()) {
        model_.Acknowledged(target);
      } else {
        errors_.push_back(status);
        EXPECT_FALSE(log_->failure().ok());
        EXPECT_FALSE(log_->Append(RecordKind::kSamples, "", "refused").ok());
        EXPECT_EQ(log_->WaitSynced(target).code(), status.code());
        RecoverIfFailed();
        if (log_->failure().ok()) {
          EXPECT_EQ(log_->WaitSynced(target).code(), StatusCode::kUnavailable)
              << "a lost record must not become acknowledged by those after it";
        }
      }
      if (round % 4 == 3) {
        TrimOne();
        RecoverIfFailed();
      }
    }
  }
  std::vector<Status> errors_;
};

TEST_F(ScriptTest, AnyOneFailureIsSurvived) {
  int fired = 0;
  for (const StatusCode code : {StatusCode::kResourceExhausted, StatusCode::kUnavailable,
                                StatusCode::kInternal}) {
    for (std::uint64_t at = 1;; ++at) {
      SCOPED_TRACE("operation " + std::to_string(at));
      RemoveLog();
      model_ = Model();
      errors_.clear();
      FaultPlan faults(files_);
      Open();
      faults.FailOnce(at, Status(code, "injected"));
      Run();
      if (!faults.fired()) break;
      ++fired;
      for (const Status& error : errors_) {
        EXPECT_EQ(error.code(), code == StatusCode::kResourceExhausted
                                    ? StatusCode::kResourceExhausted
                                    : StatusCode::kUnavailable);
        EXPECT_THAT(error.ToString(), HasSubstr("injected"));
      }
      faults.Heal();
      RecoverIfFailed();
      ASSERT_TRUE(log_->failure().ok());
      model_.CheckAndAdopt(*log_);
      AppendOne();
      Sync();
      model_.Acknowledged(log_->synced_offset());
      ASSERT_TRUE(TryOpen().ok());
      model_.CheckAndAdopt(*log_);
      if (HasFatalFailure()) return;
    }
  }
  EXPECT_GT(fired, 100);
}

TEST_F(ScriptTest, APowerCutAtAnyOperationIsSurvived) {
  int fired = 0;
  for (std::uint64_t at = 1;; ++at) {
    SCOPED_TRACE("operation " + std::to_string(at));
    RemoveLog();
    model_ = Model();
    FaultPlan faults(files_);
    Open();
    faults.LosePowerAt(at);
    Run();
    if (!faults.fired()) break;
    ++fired;
    const Offset synced = log_->synced_offset();
    faults.Heal();
    log_.reset();
    files_.CutPower(at);
    PunchHoles(synced);
    // The mending may be cut off as well, at each of its operations.
    for (std::uint64_t again = 1;; ++again) {
      faults.LosePowerAt(again);
      const Status status = TryOpen();
      const bool cut = faults.fired();
      faults.Heal();
      if (!cut) {
        ASSERT_TRUE(status.ok()) << status;
        break;
      }
      log_.reset();
      files_.CutPower(at * 1000 + again);
    }
    model_.CheckAndAdopt(*log_);
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(fired, 40);
}

using RecoverTest = LogFixture;

TEST_F(RecoverTest, SkipsTheOffsetsItGaveUp) {
  Open();
  const Offset kept = WriteAndSync("a");
  const Offset lost = Write("b c");
  FaultPlan faults(files_);
  faults.FailOnce(2, Status::Unavailable("injected"));  // The sync, after the write.
  EXPECT_EQ(log_->WaitSynced(lost).code(), StatusCode::kUnavailable);
  EXPECT_EQ(log_->failure().code(), StatusCode::kUnavailable);
  EXPECT_TRUE(log_->WaitSynced(kept).ok()) << "what was synced stays so";
  ASSERT_TRUE(log_->Recover().ok());
  ASSERT_TRUE(log_->Recover().ok()) << "nothing to do";
  EXPECT_GT(Write("d"), lost);
  Sync();
  EXPECT_EQ(log_->WaitSynced(lost).code(), StatusCode::kUnavailable);
  EXPECT_TRUE(log_->WaitSynced(kept).ok());
  EXPECT_EQ(Read(), "a d");
  EXPECT_EQ(ReopenAndRead(), "a d");
}

TEST_F(RecoverTest, WhatWasGivenUpStaysGoneWhereItCannotBeCutOff) {
  Open();
  WriteAndSync("a");
  const Offset lost = Write("b");
  FaultPlan faults(files_);
  faults.FailOnce(2, Status::Unavailable("injected"));
  EXPECT_FALSE(log_->WaitSynced(lost).ok());
  faults.FailOnce(2, Status::Unavailable("injected"));  // The truncation, after its open.
  ASSERT_TRUE(log_->Recover().ok());
  EXPECT_THAT(Bytes(SegmentName(0)), HasSubstr("b")) << "the lost record is on disk";
  EXPECT_EQ(ReopenAndRead(), "a");
  WriteAndSync("d");
  EXPECT_EQ(ReopenAndRead(), "a d");
}

TEST_F(RecoverTest, ASegmentThatAppearedAlthoughItsCreationFailed) {
  options_.segment_bytes = 100;
  for (const bool reopen : {false, true}) {
    RemoveLog();
    Open();
    const Offset end = WriteAndSync("a*50");
    Write("b*50");
    // The file is renamed into place, and then its directory cannot be synced.
    files_.SetFaultHook([&](const io::FileOperation& operation) {
      if (operation.kind != io::FileOperation::Kind::kWrite) return Status::OK();
      files_.SetFaultHook(nullptr);
      SetBytes(SegmentName(end),
               EncodeSegmentHeader({log_->id(), end, end, TrimPoint{}}));
      return Status::Unavailable("injected");
    });
    EXPECT_FALSE(log_->WaitSynced(log_->appended_offset()).ok());
    EXPECT_EQ(Segments().size(), 2u);
    if (reopen) {
      ASSERT_TRUE(TryOpen().ok());
    } else {
      ASSERT_TRUE(log_->Recover().ok());
    }
    const Offset last = WriteAndSync("c*50");
    WriteAndSync("d*50");
    EXPECT_EQ(Read(), "a*50 c*50 d*50");
    EXPECT_EQ(ReopenAndRead(), "a*50 c*50 d*50");
    ASSERT_TRUE(Trim(last, "").ok());
    EXPECT_EQ(ReopenAndRead(), "d*50");
    EXPECT_EQ(Segments()[0], SegmentName(last));
  }
}

TEST_F(RecoverTest, FailsWhileTheDiskDoes) {
  Open();
  WriteAndSync("a");
  Write("b");
  FaultPlan faults(files_);
  faults.LosePowerAt(1);
  EXPECT_FALSE(log_->WaitSynced(log_->appended_offset()).ok());
  EXPECT_EQ(log_->Recover().code(), StatusCode::kUnavailable);
  EXPECT_EQ(log_->Recover().code(), StatusCode::kUnavailable);
  EXPECT_FALSE(log_->failure().ok());
  faults.Heal();
  ASSERT_TRUE(log_->Recover().ok());
  WriteAndSync("c");
  EXPECT_EQ(ReopenAndRead(), "a c");
}

TEST_F(RecoverTest, ACheckpointThatWasInterruptedIsNotLogged) {
  Open();
  const Offset trim = WriteAndSync("a");
  WriteAndSync("b");
  FaultPlan faults(files_);
  const Status status = log_->Trim(trim, [&](const Log::CheckpointAppender& append) {
    FIRN_RETURN_IF_ERROR(append(RecordKind::kSeries, "", "1"));
    faults.FailOnce(1, Status::Unavailable("injected"));
    EXPECT_FALSE(log_->WaitSynced(log_->appended_offset()).ok());
    EXPECT_TRUE(log_->Recover().ok());
    return append(RecordKind::kSeries, "", "2");
  });
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_EQ(log_->trim_offset(), 0u);
  EXPECT_EQ(ReopenAndRead(), "a b");
}

TEST_F(RecoverTest, ManyFailuresAreRemembered) {
  Open();
  FaultPlan faults(files_);
  std::vector<Offset> kept;
  std::vector<Offset> lost;
  for (int i = 0; i < 100; ++i) {
    kept.push_back(WriteAndSync("k"));
    lost.push_back(Write("l"));
    faults.FailOnce(1, Status::Unavailable("injected"));
    EXPECT_FALSE(log_->WaitSynced(lost.back()).ok());
    ASSERT_TRUE(log_->Recover().ok());
  }
  for (const Offset end : lost) EXPECT_FALSE(log_->WaitSynced(end).ok()) << end;
  for (std::size_t i = 50; i < kept.size(); ++i) {
    EXPECT_TRUE(log_->WaitSynced(kept[i]).ok()) << kept[i];
  }
  std::string expected = "k";
  for (int i = 1; i < 100; ++i) expected += " k";
  EXPECT_EQ(ReopenAndRead(), expected);
}

}  // namespace
}  // namespace firn::wal
