// SPDX-License-Identifier: Apache-2.0
// single_value.h: one value as bytes (the specification's appendix D), and bounds.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "firn/status.h"
#include "iceberg/type.h"
#include "iceberg/value.h"

namespace firn::iceberg {

// REQUIRES: Fits(value, type).
std::string SerializeValue(const Value& value, const PrimitiveType& type);

// The reverse. Bytes written before a column was promoted (4 bytes for a long, say) are
// taken too. Corruption for a wrong length or a decimal beyond the type; Unimplemented
// for the types that have no Value.
Result<Value> ParseValue(std::string_view bytes, const PrimitiveType& type);

// Bounds of strings (in code points) and binaries (in bytes) are cut to this length.
inline constexpr std::size_t kBoundLength = 16;

// `value` cut to `length`, which is at or below it. Other types are returned unchanged.
Value TruncateLowerBound(const Value& value, const PrimitiveType& type,
                         std::size_t length = kBoundLength);
// `value` itself where it is no longer than `length`; else its prefix with the last code
// point (or byte) that can grow increased, and what follows that dropped. Absent where
// none can: the column then has no upper bound.
std::optional<Value> TruncateUpperBound(const Value& value, const PrimitiveType& type,
                                        std::size_t length = kBoundLength);

}  // namespace firn::iceberg
