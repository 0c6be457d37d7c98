// SPDX-License-Identifier: Apache-2.0
// crc32c_internal.h: the two ways crc32c.h has to compute the sum, for its tests.
#pragma once

#include <cstdint>
#include <string_view>

namespace firn::base::crc32c_internal {

std::uint32_t ByTable(std::string_view bytes, std::uint32_t seed);

// Whether this processor has the instruction that ByInstruction needs.
bool HasInstruction();
// REQUIRES: HasInstruction().
std::uint32_t ByInstruction(std::string_view bytes, std::uint32_t seed);

}  // namespace firn::base::crc32c_internal
