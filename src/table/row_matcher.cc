// SPDX-License-Identifier: Apache-2.0
#include "table/row_matcher.h"

#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <optional>
#include <utility>

#include "expr/row_filter.h"
#include "iceberg/schema_arrow.h"

namespace firn::table {
namespace {

class PredicateMatcher final : public RowMatcher {
 public:
  explicit PredicateMatcher(expr::PredicatePtr predicate)
      : written_(std::move(predicate)) {}

  Status Bind(const iceberg::Schema& schema) override {
    if (written_ == nullptr) return Status::OK();
    FIRN_ASSIGN_OR_RETURN(const auto arrow_schema, iceberg::ToArrowSchema(schema));
    FIRN_ASSIGN_OR_RETURN(filter_, expr::RowFilter::Bind(written_, *arrow_schema));
    return Status::OK();
  }

  expr::PredicatePtr bounds() const override {
    return filter_ ? filter_->predicate() : nullptr;
  }
  std::vector<std::string> columns() const override {
    return filter_ ? filter_->columns() : std::vector<std::string>();
  }

  Status Match(const arrow::RecordBatch& batch,
               std::vector<std::uint8_t>& mask) override {
    if (filter_) return filter_->Select(batch, mask);
    mask.assign(static_cast<std::size_t>(batch.num_rows()), 1);
    return Status::OK();
  }

 private:
  const expr::PredicatePtr written_;       // Null: every row.
  std::optional<expr::RowFilter> filter_;  // Of `written_`, once bound.
};

}  // namespace

std::unique_ptr<RowMatcher> MakePredicateMatcher(expr::PredicatePtr predicate) {
  return std::make_unique<PredicateMatcher>(std::move(predicate));
}

}  // namespace firn::table
