// SPDX-License-Identifier: Apache-2.0
// hybrid_encoder.h: numbers of few bits as Parquet stores levels and dictionary indices.
//
// The format is a mix of two kinds of run. A repeated run is one value and how often; a
// packed run holds values of `bit_width` bits each, in whole groups of eight:
//
//   repeated   varint(count << 1)        value, little-endian in whole bytes
//   packed     varint(groups << 1 | 1)   groups * bit_width bytes
//
// Width 3, the numbers 0 to 7 once and then 5 a hundred times:
//
//   03  88 c6 fa     one group, packed
//   c8 01  05        100 times 5
//
// The last packed run may end in a group that is not full; the reader knows how many
// values there are. Repeating costs the same however often, so a column that stays the
// same for a thousand rows is written in the time of one.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace firn::parquet {

// Thread-compatible.
class HybridEncoder {
 public:
  // REQUIRES: 0 <= bit_width <= 32.
  explicit HybridEncoder(int bit_width) : bit_width_(bit_width) {}

  int bit_width() const { return bit_width_; }

  // Add `value`, `count` times. REQUIRES: it fits the bits.
  void Put(std::uint32_t value, std::int64_t count);
  // Add all of `values`, one after the other, `times` times over.
  void PutRepeated(std::span<const std::uint32_t> values, std::int64_t times);

  // What was added. The encoder is empty again.
  std::string Finish();

 private:
  void PutVarint(std::uint64_t value);
  void Pack(std::uint32_t value);
  void EndRepeated();
  void EndPacked();

  const int bit_width_;
  std::string out_;
  // The values added last, where they are all alike: not in `out_` yet.
  std::uint32_t value_ = 0;
  std::int64_t count_ = 0;
  // The packed run in the making.
  std::string packed_;
  std::int64_t packed_values_ = 0;
  std::uint64_t bits_ = 0;  // Of values whose byte is not full yet, lowest first.
  int bit_count_ = 0;
};

}  // namespace firn::parquet
