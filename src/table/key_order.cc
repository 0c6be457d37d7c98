// SPDX-License-Identifier: Apache-2.0
#include "table/key_order.h"

#include <arrow/array/array_binary.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <span>
#include <string_view>

#include <boost/sort/pdqsort/pdqsort.hpp>

namespace firn::table {
namespace {

// A row and eight bytes of its key.
struct KeyEntry {
  std::uint64_t word = 0;
  std::uint64_t place = 0;

  KeyEntry(std::uint32_t batch, std::uint32_t row)
      : place(std::uint64_t{batch} << 32 | row) {}
  RowAt at() const {
    return {static_cast<std::uint32_t>(place >> 32), static_cast<std::uint32_t>(place)};
  }
};
static_assert(sizeof(KeyEntry) + sizeof(RowAt) == kKeyOrderRowBytes);

constexpr std::size_t kWordBytes = sizeof(KeyEntry::word);

// Without a branch, since the outcome of a comparison cannot be foretold.
struct Before {
  bool operator()(const KeyEntry& a, const KeyEntry& b) const {
    return (a.word < b.word) | ((a.word == b.word) & (a.place < b.place));
  }
};

// The word from `at` on, zeros where the key has ended.
std::uint64_t WordAt(std::string_view key, std::size_t at) {
  std::uint64_t word = 0;
  if (at + kWordBytes <= key.size()) {
    std::memcpy(&word, key.data() + at, kWordBytes);
  } else if (at < key.size()) {
    std::memcpy(&word, key.data() + at, key.size() - at);
  }
  static_assert(std::endian::native == std::endian::little);
  return __builtin_bswap64(word);
}

class KeySort {
 public:
  explicit KeySort(const std::vector<std::shared_ptr<arrow::BinaryArray>>& keys) {
    for (const auto& batch : keys) {
      keys_.push_back(
          {batch->raw_value_offsets(), reinterpret_cast<const char*>(batch->raw_data())});
    }
  }

  void Sort(std::span<KeyEntry> entries) {
    if (!entries.empty()) todo_.push_back({entries, 0});
    while (!todo_.empty()) {
      const Alike next = todo_.back();
      todo_.pop_back();
      SortByWord(next);
    }
  }

 private:
  static constexpr std::size_t kAhead = 16;
  // So few are compared as they are. What waits to be sorted takes at most a byte and a
  // half for each entry then.
  static constexpr std::size_t kFew = 16;

  struct Batch {
    const std::int32_t* offsets;
    const char* bytes;
  };

  // Entries whose keys are as long as `from` and the same up to there, to be sorted.
  struct Alike {
    std::span<KeyEntry> entries;
    std::size_t from;
  };

  std::string_view KeyOf(const KeyEntry& entry) const {
    const RowAt at = entry.at();
    const Batch& batch = keys_[at.batch];
    const std::int32_t* const offset = batch.offsets + at.row;
    return {batch.bytes + offset[0], static_cast<std::size_t>(offset[1] - offset[0])};
  }

  // Rows that were sorted by an earlier word lie anywhere.
  void Prefetch(const KeyEntry& entry) const {
    const RowAt at = entry.at();
    __builtin_prefetch(keys_[at.batch].offsets + at.row);
  }

  // How many bytes from `from` on all keys have in common.
  std::size_t SharedBytes(std::span<const KeyEntry> entries, std::size_t from) const {
    const std::string_view first = KeyOf(entries.front()).substr(from);
    std::size_t shared = first.size();
    for (const KeyEntry& entry : entries) {
      const std::string_view key = KeyOf(entry).substr(from);
      shared = std::min(shared, key.size());
      const auto* const end = first.data() + shared;
      shared = static_cast<std::size_t>(
          std::mismatch(first.data(), end, key.data()).first - first.data());
      if (shared == 0) break;
    }
    return shared;
  }

  void SortByWord(const Alike& alike) {
    const auto [entries, shared] = alike;
    const std::size_t from = shared + SharedBytes(entries, shared);
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (i + kAhead < entries.size()) Prefetch(entries[i + kAhead]);
      entries[i].word = WordAt(KeyOf(entries[i]), from);
    }
    boost::sort::pdqsort_branchless(entries.begin(), entries.end(), Before());
    for (std::size_t begin = 0; begin < entries.size();) {
      std::size_t end = begin + 1;
      while (end < entries.size() && entries[end].word == entries[begin].word) ++end;
      SortEqual(entries.subspan(begin, end - begin), from + kWordBytes);
      begin = end;
    }
  }

  // Keys with the same bytes up to `from`, zeros included for those that ended before:
  // these come first, by their length, and the others are to be sorted by what follows.
  void SortEqual(std::span<KeyEntry> entries, std::size_t from) {
    if (entries.size() == 1) return;
    if (entries.size() <= kFew) {
      std::sort(entries.begin(), entries.end(),
                [&](const KeyEntry& a, const KeyEntry& b) {
                  const int order = KeyOf(a).compare(KeyOf(b));
                  return order != 0 ? order < 0 : a.place < b.place;
                });
      return;
    }
    const auto size = [&](const KeyEntry& entry) {
      return std::min(KeyOf(entry).size(), from + 1);
    };
    const auto shorter = [&](const KeyEntry& a, const KeyEntry& b) {
      return size(a) < size(b);
    };
    if (!std::is_sorted(entries.begin(), entries.end(), shorter)) {
      std::stable_sort(entries.begin(), entries.end(), shorter);
    }
    std::size_t ended = 0;
    while (ended < entries.size() && size(entries[ended]) <= from) ++ended;
    if (ended < entries.size()) todo_.push_back({entries.subspan(ended), from});
  }

  std::vector<Batch> keys_;
  std::vector<Alike> todo_;
};

}  // namespace

std::vector<RowAt> OrderByKey(
    const std::vector<std::shared_ptr<arrow::BinaryArray>>& keys) {
  std::size_t rows = 0;
  for (const auto& batch : keys) rows += static_cast<std::size_t>(batch->length());
  std::vector<KeyEntry> entries;
  entries.reserve(rows);
  for (std::uint32_t b = 0; b < keys.size(); ++b) {
    const auto length = static_cast<std::uint32_t>(keys[b]->length());
    for (std::uint32_t row = 0; row < length; ++row) entries.emplace_back(b, row);
  }
  KeySort(keys).Sort(entries);
  std::vector<RowAt> order;
  order.reserve(rows);
  for (const KeyEntry& entry : entries) order.push_back(entry.at());
  return order;
}

}  // namespace firn::table
