// SPDX-License-Identifier: Apache-2.0
// Good files of every form pass, and files that were harmed in one way yield that fault.
#include "parquet/verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "arrow/array/builder_binary.h"
#include "arrow/array/builder_primitive.h"
#include "arrow/io/memory.h"
#include "arrow/record_batch.h"
#include "arrow/type.h"

#include "parquet/file_reader.h"
#include "parquet/memory_pool.h"
#include "parquet/metadata.h"
#include "parquet/page_index.h"
#include "parquet/statistics.h"
#include "parquet/test_objects.h"
#include "parquet/test_runs.h"
#include "parquet/writer.h"

namespace firn::parquet {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr char kLocation[] = "memory://w/a.parquet";

Result<FileCheck> Check(std::string bytes, VerifyOptions options = {}) {
  const base::Context context;
  return Verify(context, std::make_shared<StringReader>(std::move(bytes)), kLocation,
                options);
}

// The faults without the file's name, one line each.
std::vector<std::string> FaultsOf(std::string bytes) {
  const auto check = Check(std::move(bytes));
  EXPECT_TRUE(check.ok()) << check.status();
  std::vector<std::string> lines;
  if (!check.ok()) return lines;
  for (const FileFault& fault : check->faults) {
    EXPECT_EQ(fault.file, kLocation);
    lines.push_back(ToString(fault).substr(fault.file.size() + 2));
  }
  return lines;
}

std::string Write(const arrow::RecordBatch& batch, const WriterOptions& options) {
  std::string bytes;
  auto writer =
      FileWriter::Open(std::make_unique<StringWriter>(bytes), batch.schema(), options);
  EXPECT_TRUE(writer.ok()) << writer.status();
  if (!writer.ok()) return bytes;
  EXPECT_TRUE((*writer)->Write(batch).ok());
  EXPECT_TRUE(std::move(**writer).Finish().ok());
  return bytes;
}

WriterOptions SmallPages() {
  WriterOptions options;
  options.row_group_rows = 150;
  options.page_rows = 40;
  return options;
}

// --- Good files.

TEST(Verify, EveryTypeInEveryCodecAndPageVersionIsSound) {
  const auto batch = EveryTypeBatch(400, 7);
  for (const Codec codec : {Codec::kUncompressed, Codec::kSnappy, Codec::kGzip,
                            Codec::kBrotli, Codec::kLz4, Codec::kZstd}) {
    for (const PageVersion version : {PageVersion::kV1, PageVersion::kV2}) {
      WriterOptions options = SmallPages();
      options.codec = codec;
      options.codec_level.reset();
      options.page_version = version;
      options.columns[7].bloom_filter = BloomFilterOptions{50, 0.05};
      options.columns[4].bloom_filter = BloomFilterOptions{400, 0.05};
      options.columns[10].bloom_filter = BloomFilterOptions{50, 0.05};
      const auto check = Check(Write(*batch, options));
      ASSERT_TRUE(check.ok()) << check.status();
      EXPECT_THAT(check->faults, IsEmpty())
          << ToString(codec) << ": " << ToString(check->faults.at(0));
      EXPECT_EQ(check->rows, 400);
      EXPECT_EQ(check->row_groups, 3);
      EXPECT_EQ(check->bloom_filters, 9);
      EXPECT_EQ(check->statistics, 3 * check->columns);
      EXPECT_EQ(check->page_indexes, 3 * check->columns);
      EXPECT_GE(check->pages, 3 * 3 * check->columns);
    }
  }
}

TEST(Verify, ColumnsInRunsAreSound) {
  std::vector<std::int32_t> ends;
  for (std::int32_t end = 50; end <= 2000; end += 50) ends.push_back(end);
  WriterOptions options;
  options.page_rows = 300;
  std::string bytes;
  ASSERT_TRUE(WriteIn(*MakeRows(ends, 1).in_runs, 700, options, bytes).ok());
  EXPECT_THAT(FaultsOf(std::move(bytes)), IsEmpty());
}

TEST(Verify, AFileWithoutRowsIsSound) {
  EXPECT_THAT(FaultsOf(Write(*EveryTypeBatch(0, 1), {})), IsEmpty());
}

TEST(Verify, EncryptedFilesAreSoundForThoseWithKeys) {
  const auto key = [] { return *SecretKey::Make(std::string(16, 'f')); };
  WriterOptions options = SmallPages();
  options.encryption = EncryptionOptions{.footer_key = key()};
  const std::string bytes = Write(*EveryTypeBatch(300, 3), options);
  EXPECT_EQ(Check(bytes).status().code(), StatusCode::kPermissionDenied);
  VerifyOptions with_key;
  auto keys = std::make_shared<DecryptionOptions>();
  keys->footer_key = key();
  with_key.reader.decryption = keys;
  auto check = Check(bytes, with_key);
  ASSERT_TRUE(check.ok()) << check.status();
  EXPECT_THAT(check->faults, IsEmpty()) << ToString(check->faults.at(0));
  // A page that was altered does not pass for another.
  std::string altered = bytes;
  altered[200] = static_cast<char>(altered[200] ^ 1);
  check = Check(altered, with_key);
  ASSERT_TRUE(check.ok()) << check.status();
  ASSERT_FALSE(check->sound());
  EXPECT_EQ(check->faults[0].row_group, 0);
}

TEST(Verify, ReadsEachByteAboutOnceAndSaysHowFarItIs) {
  const std::string bytes = Write(*EveryTypeBatch(2000, 9), SmallPages());
  VerifyOptions options;
  options.reader.request_bytes_max = 4 << 10;
  double last = 0;
  options.on_progress = [&](double share) {
    EXPECT_GE(share, last);
    last = share;
  };
  auto check = Check(bytes, options);
  ASSERT_TRUE(check.ok());
  EXPECT_GT(last, 0.9);
  EXPECT_LE(last, 1);
  EXPECT_LT(check->bytes_read, static_cast<std::int64_t>(bytes.size()) * 12 / 10);
  // Short chunks share requests: two a row group, for pages and for indexes, and the
  // first bytes of the file.
  check = Check(bytes);
  ASSERT_TRUE(check.ok());
  EXPECT_LE(check->requests, 2 * check->row_groups + 1);
}

TEST(Verify, StopsWhereItIsCancelled) {
  const base::Context context;
  VerifyOptions options;
  options.on_progress = [&](double) { context.Cancel(); };
  const auto check =
      Verify(context, std::make_shared<StringReader>(Write(*EveryTypeBatch(300, 1), {})),
             kLocation, options);
  EXPECT_EQ(check.status().code(), StatusCode::kCancelled);
}

// --- Harmed files.

// Two columns of 100 rows in pages of 40, nothing compressed, no dictionary: what a page,
// an index or the footer holds can be found by its bytes.
class VerifyHarmed : public testing::Test {
 protected:
  VerifyHarmed() {
    options_ = SmallPages();
    options_.codec = Codec::kUncompressed;
    options_.codec_level.reset();
    options_.default_column.dictionary = false;
    arrow::Int64Builder n;
    arrow::StringBuilder name;
    for (int i = 0; i < 100; ++i) {
      EXPECT_TRUE(n.Append(1'000'000 + i).ok());
      EXPECT_TRUE((i % 10 == 9 ? name.AppendNull()
                               : name.Append("name-" + std::to_string(1000 + i)))
                      .ok());
    }
    batch_ = arrow::RecordBatch::Make(
        arrow::schema({Id(arrow::field("n", arrow::int64(), false), 1),
                       Id(arrow::field("name", arrow::utf8()), 2)}),
        100, {*n.Finish(), *name.Finish()});
  }

