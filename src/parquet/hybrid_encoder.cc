// SPDX-License-Identifier: Apache-2.0
#include "parquet/hybrid_encoder.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/assert.h"

namespace firn::parquet {
namespace {

// Values of a packed run come in groups of this many.
constexpr std::int64_t kGroup = 8;

}  // namespace

void HybridEncoder::PutVarint(std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out_.push_back(static_cast<char>(value | 0x80));
  out_.push_back(static_cast<char>(value));
}

void HybridEncoder::Pack(std::uint32_t value) {
  FIRN_ASSERT(bit_width_ == 32 || value >> bit_width_ == 0);
  bits_ |= std::uint64_t{value} << bit_count_;
  for (bit_count_ += bit_width_; bit_count_ >= 8; bit_count_ -= 8) {
    packed_.push_back(static_cast<char>(bits_));
    bits_ >>= 8;
  }
  ++packed_values_;
}

// Write the packed run, which ends on a group unless nothing follows.
void HybridEncoder::EndPacked() {
  if (packed_values_ == 0) return;
  const std::int64_t groups = (packed_values_ + kGroup - 1) / kGroup;
  PutVarint(static_cast<std::uint64_t>(groups) << 1 | 1);
  if (bit_count_ > 0) packed_.push_back(static_cast<char>(bits_));
  packed_.resize(static_cast<std::size_t>(groups * bit_width_));
  out_ += packed_;
  packed_.clear();
  packed_values_ = 0;
  bits_ = 0;
  bit_count_ = 0;
}

void HybridEncoder::EndRepeated() {
  // A packed run must be filled to the group before another kind begins.
  while (count_ > 0 && packed_values_ % kGroup != 0) {
    Pack(value_);
    --count_;
  }
  if (count_ < kGroup) {
    for (; count_ > 0; --count_) Pack(value_);
    return;
  }
  EndPacked();
  PutVarint(static_cast<std::uint64_t>(count_) << 1);
  for (int bit = 0; bit < bit_width_; bit += 8) {
    out_.push_back(static_cast<char>(value_ >> bit));
  }
  count_ = 0;
}

void HybridEncoder::Put(std::uint32_t value, std::int64_t count) {
  FIRN_ASSERT(count >= 0);
  if (value != value_) {
    EndRepeated();
    value_ = value;
  }
  count_ += count;
}

void HybridEncoder::PutRepeated(std::span<const std::uint32_t> values,
                                std::int64_t times) {
  if (values.empty()) return;
  const auto size = static_cast<std::int64_t>(values.size());
  if (std::all_of(values.begin(), values.end(),
                  [&](std::uint32_t value) { return value == values[0]; })) {
    return Put(values[0], size * times);
  }
  // What is packed repeats itself as soon as a group ends where the values do: those
  // bytes are made once and copied. What comes before is brought to a group's end.
  std::int64_t left = size * times;
  const std::int64_t period = std::lcm(size, kGroup);
  const auto next = [&] {
    return values[static_cast<std::size_t>((size - left-- % size) % size)];
  };
  EndRepeated();
  while (left > 0 && packed_values_ % kGroup != 0) Pack(next());
  if (left < 2 * period) {
    while (left > 0) Put(next(), 1);
    return;
  }
  const std::size_t begin = packed_.size();
  for (std::int64_t i = 0; i < period; ++i) Pack(next());
  FIRN_ASSERT(bit_count_ == 0);
  const std::string unit = packed_.substr(begin);
  for (; left >= period; left -= period) {
    packed_ += unit;
    packed_values_ += period;
  }
  while (left > 0) Put(next(), 1);
}

std::string HybridEncoder::Finish() {
  EndRepeated();
  EndPacked();
  return std::exchange(out_, std::string());
}

}  // namespace firn::parquet
