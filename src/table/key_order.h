// SPDX-License-Identifier: Apache-2.0
// key_order.h: batches of keys in the order of all of them. Internal to this room.
//
// A sort by memcmp that hardly ever looks at a key again: eight bytes of it, after what
// all keys share, are sorted as a number together with where the row is. Keys whose eight
// bytes are the same are sorted among themselves by what follows there, and so on (the
// strings' radix sort from the left, with words for letters).
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "table/take_rows.h"

namespace arrow {
class BinaryArray;
}  // namespace arrow

namespace firn::table {

// A key's place in the order, and its row.
struct KeyEntry {
  std::uint64_t word = 0;  // Eight bytes of the key.
  std::uint64_t place = 0;

  KeyEntry() = default;
  KeyEntry(std::uint32_t batch, std::uint32_t row)
      : place(std::uint64_t{batch} << 32 | row) {}
  RowAt at() const {
    return {static_cast<std::uint32_t>(place >> 32), static_cast<std::uint32_t>(place)};
  }
};
static_assert(sizeof(KeyEntry) == 16);

// All rows by their keys, as memcmp and then length orders them; equal keys by batch and
// row. REQUIRES: no NULL among the keys.
std::vector<KeyEntry> OrderByKey(
    const std::vector<std::shared_ptr<arrow::BinaryArray>>& keys);

}  // namespace firn::table