  void WriteFile() {
    bytes_ = Write(*batch_, options_);
    metadata_ =
        ::parquet::ParquetFileReader::Open(arrow::io::BufferReader::FromString(bytes_))
            ->metadata();
    std::uint32_t footer = 0;
    bytes_.copy(reinterpret_cast<char*>(&footer), 4, bytes_.size() - 8);
    footer_at_ = bytes_.size() - 8 - footer;
  }

  // Replace every `from` in [begin, end) by as many bytes; how often.
  int Replace(const std::string& from, const std::string& to, std::size_t begin,
              std::size_t end) {
    EXPECT_EQ(from.size(), to.size());
    int count = 0;
    for (auto at = bytes_.find(from, begin); at < end; at = bytes_.find(from, at + 1)) {
      bytes_.replace(at, to.size(), to);
      ++count;
    }
    EXPECT_GT(count, 0);
    return count;
  }
  int ReplaceInFooter(const std::string& from, const std::string& to) {
    return Replace(from, to, footer_at_, bytes_.size());
  }
  int ReplaceIn(const ::parquet::IndexLocation& index, const std::string& from,
                const std::string& to) {
    return Replace(from, to, static_cast<std::size_t>(index.offset),
                   static_cast<std::size_t>(index.offset + index.length));
  }
  std::unique_ptr<::parquet::ColumnChunkMetaData> Chunk(int leaf) const {
    return metadata_->RowGroup(0)->ColumnChunk(leaf);
  }

