// SPDX-License-Identifier: Apache-2.0
#include "wal/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <vector>

#include "wal/log_fixture.h"

namespace firn::wal {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

using LogTest = LogFixture;

TEST_F(LogTest, BeginsEmpty) {
  Open();
  EXPECT_TRUE(log_->recovery().created);
  EXPECT_EQ(Read(), "");
  EXPECT_EQ(log_->synced_offset(), 0u);
  EXPECT_EQ(log_->appended_offset(), 0u);
  EXPECT_EQ(log_->size_bytes(), kSegmentHeaderBytes);
  EXPECT_THAT(Segments(), ElementsAre("00000000000000000000.wal"));
}

TEST_F(LogTest, KeepsItsNameAndRecords) {
  Open();
  const base::Ulid id = log_->id();
  WriteAndSync("foo s:bar t/baz t/s:qux");
  EXPECT_EQ(Read(), "foo s:bar t/baz t/s:qux");
  EXPECT_EQ(ReopenAndRead(), "foo s:bar t/baz t/s:qux");
  EXPECT_EQ(log_->id(), id);
  EXPECT_FALSE(log_->recovery().created);
  EXPECT_EQ(log_->recovery().bytes_cut, 0u);
  EXPECT_EQ(log_->recovery().cut_reason, "");
}

TEST_F(LogTest, OffsetsNameTheEndsOfRecords) {
  Open();
  EXPECT_EQ(Write("foo"), kRecordHeaderBytes + 3);
  EXPECT_EQ(Write("tenant/foo"), 2 * kRecordHeaderBytes + 12);
  EXPECT_EQ(log_->appended_offset(), 2 * kRecordHeaderBytes + 12);
  EXPECT_EQ(log_->synced_offset(), 0u);
  Sync();
  EXPECT_EQ(log_->synced_offset(), 2 * kRecordHeaderBytes + 12);
  std::vector<Offset> ends;
  ASSERT_TRUE(log_->Replay([&](const Record& record) {
                    ends.push_back(record.end);
                    return Status::OK();
                  })
                  .ok());
  EXPECT_THAT(ends, ElementsAre(kRecordHeaderBytes + 3, 2 * kRecordHeaderBytes + 12));
  ASSERT_TRUE(TryOpen().ok());
  EXPECT_EQ(Write("foo"), 3 * kRecordHeaderBytes + 15) << "offsets go on after a restart";
}

TEST_F(LogTest, EmptyPayloadIsARecord) {
  Open();
  ASSERT_TRUE(log_->Append(RecordKind::kSamples, "t", "").ok());
  WriteAndSync("after");
  EXPECT_EQ(ReopenAndRead(), "t/ after");
}

TEST_F(LogTest, UnknownKindsAreTheCallersMatter) {
  Open();
  ASSERT_TRUE(log_->Append(static_cast<RecordKind>(200), "", "later").ok());
  Sync();
  EXPECT_EQ(ReopenAndRead(), "later");
}

TEST_F(LogTest, ReplayLeavesOutWhatIsNotSynced) {
  Open();
  WriteAndSync("a");
  Write("b");
  EXPECT_EQ(Read(), "a");
}

TEST_F(LogTest, ReplayStopsAtTheFirstError) {
  Open();
  WriteAndSync("a b c");
  int seen = 0;
  const Status status = log_->Replay([&](const Record& record) {
    ++seen;
    return record.payload == "b" ? Status::Cancelled("enough") : Status::OK();
  });
  EXPECT_EQ(status.code(), StatusCode::kCancelled);
  EXPECT_THAT(status.ToString(), HasSubstr("enough"));
  EXPECT_EQ(seen, 2);
}

TEST_F(LogTest, ManySegments) {
  options_.segment_bytes = 200;
  Open();
  std::string expected;
  for (int i = 0; i < 100; ++i) {
    const std::string word = "record" + std::to_string(i);
    WriteAndSync(word);
    expected += (i == 0 ? "" : " ") + word;
  }
  EXPECT_EQ(log_->counts().segments, Segments().size());
  EXPECT_GT(Segments().size(), 20u);
  std::uint64_t bytes = 0;
  for (const std::string& segment : Segments()) {
    EXPECT_LE(Bytes(segment).size(), 200u);
    bytes += Bytes(segment).size();
  }
  EXPECT_EQ(log_->size_bytes(), bytes);
  EXPECT_EQ(Read(), expected);
  EXPECT_EQ(ReopenAndRead(), expected);
}

TEST_F(LogTest, ARecordLargerThanEverythingIsWrittenAlone) {
  options_.segment_bytes = 200;
  options_.buffer_bytes_max = 100;
  Open();
  WriteAndSync("a");
  Write("b c*5000 d");
  Sync();
  EXPECT_EQ(log_->counts().writes, 4u) << "a, then b, c and d each alone";
  EXPECT_EQ(ReopenAndRead(), "a b c*5000 d");
}

TEST_F(LogTest, RecordsLongerThanAPieceAreRead) {
  Open();
  WriteAndSync("a*3000000 b c*1048576 d");
  EXPECT_EQ(ReopenAndRead(), "a*3000000 b c*1048576 d");
}

TEST_F(LogTest, AFullBufferIsSyncedByTheAppend) {
  options_.buffer_bytes_max = 3 * (kRecordHeaderBytes + 1);
  Open();
  Write("a b c");
  EXPECT_EQ(log_->counts().writes, 0u);
  const Offset third = log_->appended_offset();
  Write("d");
  EXPECT_EQ(log_->counts().writes, 1u);
  EXPECT_EQ(log_->synced_offset(), third);
}

TEST_F(LogTest, OneWaitSyncsAllThatWasAppended) {
  Open();
  const Offset first = Write("a");
  Write("b c");
  ASSERT_TRUE(log_->WaitSynced(first).ok());
  EXPECT_EQ(log_->synced_offset(), log_->appended_offset());
  ASSERT_TRUE(log_->WaitSynced(log_->appended_offset()).ok());
  EXPECT_EQ(log_->counts().writes, 1u);
  EXPECT_EQ(log_->counts().records, 3u);
}

TEST_F(LogTest, RefusesWhatItCannotHold) {
  options_.record_bytes_max = 10;
  Open();
  EXPECT_EQ(log_->Append(RecordKind::kSamples, "", "01234567890").status().code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(
      log_->Append(RecordKind::kSamples, std::string(65536, 't'), "").status().code(),
      StatusCode::kInvalidArgument);
  EXPECT_EQ(log_->Append(RecordKind::kTrim, "", "").status().code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(log_->Append(static_cast<RecordKind>(0), "", "").status().code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(log_->WaitSynced(1).code(), StatusCode::kInvalidArgument);
  EXPECT_TRUE(
      log_->Append(RecordKind::kSamples, std::string(65535, 't'), "0123456789").ok());
}

TEST_F(LogTest, RefusesOptionsWithoutBounds) {
  options_.record_bytes_max = std::uint64_t{1} << 32;
  EXPECT_EQ(TryOpen().code(), StatusCode::kInvalidArgument);
  options_ = {};
  options_.buffer_bytes_max = 0;
  EXPECT_EQ(TryOpen().code(), StatusCode::kInvalidArgument);
}

TEST_F(LogTest, ARecordAboveALoweredBoundIsNotCutOff) {
  Open();
  WriteAndSync("a b*100");
  options_.record_bytes_max = 50;
  const Status status = TryOpen();
  EXPECT_EQ(status.code(), StatusCode::kCorruption);
  EXPECT_THAT(status.ToString(), HasSubstr("record_bytes_max"));
  options_ = {};
  EXPECT_EQ(ReopenAndRead(), "a b*100");
}

TEST_F(LogTest, AFullLogRefusesAppendsAndCanBeTrimmed) {
  options_.log_bytes_max = 2000;
  Open();
  Status status;
  Offset last = 0;
  int appended = 0;
  while (status.ok()) {
    const Result<Offset> end = log_->Append(RecordKind::kSamples, "", "0123456789");
    status = end.status();
    if (!end.ok()) break;
    ++appended;
    last = *end;
    ASSERT_TRUE(log_->WaitSynced(last).ok());
  }
  EXPECT_EQ(status.code(), StatusCode::kResourceExhausted);
  EXPECT_THAT(status.ToString(),
              HasSubstr("it holds " + std::to_string(log_->size_bytes()) +
                        " bytes, and log_bytes_max is 2000"));
  EXPECT_GT(appended, 20);
  EXPECT_LE(log_->size_bytes(), 2000u + kSegmentHeaderBytes);
  EXPECT_TRUE(log_->failure().ok()) << "a full log is no failed write";
  ASSERT_TRUE(Trim(last, "s:kept").ok());
  EXPECT_LT(log_->size_bytes(), 1000u);
  WriteAndSync("again");
  EXPECT_EQ(ReopenAndRead(), "s:kept again");
}

TEST_F(LogTest, ReopeningOverAndOverMakesNoSegments) {
  Open();
  WriteAndSync("a");
  WriteAndSync("b");
  for (int i = 0; i < 5; ++i) EXPECT_EQ(ReopenAndRead(), "a b");
  EXPECT_EQ(Segments().size(), 2u) << "a, and b as the rewritten last write";
}

TEST_F(LogTest, WhatOpenFoundIsDurable) {
  Open();
  Write("a b");
  // The write reaches the file and its sync does not: as after a kill.
  FaultPlan faults(files_);
  faults.LosePowerAt(2);
  EXPECT_FALSE(log_->WaitSynced(log_->appended_offset()).ok());
  faults.Heal();
  EXPECT_EQ(ReopenAndRead(), "a b");
  log_.reset();
  files_.CutPower(1);
  EXPECT_EQ(ReopenAndRead(), "a b");
}

TEST_F(LogTest, TrimGivesTheCheckpointFirst) {
  options_.segment_bytes = 200;
  Open();
  WriteAndSync("s:1 a");
  const Offset trimmed = WriteAndSync("b");
  const Offset after = WriteAndSync("s:2 c");
  ASSERT_TRUE(Trim(trimmed, "s:1 t/s:2").ok());
  EXPECT_EQ(log_->trim_offset(), trimmed);
  WriteAndSync("d");
  EXPECT_EQ(Read(), "s:1 t/s:2 s:2 c d");
  EXPECT_EQ(ReopenAndRead(), "s:1 t/s:2 s:2 c d");
  EXPECT_EQ(log_->recovery().trim, trimmed);

  std::vector<Offset> ends;
  ASSERT_TRUE(log_->Replay([&](const Record& record) {
                    ends.push_back(record.end);
                    return Status::OK();
                  })
                  .ok());
  ASSERT_EQ(ends.size(), 5u);
  EXPECT_EQ(ends[0], trimmed);
  EXPECT_EQ(ends[1], trimmed);
  EXPECT_EQ(ends[3], after);
}

TEST_F(LogTest, TrimRemovesSegmentsAtOrBelowTheOffset) {
  options_.segment_bytes = 100;
  Open();
  std::vector<Offset> ends;
  for (int i = 0; i < 6; ++i) ends.push_back(WriteAndSync("x*60"));
  ASSERT_EQ(Segments().size(), 6u);
  const std::uint64_t before = log_->size_bytes();
  ASSERT_TRUE(Trim(ends[2] - 1, "").ok()) << "inside the third record";
  EXPECT_EQ(Segments()[0], SegmentName(ends[1]));
  ASSERT_TRUE(Trim(ends[2], "").ok());
  EXPECT_EQ(Segments()[0], SegmentName(ends[2]));
  EXPECT_LT(log_->size_bytes(), before + 200);
  EXPECT_EQ(ReopenAndRead(), "x*60 x*60 x*60");
}

TEST_F(LogTest, TheNewestTrimIsFoundAfterManySegments) {
  options_.segment_bytes = 100;
  Open();
  const Offset first = WriteAndSync("a*60");
  const Offset second = WriteAndSync("b*60");
  ASSERT_TRUE(Trim(first, "s:old").ok());
  ASSERT_TRUE(Trim(second, "s:new").ok());
  for (int i = 0; i < 5; ++i) WriteAndSync("c*60");
  EXPECT_EQ(ReopenAndRead(), "s:new c*60 c*60 c*60 c*60 c*60");
  EXPECT_EQ(log_->trim_offset(), second);
}

TEST_F(LogTest, TrimKnowsItsBounds) {
  Open();
  const Offset synced = WriteAndSync("a b");
  Write("c");
  EXPECT_EQ(Trim(synced + 1, "").code(), StatusCode::kInvalidArgument);
  ASSERT_TRUE(Trim(synced, "s:1").ok());
  const Offset end = log_->appended_offset();
  ASSERT_TRUE(Trim(synced, "s:2").ok());
  EXPECT_EQ(log_->appended_offset(), end) << "nothing is written for a point once passed";
  EXPECT_EQ(Read(), "s:1 c");
}

TEST_F(LogTest, AnAbandonedCheckpointIsNotReplayed) {
  Open();
  const Offset first = WriteAndSync("a");
  WriteAndSync("b");
  const Status status = log_->Trim(first, [](const Log::CheckpointAppender& append) {
    FIRN_RETURN_IF_ERROR(append(RecordKind::kSeries, "", "half"));
    EXPECT_EQ(append(RecordKind::kTrim, "", "").code(), StatusCode::kInvalidArgument);
    return Status::Cancelled("stopped");
  });
  EXPECT_EQ(status.code(), StatusCode::kCancelled);
  Sync();
  EXPECT_EQ(log_->trim_offset(), 0u);
  EXPECT_EQ(ReopenAndRead(), "a b");
  ASSERT_TRUE(Trim(first, "s:whole").ok());
  EXPECT_EQ(ReopenAndRead(), "s:whole b");
}

TEST_F(LogTest, OthersMayAppendWhileACheckpointIsWritten) {
  options_.segment_bytes = 150;
  options_.buffer_bytes_max = 80;
  Open();
  const Offset first = WriteAndSync("a");
  const Status status = log_->Trim(first, [&](const Log::CheckpointAppender& append) {
    for (int i = 0; i < 4; ++i) {
      FIRN_RETURN_IF_ERROR(append(RecordKind::kSeries, "", std::to_string(i)));
      Write("between" + std::to_string(i));
    }
    return Status::OK();
  });
  ASSERT_TRUE(status.ok()) << status;
  WriteAndSync("z");
  EXPECT_EQ(ReopenAndRead(), "s:0 s:1 s:2 s:3 between0 between1 between2 between3 z");
}

TEST_F(LogTest, WorksOnTheMachinesDisk) {
  std::string dir = ::testing::TempDir() + "/firn-wal-XXXXXX";
  ASSERT_NE(::mkdtemp(dir.data()), nullptr);
  options_.segment_bytes = 1000;
  Offset trim = 0;
  const auto open = [&] {
    log_.reset();
    log_ = Log::Open(io::LocalFileSystem(), dir + "/wal", options_, ulids_).value();
  };
  open();
  for (int i = 0; i < 20; ++i) {
    WriteAndSync("a*300");
    if (i == 9) trim = log_->synced_offset();
  }
  open();
  ASSERT_TRUE(Trim(trim, "s:1").ok());
  WriteAndSync("b");
  std::string expected = "s:1";
  for (int i = 0; i < 10; ++i) expected += " a*300";
  EXPECT_EQ(Read(), expected + " b");
  open();
  EXPECT_EQ(Read(), expected + " b");
  EXPECT_EQ(log_->trim_offset(), trim);
  log_.reset();
  std::filesystem::remove_all(dir);
}

}  // namespace
}  // namespace firn::wal
