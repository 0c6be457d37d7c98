// SPDX-License-Identifier: Apache-2.0
// deletion_vector.h: deletion vectors of format version 3 as Puffin files hold them.
//
// A blob of type `deletion-vector-v1`, where the manifest says it lies:
//
//   0          4            8                     8+n        12+n
//   ├──────────┼────────────┼──────────────────────┼──────────┤
//   │ 4 + n    │ d1 d3 39 64│ bitmap, n bytes      │ CRC-32   │
//   │ big end. │            │                      │ big end. │
//   └──────────┴────────────┴──────────────────────┴──────────┘
//                └────────── of these ────────────┘
//
// The bitmap is roaring's portable one of 64 bits, all little-endian: how many bitmaps of
// 32 bits (u64), and of each, ascending, the high half of its positions (u32) and it:
//
//   cookie       0000303a and how many blocks (u32), or, where some are runs, 303b, how
//                many less one (u16) and a bit a block: whether it is runs
//   descriptions of each block: bits 16 to 31 of its positions, how many less one (u16
//   each) offsets      of each block in the bitmap (u32), unless there are runs and fewer
//   than 4 blocks       runs: how many (u16), of each its first and its length less one
//   (u16);
//                at most 4096 positions: the low 16 bits of each (u16); else 8192 bytes
//
// For example {1, 3} is, from the cookie on: 3a 30 00 00 | 01 00 00 00 | 00 00 01 00 |
// 10 00 00 00 | 01 00 03 00.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "base/context.h"
#include "firn/status.h"
#include "iceberg/delete_index.h"
#include "io/store.h"
#include "table/position_set.h"

namespace firn::table {

// Asked before about that many more bytes are taken; an error ends the decoding.
using GrowMemory = std::function<Status(std::int64_t bytes)>;

// The positions in a blob. Offsets are not needed and not looked at. Corruption where
// the bytes are not all and only such a blob, positions are negative as signed numbers,
// or blocks do not ascend. Takes a few times the blob's size in memory mostly, and more
// for blocks of few rows each: `grow`, where it is given, is asked a megabyte at a time.
Result<PositionSet> DecodeDeletionVector(std::string_view blob,
                                         const GrowMemory& grow = nullptr);

// A longer blob is not read: a bound on what a wrong manifest can make us allocate. It
// takes more than two thousand million rows to fill one.
inline constexpr std::int64_t kDeletionVectorBytesMax = std::int64_t{256} << 20;

// The vector that `file` says it is. Errors name the file; ResourceExhausted also where
// the context's budget does not have room for the blob, and what `grow` says of the set.
// REQUIRES: file.is_vector(), and
// the index took it (delete_index.h): its blob lies within it.
Result<PositionSet> ReadDeletionVector(const base::Context& context, io::Store& store,
                                       const iceberg::DeleteFile& file,
                                       const GrowMemory& grow);

}  // namespace firn::table
