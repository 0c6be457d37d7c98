// SPDX-License-Identifier: Apache-2.0
// counted_reader.h: an object whose reads are counted while nobody else counts them.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

#include "io/store.h"
#include "scan/batch.h"

namespace firn::table {

// Whoever opens a file reads its footer, which no plan and no stream counts. Thread-safe.
class CountedReader final : public io::ObjectReader {
 public:
  explicit CountedReader(std::unique_ptr<io::ObjectReader> inner)
      : inner_(std::move(inner)) {}

  std::uint64_t size_bytes() const override { return inner_->size_bytes(); }
  Status ReadAt(std::uint64_t offset, std::uint64_t size, char* out) override {
    requests_.fetch_add(1, std::memory_order_relaxed);
    bytes_.fetch_add(static_cast<std::int64_t>(size), std::memory_order_relaxed);
    return inner_->ReadAt(offset, size, out);
  }

  // `requests` and `bytes_read` so far.
  scan::ScanStats counts() const {
    scan::ScanStats counts;
    counts.requests = requests_.load(std::memory_order_relaxed);
    counts.bytes_read = bytes_.load(std::memory_order_relaxed);
    return counts;
  }

 private:
  const std::unique_ptr<io::ObjectReader> inner_;
  std::atomic<std::int64_t> requests_{0};
  std::atomic<std::int64_t> bytes_{0};
};

}  // namespace firn::table
