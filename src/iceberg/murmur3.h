// SPDX-License-Identifier: Apache-2.0
// murmur3.h: the 32-bit Murmur3 hash, x86 variant with seed 0, that bucket transforms
// take (the specification's appendix B). Pure functions.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace firn::iceberg {

inline std::int32_t Murmur3(std::string_view bytes) {
  constexpr std::uint32_t kC1 = 0xcc9e2d51;
  constexpr std::uint32_t kC2 = 0x1b873593;
  std::uint32_t hash = 0;
  const auto mix = [&](std::uint32_t k) { return std::rotl(k * kC1, 15) * kC2; };
  std::size_t at = 0;
  for (; at + 4 <= bytes.size(); at += 4) {
    std::uint32_t k = 0;
    std::memcpy(&k, bytes.data() + at, 4);
    hash = std::rotl(hash ^ mix(k), 13) * 5 + 0xe6546b64;
  }
  std::uint32_t tail = 0;
  for (std::size_t i = bytes.size(); i > at; --i) {
    tail = (tail << 8) | static_cast<unsigned char>(bytes[i - 1]);
  }
  if (at < bytes.size()) hash ^= mix(tail);
  hash ^= static_cast<std::uint32_t>(bytes.size());
  hash = (hash ^ (hash >> 16)) * 0x85ebca6b;
  hash = (hash ^ (hash >> 13)) * 0xc2b2ae35;
  return static_cast<std::int32_t>(hash ^ (hash >> 16));
}

// Of integers of every width, dates and times: as 8 bytes, little-endian.
inline std::int32_t Murmur3OfLong(std::int64_t v) {
  char bytes[sizeof(v)];
  std::memcpy(bytes, &v, sizeof(v));
  return Murmur3(std::string_view(bytes, sizeof(v)));
}

}  // namespace firn::iceberg
