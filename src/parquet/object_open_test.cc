// SPDX-License-Identifier: Apache-2.0
// What opening and reading a file asks of its store, and what happens to files that are
// replaced.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <mutex>
#include <vector>

#include "arrow/array/array_primitive.h"
#include "arrow/array/builder_primitive.h"
#include "arrow/record_batch.h"
#include "arrow/type.h"

#include "base/clock.h"
#include "io/memory_store.h"
#include "io/s3_store.h"
#include "io/temporary_directory.h"
#include "io/test_http_server.h"
#include "parquet/footer_cache.h"
#include "parquet/reader.h"
#include "parquet/test_objects.h"
#include "parquet/writer.h"

namespace firn::parquet {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class NoEnvironment final : public io::Environment {
 public:
  std::optional<std::string> Variable(const std::string&) const override { return {}; }
  Result<std::string> ReadFile(const std::string& path) const override {
    return Status::NotFound(path);
  }
};

// Columns a, b and c of `rows` rows, which neither codec nor dictionary makes smaller;
// equal seeds make equal files, others make files of equal size.
std::string FileOf(std::int64_t rows, std::int64_t seed) {
  const auto schema = arrow::schema({Id(arrow::field("a", arrow::int64(), false), 1),
                                     Id(arrow::field("b", arrow::int64(), false), 2),
                                     Id(arrow::field("c", arrow::int64(), false), 3)});
  arrow::ArrayVector columns;
  for (int c = 0; c < 3; ++c) {
    arrow::Int64Builder builder;
    for (std::int64_t n = 0; n < rows; ++n) {
      EXPECT_TRUE(builder.Append(seed + n).ok());
    }
    columns.push_back(builder.Finish().ValueOrDie());
  }
  std::string bytes;
  WriterOptions options;
  options.codec = Codec::kUncompressed;
  for (const int id : {1, 2, 3}) options.columns[id].dictionary = false;
  auto writer =
      FileWriter::Open(std::make_unique<StringWriter>(bytes), schema, options).value();
  EXPECT_TRUE(writer->Write(*arrow::RecordBatch::Make(schema, rows, columns)).ok());
  EXPECT_TRUE(std::move(*writer).Finish().ok());
  return bytes;
}

// One object at every key of every bucket, as S3 serves it.
class S3OpenTest : public testing::Test {
 protected:
  S3OpenTest()
      : server_([this](const io::TestRequest& request) { return Answer(request); }) {
    StorageOptions options;
    options.s3.credentials = AwsCredentialsKind::kExplicit;
    options.s3.access_key_id = "id";
    options.s3.secret_access_key = Secret("secret");
    options.s3.endpoint = server_.url();
    store_ = io::MakeS3Store(options, environment_, base::SystemClock(), nullptr).value();
  }

  void Serve(std::string bytes, std::string etag) {
    std::lock_guard lock(mutex_);
    bytes_ = std::move(bytes);
    etag_ = std::move(etag);
  }
  std::string Answer(const io::TestRequest& request) {
    using io::TestHttpServer;
    std::lock_guard lock(mutex_);
    const std::string etag = "ETag: \"" + etag_ + "\"";
    if (etag_.empty()) return TestHttpServer::Reply(404);
    if (request.method == "HEAD") {
      asked_.push_back("HEAD");
      return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(bytes_.size()) +
             "\r\n" + etag + "\r\n\r\n";
    }
    const std::string range = request.Header("range");
    asked_.push_back("GET " + range);
    const std::string match = request.Header("if-match");
    if (!match.empty() && match != "\"" + etag_ + "\"") return TestHttpServer::Reply(412);
    const std::string numbers = range.substr(6);
    const std::size_t dash = numbers.find('-');
    std::size_t first = 0;
    std::size_t last = bytes_.size() - 1;
    if (dash == 0) {
      first = bytes_.size() - std::min(bytes_.size(), std::stoul(numbers.substr(1)));
    } else {
      first = std::stoul(numbers);
      last = std::min<std::size_t>(last, std::stoul(numbers.substr(dash + 1)));
    }
    if (first >= bytes_.size()) return TestHttpServer::Reply(416);
    return TestHttpServer::Reply(
        206, bytes_.substr(first, last + 1 - first),
        {etag, "Content-Range: bytes " + std::to_string(first) + "-" +
                   std::to_string(last) + "/" + std::to_string(bytes_.size())});
  }
  std::vector<std::string> Asked() {
    std::lock_guard lock(mutex_);
    return std::exchange(asked_, {});
  }

