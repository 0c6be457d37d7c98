// SPDX-License-Identifier: Apache-2.0
#include "iceberg/random.h"

#include <array>
#include <limits>

namespace firn::iceberg {

RandomSource::RandomSource() {
  std::random_device device;
  std::seed_seq seed{device(), device(), device(), device()};
  random_.seed(seed);
}

std::uint64_t RandomSource::Next() {
  const std::lock_guard lock(mutex_);
  return random_();
}

SnapshotId RandomSource::NextSnapshotId() {
  while (true) {
    const auto bits = static_cast<std::int64_t>(
        Next() & static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()));
    if (bits != 0) return SnapshotId(bits);
  }
}

std::string RandomSource::NextUuid() {
  std::array<std::uint64_t, 2> words = {Next(), Next()};
  words[0] = (words[0] & ~std::uint64_t{0xf000}) | 0x4000;  // Version 4.
  words[1] = (words[1] >> 2) | (std::uint64_t{1} << 63);    // The RFC's variant.
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const std::uint64_t word : words) {
    for (int shift = 60; shift >= 0; shift -= 4) text += kDigits[(word >> shift) & 15];
  }
  for (const std::size_t at : {20, 16, 12, 8}) text.insert(at, "-");
  return text;
}

}  // namespace firn::iceberg
