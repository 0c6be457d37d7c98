// SPDX-License-Identifier: Apache-2.0
#include "wal/format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "wal/log_fixture.h"

namespace firn::wal {
namespace {

std::filesystem::path SourceDir() {
  if (const char* dir = std::getenv("FIRN_SOURCE_DIR")) return dir;
  return std::filesystem::path(__FILE__).parent_path().parent_path().parent_path();
}

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in.is_open()) << path;
  std::ostringstream bytes;
  bytes << in.rdbuf();
  return bytes.str();
}

std::string Hex(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i > 0) out += i % 16 == 0 ? '\n' : ' ';
    out += kDigits[static_cast<unsigned char>(bytes[i]) >> 4];
    out += kDigits[static_cast<unsigned char>(bytes[i]) & 15];
  }
  return out;
}

TEST(FormatTest, SegmentNames) {
  EXPECT_EQ(SegmentName(0), "00000000000000000000.wal");
  EXPECT_EQ(SegmentName(~Offset{0}), "18446744073709551615.wal");
  EXPECT_EQ(ParseSegmentName("00000000000000001234.wal"), Offset{1234});
  EXPECT_EQ(ParseSegmentName("18446744073709551615.wal"), ~Offset{0});
  for (const char* name :
       {"", ".wal", "1234.wal", "0000000000000000123x.wal", "18446744073709551616.wal",
        "000000000000000012345.wal", "00000000000000001234.log",
        "-0000000000000001234.wal", "00000000000000001234.wal.tmp"}) {
    EXPECT_EQ(ParseSegmentName(name), std::nullopt) << name;
  }
}

TEST(FormatTest, SegmentHeaderComesBack) {
  SegmentHeader header;
  header.log = base::Ulid::Parse("01ARZ3NDEKTSV4RRFFQ69G5FAV").value();
  header.start = 1000;
  header.follows = 900;
  header.trim = {500, 600};
  const std::string bytes = EncodeSegmentHeader(header);
  ASSERT_EQ(bytes.size(), kSegmentHeaderBytes);
  EXPECT_EQ(DecodeSegmentHeader(bytes).value(), header);
  EXPECT_EQ(DecodeSegmentHeader(bytes + "more").value(), header);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(DecodeSegmentHeader(bytes.substr(0, size)).status().code(),
              StatusCode::kCorruption);
  }
  for (std::size_t i = 0; i < bytes.size() * 8; ++i) {
    std::string flipped = bytes;
    flipped[i / 8] = static_cast<char>(flipped[i / 8] ^ (1 << (i % 8)));
    EXPECT_EQ(DecodeSegmentHeader(flipped).status().code(), StatusCode::kCorruption) << i;
  }
}

TEST(FormatTest, TrimComesBack) {
  const TrimPoint trim{7, 12};
  EXPECT_EQ(DecodeTrim(EncodeTrim(trim)).value(), trim);
  EXPECT_FALSE(DecodeTrim(EncodeTrim(trim) + "x").ok());
  EXPECT_FALSE(DecodeTrim("short").ok());
  EXPECT_FALSE(DecodeTrim(EncodeTrim({12, 7})).ok());
}

TEST(FormatTest, ARecordHeaderIsValidInItsPlaceOnly) {
  const base::Ulid log = base::Ulid::Parse("01ARZ3NDEKTSV4RRFFQ69G5FAV").value();
  const RecordCodec codec(log);
  RecordHeader header;
  header.payload_size = 100;
  header.body_crc = 7;
  header.group_distance = 3;
  header.kind = RecordKind::kSeries;
  header.flags = kCheckpointFlag;
  header.tenant_size = 5;
  char bytes[kRecordHeaderBytes];
  codec.EncodeHeader(header, 1000, bytes);
  EXPECT_EQ(codec.DecodeHeader(bytes, 1000), header);
  EXPECT_EQ(header.record_bytes(), kRecordHeaderBytes + 105);
  EXPECT_EQ(codec.DecodeHeader(bytes, 1001), std::nullopt);
  base::Ulid other = log;
  other.bytes[15] ^= 1;
  EXPECT_EQ(RecordCodec(other).DecodeHeader(bytes, 1000), std::nullopt);
}

using WorkedExampleTest = LogFixture;

// The hexadecimal block of docs/format/wal.md is the log this test writes, byte for byte.
TEST_F(WorkedExampleTest, IsWhatTheDocumentShows) {
  const base::Ulid log = base::Ulid::Parse("01ARZ3NDEKTSV4RRFFQ69G5FAV").value();
  ASSERT_TRUE(files_.CreateDirectories(kDir).ok());
  SetBytes(SegmentName(0), EncodeSegmentHeader({log, 0, 0, TrimPoint{}}));
  Open();
  EXPECT_EQ(log_->id(), log);
  WriteAndSync("s:up demo/1*3");
  const std::string document = ReadFile(SourceDir() / "docs" / "format" / "wal.md");
  const std::string hex = Hex(Bytes(Segments()[0]));
  EXPECT_NE(document.find("\n" + hex + "\n"), std::string::npos)
      << "docs/format/wal.md does not show this log:\n"
      << hex;
}

using GoldenTest = LogFixture;

// Logs on disk are read for ever. The directory was written by the first version: three
// segments, a checkpoint, a trim point, offsets that a failed write gave up, and a torn
// last write.
TEST_F(GoldenTest, WalV1IsRead) {
  const std::filesystem::path golden = SourceDir() / "test" / "golden" / "wal-v1";
  ASSERT_TRUE(files_.CreateDirectories(kDir).ok());
  int copied = 0;
  for (const auto& entry : std::filesystem::directory_iterator(golden)) {
    const std::string name = entry.path().filename().string();
    if (!ParseSegmentName(name)) continue;
    SetBytes(name, ReadFile(entry.path()));
    ++copied;
  }
  EXPECT_EQ(copied, 3);
  std::string expected = ReadFile(golden / "records.txt");
  ASSERT_FALSE(expected.empty());
  expected.pop_back();  // The end of the line.
  EXPECT_EQ(ReopenAndRead(), expected);
  EXPECT_GT(log_->recovery().bytes_cut, 0u);
  EXPECT_GT(log_->trim_offset(), 0u);
  WriteAndSync("more");
  EXPECT_EQ(ReopenAndRead(), expected + " more");
}

}  // namespace
}  // namespace firn::wal
