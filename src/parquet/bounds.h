// SPDX-License-Identifier: Apache-2.0
// bounds.h: least and greatest values as Parquet stores them, as literals. Internal to
// this room.
#pragma once

#include <optional>
#include <string>

#include "expr/predicate.h"

namespace parquet {
class ColumnDescriptor;
}  // namespace parquet

namespace firn::parquet {

// Whether literals of firn can bound the column: its physical and logical type map to one
// of theirs, and its order is defined.
bool HasBounds(const ::parquet::ColumnDescriptor& column);

// The literal of a bound in Parquet's plain encoding (text without its length), or
// nothing where it is NaN, malformed, overflows, or HasBounds() is false. int32 and float
// are widened; milliseconds become microseconds.
std::optional<expr::Literal> DecodeBound(const ::parquet::ColumnDescriptor& column,
                                         const std::string& encoded);

}  // namespace firn::parquet
