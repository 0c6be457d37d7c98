// SPDX-License-Identifier: Apache-2.0
// footer_cache.h: footers of files opened lately, so that opening again costs no read.
//
// Data files are immutable and never reuse a name, so an entry never goes stale; the
// size is part of the key all the same, as a cheap check.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

namespace firn::parquet {

class Footer;  // footer.h: what is known of a file before any data is read. Immutable.

struct FooterCacheStats {
  std::int64_t hits = 0;
  std::int64_t misses = 0;
  std::int64_t evictions = 0;
  std::int64_t entries = 0;
  std::int64_t used_bytes = 0;
};

// Least recently used, bounded in bytes. Thread-safe.
class FooterCache {
 public:
  // At `limit_bytes` the entries used longest ago go; a footer larger than the whole
  // cache is not kept. REQUIRES: limit_bytes >= 0.
  explicit FooterCache(std::int64_t limit_bytes) : limit_bytes_(limit_bytes) {}

  // The footer, or null.
  std::shared_ptr<const Footer> Find(const std::string& location,
                                     std::uint64_t size_bytes);
  // Keep `footer`, which takes `footer_bytes` in memory. Of two for one key the first
  // stays.
  void Insert(const std::string& location, std::uint64_t size_bytes,
              std::shared_ptr<const Footer> footer, std::int64_t footer_bytes);

  FooterCacheStats stats() const;

 private:
  struct Entry {
    std::string key;
    std::shared_ptr<const Footer> footer;
    std::int64_t bytes;
  };
  void EvictLocked();

  const std::int64_t limit_bytes_;
  mutable std::mutex mutex_;
  std::list<Entry> entries_;  // Most recently used first.
  std::unordered_map<std::string, std::list<Entry>::iterator> by_key_;
  FooterCacheStats stats_;
};

}  // namespace firn::parquet
