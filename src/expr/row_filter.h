// SPDX-License-Identifier: Apache-2.0
// row_filter.h: which rows of a batch a condition is true for, decided for each.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "expr/predicate.h"
#include "firn/status.h"

namespace arrow {
class RecordBatch;
class Schema;
}  // namespace arrow

namespace firn::expr {

// A predicate bound to the columns of a schema. Immutable; thread-safe.
class RowFilter {
 public:
  // Errors: those of BindToSchema(). REQUIRES: predicate is not null.
  static Result<RowFilter> Bind(const PredicatePtr& predicate,
                                const arrow::Schema& schema);

  // For pruning.
  const PredicatePtr& predicate() const { return predicate_; }
  // The schema's columns that Select() looks at, sorted.
  const std::vector<std::string>& columns() const { return columns_; }

  // Set mask[i] to 1 where the predicate is true for row i, and to 0 where it is false or
  // unknown; `mask` is resized to the batch's rows. InvalidArgument where the batch's
  // types are not the schema's, so that it cannot be decided. REQUIRES: the batch has
  // columns().
  Status Select(const arrow::RecordBatch& batch, std::vector<std::uint8_t>& mask) const;

 private:
  PredicatePtr predicate_;
  PredicatePtr negation_;
  std::vector<std::string> columns_;
};

}  // namespace firn::expr
