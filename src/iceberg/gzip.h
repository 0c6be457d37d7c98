// SPDX-License-Identifier: Apache-2.0
// gzip.h: bytes compressed as RFC 1952 has it, as metadata files may be. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "firn/status.h"

namespace firn::iceberg {

// Whether the bytes begin as every gzip file does, and no JSON text.
bool IsGzip(std::string_view bytes);

// ResourceExhausted where zlib has no memory.
Result<std::string> Gzip(std::string_view plain);

// All members of a file, one behind the other. Corruption where the bytes are no whole
// gzip file, or hold more than `bytes_max`: no more than that is ever allocated.
Result<std::string> Gunzip(std::string_view bytes, std::uint64_t bytes_max);

}  // namespace firn::iceberg
