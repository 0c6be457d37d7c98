// SPDX-License-Identifier: Apache-2.0
#include "parquet/range_fetcher.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "arrow/buffer.h"
#include "arrow/memory_pool.h"

#include "base/assert.h"
#include "parquet/fetch_threads.h"
#include "parquet/wall.h"

namespace firn::parquet {
namespace {

void CountRead(const io::ObjectReader& object, std::int64_t offset, std::int64_t size,
               FetchCounts& counts) {
  const std::uint64_t tail_bytes = object.tail_bytes();
  if (tail_bytes > 0 &&
      static_cast<std::uint64_t>(offset) >= object.size_bytes() - tail_bytes) {
    return;
  }
  ++counts.requests;
  counts.bytes += size;
}

Status ReadInto(io::ObjectReader& object, std::int64_t offset, arrow::Buffer& buffer) {
  return object.ReadAt(static_cast<std::uint64_t>(offset),
                       static_cast<std::uint64_t>(buffer.size()),
                       reinterpret_cast<char*>(buffer.mutable_data()));
}

}  // namespace

// Guarded by the deck's mutex, but for the bytes of a buffer: those are the task's while
// it runs.
struct RangeFetcher::Flight {
  enum State : std::uint8_t { kQueued, kRunning, kDone, kTakenBack } state = kQueued;
  std::int64_t offset = 0;
  std::int64_t size_bytes = 0;
  std::shared_ptr<arrow::Buffer> bytes;
  Status status;
  bool forgotten = false;  // While it ran: its end lets go of everything.
};

struct RangeFetcher::FlightDeck {
  std::mutex mutex;
  std::condition_variable landed;
  std::int64_t running = 0;
  const std::shared_ptr<ReadAheadBound> bound;

  explicit FlightDeck(std::shared_ptr<ReadAheadBound> bound_in)
      : bound(std::move(bound_in)) {}

