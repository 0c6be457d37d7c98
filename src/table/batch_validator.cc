// SPDX-License-Identifier: Apache-2.0
#include "table/batch_validator.h"

#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <string_view>
#include <unordered_map>

#include "base/nearest_word.h"
#include "iceberg/schema_arrow.h"
#include "table/column_conform.h"

namespace firn::table {
namespace {

Status UnknownColumn(const std::string& name, const iceberg::Schema& schema) {
  std::vector<std::string_view> names;
  for (const auto& field : schema.fields()) names.push_back(field.name);
  return Status::InvalidArgument("the table has no column " + name +
                                 base::DidYouMean(name, names));
}

}  // namespace

Status CheckedBatch::MarkInvalid(
    const std::function<Result<std::optional<InvalidRow>>(std::int64_t row)>& judge) {
  std::vector<InvalidRow> marked;
  auto known = invalid.begin();
  for (std::int64_t row = 0; row < rows->num_rows(); ++row) {
    if (known != invalid.end() && known->row == row) {
      marked.push_back(std::move(*known++));
      continue;
    }
    FIRN_ASSIGN_OR_RETURN(auto fault, judge(row));
    if (fault.has_value()) marked.push_back(*std::move(fault));
  }
  invalid = std::move(marked);
  return Status::OK();
}

Result<BatchValidator> BatchValidator::Make(const iceberg::Schema& schema) {
  FIRN_ASSIGN_OR_RETURN(auto arrow_schema, iceberg::ToArrowSchema(schema));
  return BatchValidator(schema, std::move(arrow_schema));
}

Result<CheckedBatch> BatchValidator::Check(const arrow::RecordBatch& batch,
                                           arrow::MemoryPool* pool) const {
  std::unordered_map<std::string_view, int> given;
  for (int i = 0; i < batch.num_columns(); ++i) {
    const std::string& name = batch.column_name(i);
    if (!given.emplace(name, i).second) {
      return Status::InvalidArgument("column " + name + " is there twice");
    }
  }
  CheckedBatch checked;
  RowFaults faults;
  const RowPath rows;
  arrow::ArrayVector columns;
  for (std::size_t i = 0; i < schema_.fields().size(); ++i) {
    const iceberg::NestedField& field = schema_.fields()[i];
    const auto& arrow_type = arrow_schema_->field(static_cast<int>(i))->type();
    const auto at = given.find(field.name);
    if (at == given.end()) {
      if (field.required) {
        return Status::InvalidArgument("required column " + field.name + " is missing");
      }
      FIRN_ASSIGN_OR_RETURN(auto nulls, NullColumn(arrow_type, batch.num_rows(), pool));
      columns.push_back(std::move(nulls));
      continue;
    }
    FIRN_ASSIGN_OR_RETURN(
        auto column, ConformColumn({field.type, arrow_type, field.required, field.name},
                                   batch.column(at->second), rows, pool, &faults));
    columns.push_back(std::move(column));
    given.erase(at);
  }
  if (!given.empty()) {
    return UnknownColumn(std::string(given.begin()->first), schema_);
  }
  checked.rows =
      arrow::RecordBatch::Make(arrow_schema_, batch.num_rows(), std::move(columns));
  for (auto& [row, fault] : faults) {
    checked.invalid.push_back({row, std::move(fault.first), std::move(fault.second)});
  }
  return checked;
}

}  // namespace firn::table
