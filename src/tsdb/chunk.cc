// SPDX-License-Identifier: Apache-2.0
#include "tsdb/chunk.h"

#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <new>

#include "base/assert.h"
#include "base/bytes.h"

namespace firn::tsdb {
namespace {

enum Code : std::uint8_t { kMantissaDelta = 0, kRepeat = 1, kRaw = 2, kExponent = 3 };

// Powers of ten that a double holds exactly and that keep mantissas within 52 bits for
// values of everyday size.
constexpr std::array<double, 13> kPowersOfTen = {1,   1e1, 1e2, 1e3,  1e4,  1e5, 1e6,
                                                 1e7, 1e8, 1e9, 1e10, 1e11, 1e12};
constexpr double kMantissaMax = 4.5e15;  // Below 2^52: the conversion both ways is exact.

// After this many values in a row that are no short decimals, a longer exponent is looked
// for only at every 16th value: the search costs twelve divisions.
constexpr std::uint8_t kUndecimalRunMax = 8;

// Whether `value` is exactly mantissa / 10^exponent, bit for bit (so -0.0 is not 0).
bool ToDecimal(double value, std::uint8_t exponent, std::int64_t* mantissa) {
  const double scaled = value * kPowersOfTen[exponent];
  if (!(std::fabs(scaled) < kMantissaMax)) return false;
  *mantissa = std::llrint(scaled);
  return SameValue(static_cast<double>(*mantissa) / kPowersOfTen[exponent], value);
}

// The smallest exponent above `from` at which `value` is a decimal.
bool FindExponent(double value, std::uint8_t from, std::uint8_t* exponent,
                  std::int64_t* mantissa) {
  for (std::uint8_t e = from; e < kPowersOfTen.size(); ++e) {
    if (ToDecimal(value, e, mantissa)) {
      *exponent = e;
      return true;
    }
  }
  return false;
}

}  // namespace

Chunk* NewChunk(base::Arena& arena, std::uint32_t total_bytes, TimestampMs first_ms) {
  FIRN_ASSERT(total_bytes >= sizeof(Chunk) + kSampleBytesMax);
  auto* chunk = new (arena.Allocate(total_bytes, alignof(Chunk))) Chunk;
  chunk->first_ms = first_ms;
  chunk->last_ms = first_ms;
  chunk->capacity_bytes = total_bytes - static_cast<std::uint32_t>(sizeof(Chunk));
  return chunk;
}

bool AppendToChunk(Chunk& chunk, Sample sample) {
  if (chunk.capacity_bytes - chunk.size_bytes < kSampleBytesMax ||
      chunk.count == UINT16_MAX) {
    return false;
  }
  FIRN_ASSERT(chunk.count == 0 ? sample.timestamp_ms == chunk.first_ms
                               : sample.timestamp_ms > chunk.last_ms);
  // Differences wrap around at 64 bits, and wrap back when read: any two timestamps work.
  const auto delta_ms =
      static_cast<std::int64_t>(static_cast<std::uint64_t>(sample.timestamp_ms) -
                                static_cast<std::uint64_t>(chunk.last_ms));
  const auto delta_of_delta = static_cast<std::int64_t>(
      static_cast<std::uint64_t>(delta_ms) - static_cast<std::uint64_t>(chunk.delta_ms));
  const std::uint64_t zigzag = base::ZigZag(delta_of_delta);
  // The head has room for 62 bits. A wider jump, of millions of years, starts a chunk.
  if (zigzag >> 62 != 0) return false;

  Code code;
  std::int64_t mantissa = chunk.mantissa;
  std::uint8_t exponent = chunk.exponent;
  if (chunk.count > 0 && SameValue(sample.value, chunk.last_value)) {
    code = kRepeat;
  } else if (ToDecimal(sample.value, exponent, &mantissa)) {
    code = kMantissaDelta;
    chunk.undecimal_run = 0;
  } else if ((chunk.undecimal_run < kUndecimalRunMax || chunk.count % 16 == 0) &&
             FindExponent(sample.value, exponent + 1, &exponent, &mantissa)) {
    code = kExponent;
    chunk.undecimal_run = 0;
  } else if (exponent > 0 && chunk.undecimal_run == 0 &&
             FindExponent(sample.value, 0, &exponent, &mantissa)) {
    code = kExponent;  // A large value after small ones: fewer decimals fit it.
  } else {
    code = kRaw;
    if (chunk.undecimal_run < kUndecimalRunMax) ++chunk.undecimal_run;
  }

  std::uint8_t* const begin = chunk.data() + chunk.size_bytes;
  std::uint8_t* p = base::EncodeVarint(begin, zigzag << 2 | code);
  switch (code) {
    case kMantissaDelta:
      p = base::EncodeVarint(p, base::ZigZag(mantissa - chunk.mantissa));
      break;
    case kRepeat:
      break;
    case kRaw:
      std::memcpy(p, &sample.value, sizeof sample.value);
      p += sizeof sample.value;
      break;
    case kExponent:
      *p++ = exponent;
      p = base::EncodeVarint(p, base::ZigZag(mantissa));
      break;
  }
  if (code == kMantissaDelta || code == kExponent) {
    chunk.mantissa = mantissa;
    chunk.exponent = exponent;
  }
  chunk.size_bytes += static_cast<std::uint32_t>(p - begin);
  FIRN_ASSERT(chunk.size_bytes <= chunk.capacity_bytes);
  chunk.delta_ms = delta_ms;
  chunk.last_ms = sample.timestamp_ms;
  chunk.last_value = sample.value;
  ++chunk.count;
  return true;
}

bool ChunkReader::Next(Sample* out) {
  if (left_ == 0) return false;
  --left_;
  std::uint64_t head = 0;
  p_ = base::DecodeVarint(p_, end_, &head);
  FIRN_ASSERT(p_ != nullptr);  // Chunks are made in this process and never leave it.
  delta_ms_ =
      static_cast<std::int64_t>(static_cast<std::uint64_t>(delta_ms_) +
                                static_cast<std::uint64_t>(base::UnZigZag(head >> 2)));
  timestamp_ms_ = static_cast<std::int64_t>(static_cast<std::uint64_t>(timestamp_ms_) +
                                            static_cast<std::uint64_t>(delta_ms_));
  std::uint64_t encoded = 0;
  switch (static_cast<Code>(head & 3)) {
    case kMantissaDelta:
      p_ = base::DecodeVarint(p_, end_, &encoded);
      FIRN_ASSERT(p_ != nullptr);
      mantissa_ += base::UnZigZag(encoded);
      value_ = static_cast<double>(mantissa_) / divisor_;
      break;
    case kRepeat:
      break;
    case kRaw:
      FIRN_ASSERT(end_ - p_ >= static_cast<std::ptrdiff_t>(sizeof value_));
      std::memcpy(&value_, p_, sizeof value_);
      p_ += sizeof value_;
      break;
    case kExponent:
      FIRN_ASSERT(p_ < end_ && *p_ < kPowersOfTen.size());
      divisor_ = kPowersOfTen[*p_++];
      p_ = base::DecodeVarint(p_, end_, &encoded);
      FIRN_ASSERT(p_ != nullptr);
      mantissa_ = base::UnZigZag(encoded);
      value_ = static_cast<double>(mantissa_) / divisor_;
      break;
  }
  *out = {timestamp_ms_, value_};
  return true;
}

}  // namespace firn::tsdb
