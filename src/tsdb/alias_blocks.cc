// SPDX-License-Identifier: Apache-2.0
#include "tsdb/alias_blocks.h"

#include <algorithm>

#include "base/assert.h"

namespace firn::tsdb {

std::string_view AliasBlocks::Add(std::uint32_t ref, std::string_view alias,
                                  const char* next) {
  FIRN_ASSERT(ref != kDropped && alias.size() <= UINT32_MAX);
  const std::size_t bytes = sizeof(Header) + alias.size();
  if (open_ == kDropped || blocks_[open_].capacity - blocks_[open_].used < bytes) {
    open_ = OpenBlock(std::max(bytes, kBlockBytes));
  }
  Block& block = blocks_[open_];
  const Header header{next, open_, ref, static_cast<std::uint32_t>(alias.size())};
  char* const at = block.bytes.get() + block.used;
  std::memcpy(at, &header, sizeof header);
  if (!alias.empty()) std::memcpy(at + sizeof header, alias.data(), alias.size());
  block.used += bytes;
  block.live += bytes;
  return {at + sizeof header, alias.size()};
}

std::uint32_t AliasBlocks::OpenBlock(std::size_t bytes) {
  std::uint32_t place;
  if (free_places_.empty()) {
    place = static_cast<std::uint32_t>(blocks_.size());
    blocks_.emplace_back();
  } else {
    place = free_places_.back();
    free_places_.pop_back();
  }
  blocks_[place] = {std::make_unique_for_overwrite<char[]>(bytes), bytes, 0, 0};
  allocated_bytes_ += bytes;
  return place;
}

void AliasBlocks::DropChain(const char* first) {
  while (first != nullptr) {
    Header header = HeaderOf(first);
    FIRN_ASSERT(header.ref != kDropped);
    Block& block = blocks_[header.block];
    block.live -= sizeof header + header.size;
    header.ref = kDropped;
    std::memcpy(block.bytes.get() + (first - block.bytes.get()) - sizeof header, &header,
                sizeof header);
    first = header.next;
  }
}

std::vector<std::uint32_t> AliasBlocks::FindSparse() {
  std::vector<std::uint32_t> refs;
  for (std::uint32_t place = 0; place < blocks_.size(); ++place) {
    const Block& block = blocks_[place];
    if (block.live >= block.used / 2) continue;
    if (place == open_) open_ = kDropped;
    for (std::size_t at = 0; at < block.used;) {
      Header header;
      std::memcpy(&header, block.bytes.get() + at, sizeof header);
      if (header.ref != kDropped) refs.push_back(header.ref);
      at += sizeof header + header.size;
    }
  }
  std::sort(refs.begin(), refs.end());
  refs.erase(std::unique(refs.begin(), refs.end()), refs.end());
  return refs;
}

std::vector<AliasBlocks::Block> AliasBlocks::TakeEmpty() {
  std::vector<Block> taken;
  for (std::uint32_t place = 0; place < blocks_.size(); ++place) {
    Block& block = blocks_[place];
    if (block.bytes == nullptr || block.live > 0) continue;
    if (place == open_) open_ = kDropped;
    allocated_bytes_ -= block.capacity;
    taken.push_back(std::exchange(block, {}));
    free_places_.push_back(place);
  }
  return taken;
}

}  // namespace firn::tsdb
