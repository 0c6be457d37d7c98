// SPDX-License-Identifier: Apache-2.0
// byte_size.h: sizes as people write them: `512MB`, `64KiB`, `1.5GB`, `4096`.
//
// KB, MB, GB, TB, PB are powers of 1000; KiB, MiB, GiB, TiB, PiB powers of 1024. A number
// alone, or with B, counts bytes. Upper or lower case, with or without a space between.
// Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "firn/status.h"

namespace firn::base {

// Bytes; a fraction of a byte is dropped. InvalidArgument, quoting the text, for anything
// else, a sign among it, and for what does not fit 63 bits.
Result<std::int64_t> ParseByteSize(std::string_view text);

// The shortest exact form that ParseByteSize reads back: `512MB`, `64KiB`, `4097B`.
// REQUIRES: bytes >= 0.
std::string FormatByteSize(std::int64_t bytes);

}  // namespace firn::base
