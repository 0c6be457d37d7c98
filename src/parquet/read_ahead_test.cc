// SPDX-License-Identifier: Apache-2.0
// Reading ahead and decoding side by side, on an object that answers when it is told to:
// what is under way is counted, not timed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <future>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "arrow/array/array_primitive.h"
#include "arrow/array/builder_primitive.h"
#include "arrow/buffer.h"
#include "arrow/memory_pool.h"
#include "arrow/record_batch.h"
#include "arrow/type.h"

#include "base/budget.h"
#include "parquet/fetch_threads.h"
#include "parquet/memory_pool.h"
#include "parquet/range_fetcher.h"
#include "parquet/reader.h"
#include "parquet/test_objects.h"
#include "parquet/writer.h"

namespace firn::parquet {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Answers while its gate is open; otherwise reads wait. Thread-safe.
class GatedReader final : public io::ObjectReader {
 public:
  explicit GatedReader(std::string bytes) : bytes_(std::move(bytes)) {}
  std::uint64_t size_bytes() const override { return bytes_.size(); }
  Status ReadAt(std::uint64_t offset, std::uint64_t size, char* out) override {
    std::unique_lock lock(mutex_);
    offsets_.push_back(offset);
    ++under_way_;
    most_ = std::max(most_, under_way_);
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
    --under_way_;
    if (failing_.contains(offset)) return Status::Unavailable("no answer");
    bytes_.copy(out, size, offset);
    return Status::OK();
  }
  void SetOpen(bool open) {
    const std::lock_guard lock(mutex_);
    open_ = open;
    changed_.notify_all();
  }
  void FailAt(std::uint64_t offset) {
    const std::lock_guard lock(mutex_);
    failing_.insert(offset);
  }
  // Whether `count` reads were begun before long.
  [[nodiscard]] bool WaitBegun(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(60),
                             [&] { return offsets_.size() >= count; });
  }
  std::vector<std::uint64_t> offsets() const {
    const std::lock_guard lock(mutex_);
    return offsets_;
  }
  int most_under_way() const {
    const std::lock_guard lock(mutex_);
    return most_;
  }
  void Reset() {
    const std::lock_guard lock(mutex_);
    offsets_.clear();
    most_ = 0;
  }

 private:
  const std::string bytes_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = true;
  std::set<std::uint64_t> failing_;
  std::vector<std::uint64_t> offsets_;
  int under_way_ = 0;
  int most_ = 0;
};

// ---- One fetcher ----

class ReadAheadTest : public testing::Test {
 protected:
  static constexpr std::int64_t kRange = 128;  // As the pool rounds up.
  static std::string Bytes() {
    std::string bytes;
    for (int i = 0; i < 10 * kRange; ++i) bytes.push_back(static_cast<char>(i / kRange));
    return bytes;
  }
  static std::vector<ByteRange> Ranges(bool backwards = false) {
    std::vector<ByteRange> ranges;
    for (std::int64_t i = 0; i < 10; ++i) {
      ranges.push_back({i * kRange, kRange, backwards ? 10 - i : i});
    }
    return ranges;
  }
  std::unique_ptr<RangeFetcher> Fetcher(FetchThreads& threads, std::int64_t bound,
                                        arrow::MemoryPool* pool) {
    return std::make_unique<RangeFetcher>(
        context_, object_, pool, 0, kRange,
        ReadAhead{&threads, std::make_shared<ReadAheadBound>(bound)});
  }

  const base::Context context_;
  GatedReader object_{Bytes()};
  arrow::ProxyMemoryPool pool_{arrow::default_memory_pool()};
};

