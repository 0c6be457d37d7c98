// SPDX-License-Identifier: Apache-2.0
// row_matcher.h: which rows of a table are meant.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "expr/predicate.h"
#include "firn/status.h"
#include "iceberg/schema.h"

namespace arrow {
class RecordBatch;
}  // namespace arrow

namespace firn::table {

// Thread-compatible. Bind() comes first, and again where the table was loaded anew.
class RowMatcher {
 public:
  virtual ~RowMatcher() = default;
  // Prepare for a table of these columns. InvalidArgument where it does not go with them.
  virtual Status Bind(const iceberg::Schema& schema) = 0;
  // Holds for every row that matches; null says nothing.
  virtual expr::PredicatePtr bounds() const = 0;
  // The top-level columns that Match() looks at.
  virtual std::vector<std::string> columns() const = 0;
  // mask[i] is 1 where row i matches, exactly, and else 0. The batch has columns() at
  // least, as the table's Arrow schema has them.
  virtual Status Match(const arrow::RecordBatch& batch,
                       std::vector<std::uint8_t>& mask) = 0;
};

// The rows for which `predicate`, whose literals are as they were written, is true; all
// of them where it is null. Match() is InvalidArgument where the condition cannot be
// decided exactly on the columns.
std::unique_ptr<RowMatcher> MakePredicateMatcher(expr::PredicatePtr predicate);

}  // namespace firn::table