  // An integer as Thrift's compact protocol has it.
  static std::string Varint(std::int64_t value) {
    auto rest = static_cast<std::uint64_t>(value << 1 ^ value >> 63);
    std::string out;
    for (; rest >= 0x80; rest >>= 7) out += static_cast<char>(rest | 0x80);
    return out + static_cast<char>(rest);
  }
  static std::string Plain(std::int64_t value) {
    return {reinterpret_cast<const char*>(&value), sizeof value};
  }

  WriterOptions options_;
  std::shared_ptr<arrow::RecordBatch> batch_;
  std::string bytes_;
  std::shared_ptr<::parquet::FileMetaData> metadata_;
  std::size_t footer_at_ = 0;
};

TEST_F(VerifyHarmed, UnharmedItIsSound) {
  WriteFile();
  EXPECT_THAT(FaultsOf(bytes_), IsEmpty());
}

TEST_F(VerifyHarmed, BoundsOfARowGroup) {
  WriteFile();
  ReplaceInFooter(Plain(1'000'099), Plain(1'000'098));
  EXPECT_THAT(
      FaultsOf(bytes_),
      ElementsAre("row group 0: column n: statistics: max is 1000098, expected at "
                  "least 1000099"));
  WriteFile();
  ReplaceInFooter("name-1000", "name-1009");
  EXPECT_THAT(FaultsOf(bytes_),
              ElementsAre(AllOf(HasSubstr("column name: statistics: "),
                                HasSubstr("name-1009"), HasSubstr("name-1000"))));
}

TEST_F(VerifyHarmed, WiderBoundsAreNoFaultUnlessTheyClaimToBeExact) {
  WriteFile();
  const bool exact = Chunk(1)->encoded_statistics()->is_min_value_exact.value_or(false);
  ReplaceInFooter("name-1000", "name-0000");
  EXPECT_THAT(FaultsOf(bytes_), testing::SizeIs(exact ? 1 : 0));
}

TEST_F(VerifyHarmed, CountOfNulls) {
  WriteFile();
  // null_count is field 3 of the statistics, an i64.
  ReplaceInFooter(std::string("\x36") + Varint(10), std::string("\x36") + Varint(11));
  EXPECT_THAT(FaultsOf(bytes_), ElementsAre("row group 0: column name: statistics: 11 "
                                            "NULLs, expected 10"));
}

TEST_F(VerifyHarmed, BoundsOfAPage) {
  WriteFile();
  ReplaceIn(*Chunk(0)->GetColumnIndexLocation(), Plain(1'000'040), Plain(1'000'041));
  EXPECT_THAT(FaultsOf(bytes_),
              ElementsAre("row group 0: column n: page 1: page index: min is 1000041, "
                          "expected at most 1000040"));
}

TEST_F(VerifyHarmed, PagesThatTheIndexCallsNull) {
  WriteFile();
  // The index begins with a list of three booleans, a byte each.
  const auto at = static_cast<std::size_t>(Chunk(0)->GetColumnIndexLocation()->offset);
  ASSERT_EQ(bytes_.substr(at, 2), "\x19\x31");
  bytes_.replace(at + 2, 3, "\x01\x01\x01");
  EXPECT_THAT(FaultsOf(bytes_),
              ElementsAre("row group 0: column n: page 0: page index: nothing but NULLs, "
                          "expected 40 values",
                          "row group 0: column n: page 1: page index: nothing but NULLs, "
                          "expected 40 values",
                          "row group 0: column n: page 2: page index: nothing but NULLs, "
                          "expected 20 values"));
  // The column has no NULL, so a reader does not believe it.
  const base::Context context;
  const auto reader =
      FileReader::Open(context, std::make_shared<StringReader>(bytes_), kLocation, {});
  ASSERT_TRUE(reader.ok()) << reader.status();
  ScanSpec spec;
  spec.predicate = expr::MakePredicate(
      expr::Compare{"n", expr::CompareOp::kGt, std::int64_t{1'000'050}});
  const auto plan = (*reader)->Plan(context, spec);
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->row_count(), 100);
}

