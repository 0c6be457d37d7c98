// SPDX-License-Identifier: Apache-2.0
#include "base/arena.h"

#include <algorithm>
#include <new>

namespace firn::base {

void* Arena::AllocateInNewBlock(std::size_t size) {
  // Blocks double up to the bound, so that a small arena stays small. A request above a
  // quarter of a block gets one of its own, and the block in use stays in use.
  const std::size_t next_bytes =
      std::min(kBlockBytesMax, std::max(kFirstBlockBytes, block_bytes_ * 2));
  const bool own_block = size > next_bytes / 4;
  const std::size_t bytes = own_block ? size : next_bytes;
  auto* block = static_cast<std::byte*>(::operator new[](bytes, std::align_val_t{64}));
  blocks_.emplace_back(block);
  allocated_bytes_ += bytes;
  if (own_block) return block;
  block_ = block;
  block_bytes_ = bytes;
  used_ = size;
  return block;
}

}  // namespace firn::base
