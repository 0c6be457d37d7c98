// SPDX-License-Identifier: Apache-2.0
// Every option of the writer, on both of its bodies, as Parquet C++'s own reader finds it
// in the footer.
#include "parquet/writer_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "arrow/io/memory.h"

#include "parquet/bloom_filter.h"
#include "parquet/bloom_filter_reader.h"
#include "parquet/column_page.h"
#include "parquet/column_reader.h"
#include "parquet/file_reader.h"
#include "parquet/metadata.h"
#include "parquet/test_objects.h"
#include "parquet/test_runs.h"
#include "parquet/writer.h"

namespace firn::parquet {
namespace {

using ::parquet::Compression;
using testing::HasSubstr;

// One file, looked at by column path.
class Footprint {
 public:
  explicit Footprint(const std::string& bytes)
      : reader_(::parquet::ParquetFileReader::Open(
            arrow::io::BufferReader::FromString(bytes))) {}
  std::unique_ptr<::parquet::ColumnChunkMetaData> Chunk(const std::string& path) const {
    const auto& metadata = *reader_->metadata();
    for (int i = 0; i < metadata.num_columns(); ++i) {
      if (metadata.schema()->Column(i)->path()->ToDotString() == path) {
        return metadata.RowGroup(0)->ColumnChunk(i);
      }
    }
    ADD_FAILURE() << "no column " << path;
    return metadata.RowGroup(0)->ColumnChunk(0);
  }
  int leaf_count() const { return reader_->metadata()->num_columns(); }
  std::unique_ptr<::parquet::ColumnChunkMetaData> Chunk(int leaf) const {
    return reader_->metadata()->RowGroup(0)->ColumnChunk(leaf);
  }
  bool HasEncoding(const std::string& path, ::parquet::Encoding::type encoding) const {
    const auto chunk = Chunk(path);
    return std::count(chunk->encodings().begin(), chunk->encodings().end(), encoding) > 0;
  }
  ::parquet::ParquetFileReader& reader() { return *reader_; }

 private:
  const std::unique_ptr<::parquet::ParquetFileReader> reader_;
};

// Runs of fifty, as they are and spelled out.
class WriterOptionsTest : public testing::TestWithParam<bool> {
 protected:
  WriterOptionsTest() {
    std::vector<std::int32_t> ends;
    for (std::int32_t end = 50; end <= 2000; end += 50) ends.push_back(end);
    const Rows rows = MakeRows(ends, 1);
    expected_ = rows.spelled_out;
    written_ = GetParam() ? rows.in_runs : rows.spelled_out;
  }

  // Write and read back; the rows are those that went in.
  std::string WriteFile(const WriterOptions& options) {
    std::string bytes;
    const auto report = WriteIn(*written_, 700, options, bytes);
    EXPECT_TRUE(report.ok()) << report.status();
    if (!report.ok()) return {};
    ExpectRows(bytes, {}, *expected_, true);
    return bytes;
  }
  Status Refusal(const std::function<void(WriterOptions&)>& change) {
    WriterOptions options;
    change(options);
    std::string bytes;
    return WriteIn(*written_, 700, options, bytes).status();
  }

