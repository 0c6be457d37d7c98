// SPDX-License-Identifier: Apache-2.0
// range_fetcher.h: ranges of an object, fetched by few requests. Internal to this room.
//
// 1. Announce() what will be wanted. Ranges closer than the hole limit share a request,
//    up to the request limit.
// 2. Take() each range once for every time it was announced, in any order. The first
//    range of a request fetches it; with the last one its buffer goes.
// 3. With read-ahead, other threads fetch requests before they are taken, those of the
//    first rows first, as far as a bound allows that streams share among their fetchers.
//    A request that no thread has begun when it is taken is fetched at once; one that is
//    under way is waited for. An error of a request shows where it is taken, and nowhere
//    if it never is.
//
// So at any time it holds what was fetched and is not yet taken: with columns read side
// by side, about one request a column, and what was read ahead.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "arrow/type_fwd.h"

#include "base/context.h"
#include "firn/status.h"
#include "io/store.h"

namespace firn::parquet {

class FetchThreads;

// Bytes [offset, offset + size_bytes) of an object.
struct ByteRange {
  std::int64_t offset = 0;
  std::int64_t size_bytes = 0;
  // The first row that needs them, as far as that is known: what is read ahead first.
  std::int64_t first_row = 0;
  std::int64_t end() const { return offset + size_bytes; }
};

// What was read of an object.
struct FetchCounts {
  std::int64_t requests = 0;
  std::int64_t bytes = 0;
};

// Read from `object`. What its opening has fetched already is not counted again.
Status ReadCounted(io::ObjectReader& object, std::int64_t offset, std::int64_t size,
                   char* out, FetchCounts& counts);

// How many bytes may lie fetched, or be on their way, before somebody asks for them.
// Thread-safe.
class ReadAheadBound {
 public:
  explicit ReadAheadBound(std::int64_t bytes) : left_bytes_(bytes) {}
  bool TryTake(std::int64_t bytes);
  void Give(std::int64_t bytes) {
    left_bytes_.fetch_add(bytes, std::memory_order_relaxed);
  }

 private:
  std::atomic<std::int64_t> left_bytes_;
};

// Who reads ahead, and how far. Null: nobody.
struct ReadAhead {
  FetchThreads* threads = nullptr;
  std::shared_ptr<ReadAheadBound> bound;
};

// Thread-compatible. What it is made of must outlive it; its end waits for the requests
// that are under way.
class RangeFetcher {
 public:
  // REQUIRES: hole_bytes >= 0, request_bytes_max > 0.
  RangeFetcher(const base::Context& context, io::ObjectReader& object,
               arrow::MemoryPool* pool, std::int64_t hole_bytes,
               std::int64_t request_bytes_max, ReadAhead read_ahead = {});
  ~RangeFetcher();
  RangeFetcher(const RangeFetcher&) = delete;
  RangeFetcher& operator=(const RangeFetcher&) = delete;

  // Each range may be taken once more. A range longer than the request limit is a request
  // of its own. Ranges may overlap, as those of a damaged file do: then some bytes may be
  // fetched twice, or be held until the end.
  void Announce(std::vector<ByteRange> ranges);
  // The bytes. REQUIRES: announced, and not taken as often already.
  Result<std::shared_ptr<arrow::Buffer>> Take(ByteRange range);
  // Take and drop, without fetching: the range turned out not to be needed.
  void Forget(ByteRange range);

  // Begin to read ahead what the bound has room for by now. Announce and Take do.
  void ReadOn();
  // Whether everything announced has been read, or is on its way.
  bool all_begun() const { return waiting_.empty(); }

  const FetchCounts& counts() const { return counts_; }

 private:
  struct Flight;      // A request that is read ahead.
  struct FlightDeck;  // What this and the tasks of its flights share.
  struct Request {
    std::int64_t end = 0;
    std::int64_t first_row = 0;
    std::int64_t uses = 0;                 // Ranges announced and not yet taken.
    std::shared_ptr<arrow::Buffer> bytes;  // Null until the first is taken.
    std::shared_ptr<Flight> flight;        // Null unless it was read ahead.
  };
  using Requests = std::multimap<std::int64_t, Request>;  // By offset.
  using Order = std::pair<std::int64_t, std::int64_t>;    // First row, offset.
  Requests::iterator Find(ByteRange range);
  void Release(Requests::iterator request);
  void StopWaiting(Requests::iterator request);
  bool Begin(Requests::iterator request);
  Result<std::shared_ptr<arrow::Buffer>> Fetch(ByteRange range);
  Result<std::shared_ptr<arrow::Buffer>> Land(Requests::iterator request);

  const base::Context& context_;
  io::ObjectReader& object_;
  arrow::MemoryPool* const pool_;
  const std::int64_t hole_bytes_;
  const std::int64_t request_bytes_max_;
  const ReadAhead read_ahead_;
  const std::shared_ptr<FlightDeck> deck_;  // Null without read-ahead.
  Requests requests_;
  // With read-ahead: what has not begun.
  std::multimap<Order, Requests::iterator> waiting_;
  FetchCounts counts_;
};

}  // namespace firn::parquet
