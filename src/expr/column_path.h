// SPDX-License-Identifier: Apache-2.0
// column_path.h: where the column is that a predicate names. Internal to this room.
#pragma once

#include <string_view>
#include <vector>

#include "arrow/type_fwd.h"

namespace firn::expr {

// The position of the column `name` among `fields`, and within it those of the fields of
// structs that lead to it. Names may hold dots themselves: a field of the whole name
// comes before one inside of a struct, whose name begins it. Empty where there is none,
// or where two fields have the name.
std::vector<int> FindColumnPath(const arrow::FieldVector& fields, std::string_view name);

}  // namespace firn::expr
