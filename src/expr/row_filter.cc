// SPDX-License-Identifier: Apache-2.0
#include "expr/row_filter.h"

#include <set>

#include "arrow/record_batch.h"
#include "arrow/type.h"

#include "expr/bind.h"
#include "expr/column_path.h"
#include "expr/conjuncts.h"
#include "expr/select.h"

namespace firn::expr {

Result<RowFilter> RowFilter::Bind(const PredicatePtr& predicate,
                                  const arrow::Schema& schema) {
  RowFilter filter;
  FIRN_ASSIGN_OR_RETURN(filter.predicate_, BindToSchema(predicate, schema));
  filter.negation_ = MakePredicate(Not{filter.predicate_});
  std::set<std::string> columns;
  for (const std::string& name : ColumnsOf(*filter.predicate_)) {
    // Bound, it is there.
    const std::vector<int> path = FindColumnPath(schema.fields(), name);
    columns.insert(schema.field(path.front())->name());
  }
  filter.columns_.assign(columns.begin(), columns.end());
  return filter;
}

// What SelectRows() decides may err towards a match. So the condition and its opposite
// are asked for: where both may hold, neither was decided.
Status RowFilter::Select(const arrow::RecordBatch& batch,
                         std::vector<std::uint8_t>& mask) const {
  SelectRows(*predicate_, batch, mask);
  std::vector<std::uint8_t> opposite;
  SelectRows(*negation_, batch, opposite);
  for (std::size_t i = 0; i < mask.size(); ++i) {
    if (mask[i] != 0 && opposite[i] != 0) {
      return Status::InvalidArgument(
          "the condition cannot be decided exactly on the table's columns");
    }
  }
  return Status::OK();
}

}  // namespace firn::expr
