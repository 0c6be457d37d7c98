// SPDX-License-Identifier: Apache-2.0
// footer_cache.h: footers of files opened lately, so that opening again costs no read.
//
// A footer is kept with the size and the identity of its object (io::ObjectReader), and
// is found again for the same ones only: a file that is replaced in place is read anew,
// and what was kept of the one before goes. A file whose opener vouches that it is never
// replaced has no identity; its size must still be the same.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
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

  // The footer, or null. An empty `identity` is found whatever identity was kept.
  std::shared_ptr<const Footer> Find(std::string_view location, std::uint64_t size_bytes,
                                     std::string_view identity);
  // Whether some footer is kept for the location, of whatever object.
  bool Holds(std::string_view location) const;
  // Keep `footer`, which takes `footer_bytes` in memory. Of two for one object the first
  // stays; of two objects at one location the last one does.
  void Insert(const std::string& location, std::uint64_t size_bytes,
              std::string_view identity, std::shared_ptr<const Footer> footer,
              std::int64_t footer_bytes);

  FooterCacheStats stats() const;

 private:
  struct Entry {
    std::string location;
    std::uint64_t size_bytes;
    std::string identity;
    std::shared_ptr<const Footer> footer;
    std::int64_t bytes;

    bool Is(std::uint64_t size, std::string_view id) const {
      return size_bytes == size && (id.empty() || identity == id);
    }
  };
  using Entries = std::list<Entry>;
  void EraseLocked(Entries::iterator entry);

  const std::int64_t limit_bytes_;
  mutable std::mutex mutex_;
  Entries entries_;  // Most recently used first.
  // Keys point into the entries.
  std::unordered_map<std::string_view, Entries::iterator> by_location_;
  FooterCacheStats stats_;
};

}  // namespace firn::parquet