TEST_F(ReadAheadTest, ReadsBeforeItIsAskedUpToItsBound) {
  FetchThreads threads(2);
  object_.SetOpen(false);
  const auto fetcher = Fetcher(threads, 3 * kRange + 50, &pool_);
  fetcher->Announce(Ranges());
  EXPECT_EQ(fetcher->counts().requests, 3);
  EXPECT_EQ(pool_.bytes_allocated(), 3 * kRange);
  EXPECT_TRUE(object_.WaitBegun(2));
  object_.SetOpen(true);
  EXPECT_TRUE(object_.WaitBegun(3));
  for (std::int64_t i = 0; i < 10; ++i) {
    const auto bytes = fetcher->Take({i * kRange, kRange});
    ASSERT_TRUE(bytes.ok()) << bytes.status();
    EXPECT_EQ((*bytes)->data()[0], i);
    EXPECT_EQ((*bytes)->data()[kRange - 1], i);
    EXPECT_EQ(fetcher->counts().requests, std::min<std::int64_t>(10, i + 4));
    EXPECT_LE(pool_.bytes_allocated(), 4 * kRange) << "what is ahead, and what was taken";
  }
  EXPECT_TRUE(fetcher->all_begun());
  EXPECT_EQ(pool_.bytes_allocated(), 0);
  EXPECT_EQ(object_.offsets().size(), 10u) << "nothing was read twice";
}

TEST_F(ReadAheadTest, WhatTheFirstRowsNeedComesFirst) {
  FetchThreads threads(1);
  object_.SetOpen(false);
  const auto fetcher = Fetcher(threads, 2 * kRange, &pool_);
  fetcher->Announce(Ranges(/*backwards=*/true));
  object_.SetOpen(true);
  EXPECT_TRUE(object_.WaitBegun(2));
  EXPECT_THAT(object_.offsets(), ElementsAre(9 * kRange, 8 * kRange));
  for (const ByteRange& range : Ranges()) fetcher->Forget(range);
}

TEST_F(ReadAheadTest, ErrorsShowWhereTheyAreTaken) {
  FetchThreads threads(3);
  object_.FailAt(2 * kRange);
  const auto fetcher = Fetcher(threads, 10 * kRange, &pool_);
  fetcher->Announce(Ranges());
  EXPECT_TRUE(object_.WaitBegun(10));
  for (std::int64_t i = 0; i < 10; ++i) {
    const Status status = fetcher->Take({i * kRange, kRange}).status();
    EXPECT_EQ(status, i == 2 ? Status::Unavailable("no answer") : Status::OK());
  }
}

TEST_F(ReadAheadTest, ItsEndWaitsForWhatIsUnderWay) {
  FetchThreads threads(2);
  object_.SetOpen(false);
  auto fetcher = Fetcher(threads, 10 * kRange, &pool_);
  fetcher->Announce(Ranges());
  EXPECT_TRUE(object_.WaitBegun(2));
  fetcher->Forget({0, kRange});
  auto ended = std::async(std::launch::async, [&] { fetcher.reset(); });
  // Its end has begun once only the two buffers that are being read into are left.
  while (pool_.bytes_allocated() > 2 * kRange) std::this_thread::yield();
  EXPECT_EQ(ended.wait_for(std::chrono::milliseconds(1)), std::future_status::timeout);
  object_.SetOpen(true);
  ended.get();
  EXPECT_EQ(pool_.bytes_allocated(), 0) << "the pool may go now";
  EXPECT_EQ(object_.offsets().size(), 2u) << "what had not begun never does";
}

TEST_F(ReadAheadTest, WhoFindsEveryThreadBusyReadsItself) {
  std::promise<void> busy;
  std::promise<void> gate;
  std::future<void> opened = gate.get_future();
  FetchThreads threads(1);  // After what its task uses.
  ASSERT_TRUE(threads.TryRun([&] {
    busy.set_value();
    opened.wait();
  }));
  busy.get_future().wait();
  const auto fetcher = Fetcher(threads, 10 * kRange, &pool_);
  fetcher->Announce(Ranges());
  for (std::int64_t i = 0; i < 10; ++i) {
    EXPECT_EQ((*fetcher->Take({i * kRange, kRange}))->data()[0], i);
  }
  EXPECT_EQ(fetcher->counts().requests, 10);
  gate.set_value();
}

// Chunks of a damaged file may overlap, and are announced one after the other.
TEST_F(ReadAheadTest, RequestsThatOverlapGiveTheirBytesAllTheSame) {
  for (const bool ahead : {false, true}) {
    FetchThreads threads(2);
    RangeFetcher fetcher(
        context_, object_, &pool_, 0, 10 * kRange,
        ahead ? ReadAhead{&threads, std::make_shared<ReadAheadBound>(10 * kRange)}
              : ReadAhead{});
    const ByteRange first = {0, 2 * kRange};
    const ByteRange inner = {kRange, kRange};
    const ByteRange second = {kRange, 3 * kRange};
    fetcher.Announce({first, inner});
    fetcher.Announce({second});
    for (const ByteRange& range : {inner, second, first}) {
      const auto bytes = fetcher.Take(range);
      ASSERT_TRUE(bytes.ok()) << bytes.status();
      ASSERT_EQ((*bytes)->size(), range.size_bytes);
      EXPECT_EQ((*bytes)->data()[0], range.offset / kRange);
    }
    fetcher.Forget(second);
  }
}

