// SPDX-License-Identifier: Apache-2.0
#include "wire/snappy.h"

#include <snappy.h>

#include <algorithm>
#include <string>

namespace firn::wire {

Result<std::size_t> SnappyReader::DeclaredBytes(std::string_view block) {
  std::size_t declared = 0;
  if (!snappy::GetUncompressedLength(block.data(), block.size(), &declared)) {
    return Status::InvalidArgument("snappy: the block does not start with a length (" +
                                   std::to_string(block.size()) + " bytes)");
  }
  return declared;
}

Result<std::string_view> SnappyReader::Uncompress(std::string_view block,
                                                  std::size_t bytes_max) {
  FIRN_ASSIGN_OR_RETURN(const std::size_t declared, DeclaredBytes(block));
  if (declared > bytes_max) {
    return Status::InvalidArgument(
        "snappy: the block declares " + std::to_string(declared) +
        " bytes uncompressed; the limit is " + std::to_string(bytes_max));
  }
  if (declared > capacity_bytes_) {
    // Twice as much at least, so that slowly growing requests do not allocate each time.
    const std::size_t grown =
        std::min(bytes_max, std::max(declared, 2 * capacity_bytes_));
    buffer_.reset();
    buffer_ = std::make_unique_for_overwrite<char[]>(grown);
    capacity_bytes_ = grown;
  }
  if (!snappy::RawUncompress(block.data(), block.size(), buffer_.get())) {
    return Status::InvalidArgument("snappy: the block is corrupt (" +
                                   std::to_string(block.size()) + " bytes, " +
                                   std::to_string(declared) + " declared)");
  }
  return std::string_view(buffer_.get(), declared);
}

void SnappyReader::ShrinkTo(std::size_t bytes) {
  if (capacity_bytes_ <= bytes) return;
  buffer_.reset();
  capacity_bytes_ = 0;
}

}  // namespace firn::wire
