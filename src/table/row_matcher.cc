// SPDX-License-Identifier: Apache-2.0
#include "table/row_matcher.h"

#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <set>
#include <utility>

#include "expr/bind.h"
#include "expr/conjuncts.h"
#include "expr/select.h"
#include "iceberg/schema_arrow.h"

namespace firn::table {
namespace {

// Names may hold dots themselves, so the longest that is a column counts.
std::string TopLevelColumn(const iceberg::Schema& schema, std::string name) {
  for (;;) {
    for (const iceberg::NestedField& field : schema.fields()) {
      if (field.name == name) return name;
    }
    const std::size_t dot = name.rfind('.');
    if (dot == std::string::npos) return name;  // Which the scan tells.
    name.resize(dot);
  }
}

class PredicateMatcher final : public RowMatcher {
 public:
  explicit PredicateMatcher(expr::PredicatePtr predicate)
      : written_(std::move(predicate)) {}

  Status Bind(const iceberg::Schema& schema) override {
    FIRN_ASSIGN_OR_RETURN(const auto arrow_schema, iceberg::ToArrowSchema(schema));
    FIRN_ASSIGN_OR_RETURN(bound_, expr::BindToSchema(written_, *arrow_schema));
    columns_.clear();
    if (bound_ == nullptr) return Status::OK();
    negation_ = expr::MakePredicate(expr::Not{bound_});
    std::set<std::string> columns;
    for (const std::string& name : expr::ColumnsOf(*bound_)) {
      columns.insert(TopLevelColumn(schema, name));
    }
    columns_.assign(columns.begin(), columns.end());
    return Status::OK();
  }

  expr::PredicatePtr bounds() const override { return bound_; }
  std::vector<std::string> columns() const override { return columns_; }

  // What is decided on statistics may err towards a match; a row that is to go may not.
  // So the condition and its opposite are asked for: where both may hold, neither was
  // decided.
  Status Match(const arrow::RecordBatch& batch,
               std::vector<std::uint8_t>& mask) override {
    if (bound_ == nullptr) {
      mask.assign(static_cast<std::size_t>(batch.num_rows()), 1);
      return Status::OK();
    }
    expr::SelectRows(*bound_, batch, mask);
    expr::SelectRows(*negation_, batch, opposite_);
    for (std::size_t i = 0; i < mask.size(); ++i) {
      if (mask[i] != 0 && opposite_[i] != 0) {
        return Status::InvalidArgument(
            "the condition cannot be decided exactly on the table's columns");
      }
    }
    return Status::OK();
  }

 private:
  const expr::PredicatePtr written_;
  expr::PredicatePtr bound_;
  expr::PredicatePtr negation_;
  std::vector<std::string> columns_;
  std::vector<std::uint8_t> opposite_;
};

}  // namespace

std::unique_ptr<RowMatcher> MakePredicateMatcher(expr::PredicatePtr predicate) {
  return std::make_unique<PredicateMatcher>(std::move(predicate));
}

}  // namespace firn::table
