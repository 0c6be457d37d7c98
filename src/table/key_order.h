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

// All rows by their keys, as memcmp and then length orders them; equal keys by batch and
// row. Takes about kKeyOrderRowBytes a row while it works. REQUIRES: no NULL among the
// keys.
std::vector<RowAt> OrderByKey(
    const std::vector<std::shared_ptr<arrow::BinaryArray>>& keys);

inline constexpr std::int64_t kKeyOrderRowBytes = 24;

}  // namespace firn::table