TEST_F(ReadAheadTest, MemoryHasItsBoundToo) {
  FetchThreads threads(2);
  base::ByteBudget budget("test", 2 * kRange);
  BudgetMemoryPool pool(budget);
  const auto fetcher = Fetcher(threads, 10 * kRange, &pool);
  fetcher->Announce(Ranges());
  EXPECT_LE(fetcher->counts().requests, 2);
  for (std::int64_t i = 0; i < 10; ++i) {
    const auto bytes = fetcher->Take({i * kRange, kRange});
    ASSERT_TRUE(bytes.ok()) << i << ": " << bytes.status();
    EXPECT_EQ((*bytes)->data()[0], i);
  }
}

TEST_F(ReadAheadTest, ACancelledContextEndsIt) {
  FetchThreads threads(2);
  object_.SetOpen(false);
  const auto fetcher = Fetcher(threads, 10 * kRange, &pool_);
  fetcher->Announce(Ranges());
  EXPECT_TRUE(object_.WaitBegun(2));
  context_.Cancel();
  object_.SetOpen(true);
  EXPECT_TRUE(fetcher->Take({9 * kRange, kRange}).status().Is(StatusCode::kCancelled));
}

// ---- Streams ----

constexpr int kGroups = 6;
constexpr std::int64_t kGroupRows = 1000;

// One column, one request a row group.
std::string GroupedFile() {
  const auto schema = arrow::schema({arrow::field("n", arrow::int64(), false)});
  arrow::Int64Builder builder;
  for (std::int64_t n = 0; n < kGroups * kGroupRows; ++n) {
    EXPECT_TRUE(builder.Append(n).ok());
  }
  std::string bytes;
  WriterOptions options;
  options.row_group_rows = kGroupRows;
  options.codec = Codec::kUncompressed;
  auto writer =
      FileWriter::Open(std::make_unique<StringWriter>(bytes), schema, options).value();
  const auto batch = arrow::RecordBatch::Make(schema, kGroups * kGroupRows,
                                              {builder.Finish().ValueOrDie()});
  EXPECT_TRUE(writer->Write(*batch).ok());
  EXPECT_TRUE(std::move(*writer).Finish().ok());
  return bytes;
}

class StreamTest : public testing::Test {
 protected:
  StreamTest() : object_(std::make_shared<GatedReader>(GroupedFile())) {}

  std::unique_ptr<scan::BatchStream> Stream(int threads, bool ordered,
                                            const ReaderOptions& options = {}) {
    const auto reader =
        FileReader::Open(context_, object_, "memory://w/g", options).value();
    ScanSpec spec;
    spec.batch_rows = 300;
    spec.threads = threads;
    spec.ordered = ordered;
    auto stream =
        reader->Read(context_, spec, reader->Plan(context_, spec).value()).value();
    object_->Reset();
    return stream;
  }
  static std::vector<std::int64_t> Values(const arrow::RecordBatch& batch) {
    const auto& n = static_cast<const arrow::Int64Array&>(*batch.column(0));
    return {n.raw_values(), n.raw_values() + n.length()};
  }
  // The batches up to the end, or up to an error, which `ended` is.
  static std::vector<std::vector<std::int64_t>> ReadAll(scan::BatchStream& stream,
                                                        Status* ended = nullptr) {
    std::vector<std::vector<std::int64_t>> batches;
    while (true) {
      const auto batch = stream.Next();
      if (ended != nullptr) {
        *ended = batch.status();
      } else {
        EXPECT_TRUE(batch.ok()) << batch.status();
      }
      if (!batch.ok() || *batch == nullptr) return batches;
      batches.push_back(Values(**batch));
    }
  }
  // Where the requests of the row groups begin.
  std::vector<std::uint64_t> GroupOffsets() {
    ReadAll(*Stream(1, true));
    return object_->offsets();
  }

