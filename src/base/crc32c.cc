// SPDX-License-Identifier: Apache-2.0
#include "base/crc32c.h"

#include <array>
#include <cstring>

#include "base/crc32c_internal.h"

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace firn::base {
namespace crc32c_internal {
namespace {

constexpr std::uint32_t kPolynomialReversed = 0x82f63b78;

// tables[k][b] is the sum of byte b followed by k zero bytes, so that eight bytes are
// folded by eight look-ups that do not wait for each other.
using Tables = std::array<std::array<std::uint32_t, 256>, 8>;

constexpr Tables MakeTables() {
  Tables tables{};
  for (std::uint32_t b = 0; b < 256; ++b) {
    std::uint32_t crc = b;
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomialReversed : 0);
    }
    tables[0][b] = crc;
  }
  for (std::size_t k = 1; k < tables.size(); ++k) {
    for (std::uint32_t b = 0; b < 256; ++b) {
      const std::uint32_t crc = tables[k - 1][b];
      tables[k][b] = (crc >> 8) ^ tables[0][crc & 0xff];
    }
  }
  return tables;
}

constexpr Tables kTables = MakeTables();

}  // namespace

std::uint32_t ByTable(std::string_view bytes, std::uint32_t seed) {
  std::uint32_t crc = ~seed;
  const char* p = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 8; p += 8, left -= 8) {
    std::uint64_t word;
    std::memcpy(&word, p, sizeof word);
    word ^= crc;
    crc = 0;
    for (int i = 0; i < 8; ++i) crc ^= kTables[7 - i][(word >> (8 * i)) & 0xff];
  }
  for (; left > 0; ++p, --left) {
    crc = (crc >> 8) ^ kTables[0][(crc ^ static_cast<std::uint8_t>(*p)) & 0xff];
  }
  return ~crc;
}

#if defined(__x86_64__)

bool HasInstruction() { return __builtin_cpu_supports("sse4.2") != 0; }

__attribute__((target("sse4.2"))) std::uint32_t ByInstruction(std::string_view bytes,
                                                              std::uint32_t seed) {
  std::uint64_t crc = static_cast<std::uint32_t>(~seed);
  const char* p = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 8; p += 8, left -= 8) {
    std::uint64_t word;
    std::memcpy(&word, p, sizeof word);
    crc = _mm_crc32_u64(crc, word);
  }
  auto narrow = static_cast<std::uint32_t>(crc);
  for (; left > 0; ++p, --left) {
    narrow = _mm_crc32_u8(narrow, static_cast<std::uint8_t>(*p));
  }
  return ~narrow;
}

#else

bool HasInstruction() { return false; }
std::uint32_t ByInstruction(std::string_view bytes, std::uint32_t seed) {
  return ByTable(bytes, seed);
}

#endif

}  // namespace crc32c_internal

std::uint32_t Crc32c(std::string_view bytes, std::uint32_t seed) {
  static const auto compute = crc32c_internal::HasInstruction()
                                  ? &crc32c_internal::ByInstruction
                                  : &crc32c_internal::ByTable;
  return compute(bytes, seed);
}

}  // namespace firn::base
