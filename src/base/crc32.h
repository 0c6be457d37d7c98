// SPDX-License-Identifier: Apache-2.0
// crc32.h: the checksum of gzip, PNG and Iceberg's deletion vectors (CRC-32, polynomial
// 0x04c11db7 reflected). Records of firn's own have CRC-32C (crc32c.h).
#pragma once

#include <cstdint>
#include <string_view>

namespace firn::base {

// Of "123456789" it is cbf43926.
std::uint32_t Crc32(std::string_view bytes);

}  // namespace firn::base
