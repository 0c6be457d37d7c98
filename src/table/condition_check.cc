// SPDX-License-Identifier: Apache-2.0
#include "table/condition_check.h"

#include <arrow/record_batch.h>

#include <optional>
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
  return batch.MarkInvalid([&](std::int64_t row) -> Result<std::optional<InvalidRow>> {
    if (mask[static_cast<std::size_t>(row)] != 0) return std::optional<InvalidRow>();
    return std::optional(InvalidRow{row, columns_, reason_});
  });
}

}  // namespace firn::table
