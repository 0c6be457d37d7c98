// SPDX-License-Identifier: Apache-2.0
// snappy.h: uncompresses snappy blocks into a buffer that is used again.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "firn/status.h"

namespace firn::wire {

// Thread-compatible. One per connection: the buffer grows to the largest block seen and
// is then used again.
class SnappyReader {
 public:
  // Uncompress one block (the block format, not the framed one). The result points into
  // the buffer and is valid until the next call. InvalidArgument where the block is not
  // snappy, or declares more than `bytes_max`: that is noticed before any memory is
  // taken.
  Result<std::string_view> Uncompress(std::string_view block, std::size_t bytes_max);

  // Length that `block` declares. InvalidArgument where it has none.
  static Result<std::size_t> DeclaredBytes(std::string_view block);

  std::size_t capacity_bytes() const { return capacity_bytes_; }
  // Give the buffer back where it is larger than `bytes`.
  void ShrinkTo(std::size_t bytes);

 private:
  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_bytes_ = 0;
};

}  // namespace firn::wire
