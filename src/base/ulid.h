// SPDX-License-Identifier: Apache-2.0
// ulid.h: identifiers that sort by the time they were made.
//
// A ULID is 48 bits of Unix milliseconds and 80 random bits, written as 26 characters of
// Crockford's base 32 (github.com/ulid/spec). Writers, logs and files are named by them.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <mutex>
#include <random>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "firn/status.h"

namespace firn::base {

struct Ulid {
  std::array<std::uint8_t, 16> bytes{};  // big-endian, as the spec lays it out

  // 26 upper-case characters.
  std::string ToString() const;
  // Takes upper or lower case. InvalidArgument for anything else than 26 base-32
  // characters that fit 128 bits.
  static Result<Ulid> Parse(std::string_view text);
  bool IsZero() const { return bytes == std::array<std::uint8_t, 16>{}; }
  auto operator<=>(const Ulid&) const = default;
};

// Makes ULIDs that increase strictly, even within one millisecond and when the clock is
// set back. Thread-safe. `clock` must outlive it; `seed` fixes the sequence for a test.
class UlidSource {
 public:
  explicit UlidSource(const Clock& clock);
  UlidSource(const Clock& clock, std::uint64_t seed);
  Ulid Next();
  // Let every ULID from now on be above `seen`, whatever the clock says.
  void Follow(const Ulid& seen);

 private:
  const Clock& clock_;
  std::mutex mutex_;
  std::mt19937_64 random_;
  Ulid last_;
};

}  // namespace firn::base
