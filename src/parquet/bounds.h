// SPDX-License-Identifier: Apache-2.0
// bounds.h: values as Parquet stores them, as literals and back. Internal to this room.
//
// Bounds are trusted where the order they were made in is known to be that of literals:
// not those of int96 or interval columns, nor those of unsigned integers, text and bytes
// in files that state no column order, whose writers compared them as signed numbers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "expr/predicate.h"

namespace parquet {
class ColumnDescriptor;
class EncodedStatistics;
}  // namespace parquet

namespace firn::parquet {

// Whether literals of firn can bound the column: its physical and logical type map to one
// of theirs, and its order is defined.
bool HasBounds(const ::parquet::ColumnDescriptor& column);

// The literal of a value in Parquet's plain encoding (text without its length), or
// nothing where it is NaN, malformed, does not fit a literal, or HasBounds() is false.
// Integers and floats are widened, times become nanoseconds.
std::optional<expr::Literal> DecodeBound(const ::parquet::ColumnDescriptor& column,
                                         std::string_view encoded);

// The bounds of a column chunk. None where one of them is NaN, malformed, or a decimal
// that was cut short.
struct Bounds {
  std::optional<expr::Literal> lower;
  std::optional<expr::Literal> upper;
};
Bounds DecodeBounds(const ::parquet::ColumnDescriptor& column,
                    const ::parquet::EncodedStatistics& statistics);

// How a literal would be stored in the column, if it were a value of it.
struct PlainValue {
  enum Kind : std::uint8_t {
    kUnknown,  // The column may store it in several ways, or has no order with it.
    kNone,     // No value of the column equals it.
    kStored
  } kind = kUnknown;
  std::string bytes;  // In the plain encoding, text without its length.
};
// -0.0 equals 0.0 and a NaN every other, so neither is stored in one way.
PlainValue EncodePlain(const ::parquet::ColumnDescriptor& column,
                       const expr::Literal& literal);

}  // namespace firn::parquet
