// SPDX-License-Identifier: Apache-2.0
#include "parquet/footer_cache.h"

#include <utility>

namespace firn::parquet {
namespace {

// A size has no NUL byte in its digits, so no two pairs give one key.
std::string KeyOf(const std::string& location, std::uint64_t size_bytes) {
  std::string key = std::to_string(size_bytes);
  key += '\0';
  key += location;
  return key;
}

}  // namespace

std::shared_ptr<const Footer> FooterCache::Find(const std::string& location,
                                                std::uint64_t size_bytes) {
  const std::string key = KeyOf(location, size_bytes);
  const std::lock_guard lock(mutex_);
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) {
    ++stats_.misses;
    return nullptr;
  }
  ++stats_.hits;
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->footer;
}

void FooterCache::Insert(const std::string& location, std::uint64_t size_bytes,
                         std::shared_ptr<const Footer> footer,
                         std::int64_t footer_bytes) {
  std::string key = KeyOf(location, size_bytes);
  // The key is held twice: in the entry and in the index.
  const std::int64_t bytes = footer_bytes + 2 * static_cast<std::int64_t>(key.size());
  const std::lock_guard lock(mutex_);
  if (bytes > limit_bytes_ || by_key_.contains(key)) return;
  entries_.push_front({key, std::move(footer), bytes});
  by_key_.emplace(std::move(key), entries_.begin());
  stats_.used_bytes += bytes;
  ++stats_.entries;
  EvictLocked();
}

void FooterCache::EvictLocked() {
  while (stats_.used_bytes > limit_bytes_) {
    const Entry& oldest = entries_.back();
    stats_.used_bytes -= oldest.bytes;
    --stats_.entries;
    ++stats_.evictions;
    by_key_.erase(oldest.key);
    entries_.pop_back();
  }
}

FooterCacheStats FooterCache::stats() const {
  const std::lock_guard lock(mutex_);
  return stats_;
}

}  // namespace firn::parquet
