// SPDX-License-Identifier: Apache-2.0
#include "sql/statement.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "expr/filter_text.h"

namespace firn::sql {
Result<std::int64_t> PinnedTable::EstimatedRows(const base::Context& context) {
  std::lock_guard lock(mutex_);
  if (!estimated_rows_) {
    scan::ScanRequest request;
    request.columns.emplace();
    FIRN_ASSIGN_OR_RETURN(const std::unique_ptr<scan::ScanPlan> plan,
                          source_->Plan(context, request));
    estimated_rows_ = std::max<std::int64_t>(plan->estimated_rows(), 0);
  }
  return *estimated_rows_;
}

Status Statement::SetFilter(const TableFilter& filter) {
  if (filter.condition.empty()) return {};
  auto condition = expr::ParseFilter(filter.condition);
  if (!condition.ok()) return condition.status().With("filter");
  condition_ = *std::move(condition);
  filtered_table_ = filter.table;
  return {};
}

Status Statement::CheckFilter() const {
  std::lock_guard lock(mutex_);
  if (condition_ == nullptr || filter_is_used_) return {};
  return Status::InvalidArgument("filter: the statement reads no table that is called " +
                                 filtered_table_);
}

Result<std::vector<scan::TableName>> Statement::ListTables() {
  std::lock_guard lock(mutex_);
  if (!names_) {
    FIRN_ASSIGN_OR_RETURN(names_, tables_.ListTables(context_));
    std::sort(names_->begin(), names_->end());
  }
  return *names_;
}

Result<std::shared_ptr<PinnedTable>> Statement::Pin(const scan::TableName& name) {
  std::lock_guard lock(mutex_);
  const auto found = pinned_.find(name);
  if (found != pinned_.end()) return found->second;
  FIRN_ASSIGN_OR_RETURN(std::shared_ptr<scan::BatchSource> source,
                        tables_.OpenTable(context_, name));
  return Add(name, name.ToString(), std::move(source));
}

Result<std::shared_ptr<PinnedTable>> Statement::PinFiles(const std::string& location) {
  FIRN_ASSERT(files_ != nullptr);
  const scan::TableName name{"", location};
  std::lock_guard lock(mutex_);
  const auto found = pinned_.find(name);
  if (found != pinned_.end()) return found->second;
  FIRN_ASSIGN_OR_RETURN(std::shared_ptr<scan::BatchSource> source,
                        files_->OpenFiles(context_, location));
  return Add(name, location, std::move(source));
}

Result<std::shared_ptr<PinnedTable>> Statement::Add(
    const scan::TableName& name, const std::string& filtered_as,
    std::shared_ptr<scan::BatchSource> source) {
  std::optional<expr::RowFilter> filter;
  if (condition_ != nullptr && filtered_as == filtered_table_) {
    FIRN_ASSIGN_OR_RETURN(filter, expr::RowFilter::Bind(condition_, *source->schema()));
    filter_is_used_ = true;
  }
  auto table = std::make_shared<PinnedTable>(name, std::move(source), std::move(filter));
  pinned_.emplace(name, table);
  return table;
}

void Statement::Begin(std::shared_ptr<scan::ScanPlan> plan) {
  std::lock_guard lock(mutex_);
  plans_.push_back(std::move(plan));
}

void Statement::End(const scan::ScanPlan& plan) {
  std::lock_guard lock(mutex_);
  const auto found = std::find_if(plans_.begin(), plans_.end(),
                                  [&](const auto& p) { return p.get() == &plan; });
  if (found == plans_.end()) return;
  ended_ += plan.stats();
  plans_.erase(found);
}

scan::ScanStats Statement::stats() const {
  std::lock_guard lock(mutex_);
  scan::ScanStats sum = ended_;
  for (const auto& plan : plans_) sum += plan->stats();
  return sum;
}

void Statement::Fail(const Status& status) {
  std::lock_guard lock(mutex_);
  if (failure_.ok()) failure_ = status;
}

Status Statement::failure() const {
  std::lock_guard lock(mutex_);
  return failure_;
}

}  // namespace firn::sql