  base::Context context_;
  std::shared_ptr<GatedReader> object_;
};

TEST_F(StreamTest, SideBySideIsAsOneByOne) {
  auto alone = Stream(1, true);
  const auto expected = ReadAll(*alone);
  ASSERT_EQ(expected.size(), 4u * kGroups);
  EXPECT_EQ(object_->most_under_way(), 1);
  for (const int threads : {2, 3, 16}) {
    auto ordered = Stream(threads, true);
    EXPECT_EQ(ReadAll(*ordered), expected);
    EXPECT_EQ(ordered->stats(), alone->stats());
    auto unordered = Stream(threads, false);
    auto batches = ReadAll(*unordered);
    std::sort(batches.begin(), batches.end());
    EXPECT_EQ(batches, expected);
    EXPECT_EQ(unordered->stats(), alone->stats());
    EXPECT_EQ(unordered->Next().value(), nullptr) << "the end stays the end";
  }
}

TEST_F(StreamTest, AsManyAtOnceAsThereAreThreads) {
  for (const bool ordered : {true, false}) {
    auto stream = Stream(3, ordered);
    object_->SetOpen(false);
    auto batches = std::async(std::launch::async, [&] { return ReadAll(*stream); });
    EXPECT_TRUE(object_->WaitBegun(3));
    object_->SetOpen(true);
    EXPECT_EQ(batches.get().size(), 4u * kGroups);
    EXPECT_EQ(object_->most_under_way(), 3);
  }
}

TEST_F(StreamTest, OneRowGroupMoreThanThreadsIsInFlight) {
  auto stream = Stream(2, true);
  ASSERT_NE(stream->Next().value(), nullptr);
  EXPECT_TRUE(object_->WaitBegun(3)) << "the first waits to be taken";
  EXPECT_LE(stream->stats().row_groups_read, 3);
  for (int i = 1; i < 5; ++i) ASSERT_NE(stream->Next().value(), nullptr);
  EXPECT_TRUE(object_->WaitBegun(4)) << "the first was taken";
  EXPECT_LE(stream->stats().row_groups_read, 4);
  stream.reset();
  EXPECT_EQ(object_->offsets().size(), 4u) << "what nobody takes is not read";
}

TEST_F(StreamTest, ErrorsComeInTheirTurn) {
  const auto offsets = GroupOffsets();
  ASSERT_EQ(offsets.size(), static_cast<std::size_t>(kGroups));
  object_->FailAt(offsets[2]);
  FetchThreads fetchers(2);
  ReaderOptions ahead;
  ahead.fetch_threads = &fetchers;
  ahead.read_ahead_bytes = 1 << 20;
  for (const ReaderOptions& options : {ReaderOptions(), ahead}) {
    for (const int threads : {1, 3}) {
      auto stream = Stream(threads, true, options);
      Status ended;
      const auto batches = ReadAll(*stream, &ended);
      EXPECT_EQ(batches.size(), 4u * 2) << "the row groups before it";
      EXPECT_TRUE(ended.Is(StatusCode::kUnavailable)) << ended;
      EXPECT_THAT(std::string(ended.message()), HasSubstr("memory://w/g: "));
      EXPECT_EQ(stream->Next().value(), nullptr);
    }
  }
  Status ended;
  ReadAll(*Stream(3, false), &ended);
  EXPECT_TRUE(ended.Is(StatusCode::kUnavailable)) << ended;
}