TEST_F(VerifyHarmed, OrderOfPages) {
  WriteFile();
  // Wide enough for its own page, and below the page before.
  ReplaceIn(*Chunk(0)->GetColumnIndexLocation(), Plain(1'000'080), Plain(1'000'000 - 1));
  EXPECT_THAT(FaultsOf(bytes_),
              ElementsAre("row group 0: column n: page 2: page index: its bounds break "
                          "the order, expected bounds that ascend"));
}

TEST_F(VerifyHarmed, PlaceOfAPage) {
  WriteFile();
  const auto at = *Chunk(0)->GetOffsetIndexLocation();
  const auto index = ::parquet::OffsetIndex::Make(bytes_.data() + at.offset, at.length,
                                                  ::parquet::ReaderProperties());
  const std::int64_t offset = index->page_locations()[1].offset;
  ReplaceIn(at, Varint(offset), Varint(offset + 1));
  EXPECT_THAT(FaultsOf(bytes_),
              ElementsAre(AllOf(HasSubstr("column n: page 1: page index: "),
                                HasSubstr("at " + std::to_string(offset + 1)),
                                HasSubstr("at " + std::to_string(offset)))));
}

TEST_F(VerifyHarmed, FirstRowOfAPage) {
  WriteFile();
  // The third field of a place, an i64, and its end.
  ReplaceIn(*Chunk(1)->GetOffsetIndexLocation(), "\x16" + Varint(40) + '\0',
            "\x16" + Varint(39) + '\0');
  EXPECT_THAT(FaultsOf(bytes_), ElementsAre("row group 0: column name: page 1: page "
                                            "index: first row 39, expected 40"));
}

TEST_F(VerifyHarmed, PageIndexOutsideTheFile) {
  WriteFile();
  const auto at = *Chunk(0)->GetOffsetIndexLocation();
  // The largest number of as many bytes.
  ReplaceInFooter(Varint(at.offset), Varint(8191));
  const auto faults = FaultsOf(bytes_);
  ASSERT_FALSE(faults.empty());
  EXPECT_THAT(faults.back(), HasSubstr("page index: not readable: offset index of"));
}

TEST_F(VerifyHarmed, NumberOfRows) {
  // One column: with several each would say so.
  batch_ = arrow::RecordBatch::Make(arrow::schema({batch_->schema()->field(0)}), 100,
                                    {batch_->column(0)});
  WriteFile();
  // In the chunk, the row group and the file alike, so that only the pages say otherwise.
  EXPECT_GE(ReplaceInFooter("\x16" + Varint(100), "\x16" + Varint(99)), 2);
  EXPECT_THAT(FaultsOf(bytes_), ElementsAre("row group 0: column n: row count: pages of "
                                            "100 values, expected 99 as in the footer"));
}

TEST_F(VerifyHarmed, RowCountsThatExcludeEachOther) {
  WriteFile();
  const auto at = bytes_.find("\x16" + Varint(100), footer_at_);
  bytes_.replace(at, 3, "\x16" + Varint(99));
  const auto faults = FaultsOf(bytes_);
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_THAT(faults[0], HasSubstr("footer: "));
}

TEST_F(VerifyHarmed, ByteOfAPageWithAChecksum) {
  WriteFile();
  Replace(Plain(1'000'050), Plain(1'000'051), 0, footer_at_);
  EXPECT_THAT(FaultsOf(bytes_),
              ElementsAre(AllOf(HasSubstr("row group 0: column n: page 1: page: "),
                                HasSubstr("CRC"))));
}

TEST_F(VerifyHarmed, ByteOfAPageWithoutAChecksum) {
  options_.page_checksums = false;
  options_.page_index = false;
  WriteFile();
  Replace(Plain(1'000'050), Plain(1'000'150), 0, footer_at_);
  EXPECT_THAT(
      FaultsOf(bytes_),
      ElementsAre("row group 0: column n: statistics: max is 1000099, expected at "
                  "least 1000150"));
}

