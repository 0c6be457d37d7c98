// SPDX-License-Identifier: Apache-2.0
// lazy_object.h: an object that its store is asked for when it is read. Internal to this
// room.
//
// Where the footer is known, a file may be planned, and left out, without a read. To make
// a store's own reader costs more than all of that.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "base/context.h"
#include "io/store.h"

namespace firn::parquet {

// Of known size, and never replaced. Thread-safe. `context` and `store` must outlive it.
class LazyObject final : public io::ObjectReader {
 public:
  LazyObject(const base::Context& context, io::Store& store, std::string location,
             std::uint64_t size_bytes)
      : context_(context),
        store_(store),
        location_(std::move(location)),
        size_bytes_(size_bytes) {}

  std::uint64_t size_bytes() const override { return size_bytes_; }

  Status ReadAt(std::uint64_t offset, std::uint64_t size, char* out) override {
    FIRN_ASSIGN_OR_RETURN(io::ObjectReader* const object, Opened());
    return object->ReadAt(offset, size, out);
  }

 private:
  // The store asks nobody for an object of known size, so the lock is held for long by
  // none.
  Result<io::ObjectReader*> Opened() {
    const std::lock_guard lock(mutex_);
    if (object_ == nullptr) {
      io::OpenOptions options;
      options.size_bytes = size_bytes_;
      FIRN_ASSIGN_OR_RETURN(object_, store_.OpenReader(context_, location_, options));
    }
    return object_.get();
  }

  const base::Context& context_;
  io::Store& store_;
  const std::string location_;
  const std::uint64_t size_bytes_;
  std::mutex mutex_;
  std::unique_ptr<io::ObjectReader> object_;  // Null until the first read.
};

}  // namespace firn::parquet
