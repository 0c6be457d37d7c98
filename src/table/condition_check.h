// SPDX-License-Identifier: Apache-2.0
// condition_check.h: rows that do not match the condition of an overwrite.
//
// What is overwritten are the rows for which a condition is true. A new row for which it
// is not would lie beside others that nobody asked to replace, and the same overwrite run
// twice would have it twice: so it is refused, as Spark's overwrite(condition) does.
#pragma once

#include <string>

#include "firn/status.h"
#include "table/batch_validator.h"
#include "table/row_matcher.h"

namespace firn::table {

// Thread-compatible.
class ConditionCheck {
 public:
  // `matcher` is bound to the table's schema, and must outlive the check. `condition` is
  // its text, for the reason that a row is given.
  ConditionCheck(RowMatcher& matcher, const std::string& condition);

  // Mark the rows of a batch that do not match as invalid. Errors are the matcher's.
  Status Mark(CheckedBatch& batch);

 private:
  RowMatcher& matcher_;
  const std::string columns_;
  const std::string reason_;
};

}  // namespace firn::table
