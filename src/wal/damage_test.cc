// SPDX-License-Identifier: Apache-2.0
// Damaged logs: each is mended with a report or refused by name, and no record is ever
// read that was not written.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <random>

#include "base/crc32c.h"
#include "wal/log_fixture.h"

namespace firn::wal {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class DamageTest : public LogFixture {
 protected:
  using Directory = std::map<std::string, std::string>;

  Directory Save() {
    Directory directory;
    for (const std::string& segment : Segments()) directory[segment] = Bytes(segment);
    return directory;
  }
  void Restore(const Directory& directory) {
    RemoveLog();
    for (const auto& [segment, bytes] : directory) SetBytes(segment, bytes);
  }
  std::string LastSegment() { return Segments().back(); }
  void Overwrite(const std::string& segment, std::size_t at, const std::string& bytes) {
    std::string all = Bytes(segment);
    ASSERT_LE(at + bytes.size(), all.size());
    all.replace(at, bytes.size(), bytes);
    SetBytes(segment, all);
  }
  // Where in its file a record that ends at `end` in the first segment stops.
  static std::size_t FileEnd(Offset end) { return kSegmentHeaderBytes + end; }
};

TEST_F(DamageTest, TornAtEveryByteOfTheLastRecord) {
  Open();
  WriteAndSync("a");
  const Offset kept = WriteAndSync("t/b");
  WriteAndSync("tenant/c*40");
  const Directory whole = Save();
  const std::string segment = LastSegment();
  const std::size_t size = whole.at(segment).size();
  for (std::size_t cut = FileEnd(kept); cut < size; ++cut) {
    Restore(whole);
    SetBytes(segment, whole.at(segment).substr(0, cut));
    ASSERT_EQ(ReopenAndRead(), "a t/b") << cut;
    const RecoveryReport& report = log_->recovery();
    EXPECT_EQ(report.bytes_cut, cut - FileEnd(kept));
    EXPECT_EQ(report.cut_reason.empty(), report.bytes_cut == 0);
    EXPECT_EQ(report.end, kept);
    WriteAndSync("d");
    ASSERT_EQ(ReopenAndRead(), "a t/b d") << cut;
    EXPECT_EQ(log_->recovery().bytes_cut, 0u);
  }
}

TEST_F(DamageTest, AnyBitFlippedIsCutOrRefused) {
  options_.segment_bytes = 160;
  Open();
  WriteAndSync("a bb");
  WriteAndSync("ccc t/d");
  const Offset trim = WriteAndSync("eeee s:f");
  WriteAndSync("g hh");
  ASSERT_TRUE(Trim(trim, "s:f").ok());
  WriteAndSync("x*90");
  WriteAndSync("i jj");
  WriteAndSync("kkk l");
  const std::string all = "s:f g hh x*90 i jj kkk l";
  ASSERT_EQ(Read(), all);
  const Directory whole = Save();
  ASSERT_GE(whole.size(), 3u);
  const std::string last = LastSegment();
  int cut = 0;
  for (const auto& [segment, bytes] : whole) {
    for (std::size_t i = 0; i < bytes.size() * 2; ++i) {
      Restore(whole);
      std::string flipped = bytes;
      const int mask = i % 2 == 0 ? 1 << (i / 2 % 8) : 0xff;
      flipped[i / 2] = static_cast<char>(flipped[i / 2] ^ mask);
      SetBytes(segment, flipped);
      const Status status = TryOpen();
      const std::string text = status.ok() ? Read() : status.ToString();
      if (text.find("Corruption: ") != std::string::npos) {
        EXPECT_THAT(text, HasSubstr(segment));
        continue;
      }
      EXPECT_EQ(segment, last) << i;
      EXPECT_THAT(text, ::testing::AnyOf("s:f g hh x*90 i jj", "s:f g hh x*90 i jj kkk"));
      EXPECT_GT(log_->recovery().bytes_cut, 0u);
      EXPECT_THAT(log_->recovery().cut_reason, HasSubstr(segment));
      ++cut;
    }
  }
  // Only the last write of all can pass for torn: nothing was synced after it.
  EXPECT_EQ(cut, 2 * static_cast<int>(2 * kRecordHeaderBytes + 4));
}

TEST_F(DamageTest, DamageBeforeSyncedRecordsNamesTheByte) {
  Open();
  const Offset first = WriteAndSync("a");
  WriteAndSync("b c");
  WriteAndSync("d");
  Overwrite(LastSegment(), FileEnd(first) + 30, "?");
  EXPECT_THAT(ReopenAndRead(),
              AllOf(StartsWith("Corruption: log wal: segment 00000000000000000000.wal: "
                               "byte " +
                               std::to_string(FileEnd(first) + 23)),
                    HasSubstr("after those bytes were synced")));
}

TEST_F(DamageTest, AHoleInTheLastWriteIsATornTail) {
  Open();
  const Offset first = WriteAndSync("a");
  const Offset second = Write("b");
  Write("c d*100 e");
  Sync();
  const Directory whole = Save();

  Overwrite(LastSegment(), FileEnd(first), std::string(second - first, '\0'));
  EXPECT_EQ(ReopenAndRead(), "a") << "c, d and e are whole, but b was never synced";
  EXPECT_GT(log_->recovery().bytes_cut, 100u);

  Restore(whole);
  Overwrite(LastSegment(), FileEnd(second), std::string(5, '\0'));
  EXPECT_EQ(ReopenAndRead(), "a b");
}

TEST_F(DamageTest, TheSameHoleBeforeALaterWriteIsCorruption) {
  Open();
  const Offset first = WriteAndSync("a");
  const Offset second = Write("b");
  Write("c d*100 e");
  Sync();
  WriteAndSync("f");
  Overwrite(LastSegment(), FileEnd(first), std::string(second - first, '\0'));
  EXPECT_THAT(ReopenAndRead(), StartsWith("Corruption: "));
}

TEST_F(DamageTest, ProofOfSyncIsFoundFarAway) {
  Open();
  WriteAndSync("a");
  WriteAndSync("x*5000000");
  WriteAndSync("b");
  Overwrite(LastSegment(), 1000, "?");
  EXPECT_THAT(ReopenAndRead(), StartsWith("Corruption: "));
}

TEST_F(DamageTest, ZeroesAndNoiseBehindTheEndAreCut) {
  Open();
  WriteAndSync("a b");
  const Directory whole = Save();
  std::mt19937 random(1);
  for (const std::size_t size : {1, 21, 22, 23, 4096, 3 << 20}) {
    Restore(whole);
    SetBytes(LastSegment(), whole.begin()->second + std::string(size, '\0'));
    EXPECT_EQ(ReopenAndRead(), "a b");
    EXPECT_EQ(log_->recovery().bytes_cut, size);

    Restore(whole);
    std::string noise(size, '\0');
    for (char& c : noise) c = static_cast<char>(random());
    SetBytes(LastSegment(), whole.begin()->second + noise);
    EXPECT_EQ(ReopenAndRead(), "a b");
    EXPECT_EQ(log_->recovery().bytes_cut, size);
  }
}

TEST_F(DamageTest, ALogInsideAPayloadIsNoProof) {
  Open();
  const Offset first = WriteAndSync("a b");
  WriteAndSync("c");
  // A copy of this very log, as somebody who logs files might store it.
  const std::string copy = Bytes(LastSegment());
  const Offset before = log_->appended_offset();
  ASSERT_TRUE(log_->Append(RecordKind::kSamples, "", copy + copy).ok());
  Sync();
  ASSERT_LT(first, before);
  Overwrite(LastSegment(), FileEnd(before), "????");
  EXPECT_EQ(ReopenAndRead(), "a b c");
}

TEST_F(DamageTest, AMissingSegmentIsNoticed) {
  options_.segment_bytes = 100;
  Open();
  for (int i = 0; i < 4; ++i) WriteAndSync("x*60");
  const Directory whole = Save();
  ASSERT_EQ(whole.size(), 4u);
  const std::vector<std::string> segments = Segments();
  RemoveSegment(segments[1]);
  EXPECT_THAT(ReopenAndRead(), AllOf(StartsWith("Corruption: "), HasSubstr(segments[0]),
                                     HasSubstr("records are missing")));
  Restore(whole);
  RemoveSegment(segments[0]);
  EXPECT_THAT(ReopenAndRead(),
              AllOf(StartsWith("Corruption: "), HasSubstr("no segment holds offset 0")));
  Restore(whole);
  SetBytes(segments[2], whole.at(segments[2]).substr(0, 100));
  EXPECT_THAT(ReopenAndRead(), AllOf(StartsWith("Corruption: "), HasSubstr(segments[2])));
}

TEST_F(DamageTest, SegmentsOfAnotherLogAreRefused) {
  options_.segment_bytes = 100;
  Open();
  const std::string ours = log_->id().ToString();
  for (int i = 0; i < 3; ++i) WriteAndSync("x*60");
  const Directory first = Save();
  Restore({});
  Open();
  const std::string theirs = log_->id().ToString();
  EXPECT_NE(ours, theirs);
  for (int i = 0; i < 3; ++i) WriteAndSync("x*60");
  const std::string middle = Segments()[1];
  SetBytes(middle, first.at(middle));
  EXPECT_THAT(ReopenAndRead(),
              AllOf(StartsWith("Corruption: "), HasSubstr("is of log " + ours),
                    HasSubstr("is of log " + theirs), HasSubstr(middle)));
}

TEST_F(DamageTest, ARenamedSegmentIsRefused) {
  Open();
  WriteAndSync("a b");
  SetBytes(SegmentName(23), Bytes(LastSegment()));
  EXPECT_THAT(ReopenAndRead(), AllOf(StartsWith("Corruption: "),
                                     HasSubstr("its header names it " + SegmentName(0))));
}

TEST_F(DamageTest, ANewerFormatIsRefusedByName) {
  Open();
  WriteAndSync("a");
  std::string bytes = Bytes(LastSegment());
  bytes[8] = 2;
  const std::uint32_t crc =
      base::Crc32c(std::string_view(bytes).substr(0, kSegmentHeaderBytes - 4));
  std::memcpy(bytes.data() + kSegmentHeaderBytes - 4, &crc, 4);
  SetBytes(LastSegment(), bytes);
  EXPECT_THAT(ReopenAndRead(),
              AllOf(StartsWith("Unimplemented: "), HasSubstr("written by a newer firn")));
}

TEST_F(DamageTest, ARecordOfANewerFirnIsNotCutOff) {
  Open();
  WriteAndSync("a");
  std::string bytes = Bytes(LastSegment());
  RecordHeader header;
  header.version = 2;
  header.kind = RecordKind::kSamples;
  std::string record(kRecordHeaderBytes, '\0');
  RecordCodec(log_->id()).EncodeHeader(header, log_->synced_offset(), record.data());
  SetBytes(LastSegment(), bytes + record);
  EXPECT_THAT(ReopenAndRead(),
              AllOf(StartsWith("Unimplemented: "), HasSubstr("written by a newer firn")));
}

TEST_F(DamageTest, ASegmentWithoutAHeaderIsRemoved) {
  Open();
  const Offset end = WriteAndSync("a b");
  const Directory whole = Save();
  for (const std::size_t size : {0, 1, 63, 64}) {
    Restore(whole);
    SetBytes(SegmentName(end), std::string(size, '\0'));
    EXPECT_EQ(ReopenAndRead(), "a b");
    EXPECT_THAT(log_->recovery().cut_reason, HasSubstr("no header"));
  }
  // Behind a header of zeroes there is something: this is no torn creation.
  Restore(whole);
  SetBytes(SegmentName(end), std::string(65, '\0'));
  EXPECT_THAT(ReopenAndRead(), StartsWith("Corruption: "));
}

TEST_F(DamageTest, InspectingATornLogChangesNothing) {
  Open();
  WriteAndSync("a b");
  WriteAndSync("c");
  log_.reset();
  const std::string last = Segments().back();
  SetBytes(last, Bytes(last) + "torn");
  SetBytes(SegmentName(9999), "");
  const Directory before = Save();
  const Result<std::optional<LogExtent>> found = Log::Inspect(files_, kDir, options_);
  ASSERT_TRUE(found.ok()) << found.status();
  ASSERT_TRUE(found->has_value());
  EXPECT_EQ(Save(), before);
  Open();
  EXPECT_EQ(log_->recovery().bytes_cut, 4u);
  EXPECT_EQ((*found)->id, log_->id());
  EXPECT_EQ((*found)->end, log_->appended_offset());
  EXPECT_EQ(Read(), "a b c");
}

TEST_F(DamageTest, InspectingMakesNoDirectory) {
  const Result<std::optional<LogExtent>> found = Log::Inspect(files_, "none", options_);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_FALSE(found->has_value());
  EXPECT_FALSE(*files_.Exists("none"));
}

TEST_F(DamageTest, ALogThatWasNeverBegunIsBegun) {
  ASSERT_TRUE(files_.CreateDirectories(kDir).ok());
  Restore({{SegmentName(0), std::string(64, '\0')}});
  ASSERT_TRUE(TryOpen().ok());
  EXPECT_TRUE(log_->recovery().created);
  EXPECT_EQ(log_->recovery().bytes_cut, 64u);
  Restore({{SegmentName(77), std::string(64, '\0')}});
  EXPECT_THAT(ReopenAndRead(),
              AllOf(StartsWith("Corruption: "), HasSubstr("the only one")))
      << "a later segment means that there was a log";
}

TEST_F(DamageTest, RemovedSegmentsThatComeBackAreRemovedAgain) {
  options_.segment_bytes = 100;
  Open();
  std::vector<Offset> ends;
  for (int i = 0; i < 5; ++i) ends.push_back(WriteAndSync("x*60"));
  const Directory before = Save();
  ASSERT_TRUE(Trim(ends[3], "s:1").ok());
  const Directory after = Save();
  const std::vector<std::string> gone = {SegmentName(0), SegmentName(ends[0]),
                                         SegmentName(ends[1]), SegmentName(ends[2])};
  for (unsigned back = 0; back < 16; ++back) {
    Directory mixed = after;
    for (unsigned i = 0; i < 4; ++i) {
      if ((back >> i & 1) != 0) mixed[gone[i]] = before.at(gone[i]);
    }
    Restore(mixed);
    EXPECT_EQ(ReopenAndRead(), "s:1 x*60") << back;
    for (const std::string& name : gone) {
      EXPECT_FALSE(files_.Exists(std::string(kDir) + "/" + name).value()) << name;
    }
  }
}

TEST_F(DamageTest, RemovedSegmentsStayAway) {
  options_.segment_bytes = 100;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    RemoveLog();
    Open();
    const Offset end = WriteAndSync("x*60");
    WriteAndSync("y*60");
    ASSERT_TRUE(Trim(end, "s:1").ok());
    log_.reset();
    files_.CutPower(seed);
    EXPECT_EQ(Segments()[0], SegmentName(end));
  }
}

TEST_F(DamageTest, OtherFilesAreLeftAlone) {
  Open();
  WriteAndSync("a");
  for (const char* name :
       {"notes.txt", "1.wal", "0000000000000000000x.wal", "99999999999999999999.wal"}) {
    SetBytes(name, "?");
  }
  EXPECT_EQ(ReopenAndRead(), "a");
  EXPECT_EQ(Bytes("notes.txt"), "?");
}

}  // namespace
}  // namespace firn::wal
