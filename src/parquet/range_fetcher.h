// SPDX-License-Identifier: Apache-2.0
// range_fetcher.h: ranges of an object, fetched by few requests. Internal to this room.
//
// 1. Announce() what will be wanted. Ranges closer than the hole limit share a request,
//    up to the request limit.
// 2. Take() each range once for every time it was announced, in any order. The first
//    range of a request fetches it; with the last one its buffer goes.
//
// So at any time it holds what was fetched and is not yet taken: with columns read side
// by side, about one request a column.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "arrow/type_fwd.h"

#include "base/context.h"
#include "firn/status.h"
#include "io/store.h"

namespace firn::parquet {

// Bytes [offset, offset + size_bytes) of an object.
struct ByteRange {
  std::int64_t offset = 0;
  std::int64_t size_bytes = 0;
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

// Thread-compatible. What it is made of must outlive it.
class RangeFetcher {
 public:
  // REQUIRES: hole_bytes >= 0, request_bytes_max > 0.
  RangeFetcher(const base::Context& context, io::ObjectReader& object,
               arrow::MemoryPool* pool, std::int64_t hole_bytes,
               std::int64_t request_bytes_max);

  // Each range may be taken once more. A range longer than the request limit is a request
  // of its own. Ranges may overlap.
  void Announce(std::vector<ByteRange> ranges);
  // The bytes. REQUIRES: announced, and not taken as often already.
  Result<std::shared_ptr<arrow::Buffer>> Take(ByteRange range);
  // Take and drop, without fetching: the range turned out not to be needed.
  void Forget(ByteRange range);

  const FetchCounts& counts() const { return counts_; }

 private:
  struct Request {
    std::int64_t end = 0;
    std::int64_t uses = 0;                 // Ranges announced and not yet taken.
    std::shared_ptr<arrow::Buffer> bytes;  // Null until the first is taken.
  };
  using Requests = std::multimap<std::int64_t, Request>;  // By offset.
  Requests::iterator Find(ByteRange range);
  void Release(Requests::iterator request);

  const base::Context& context_;
  io::ObjectReader& object_;
  arrow::MemoryPool* const pool_;
  const std::int64_t hole_bytes_;
  const std::int64_t request_bytes_max_;
  Requests requests_;
  FetchCounts counts_;
};

}  // namespace firn::parquet
