// SPDX-License-Identifier: Apache-2.0
// crc32c.h: the Castagnoli CRC (RFC 3720, appendix B.4), by the SSE 4.2 instruction.
#pragma once

#include <cstdint>
#include <string_view>

namespace firn::base {

// The CRC of `bytes`; pass an earlier result as `seed` to continue over more bytes.
// Crc32c("123456789") == 0xe3069283.
std::uint32_t Crc32c(std::string_view bytes, std::uint32_t seed = 0);

}  // namespace firn::base
