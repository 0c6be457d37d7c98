// SPDX-License-Identifier: Apache-2.0
#include "parquet/range_fetcher.h"

#include <algorithm>
#include <utility>

#include "arrow/buffer.h"
#include "arrow/memory_pool.h"

#include "base/assert.h"
#include "parquet/wall.h"

namespace firn::parquet {

Status ReadCounted(io::ObjectReader& object, std::int64_t offset, std::int64_t size,
                   char* out, FetchCounts& counts) {
  const auto at = static_cast<std::uint64_t>(offset);
  const std::uint64_t tail_bytes = object.tail_bytes();
  if (tail_bytes == 0 || at < object.size_bytes() - tail_bytes) {
    ++counts.requests;
    counts.bytes += size;
  }
  return object.ReadAt(at, static_cast<std::uint64_t>(size), out);
}

RangeFetcher::RangeFetcher(const base::Context& context, io::ObjectReader& object,
                           arrow::MemoryPool* pool, std::int64_t hole_bytes,
                           std::int64_t request_bytes_max)
    : context_(context),
      object_(object),
      pool_(pool),
      hole_bytes_(hole_bytes),
      request_bytes_max_(request_bytes_max) {
  FIRN_ASSERT(hole_bytes >= 0 && request_bytes_max > 0);
}

void RangeFetcher::Announce(std::vector<ByteRange> ranges) {
  std::sort(ranges.begin(), ranges.end(),
            [](const ByteRange& a, const ByteRange& b) { return a.offset < b.offset; });
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
      ++last->uses;
      continue;
    }
    last = &requests_.emplace(range.offset, Request{range.end(), 1, nullptr})->second;
    last_offset = range.offset;
  }
}

Result<std::shared_ptr<arrow::Buffer>> RangeFetcher::Take(ByteRange range) {
  const auto found = Find(range);
  FIRN_ASSERT(found != requests_.end());
  Request& request = found->second;
  if (request.bytes == nullptr) {
    FIRN_RETURN_IF_ERROR(context_.Check());
    const std::int64_t size = request.end - found->first;
    FIRN_ARROW_ASSIGN_OR_RETURN(std::unique_ptr<arrow::Buffer> buffer,
                                arrow::AllocateBuffer(size, pool_));
    FIRN_RETURN_IF_ERROR(ReadCounted(object_, found->first, size,
                                     reinterpret_cast<char*>(buffer->mutable_data()),
                                     counts_));
    request.bytes = std::move(buffer);
  }
  auto bytes =
      arrow::SliceBuffer(request.bytes, range.offset - found->first, range.size_bytes);
  Release(found);
  return bytes;
}

void RangeFetcher::Forget(ByteRange range) {
  const auto found = Find(range);
  FIRN_ASSERT(found != requests_.end());
  Release(found);
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
  if (--request->second.uses == 0) requests_.erase(request);
}

}  // namespace firn::parquet