// Row groups of 128 MB, which take a few kilobytes in the file.
TEST_F(StreamTest, WhatWaitsForItsTurnIsBounded) {
  constexpr std::int64_t kRows = 1 << 20;
  constexpr int kBatchesOfGroup = 16;
  const auto schema = arrow::schema({arrow::field("n", arrow::int64(), false)});
  arrow::Int64Builder builder;
  ASSERT_TRUE(builder.AppendValues(std::vector<std::int64_t>(kRows, 7)).ok());
  const auto batch =
      arrow::RecordBatch::Make(schema, kRows, {builder.Finish().ValueOrDie()});
  std::string bytes;
  WriterOptions options;
  options.row_group_rows = kBatchesOfGroup * kRows;
  options.row_group_bytes = std::int64_t{1} << 40;
  auto writer =
      FileWriter::Open(std::make_unique<StringWriter>(bytes), schema, options).value();
  for (int i = 0; i < 3 * kBatchesOfGroup; ++i) ASSERT_TRUE(writer->Write(*batch).ok());
  ASSERT_TRUE(std::move(*writer).Finish().ok());

  object_ = std::make_shared<GatedReader>(bytes);
  arrow::ProxyMemoryPool pool(arrow::default_memory_pool());
  ReaderOptions reading;
  reading.pool = &pool;
  const auto reader =
      FileReader::Open(context_, object_, "memory://w/g", reading).value();
  ScanSpec spec;
  spec.batch_rows = 1 << 16;
  spec.threads = 2;
  const auto stream =
      reader->Read(context_, spec, reader->Plan(context_, spec).value()).value();
  std::int64_t rows = 0;
  while (const auto next = stream->Next().value()) {
    // A slow taker: the threads run as far ahead as they may.
    if (rows == 0) std::this_thread::sleep_for(std::chrono::milliseconds(300));
    rows += next->num_rows();
  }
  EXPECT_EQ(rows, 3 * kBatchesOfGroup * kRows);
  EXPECT_LT(pool.max_memory(), std::int64_t{3} * (64 + 16) << 20);
}

TEST_F(StreamTest, WhoStopsEarlyStopsTheThreads) {
  for (const bool ordered : {true, false}) {
    auto stream = Stream(2, ordered);
    ASSERT_NE(stream->Next().value(), nullptr);
    stream.reset();
    EXPECT_LE(object_->offsets().size(), 4u);
  }
}

TEST_F(StreamTest, WhoCancelsStopsTheThreads) {
  auto stream = Stream(2, true);
  object_->SetOpen(false);
  Status ended;
  auto batches = std::async(std::launch::async, [&] { return ReadAll(*stream, &ended); });
  EXPECT_TRUE(object_->WaitBegun(2));
  context_.Cancel();
  object_->SetOpen(true);
  EXPECT_LE(batches.get().size(), 1u) << "what it waited for";
  EXPECT_TRUE(ended.Is(StatusCode::kCancelled)) << ended;
  EXPECT_THAT(std::string(ended.message()), HasSubstr("memory://w/g"));
  EXPECT_EQ(object_->offsets().size(), 2u);
}

TEST_F(StreamTest, ReadsAheadOfTheDecoder) {
  auto plain = Stream(1, true);
  const auto expected = ReadAll(*plain);
  const auto group_bytes = plain->stats().bytes_read / kGroups;
  FetchThreads threads(2);
  ReaderOptions options;
  options.fetch_threads = &threads;
  options.read_ahead_bytes = 3 * group_bytes;
  auto stream = Stream(1, true, options);
  ASSERT_NE(stream->Next().value(), nullptr);
  EXPECT_TRUE(object_->WaitBegun(2)) << "the second row group, and nobody asked for it";
  EXPECT_LE(stream->stats().requests, 1 + 3);
  auto batches = ReadAll(*stream);
  batches.insert(batches.begin(), expected.front());
  EXPECT_EQ(batches, expected);
  EXPECT_EQ(stream->stats(), plain->stats());
  EXPECT_EQ(object_->offsets().size(), static_cast<std::size_t>(kGroups));
  // A bound that nothing fits: as if there were none to read ahead.
  options.read_ahead_bytes = 1;
  EXPECT_EQ(ReadAll(*Stream(1, true, options)), expected);
}

TEST_F(StreamTest, BothAtOnce) {
  const auto expected = ReadAll(*Stream(1, true));
  FetchThreads threads(2);
  ReaderOptions options;
  options.fetch_threads = &threads;
  options.read_ahead_bytes = 1 << 20;
  base::ByteBudget budget("test", 1 << 20);
  BudgetMemoryPool pool(budget);
  options.pool = &pool;
  EXPECT_EQ(ReadAll(*Stream(3, true, options)), expected);
  auto dropped = Stream(3, false, options);
  ASSERT_NE(dropped->Next().value(), nullptr);
  dropped.reset();
  EXPECT_EQ(pool.bytes_allocated(), 0);
}

}  // namespace
}  // namespace firn::parquet
