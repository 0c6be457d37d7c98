// SPDX-License-Identifier: Apache-2.0
#include "table/position_set.h"

#include <algorithm>
#include <bit>

#include "base/assert.h"

namespace firn::table {
namespace {

using List = PositionSet::List;
using Bitmap = PositionSet::Bitmap;
using Runs = PositionSet::Runs;
using Block = PositionSet::Block;

constexpr std::int64_t kBlockOverheadBytes = 128;  // A node of the map and its block.

void Set(Bitmap& bitmap, std::uint16_t low) {
  bitmap[low / 64] |= std::uint64_t{1} << (low % 64);
}

std::int64_t BytesOf(const Block& block) {
  if (const auto* list = std::get_if<List>(&block)) {
    return static_cast<std::int64_t>(list->capacity() * sizeof(std::uint16_t));
  }
  if (const auto* runs = std::get_if<Runs>(&block)) {
    return static_cast<std::int64_t>(runs->capacity() * sizeof(PositionSet::Run));
  }
  return sizeof(Bitmap);
}

std::unique_ptr<Bitmap> AsBitmap(const Block& block) {
  auto bitmap = std::make_unique<Bitmap>();
  bitmap->fill(0);
  if (const auto* list = std::get_if<List>(&block)) {
    for (const std::uint16_t low : *list) Set(*bitmap, low);
  } else if (const auto* runs = std::get_if<Runs>(&block)) {
    for (const PositionSet::Run& run : *runs) {
      for (int low = run.first; low <= run.last; ++low) {
        Set(*bitmap, static_cast<std::uint16_t>(low));
      }
    }
  } else {
    *bitmap = *std::get<std::unique_ptr<Bitmap>>(block);
  }
  return bitmap;
}

bool Has(const Block& block, std::uint16_t low) {
  if (const auto* list = std::get_if<List>(&block)) {
    return std::binary_search(list->begin(), list->end(), low);
  }
  if (const auto* runs = std::get_if<Runs>(&block)) {
    const auto after =
        std::upper_bound(runs->begin(), runs->end(), low,
                         [](std::uint16_t value, const PositionSet::Run& run) {
                           return value < run.first;
                         });
    return after != runs->begin() && low <= std::prev(after)->last;
  }
  const Bitmap& bitmap = *std::get<std::unique_ptr<Bitmap>>(block);
  return (bitmap[low / 64] >> (low % 64) & 1) != 0;
}

std::int64_t CountOf(const Block& block) {
  std::int64_t count = 0;
  if (const auto* list = std::get_if<List>(&block)) {
    count = static_cast<std::int64_t>(list->size());
  } else if (const auto* runs = std::get_if<Runs>(&block)) {
    for (const PositionSet::Run& run : *runs) count += run.last - run.first + 1;
  } else {
    for (const std::uint64_t word : *std::get<std::unique_ptr<Bitmap>>(block)) {
      count += std::popcount(word);
    }
  }
  return count;
}

std::uint16_t LastOf(const Block& block) {
  if (const auto* list = std::get_if<List>(&block)) return list->back();
  if (const auto* runs = std::get_if<Runs>(&block)) return runs->back().last;
  const Bitmap& bitmap = *std::get<std::unique_ptr<Bitmap>>(block);
  for (std::size_t word = bitmap.size(); word-- > 0;) {
    if (bitmap[word] == 0) continue;
    return static_cast<std::uint16_t>(
        word * 64 + 63 - static_cast<std::size_t>(std::countl_zero(bitmap[word])));
  }
  return 0;
}

// Adds `low` to a list or a bitmap; a list that would be too long becomes one.
void AddTo(Block& block, std::uint16_t low) {
  auto* list = std::get_if<List>(&block);
  if (list == nullptr && std::holds_alternative<Runs>(block)) block = AsBitmap(block);
  if (list != nullptr && list->size() == PositionSet::kListMax) {
    if (std::binary_search(list->begin(), list->end(), low)) return;
    block = AsBitmap(block);
    list = nullptr;
  }
  if (list == nullptr) return Set(*std::get<std::unique_ptr<Bitmap>>(block), low);
  if (list->empty() || list->back() < low) return list->push_back(low);
  const auto at = std::lower_bound(list->begin(), list->end(), low);
  if (*at != low) list->insert(at, low);
}

std::uint16_t LowOf(std::int64_t position) {
  return static_cast<std::uint16_t>(position & (PositionSet::kBlockRows - 1));
}

}  // namespace

void PositionSet::Add(std::int64_t position) {
  FIRN_ASSERT(position >= 0);
  const std::int64_t index = position >> kBlockBits;
  auto at = blocks_.end();
  if (!blocks_.empty() && std::prev(at)->first == index) {
    --at;
  } else {
    bool is_new = false;
    std::tie(at, is_new) = blocks_.try_emplace(index, List());
    if (is_new) memory_bytes_ += kBlockOverheadBytes;
  }
  const std::int64_t before = BytesOf(at->second);
  AddTo(at->second, LowOf(position));
  memory_bytes_ += BytesOf(at->second) - before;
}

void PositionSet::AddBlock(std::int64_t index, Block block) {
  FIRN_ASSERT(index >= 0 && (blocks_.empty() || blocks_.rbegin()->first < index));
  memory_bytes_ += kBlockOverheadBytes + BytesOf(block);
  blocks_.emplace_hint(blocks_.end(), index, std::move(block));
}

void PositionSet::AddAll(const PositionSet& other) {
  for (const auto& [index, block] : other.blocks_) {
    const auto [at, is_new] = blocks_.try_emplace(index, List());
    std::int64_t before = 0;
    if (is_new) {
      memory_bytes_ += kBlockOverheadBytes;
    } else {
      before = BytesOf(at->second);
    }
    const auto* list = std::get_if<List>(&block);
    if (list != nullptr) {
      for (const std::uint16_t low : *list) AddTo(at->second, low);
    } else {
      auto bitmap = AsBitmap(block);
      const auto mine = AsBitmap(at->second);
      for (std::size_t word = 0; word < bitmap->size(); ++word) {
        (*bitmap)[word] |= (*mine)[word];
      }
      at->second = std::move(bitmap);
    }
    memory_bytes_ += BytesOf(at->second) - before;
  }
}

const Block* PositionSet::FindBlock(std::int64_t index) const {
  const auto found = blocks_.find(index);
  return found == blocks_.end() ? nullptr : &found->second;
}

bool PositionSet::Contains(std::int64_t position) const {
  const Block* block = FindBlock(position >> kBlockBits);
  return block != nullptr && Has(*block, LowOf(position));
}

std::int64_t PositionSet::Exclude(std::span<const std::int64_t> positions,
                                  std::vector<bool>& keep) const {
  FIRN_ASSERT(positions.size() == keep.size());
  std::int64_t excluded = 0;
  std::int64_t index = -1;
  const Block* block = nullptr;
  for (std::size_t i = 0; i < positions.size(); ++i) {
    if (positions[i] >> kBlockBits != index) {
      index = positions[i] >> kBlockBits;
      block = FindBlock(index);
    }
    if (block == nullptr || !keep[i] || !Has(*block, LowOf(positions[i]))) continue;
    keep[i] = false;
    ++excluded;
  }
  return excluded;
}

std::int64_t PositionSet::count() const {
  std::int64_t count = 0;
  for (const auto& [index, block] : blocks_) count += CountOf(block);
  return count;
}

std::optional<std::int64_t> PositionSet::last() const {
  if (blocks_.empty()) return std::nullopt;
  const auto& [index, block] = *blocks_.rbegin();
  return (index << kBlockBits) + LastOf(block);
}

}  // namespace firn::table
