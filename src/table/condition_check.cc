// SPDX-License-Identifier: Apache-2.0
#include "table/condition_check.h"

#include <arrow/record_batch.h>

#include <utility>

namespace firn::table {
namespace {

// A longer condition is left out of what is said of each row.
constexpr std::size_t kConditionBytesMax = 200;

std::string Joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

std::string ReasonOf(const std::string& condition) {
  std::string reason = "the row is not among those that are overwritten";
  if (condition.size() <= kConditionBytesMax) reason += ", where " + condition;
  return reason;
}

}  // namespace

ConditionCheck::ConditionCheck(RowMatcher& matcher, const std::string& condition)
    : matcher_(matcher),
      columns_(Joined(matcher.columns())),
      reason_(ReasonOf(condition)) {}

Status ConditionCheck::Mark(CheckedBatch& batch) {
  std::vector<std::uint8_t> mask;
  FIRN_RETURN_IF_ERROR(matcher_.Match(*batch.rows, mask));
  std::vector<InvalidRow> invalid;
  auto known = batch.invalid.begin();
  for (std::int64_t row = 0; row < batch.rows->num_rows(); ++row) {
    // What was wrong before stays what is said of a row.
    if (known != batch.invalid.end() && known->row == row) {
      invalid.push_back(std::move(*known++));
    } else if (mask[static_cast<std::size_t>(row)] == 0) {
      invalid.push_back({row, columns_, reason_});
    }
  }
  batch.invalid = std::move(invalid);
  return Status::OK();
}

}  // namespace firn::table
