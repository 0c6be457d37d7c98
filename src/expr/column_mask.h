// SPDX-License-Identifier: Apache-2.0
// column_mask.h: the rows of one array for which a leaf of a predicate is true. Internal
// to this room.
#pragma once

#include <cstdint>
#include <vector>

#include "expr/predicate.h"

namespace arrow {
class Array;
}  // namespace arrow

namespace firn::expr {

// One byte a row, 1 or 0.
using Mask = std::vector<std::uint8_t>;

// Rows where the leaf is true, or where it is false if `negated`; a NULL is in neither.
// Where the array's values have no order with the literal every row is set.
// REQUIRES: `mask` has as many bytes as the array rows. The array is no dictionary.
void FillMask(const Compare& leaf, bool negated, const arrow::Array& array, Mask& mask);
void FillMask(const In& leaf, bool negated, const arrow::Array& array, Mask& mask);
void FillMask(const StartsWith& leaf, bool negated, const arrow::Array& array,
              Mask& mask);
void FillMask(const Like& leaf, bool negated, const arrow::Array& array, Mask& mask);

// Set the rows that are NULL to 0.
void ClearNulls(const arrow::Array& array, Mask& mask);

}  // namespace firn::expr
