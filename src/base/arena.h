// SPDX-License-Identifier: Apache-2.0
// arena.h: memory that is given back all at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <string_view>
#include <vector>

namespace firn::base {

// Hands out memory from blocks it owns; nothing moves, and everything goes when the arena
// does. Thread-compatible.
class Arena {
 public:
  static constexpr std::size_t kFirstBlockBytes = 16 << 10;
  static constexpr std::size_t kBlockBytesMax = 1 << 20;

  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // `size` bytes aligned to `align`. REQUIRES: align is a power of two, at most 64.
  void* Allocate(std::size_t size, std::size_t align = 8) {
    const std::size_t at = (used_ + align - 1) & ~(align - 1);
    if (at + size > block_bytes_) return AllocateInNewBlock(size);
    used_ = at + size;
    return block_ + at;
  }

  // A copy of `bytes` that lives as long as the arena.
  std::string_view Copy(std::string_view bytes) {
    char* p = static_cast<char*>(Allocate(bytes.size(), 1));
    if (!bytes.empty()) std::memcpy(p, bytes.data(), bytes.size());
    return {p, bytes.size()};
  }

  // Memory held, used or not.
  std::size_t allocated_bytes() const { return allocated_bytes_; }

 private:
  struct Free {
    void operator()(std::byte* p) const { ::operator delete[](p, std::align_val_t{64}); }
  };
  void* AllocateInNewBlock(std::size_t size);

  std::byte* block_ = nullptr;  // The block in use.
  std::size_t block_bytes_ = 0;
  std::size_t used_ = 0;
  std::size_t allocated_bytes_ = 0;
  std::vector<std::unique_ptr<std::byte[], Free>> blocks_;
};

}  // namespace firn::base