TEST_F(VerifyHarmed, ValueThatABloomFilterDoesNotHave) {
  options_.page_checksums = false;
  // Without bounds nothing else can say so.
  options_.default_column.statistics = false;
  options_.columns[1] = options_.default_column;
  options_.columns[1].bloom_filter = BloomFilterOptions{1000, 0.0001};
  WriteFile();
  Replace(Plain(1'000'050), Plain(7), 0, footer_at_);
  EXPECT_THAT(FaultsOf(bytes_),
              ElementsAre("row group 0: column n: page 1: bloom filter: it does not have "
                          "7, expected every value"));
}

TEST_F(VerifyHarmed, BytesOfAPageThatNoLongerDecode) {
  options_.page_checksums = false;
  options_.codec = Codec::kZstd;
  WriteFile();
  const std::int64_t page = Chunk(1)->data_page_offset();
  const auto magic = bytes_.find("\x28\xb5\x2f\xfd", static_cast<std::size_t>(page));
  ASSERT_LT(magic, footer_at_);
  bytes_[magic] = 'x';
  EXPECT_THAT(FaultsOf(bytes_),
              ElementsAre(HasSubstr("row group 0: column name: page 0: page: ")));
}

TEST_F(VerifyHarmed, CutShortOrNoParquetAtAll) {
  WriteFile();
  for (const std::string& bytes :
       {bytes_.substr(0, bytes_.size() - 1), bytes_.substr(0, bytes_.size() / 2),
        std::string(), std::string("a,b\n1,2\n1,2\n1,2\n")}) {
    const auto faults = FaultsOf(bytes);
    ASSERT_EQ(faults.size(), 1U);
    EXPECT_THAT(faults[0], HasSubstr("footer: not readable: not a Parquet file"));
  }
}

TEST_F(VerifyHarmed, OtherBytesAtItsBeginning) {
  WriteFile();
  bytes_[0] = 'X';
  EXPECT_THAT(FaultsOf(bytes_), ElementsAre("layout: the file does not begin with PAR1"));
}

TEST_F(VerifyHarmed, ChunksOnOneAnother) {
  WriteFile();
  const std::int64_t second = Chunk(1)->data_page_offset();
  ReplaceInFooter("\x26" + Varint(second), "\x26" + Varint(second - 8));
  const auto faults = FaultsOf(bytes_);
  ASSERT_FALSE(faults.empty());
  EXPECT_THAT(faults[0], HasSubstr("row group 0: column name: layout: pages at " +
                                   std::to_string(second - 8)));
}

// Whatever is harmed, and however: an answer, within the memory it was given.
TEST(Verify, RandomHarmIsNeverACrash) {
  WriterOptions options = SmallPages();
  options.columns[10].bloom_filter = BloomFilterOptions{50, 0.05};
  const std::string good = Write(*EveryTypeBatch(300, 1), options);
  base::ByteBudget budget("pages", 64 << 20);
  BudgetMemoryPool pool(budget);
  VerifyOptions with;
  with.reader.pool = &pool;
  std::mt19937_64 random(20);
  int faulty = 0;
  for (int round = 0; round < 400; ++round) {
    std::string bytes = good;
    // Half of them in the last part, where the footer and the indexes are.
    const std::size_t begin = round % 2 == 0 ? 0 : bytes.size() * 3 / 4;
    for (int n = 1 + round % 4; n > 0; --n) {
      bytes[begin + random() % (bytes.size() - begin)] = static_cast<char>(random());
    }
    const auto check = Check(bytes, with);
    if (check.ok()) {
      faulty += check->sound() ? 0 : 1;
      continue;
    }
    const StatusCode code = check.status().code();
    EXPECT_TRUE(code == StatusCode::kUnimplemented ||
                code == StatusCode::kPermissionDenied ||
                code == StatusCode::kResourceExhausted)
        << round << ": " << check.status();
    EXPECT_THAT(check.status().message(), HasSubstr(kLocation));
  }
  EXPECT_GT(faulty, 200);
}

TEST_F(VerifyHarmed, KeepsNoMoreFaultsThanAsked) {
  WriteFile();
  ReplaceInFooter(Plain(1'000'099), Plain(1'000'098));
  ReplaceInFooter("name-1000", "name-1009");
  VerifyOptions options;
  options.faults_max = 1;
  const auto check = Check(bytes_, options);
  ASSERT_TRUE(check.ok());
  EXPECT_EQ(check->faults.size(), 1U);
  EXPECT_TRUE(check->more_faults);
}

}  // namespace
}  // namespace firn::parquet
