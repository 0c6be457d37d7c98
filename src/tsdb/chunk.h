// SPDX-License-Identifier: Apache-2.0
// chunk.h: the compressed samples of one series, in order of time.
//
// Most measured values are decimal fractions: 0.25, 1733.4, 81204. A chunk keeps a value
// as a whole mantissa over a power of ten where that gives back the same bits, and writes
// the difference to the mantissa before; timestamps are written as the change of their
// difference, which is 0 for a regular scrape. Everything is whole bytes:
//
//   sample  := head value
//   head    := varint( zigzag(delta of delta of timestamp_ms) << 2 | code )
//   value   := zigzag varint: mantissa - mantissa before          code 0
//            | nothing: the same bits as the value before         code 1
//            | 8 bytes: the double, little-endian                  code 2
//            | 1 byte exponent, zigzag varint mantissa            code 3
//
// The first sample is written against timestamp = first_ms, difference 0 and exponent 0,
// mantissa 0. A constant gauge costs one byte a sample, a noisy counter three.
//
// Only whole bytes are ever added and none is changed, so a reader may decode the first
// `size` bytes while a writer appends behind them: who shares a chunk between threads
// reads `size_bytes` and `count` under the writer's lock and decodes without it.
//
// Downside: doubles that are no short decimals cost nine bytes or more; XOR encodings
// cost a little less there and half as much again on decimals.
#pragma once

#include <cstdint>
#include <span>

#include "base/arena.h"
#include "firn/sample.h"

namespace firn::tsdb {

// Lives in an arena, its bytes right behind it. Thread-compatible.
struct Chunk {
  Chunk* next = nullptr;      // The chunk that follows in time, or null.
  TimestampMs first_ms = 0;   // Of the first sample.
  TimestampMs last_ms = 0;    // Of the last sample.
  std::int64_t delta_ms = 0;  // Between the last two samples.
  std::int64_t mantissa = 0;  // Of the last value that was written as a decimal.
  double last_value = 0;
  std::uint32_t size_bytes = 0;
  std::uint32_t capacity_bytes = 0;
  std::uint16_t count = 0;
  std::uint8_t exponent = 0;
  std::uint8_t undecimal_run = 0;  // Values in a row that were no short decimals.

  std::uint8_t* data() { return reinterpret_cast<std::uint8_t*>(this + 1); }
  const std::uint8_t* data() const {
    return reinterpret_cast<const std::uint8_t*>(this + 1);
  }
};
static_assert(sizeof(Chunk) == 64, "a chunk's header is one cache line");

// No sample takes more: two varints, an exponent and its head.
inline constexpr std::uint32_t kSampleBytesMax = 10 + 1 + 10;

// Make an empty chunk for samples from `first_ms` on, header and bytes `total_bytes`
// together. REQUIRES: total_bytes >= sizeof(Chunk) + kSampleBytesMax.
Chunk* NewChunk(base::Arena& arena, std::uint32_t total_bytes, TimestampMs first_ms);

// Append one sample. False, and nothing changed, where the chunk is full.
// REQUIRES: the chunk is empty and sample.timestamp_ms == first_ms, or
// sample.timestamp_ms > last_ms.
bool AppendToChunk(Chunk& chunk, Sample sample);

// Decodes the samples of a chunk in order. Thread-compatible; borrows the bytes.
class ChunkReader {
 public:
  // The chunk's first `count` samples, which are its first `size_bytes` bytes.
  ChunkReader(const Chunk& chunk, std::uint32_t size_bytes, std::uint32_t count)
      : p_(chunk.data()),
        end_(chunk.data() + size_bytes),
        left_(count),
        timestamp_ms_(chunk.first_ms) {}

  // False at the end.
  bool Next(Sample* out);

 private:
  const std::uint8_t* p_;
  const std::uint8_t* end_;
  std::uint32_t left_;
  TimestampMs timestamp_ms_;
  std::int64_t delta_ms_ = 0;
  std::int64_t mantissa_ = 0;
  double divisor_ = 1;
  double value_ = 0;
};

}  // namespace firn::tsdb
