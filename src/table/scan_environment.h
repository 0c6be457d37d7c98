// SPDX-License-Identifier: Apache-2.0
// scan_environment.h: what scans of tables and files read with.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "io/store.h"
#include "parquet/footer_cache.h"
#include "parquet/reader.h"

namespace arrow {
class MemoryPool;
}  // namespace arrow

namespace firn::table {

// Longest batch that a scan reads: its rows are narrow mostly, and what is done once a
// batch is then done seldom. Batches of wide rows are bounded by their bytes.
inline constexpr std::int64_t kScanBatchRows = 1 << 16;

// What is pointed at must outlive the source and every plan and stream of it.
struct ScanEnvironment {
  io::Store& store;
  parquet::FooterCache& footers;
  arrow::MemoryPool* pool = nullptr;  // Null: Arrow's default.
  // Who waits for remote stores, and how many bytes each split may have wait for it.
  // Null: the split waits itself.
  parquet::FetchThreads* fetch_threads = nullptr;
  std::int64_t read_ahead_bytes = 0;
  // How many threads a scan may decode with. A plan of fewer splits lets each decode
  // several row groups side by side. REQUIRES: > 0.
  int threads = 1;

  // How to open `location`. A local file answers at once: reading it ahead would only
  // take its bytes through another thread.
  parquet::ReaderOptions ReaderOptionsFor(std::string_view location) const {
    parquet::ReaderOptions options;
    options.footer_cache = &footers;
    options.pool = pool;
    if (!io::LocalPath(location).ok()) {
      options.fetch_threads = fetch_threads;
      options.read_ahead_bytes = read_ahead_bytes;
    }
    return options;
  }
  // The same with another store.
  ScanEnvironment WithStore(io::Store& other) const {
    return {other, footers, pool, fetch_threads, read_ahead_bytes, threads};
  }
  // How many of a table's manifests are read side by side: those of a remote store are
  // waited for mostly.
  int ThreadsOfPlan(std::string_view location) const {
    constexpr int kRemote = 8;
    return io::LocalPath(location).ok() ? threads : std::max(threads, kRemote);
  }
  int ThreadsOfSplit(std::size_t split_count) const {
    return std::max(1, threads / std::max(1, static_cast<int>(split_count)));
  }
};

}  // namespace firn::table