  Result<std::unique_ptr<FileReader>> Open(std::optional<std::uint64_t> size = {},
                                           FooterCache* cache = nullptr) {
    ReaderOptions options;
    options.footer_cache = cache;
    return FileReader::Open(context_, *store_, "s3://bucket/f", size, options);
  }
  // The sum of column b, and what reading it counted.
  Result<std::int64_t> SumOfB(const FileReader& reader) {
    ScanSpec spec;
    spec.columns = {{"b"}};
    FIRN_ASSIGN_OR_RETURN(FilePlan plan, reader.Plan(context_, spec));
    FIRN_ASSIGN_OR_RETURN(const auto stream,
                          reader.Read(context_, spec, std::move(plan)));
    std::int64_t sum = 0;
    while (true) {
      FIRN_ASSIGN_OR_RETURN(const auto batch, stream->Next());
      requests_ = stream->stats().requests;
      if (batch == nullptr) return sum;
      const auto& b = static_cast<const arrow::Int64Array&>(*batch->column(0));
      for (std::int64_t i = 0; i < b.length(); ++i) sum += b.Value(i);
    }
  }

  base::Context context_;
  NoEnvironment environment_;
  std::mutex mutex_;
  std::string bytes_;
  std::string etag_;
  std::vector<std::string> asked_;
  std::int64_t requests_ = 0;
  io::TestHttpServer server_;
  std::unique_ptr<io::Store> store_;
};

constexpr std::int64_t kRows = 100'000;  // 2.4 MB.
constexpr std::int64_t kSum = kRows * (kRows - 1) / 2;

TEST_F(S3OpenTest, ASmallFileIsOneRequest) {
  Serve(FileOf(1000, 0), "e");
  const auto reader = Open().value();
  EXPECT_EQ(SumOfB(*reader).value(), 1000 * 999 / 2);
  EXPECT_EQ(requests_, 0) << "it came with the footer";
  EXPECT_EQ(reader->opening().requests, 1);
  EXPECT_EQ(reader->opening().bytes_read, static_cast<std::int64_t>(bytes_.size()));
  EXPECT_THAT(Asked(), ElementsAre("GET bytes=-65536"));
}

TEST_F(S3OpenTest, FooterAndAColumnChunkAreTwo) {
  Serve(FileOf(kRows, 0), "e");
  const auto size = static_cast<std::uint64_t>(bytes_.size());
  for (const bool known : {false, true}) {
    const auto reader = Open(known ? std::optional(size) : std::nullopt).value();
    EXPECT_EQ(reader->opening(), (FileReader::Opening{1, 65536}));
    EXPECT_EQ(SumOfB(*reader).value(), kSum);
    EXPECT_EQ(requests_, 1);
    EXPECT_THAT(Asked(), ElementsAre(known ? "GET bytes=" + std::to_string(size - 65536) +
                                                 "-" + std::to_string(size - 1)
                                           : std::string("GET bytes=-65536"),
                                     testing::StartsWith("GET bytes=")));
  }
}

TEST_F(S3OpenTest, AKnownFooterOfAnImmutableFileIsNoRequest) {
  Serve(FileOf(kRows, 0), "e");
  FooterCache cache(1 << 20);
  const auto size = static_cast<std::uint64_t>(bytes_.size());
  ASSERT_TRUE(Open(size, &cache).ok());
  EXPECT_THAT(Asked(), testing::SizeIs(1));
  const auto reader = Open(size, &cache).value();
  EXPECT_THAT(Asked(), ElementsAre());
  EXPECT_EQ(reader->opening(), FileReader::Opening());
  EXPECT_EQ(SumOfB(*reader).value(), kSum);
  EXPECT_THAT(Asked(), testing::SizeIs(1));
  // Where nobody vouches for it, one look is the cost.
  EXPECT_EQ(SumOfB(*Open({}, &cache).value()).value(), kSum);
  EXPECT_THAT(Asked(), ElementsAre("HEAD", testing::StartsWith("GET")));
}

TEST_F(S3OpenTest, AReplacedFileIsReadAnew) {
  Serve(FileOf(kRows, 0), "e1");
  FooterCache cache(1 << 20);
  const auto before = Open({}, &cache).value();
  const auto size = bytes_.size();
  Serve(FileOf(kRows, 7), "e2");
  ASSERT_EQ(bytes_.size(), size) << "only the ETag tells";
  EXPECT_TRUE(SumOfB(*before).status().Is(StatusCode::kConflict));
  Asked();
  EXPECT_EQ(SumOfB(*Open({}, &cache).value()).value(), kSum + 7 * kRows);
  EXPECT_THAT(Asked(), ElementsAre("HEAD", testing::StartsWith("GET"),
                                   testing::StartsWith("GET")));
}

TEST_F(S3OpenTest, WhatIsNotAsItWasSaidToBe) {
  Serve(FileOf(kRows, 0), "e");
  const auto size = static_cast<std::uint64_t>(bytes_.size());
  for (const std::uint64_t wrong : {size - 1, size + 1, size * 2, std::uint64_t{100}}) {
    const Status status = Open(wrong).status();
    EXPECT_TRUE(status.Is(StatusCode::kConflict)) << status;
    EXPECT_THAT(status.ToString(), HasSubstr("s3://bucket/f"));
  }
  FooterCache cache(1 << 20);
  ASSERT_TRUE(Open(size, &cache).ok());
  Serve("", "");
  EXPECT_TRUE(Open(size + 1, &cache).status().Is(StatusCode::kNotFound));
  const Status gone = SumOfB(*Open(size, &cache).value()).status();
  EXPECT_TRUE(gone.Is(StatusCode::kNotFound)) << gone;
}

TEST_F(S3OpenTest, AnEmptyObjectIsNoParquetFile) {
  Serve("", "e");
  const Status status = Open().status();
  EXPECT_TRUE(status.Is(StatusCode::kCorruption)) << status;
  EXPECT_THAT(status.ToString(), HasSubstr("not a Parquet file: 0 bytes"));
}

TEST(LocalOpen, AFileReplacedInPlaceIsReadAnew) {
  const io::TemporaryDirectory directory;
  const auto store = io::MakeLocalStore();
  const base::Context context;
  const std::string path = directory / "a.parquet";
  FooterCache cache(1 << 20);
  ReaderOptions options;
  options.footer_cache = &cache;
  const auto write = [&](std::int64_t rows, std::int64_t seed, std::int64_t second) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << FileOf(rows, seed);
    const timespec times[2] = {{second, 5}, {second, 5}};
    ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
  };
  const auto open = [&] {
    return FileReader::Open(context, *store, "file://" + path, {}, options).value();
  };
  write(1000, 0, 1'000);
  const auto before = open();
  open();
  EXPECT_EQ(cache.stats().hits, 1);
  write(1000, 7, 2'000);
  ScanSpec spec;
  auto plan = before->Plan(context, spec).value();
  auto stream = before->Read(context, spec, plan).value();
  EXPECT_TRUE(stream->Next().status().Is(StatusCode::kConflict));
  const auto after = open();
  EXPECT_EQ(cache.stats().hits, 1) << "the size is the same, the time is not";
  stream = after->Read(context, spec, plan).value();
  const auto batch = stream->Next().value();
  EXPECT_EQ(static_cast<const arrow::Int64Array&>(*batch->column(0)).Value(0), 7);
}

// Who has a file open goes on reading it when another takes its name.
TEST(LocalOpen, AFileThatLostItsNameIsReadToTheEnd) {
  const io::TemporaryDirectory directory;
  const auto store = io::MakeLocalStore();
  const base::Context context;
  const std::string path = directory / "a.parquet";
  std::ofstream(path, std::ios::binary) << FileOf(1000, 0);
  const auto reader = FileReader::Open(context, *store, "file://" + path, {}, {}).value();
  std::ofstream(path + ".new", std::ios::binary) << FileOf(1000, 7);
  ASSERT_EQ(::rename((path + ".new").c_str(), path.c_str()), 0);
  const auto stream =
      reader->Read(context, {}, reader->Plan(context, {}).value()).value();
  const auto batch = stream->Next().value();
  EXPECT_EQ(static_cast<const arrow::Int64Array&>(*batch->column(0)).Value(0), 0);
}

}  // namespace
}  // namespace firn::parquet
