// SPDX-License-Identifier: Apache-2.0
// position_set.h: which rows of a file are deleted, compactly.
//
// A set of positions, cut into blocks of 65,536 by their high bits, as roaring bitmaps
// are. A block is what takes least of what it was made by: a sorted list of its low bits
// while it has few, a bitmap of 8 KB, or runs, which only come from outside.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <variant>
#include <vector>

namespace firn::table {

// Thread-compatible while it is filled, thread-safe afterwards.
class PositionSet {
 public:
  static constexpr int kBlockBits = 16;
  static constexpr std::int64_t kBlockRows = std::int64_t{1} << kBlockBits;
  // A longer list takes more than a bitmap.
  static constexpr std::size_t kListMax = 4096;

  using List = std::vector<std::uint16_t>;  // Ascending.
  using Bitmap = std::array<std::uint64_t, kBlockRows / 64>;
  struct Run {
    std::uint16_t first = 0;
    std::uint16_t last = 0;  // Included.
  };
  using Runs = std::vector<Run>;  // Ascending, apart.
  using Block = std::variant<List, std::unique_ptr<Bitmap>, Runs>;

  PositionSet() = default;
  PositionSet(PositionSet&&) = default;
  PositionSet& operator=(PositionSet&&) = default;

  // Add one. Cheap in ascending order, correct in any. REQUIRES: position >= 0.
  void Add(std::int64_t position);
  // Add rows [index << kBlockBits, …), a block that the set does not have yet and that is
  // not empty. REQUIRES: index is above those of all blocks.
  void AddBlock(std::int64_t index, Block block);
  void AddAll(const PositionSet& other);

  bool Contains(std::int64_t position) const;
  // Clear keep[i] where positions[i] is in the set, and return how many that were.
  // Fastest where positions ascend. REQUIRES: as many of each.
  std::int64_t Exclude(std::span<const std::int64_t> positions,
                       std::vector<bool>& keep) const;

  bool empty() const { return blocks_.empty(); }
  std::int64_t count() const;
  // The greatest, if there is any.
  std::optional<std::int64_t> last() const;
  // About what it takes in memory.
  std::int64_t memory_bytes() const { return memory_bytes_; }

 private:
  const Block* FindBlock(std::int64_t index) const;

  std::map<std::int64_t, Block> blocks_;  // By index; none is empty.
  std::int64_t memory_bytes_ = 0;
};

}  // namespace firn::table
