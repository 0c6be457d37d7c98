// SPDX-License-Identifier: Apache-2.0
// group_buffer.h: the records that will be written together.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "base/assert.h"
#include "wal/format.h"

namespace firn::wal {

// Bytes of whole records, of a bounded size. Thread-compatible.
class GroupBuffer {
 public:
  explicit GroupBuffer(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  std::string_view view() const { return {bytes_.get(), size_}; }
  // Whether a record of `size` bytes may be added. A record above the bound has a buffer
  // to itself.
  bool HasRoom(std::uint64_t size) const {
    return empty() || (size <= bytes_max_ && size_ <= bytes_max_ - size);
  }
  // Room for `size` bytes, which the caller fills. REQUIRES: HasRoom(size).
  char* Extend(std::size_t size) {
    FIRN_ASSERT(HasRoom(size));
    const std::size_t needed = size > bytes_max_ ? size : bytes_max_;
    if (bytes_ == nullptr || needed > capacity_) {
      // Only an empty buffer grows, so there is nothing to carry over.
      bytes_ = std::make_unique_for_overwrite<char[]>(needed);
      capacity_ = needed;
    }
    char* const out = bytes_.get() + size_;
    size_ += size;
    return out;
  }
  // Keeps the memory for the next group, unless one large record had asked for more.
  void Clear() {
    size_ = 0;
    trim.reset();
    if (capacity_ > bytes_max_) {
      bytes_.reset();
      capacity_ = 0;
    }
  }

  // The trim point that takes effect when this group is synced.
  std::optional<TrimPoint> trim;

 private:
  std::size_t bytes_max_;
  std::unique_ptr<char[]> bytes_;
  std::size_t capacity_ = 0;
  std::size_t size_ = 0;
};

}  // namespace firn::wal