  // Nobody wants the flight any more. Its buffer goes before its task does, which may
  // outlive the pool. REQUIRES: the mutex is held.
  void DropLocked(Flight& flight) {
    if (flight.state == Flight::kRunning) {
      flight.forgotten = true;
      return;
    }
    if (flight.state == Flight::kQueued) flight.state = Flight::kTakenBack;
    flight.bytes.reset();
    bound->Give(flight.size_bytes);
  }
};

bool ReadAheadBound::TryTake(std::int64_t bytes) {
  std::int64_t left = left_bytes_.load(std::memory_order_relaxed);
  while (left >= bytes) {
    if (left_bytes_.compare_exchange_weak(left, left - bytes,
                                          std::memory_order_relaxed)) {
      return true;
    }
  }
  return false;
}

Status ReadCounted(io::ObjectReader& object, std::int64_t offset, std::int64_t size,
                   char* out, FetchCounts& counts) {
  CountRead(object, offset, size, counts);
  return object.ReadAt(static_cast<std::uint64_t>(offset),
                       static_cast<std::uint64_t>(size), out);
}

RangeFetcher::RangeFetcher(const base::Context& context, io::ObjectReader& object,
                           arrow::MemoryPool* pool, std::int64_t hole_bytes,
                           std::int64_t request_bytes_max, ReadAhead read_ahead)
    : context_(context),
      object_(object),
      pool_(pool),
      hole_bytes_(hole_bytes),
      request_bytes_max_(request_bytes_max),
      read_ahead_(std::move(read_ahead)),
      deck_(read_ahead_.threads == nullptr
                ? nullptr
                : std::make_shared<FlightDeck>(read_ahead_.bound)) {
  FIRN_ASSERT(hole_bytes >= 0 && request_bytes_max > 0);
  FIRN_ASSERT(read_ahead_.threads == nullptr || read_ahead_.bound != nullptr);
}

RangeFetcher::~RangeFetcher() {
  if (deck_ == nullptr) return;
  std::unique_lock lock(deck_->mutex);
  for (auto& [offset, request] : requests_) {
    if (request.flight != nullptr) deck_->DropLocked(*request.flight);
  }
  deck_->landed.wait(lock, [this] { return deck_->running == 0; });
}

void RangeFetcher::Announce(std::vector<ByteRange> ranges) {
  std::sort(ranges.begin(), ranges.end(),
            [](const ByteRange& a, const ByteRange& b) { return a.offset < b.offset; });
  std::vector<Requests::iterator> added;
  Request* last = nullptr;
  std::int64_t last_offset = 0;
  for (const ByteRange& range : ranges) {
    // What an earlier announcement fetches, or has fetched, is not fetched twice.
    if (const auto found = Find(range); found != requests_.end()) {
      ++found->second.uses;
      continue;
    }
    if (last != nullptr && range.offset <= last->end + hole_bytes_ &&
        std::max(range.end(), last->end) - last_offset <= request_bytes_max_) {
      last->end = std::max(range.end(), last->end);
      last->first_row = std::min(range.first_row, last->first_row);
      ++last->uses;
      continue;
    }
    added.push_back(requests_.emplace(
        range.offset, Request{range.end(), range.first_row, 1, nullptr, nullptr}));
    last = &added.back()->second;
    last_offset = range.offset;
  }
  if (deck_ == nullptr) return;
  for (const auto request : added) {
    waiting_.emplace(Order(request->second.first_row, request->first), request);
  }
  ReadOn();
}

void RangeFetcher::ReadOn() {
  for (auto it = waiting_.begin(); it != waiting_.end();) {
    const auto request = (it++)->second;
    if (!Begin(request)) return;
  }
}

// Let a thread read the request. False where none is free or there is no room for it, in
// the bound or in memory: then those after it wait as well.
bool RangeFetcher::Begin(Requests::iterator request) {
  const std::int64_t size = request->second.end - request->first;
  if (!read_ahead_.bound->TryTake(size)) return false;
  auto buffer = arrow::AllocateBuffer(size, pool_);
  auto flight = std::make_shared<Flight>();
  flight->offset = request->first;
  flight->size_bytes = size;
  if (buffer.ok()) flight->bytes = std::move(buffer).ValueUnsafe();
  const auto task = [deck = deck_, flight, &object = object_, &context = context_] {
    {
      const std::lock_guard lock(deck->mutex);
      if (flight->state != Flight::kQueued) return;
      flight->state = Flight::kRunning;
      ++deck->running;
    }
    Status status = context.Check();
    if (status.ok()) status = ReadInto(object, flight->offset, *flight->bytes);
    const std::lock_guard lock(deck->mutex);
    flight->status = std::move(status);
    flight->state = Flight::kDone;
    if (flight->forgotten) deck->DropLocked(*flight);
    --deck->running;
    deck->landed.notify_all();
  };
  if (flight->bytes == nullptr || !read_ahead_.threads->TryRun(task)) {
    read_ahead_.bound->Give(size);
    return false;
  }
  CountRead(object_, request->first, size, counts_);
  request->second.flight = std::move(flight);
  StopWaiting(request);
  return true;
}

void RangeFetcher::StopWaiting(Requests::iterator request) {
  const auto [begin, end] =
      waiting_.equal_range(Order(request->second.first_row, request->first));
  for (auto it = begin; it != end; ++it) {
    if (it->second != request) continue;
    waiting_.erase(it);
    return;
  }
}

Result<std::shared_ptr<arrow::Buffer>> RangeFetcher::Fetch(ByteRange range) {
  FIRN_RETURN_IF_ERROR(context_.Check());
  FIRN_ARROW_ASSIGN_OR_RETURN(std::unique_ptr<arrow::Buffer> buffer,
                              arrow::AllocateBuffer(range.size_bytes, pool_));
  CountRead(object_, range.offset, range.size_bytes, counts_);
  FIRN_RETURN_IF_ERROR(ReadInto(object_, range.offset, *buffer));
  return std::shared_ptr<arrow::Buffer>(std::move(buffer));
}

// What was read ahead, or is being.
Result<std::shared_ptr<arrow::Buffer>> RangeFetcher::Land(Requests::iterator request) {
  const std::shared_ptr<Flight> flight = std::move(request->second.flight);
  request->second.flight = nullptr;
  std::unique_lock lock(deck_->mutex);
  deck_->landed.wait(lock, [&] { return flight->state != Flight::kRunning; });
  read_ahead_.bound->Give(flight->size_bytes);
  std::shared_ptr<arrow::Buffer> bytes = std::move(flight->bytes);
  if (flight->state == Flight::kQueued) {
    // Every thread is busy.
    flight->state = Flight::kTakenBack;
    lock.unlock();
    FIRN_RETURN_IF_ERROR(context_.Check());
    FIRN_RETURN_IF_ERROR(ReadInto(object_, flight->offset, *bytes));
    return bytes;
  }
  FIRN_RETURN_IF_ERROR(flight->status);
  return bytes;
}

Result<std::shared_ptr<arrow::Buffer>> RangeFetcher::Take(ByteRange range) {
  const auto found = Find(range);
  // Of requests that overlap one may have been used up in the place of another.
  if (found == requests_.end()) return Fetch(range);
  Request& request = found->second;
  if (request.bytes == nullptr) {
    if (request.flight != nullptr) {
      FIRN_ASSIGN_OR_RETURN(request.bytes, Land(found));
    } else {
      StopWaiting(found);
      FIRN_ASSIGN_OR_RETURN(request.bytes,
                            Fetch({found->first, request.end - found->first}));
    }
    ReadOn();
  }
  auto bytes =
      arrow::SliceBuffer(request.bytes, range.offset - found->first, range.size_bytes);
  Release(found);
  return bytes;
}

void RangeFetcher::Forget(ByteRange range) {
  const auto found = Find(range);
  if (found != requests_.end()) Release(found);  // As in Take().
}

RangeFetcher::Requests::iterator RangeFetcher::Find(ByteRange range) {
  // Requests overlap only where a damaged file makes its chunks overlap; the nearest
  // before the range is tried first, and all before it in the worst case.
  auto it = requests_.upper_bound(range.offset);
  while (it != requests_.begin()) {
    --it;
    if (it->second.end >= range.end()) return it;
  }
  return requests_.end();
}

void RangeFetcher::Release(Requests::iterator request) {
  FIRN_ASSERT(request->second.uses > 0);
  if (--request->second.uses > 0) return;
  StopWaiting(request);
  if (const std::shared_ptr<Flight> flight = std::move(request->second.flight)) {
    const std::lock_guard lock(deck_->mutex);
    deck_->DropLocked(*flight);
  }
  requests_.erase(request);
}

}  // namespace firn::parquet
