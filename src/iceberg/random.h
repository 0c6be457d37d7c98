// SPDX-License-Identifier: Apache-2.0
// random.h: the source of snapshot ids and UUIDs, as a parameter.
#pragma once

#include <cstdint>
#include <mutex>
#include <random>
#include <string>

#include "iceberg/ids.h"

namespace firn::iceberg {

// Thread-safe.
class RandomSource {
 public:
  RandomSource();  // Seeded by the system.
  explicit RandomSource(std::uint64_t seed) : random_(seed) {}
  std::uint64_t Next();
  // Positive.
  SnapshotId NextSnapshotId();
  // A version 4 UUID, lower case.
  std::string NextUuid();

 private:
  std::mutex mutex_;
  std::mt19937_64 random_;
};

}  // namespace firn::iceberg
