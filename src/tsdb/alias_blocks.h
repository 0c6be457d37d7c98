// SPDX-License-Identifier: Apache-2.0
// alias_blocks.h: the aliases of series, one after the other in blocks.
//
// Senders name series in the order in which they named them first, so aliases that lie in
// that order are compared at the speed of reading memory (docs/design/0014). A single one
// cannot be given back: who drops aliases moves the rest out of blocks that are mostly
// dropped, and frees those whole.
//
//   alias := next pointer, block u32, ref u32, size u32, the bytes
//
// Thread-compatible. What was added stays where it is until its block is freed.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace firn::tsdb {

class AliasBlocks {
 public:
  static constexpr std::size_t kBlockBytes = 64 << 10;

  // What lies before an alias' bytes.
  struct Header {
    const char* next = nullptr;  // The bytes of another alias of the series, or null.
    std::uint32_t block = 0;
    std::uint32_t ref = 0;
    std::uint32_t size = 0;
  };
  struct Block {
    std::unique_ptr<char[]> bytes;
    std::size_t capacity = 0;
    std::size_t used = 0;
    std::size_t live = 0;  // Of `used`, not dropped.
  };

  // Keep a copy of `alias` for the series `ref`. `next` is the last that was added for
  // it.
  std::string_view Add(std::uint32_t ref, std::string_view alias, const char* next);
  // Calls for each alias of the chain that begins at `first`: visit(std::string_view).
  template <typename Visit>
  static void VisitChain(const char* first, Visit visit) {
    while (first != nullptr) {
      const Header header = HeaderOf(first);
      visit(std::string_view(first, header.size));
      first = header.next;
    }
  }
  // The chain that begins at `first` is of no use any more.
  void DropChain(const char* first);
  // The series with aliases in blocks of which less than half is in use, each once and in
  // order. Nothing is added to these blocks from now on, so that they become empty where
  // those aliases are added anew and the old ones dropped.
  std::vector<std::uint32_t> FindSparse();
  // Take out the blocks of which nothing is in use.
  std::vector<Block> TakeEmpty();

  // Memory of the blocks that were not taken out.
  std::size_t allocated_bytes() const { return allocated_bytes_; }

 private:
  static constexpr std::uint32_t kDropped = UINT32_MAX;  // As Header::ref.

  static Header HeaderOf(const char* alias) {
    Header header;
    std::memcpy(&header, alias - sizeof header, sizeof header);
    return header;
  }
  std::uint32_t OpenBlock(std::size_t bytes);

  std::vector<Block> blocks_;  // Those without bytes are free places.
  std::vector<std::uint32_t> free_places_;
  std::uint32_t open_ = kDropped;  // The block that is added to.
  std::size_t allocated_bytes_ = 0;
};

}  // namespace firn::tsdb