  std::shared_ptr<arrow::RecordBatch> expected_;
  std::shared_ptr<arrow::RecordBatch> written_;
};
INSTANTIATE_TEST_SUITE_P(Bodies, WriterOptionsTest, testing::Bool(),
                         [](const auto& info) {
                           return info.param ? "InRuns" : "SpelledOut";
                         });

struct CodecCase {
  Codec codec;
  Compression::type stored;
  std::optional<int> level;
};
const CodecCase kCodecs[] = {
    {Codec::kUncompressed, Compression::UNCOMPRESSED, std::nullopt},
    {Codec::kUncompressed, Compression::UNCOMPRESSED, 3},  // Not asked about.
    {Codec::kSnappy, Compression::SNAPPY, std::nullopt},
    {Codec::kGzip, Compression::GZIP, std::nullopt},
    {Codec::kGzip, Compression::GZIP, 9},
    {Codec::kBrotli, Compression::BROTLI, std::nullopt},
    {Codec::kBrotli, Compression::BROTLI, 0},
    {Codec::kLz4, Compression::LZ4, std::nullopt},
    {Codec::kLz4, Compression::LZ4, 12},
    {Codec::kZstd, Compression::ZSTD, std::nullopt},
    {Codec::kZstd, Compression::ZSTD, 1},
    {Codec::kZstd, Compression::ZSTD, 22},
};

TEST_P(WriterOptionsTest, EveryCodecInBothPageVersions) {
  for (const PageVersion version : {PageVersion::kV1, PageVersion::kV2}) {
    for (const CodecCase& c : kCodecs) {
      SCOPED_TRACE(std::string(ToString(c.codec)));
      WriterOptions options;
      options.page_version = version;
      options.codec = c.codec;
      options.codec_level = c.level;
      options.page_rows = 300;
      Footprint file(WriteFile(options));
      for (int leaf = 0; leaf < file.leaf_count(); ++leaf) {
        const auto chunk = file.Chunk(leaf);
        EXPECT_EQ(chunk->compression(), c.stored);
        // Parquet C++ writes version 1 into the footer's statistics of pages whatever
        // they are, so the pages themselves are looked at.
        const auto pages = file.reader().RowGroup(0)->GetColumnPageReader(leaf);
        while (const auto page = pages->NextPage()) {
          if (page->type() == ::parquet::PageType::DICTIONARY_PAGE) continue;
          EXPECT_EQ(page->type(), version == PageVersion::kV2
                                      ? ::parquet::PageType::DATA_PAGE_V2
                                      : ::parquet::PageType::DATA_PAGE);
        }
      }
    }
  }
}

TEST_P(WriterOptionsTest, AColumnsOwnCodecAndLevel) {
  WriterOptions options;
  options.default_column.dictionary = false;  // So that there is something to compress.
  options.columns[7] = options.columns[8] = options.columns[10] = options.columns[22] =
      options.columns[5] = options.default_column;
  options.columns[7].codec = Codec::kGzip;
  options.columns[7].codec_level = 9;
  options.columns[8].codec = Codec::kLz4;
  options.columns[10].codec = Codec::kUncompressed;
  options.columns[22].codec = Codec::kSnappy;
  options.columns[5].codec_level = 19;
  const std::string bytes = WriteFile(options);
  const Footprint file(bytes);
  EXPECT_EQ(file.Chunk("s")->compression(), Compression::GZIP);
  EXPECT_EQ(file.Chunk("metric")->compression(), Compression::LZ4);
  EXPECT_EQ(file.Chunk("id")->compression(), Compression::UNCOMPRESSED);
  EXPECT_EQ(file.Chunk("labels.key_value.value")->compression(), Compression::SNAPPY);
  EXPECT_EQ(file.Chunk("labels.key_value.key")->compression(), Compression::ZSTD);
  EXPECT_EQ(file.Chunk("d")->compression(), Compression::ZSTD);

  // The level of a column is its own.
  options.columns[5].codec_level = -100;
  const Footprint fast(WriteFile(options));
  EXPECT_GT(fast.Chunk("d")->total_compressed_size(),
            file.Chunk("d")->total_compressed_size());
  EXPECT_EQ(fast.Chunk("n")->total_compressed_size(),
            file.Chunk("n")->total_compressed_size());
}

TEST_P(WriterOptionsTest, StatisticsAndPageIndexByColumn) {
  WriterOptions options;
  options.columns[7].statistics = false;
  options.columns[8].page_index = false;
  const Footprint file(WriteFile(options));
  EXPECT_FALSE(file.Chunk("s")->is_stats_set());
  EXPECT_FALSE(file.Chunk("s")->GetColumnIndexLocation().has_value());
  EXPECT_TRUE(file.Chunk("metric")->is_stats_set());
  EXPECT_FALSE(file.Chunk("metric")->GetColumnIndexLocation().has_value());
  EXPECT_FALSE(file.Chunk("metric")->GetOffsetIndexLocation().has_value());
  EXPECT_TRUE(file.Chunk("n")->GetColumnIndexLocation().has_value());
  EXPECT_TRUE(file.Chunk("id")->GetOffsetIndexLocation().has_value());
  options.page_index = false;
  EXPECT_FALSE(
      Footprint(WriteFile(options)).Chunk("n")->GetOffsetIndexLocation().has_value());
}

TEST_P(WriterOptionsTest, SignedAsParquetHasIt) {
  Footprint file(WriteFile({}));
  const ::parquet::ApplicationVersion& writer =
      file.reader().metadata()->writer_version();
  EXPECT_EQ(writer.application_, "firn");
  EXPECT_GT(writer.version.major + writer.version.minor, 0);
}

TEST_P(WriterOptionsTest, BloomFiltersHoldEveryValue) {
  WriterOptions options;
  for (const std::int32_t field_id : {3, 5, 8, 10, 22}) {
    options.columns[field_id].bloom_filter = BloomFilterOptions{100, 0.01};
  }
  Footprint file(WriteFile(options));
  EXPECT_FALSE(file.Chunk("s")->bloom_filter_offset().has_value());
  EXPECT_TRUE(file.Chunk("d")->bloom_filter_offset().has_value());
  const auto filter_of = [&](const std::string& path) {
    const auto& schema = *file.reader().metadata()->schema();
    const auto group = file.reader().GetBloomFilterReader().RowGroup(0);
    auto filter = group->GetColumnBloomFilter(schema.ColumnIndex(path));
    EXPECT_NE(filter, nullptr) << path;
    return filter;
  };
  const auto metric = filter_of("metric");
  const auto id = filter_of("id");
  const auto number = filter_of("i");
  int strangers = 0;
  for (std::int64_t row = 0; row < expected_->num_rows(); ++row) {
    const auto& metrics =
        static_cast<const arrow::StringArray&>(*expected_->GetColumnByName("metric"));
    EXPECT_TRUE(metric->FindHash(metric->Hash(metrics.GetView(row))));
    const auto& ids = static_cast<const arrow::FixedSizeBinaryArray&>(
        *expected_->GetColumnByName("id"));
    const ::parquet::FLBA fixed(ids.GetValue(row));
    EXPECT_TRUE(id->FindHash(id->Hash(&fixed, 16)));
    const auto& numbers =
        static_cast<const arrow::Int32Array&>(*expected_->GetColumnByName("i"));
    if (numbers.IsValid(row)) {
      EXPECT_TRUE(number->FindHash(number->Hash(numbers.Value(row))));
    }
    strangers += metric->FindHash(metric->Hash("other" + std::to_string(row))) ? 1 : 0;
  }
  EXPECT_LT(strangers, expected_->num_rows() / 10);
  EXPECT_TRUE(
      filter_of("labels.key_value.value")
          ->FindHash(
              filter_of("labels.key_value.value")->Hash(std::string_view("value1"))));
}

TEST(WriterOptions, EncodingsByColumn) {
  using E = ::parquet::Encoding;
  WriterOptions options;
  options.default_column.dictionary = false;
  const std::tuple<int, std::string, Encoding, E::type> cases[] = {
      {1, "n", Encoding::kDeltaBinaryPacked, E::DELTA_BINARY_PACKED},
      {3, "i", Encoding::kByteStreamSplit, E::BYTE_STREAM_SPLIT},
      {5, "d", Encoding::kByteStreamSplit, E::BYTE_STREAM_SPLIT},
      {6, "f", Encoding::kPlain, E::PLAIN},
      {7, "s", Encoding::kDeltaByteArray, E::DELTA_BYTE_ARRAY},
      {9, "b", Encoding::kDeltaLengthByteArray, E::DELTA_LENGTH_BYTE_ARRAY},
      {10, "id", Encoding::kDeltaByteArray, E::DELTA_BYTE_ARRAY},
      {11, "ts", Encoding::kDeltaBinaryPacked, E::DELTA_BINARY_PACKED},
      {12, "day", Encoding::kDeltaBinaryPacked, E::DELTA_BINARY_PACKED},
  };
  for (const auto& [field_id, path, encoding, stored] : cases) {
    options.columns[field_id].dictionary = false;
    options.columns[field_id].encoding = encoding;
  }
  options.columns[8] = {};  // The dictionary is tried, and kept.
  const auto rows = EveryTypeBatch(1000, 1);
  std::string bytes;
  ASSERT_TRUE(WriteIn(*rows, 300, options, bytes).ok());
  ExpectRows(bytes, {}, *rows, true);
  const Footprint file(bytes);
  for (const auto& [field_id, path, encoding, stored] : cases) {
    EXPECT_TRUE(file.HasEncoding(path, stored)) << path;
    EXPECT_FALSE(file.Chunk(path)->has_dictionary_page()) << path;
  }
  EXPECT_TRUE(file.Chunk("metric")->has_dictionary_page());
  // What does not fit a dictionary is stored plain.
  options.columns[11] = {};
  options.dictionary_bytes = 16;
  ASSERT_TRUE(WriteIn(*rows, 300, options, bytes).ok());
  ExpectRows(bytes, {}, *rows, true);
  EXPECT_TRUE(Footprint(bytes).HasEncoding("ts", E::PLAIN));
}

TEST_P(WriterOptionsTest, RefusalsNameTheOptionAndTheColumn) {
  const std::pair<std::function<void(WriterOptions&)>, const char*> cases[] = {
      {[](auto& o) { o.codec_level = 23; }, "codec_level 23: zstd has -"},
      {[](auto& o) {
         o.codec = Codec::kGzip;
         o.codec_level = 10;
       },
       "codec_level 10: gzip has 1 to 9"},
      {[](auto& o) {
         o.codec = Codec::kBrotli;
         o.codec_level = -1;
       },
       "codec_level -1: brotli has 0 to 11"},
      {[](auto& o) { o.columns[7].codec_level = 99; }, "column s: codec_level 99: zstd"},
      {[](auto& o) {
         o.columns[8].codec = Codec::kSnappy;
         o.columns[8].codec_level = 1;
       },
       "column metric: codec_level 1: snappy has no levels"},
      {[](auto& o) {
         o.codec = Codec::kUncompressed;
         o.columns[22].codec_level = 1;
       },
       "column labels.key_value.value: codec_level 1: uncompressed has no levels"},
      {[](auto& o) { o.columns[7].encoding = Encoding::kDeltaBinaryPacked; },
       "column s: encoding DELTA_BINARY_PACKED: cannot store BYTE_ARRAY"},
      {[](auto& o) { o.columns[3].encoding = Encoding::kDeltaByteArray; },
       "column i: encoding DELTA_BYTE_ARRAY: cannot store INT32"},
      {[](auto& o) { o.columns[7].bloom_filter = BloomFilterOptions{10, 1.0}; },
       "column s: bloom_filter.false_positive_rate 1.0"},
      {[](auto& o) { o.columns[7].bloom_filter = BloomFilterOptions{0, 0.1}; },
       "column s: bloom_filter.distinct_values 0"},
      {[](auto& o) { o.columns[99] = {}; }, "columns: field id 99"},
      {[](auto& o) { o.sorting_columns = {{77}}; }, "sorting_columns: field id 77"},
      {[](auto& o) { o.row_group_rows = 0; }, "row_group_rows 0: must be above 0"},
      {[](auto& o) { o.row_group_bytes = -1; }, "row_group_bytes -1"},
      {[](auto& o) { o.page_rows = 0; }, "page_rows 0"},
      {[](auto& o) { o.page_bytes = 0; }, "page_bytes 0"},
      {[](auto& o) { o.dictionary_bytes = 0; }, "dictionary_bytes 0"},
  };
  for (const auto& [change, message] : cases) {
    const Status status = Refusal(change);
    EXPECT_TRUE(status.Is(StatusCode::kInvalidArgument)) << message << ": " << status;
    EXPECT_THAT(status.ToString(), HasSubstr(message));
  }
}

TEST(WriterOptions, CodecNames) {
  for (const CodecCase& c : kCodecs) EXPECT_EQ(*ParseCodec(ToString(c.codec)), c.codec);
  EXPECT_EQ(*ParseCodec("NONE"), Codec::kUncompressed);
  EXPECT_EQ(*ParseCodec("Lz4_Raw"), Codec::kLz4);
  const Status status = ParseCodec("lzo").status();
  EXPECT_TRUE(status.Is(StatusCode::kInvalidArgument)) << status;
  EXPECT_THAT(status.ToString(), HasSubstr("'lzo'; there are uncompressed, snappy"));
}

}  // namespace
}  // namespace firn::parquet
