// SPDX-License-Identifier: Apache-2.0
#include "parquet/footer_cache.h"

#include <iterator>
#include <utility>

namespace firn::parquet {

std::shared_ptr<const Footer> FooterCache::Find(std::string_view location,
                                                std::uint64_t size_bytes,
                                                std::string_view identity) {
  const std::lock_guard lock(mutex_);
  const auto found = by_location_.find(location);
  if (found == by_location_.end() || !found->second->Is(size_bytes, identity)) {
    ++stats_.misses;
    return nullptr;
  }
  ++stats_.hits;
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->footer;
}

bool FooterCache::Holds(std::string_view location) const {
  const std::lock_guard lock(mutex_);
  return by_location_.contains(location);
}

void FooterCache::Insert(const std::string& location, std::uint64_t size_bytes,
                         std::string_view identity, std::shared_ptr<const Footer> footer,
                         std::int64_t footer_bytes) {
  const auto bytes =
      footer_bytes + static_cast<std::int64_t>(location.size() + identity.size());
  const std::lock_guard lock(mutex_);
  if (const auto found = by_location_.find(location); found != by_location_.end()) {
    if (found->second->Is(size_bytes, identity)) return;
    EraseLocked(found->second);
  }
  if (bytes > limit_bytes_) return;
  entries_.push_front(
      {location, size_bytes, std::string(identity), std::move(footer), bytes});
  by_location_.emplace(entries_.front().location, entries_.begin());
  stats_.used_bytes += bytes;
  ++stats_.entries;
  while (stats_.used_bytes > limit_bytes_) {
    EraseLocked(std::prev(entries_.end()));
    ++stats_.evictions;
  }
}

void FooterCache::EraseLocked(Entries::iterator entry) {
  stats_.used_bytes -= entry->bytes;
  --stats_.entries;
  by_location_.erase(entry->location);
  entries_.erase(entry);
}

FooterCacheStats FooterCache::stats() const {
  const std::lock_guard lock(mutex_);
  return stats_;
}

}  // namespace firn::parquet
