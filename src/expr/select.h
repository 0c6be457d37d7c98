// SPDX-License-Identifier: Apache-2.0
// select.h: a predicate on the rows of an Arrow batch.
#pragma once

#include <cstdint>
#include <vector>

#include "expr/predicate.h"

namespace arrow {
class RecordBatch;
}  // namespace arrow

namespace firn::expr {

// Set mask[i] to 1 where row i may satisfy the predicate and to 0 where it surely does
// not; `mask` is resized to the batch's rows.
//
// Exact for columns of bool, integers, floating-point numbers, decimals, dates, times,
// timestamps of any unit, string, binary, fixed binary, and dictionaries of these,
// compared with a literal of a type that has an order with theirs; fields of structs and
// extension types, by their storage, among them. A column that is absent, of another
// type, or compared with a literal of a foreign type may match everywhere, its NULLs too.
//
// Cost: about a nanosecond a row and leaf; a dictionary column is compared once an entry.
void SelectRows(const Predicate& predicate, const arrow::RecordBatch& batch,
                std::vector<std::uint8_t>& mask);

}  // namespace firn::expr
