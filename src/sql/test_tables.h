// SPDX-License-Identifier: Apache-2.0
// test_tables.h: tables in memory for tests of this room.
//
// A TestTable prunes as hard as its contract allows: it leaves out every row for which
// the predicate is not true. A condition that DuckDB did not ask for is then seen as a
// wrong result.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "arrow/array/array_base.h"
#include "arrow/array/concatenate.h"
#include "arrow/array/util.h"
#include "arrow/record_batch.h"
#include "arrow/type.h"

#include "expr/predicate.h"
#include "expr/select.h"
#include "firn/status.h"
#include "scan/batch.h"

namespace firn::sql {

using Batches = std::vector<std::shared_ptr<arrow::RecordBatch>>;

// What happened to a table, and what is to happen. Thread-safe where it is not a hook;
// hooks are set before the first query.
struct TestProbe {
  std::atomic<int> plans{0};
  std::atomic<int> splits_opened{0};
  std::atomic<std::int64_t> batches_read{0};
  std::function<Status()> on_plan = [] { return Status(); };
  std::function<Status()> on_next = [] { return Status(); };

  std::mutex mutex;
  // Of the last plan.
  std::string predicate;
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> parts;
};

class TestTable final : public scan::BatchSource {
 public:
  TestTable(std::shared_ptr<arrow::Schema> schema, std::vector<Batches> splits)
      : schema_(std::move(schema)), splits_(std::move(splits)) {}

  TestProbe& probe() { return probe_; }
  const std::shared_ptr<arrow::Schema>& schema() const override { return schema_; }

  Result<std::unique_ptr<scan::ScanPlan>> Plan(const base::Context& context,
                                               const scan::ScanRequest& request) override;

 private:
  class Scan;
  class Stream;

  const std::shared_ptr<arrow::Schema> schema_;
  const std::vector<Batches> splits_;
  TestProbe probe_;
};

// One plan of a TestTable.
class TestTable::Scan final : public scan::ScanPlan {
 public:
  Scan(TestTable& table, std::vector<int> columns, const scan::ScanRequest& request)
      : table_(table),
        columns_(std::move(columns)),
        predicate_(request.predicate),
        parts_(request.parts) {
    arrow::FieldVector fields;
    for (const int column : columns_) fields.push_back(table_.schema_->field(column));
    schema_ = arrow::schema(std::move(fields));
  }

  const std::shared_ptr<arrow::Schema>& schema() const override { return schema_; }
  Result<bool> HasSplit(std::size_t index) override {
    return index < table_.splits_.size();
  }
  Result<std::unique_ptr<scan::BatchStream>> OpenSplit(std::size_t index) override;
  std::int64_t estimated_rows() const override {
    std::int64_t rows = 0;
    for (const Batches& split : table_.splits_) {
      for (const auto& batch : split) rows += batch->num_rows();
    }
    return rows;
  }
  scan::ScanStats stats() const override {
    scan::ScanStats stats;
    stats.files_planned = static_cast<std::int64_t>(table_.splits_.size());
    stats.rows = rows_.load();
    return stats;
  }

 private:
  friend class TestTable::Stream;

  TestTable& table_;
  const std::vector<int> columns_;
  const expr::PredicatePtr predicate_;
  const std::vector<std::vector<std::string>> parts_;
  std::shared_ptr<arrow::Schema> schema_;
  std::atomic<std::int64_t> rows_{0};
};

class TestTable::Stream final : public scan::BatchStream {
 public:
  Stream(Scan& plan, const Batches& batches) : plan_(plan), batches_(batches) {}

  const std::shared_ptr<arrow::Schema>& schema() const override { return plan_.schema_; }

  // The rows that may match: the first run of them as a slice, since a scan must cope
  // with arrays that do not begin where their buffers do, and the others together.
  Result<std::shared_ptr<arrow::RecordBatch>> Next() override {
    while (true) {
      FIRN_RETURN_IF_ERROR(plan_.table_.probe_.on_next());
      if (next_ == batches_.size()) return std::shared_ptr<arrow::RecordBatch>();
      const arrow::RecordBatch& batch = *batches_[next_];
      if (row_ == 0) {
        mask_.assign(batch.num_rows(), 1);
        if (plan_.predicate_) expr::SelectRows(*plan_.predicate_, batch, mask_);
      }
      const std::size_t runs_max = row_ == 0 ? 1 : mask_.size();
      std::vector<Run> runs;
      while (runs.size() < runs_max && row_ < batch.num_rows()) TakeRun(runs);
      if (row_ == batch.num_rows()) {
        row_ = 0;
        ++next_;
      }
      if (runs.empty()) continue;
      ++plan_.table_.probe_.batches_read;
      return Project(batch, runs);
    }
  }
  scan::ScanStats stats() const override { return {}; }

 private:
  struct Run {
    std::int64_t begin = 0;
    std::int64_t count = 0;
  };

  // Move past the next run of rows that may match, if there is one.
  void TakeRun(std::vector<Run>& runs) {
    const auto rows = static_cast<std::int64_t>(mask_.size());
    while (row_ < rows && mask_[row_] == 0) ++row_;
    const std::int64_t begin = row_;
    while (row_ < rows && mask_[row_] != 0) ++row_;
    if (row_ > begin) runs.push_back({begin, row_ - begin});
  }

  std::shared_ptr<arrow::RecordBatch> Project(const arrow::RecordBatch& batch,
                                              const std::vector<Run>& runs) {
    std::int64_t rows = 0;
    for (const Run& run : runs) rows += run.count;
    arrow::ArrayVector arrays;
    for (const int column : plan_.columns_) {
      arrow::ArrayVector slices;
      for (const Run& run : runs) {
        slices.push_back(batch.column(column)->Slice(run.begin, run.count));
      }
      arrays.push_back(OnlyParts(
          batch.schema()->field(column)->name(),
          slices.size() == 1 ? slices[0] : arrow::Concatenate(slices).ValueOrDie()));
    }
    plan_.rows_ += rows;
    return arrow::RecordBatch::Make(plan_.schema_, rows, std::move(arrays));
  }

  // A struct of which parts are wanted, with NULL for its other fields: a statement that
  // looks at them after all shows.
  std::shared_ptr<arrow::Array> OnlyParts(const std::string& name,
                                          std::shared_ptr<arrow::Array> array) const {
    std::set<std::string> wanted;
    for (const std::vector<std::string>& part : plan_.parts_) {
      if (part.front() != name) continue;
      if (part.size() == 1) return array;
      wanted.insert(part[1]);
    }
    if (wanted.empty()) return array;
    const auto data = array->data()->Copy();
    for (int i = 0; i < data->type->num_fields(); ++i) {
      const auto& field = data->type->field(i);
      if (wanted.contains(field->name())) continue;
      data->child_data[static_cast<std::size_t>(i)] =
          arrow::MakeArrayOfNull(field->type(), data->offset + data->length)
              .ValueOrDie()
              ->data();
    }
    return arrow::MakeArray(data);
  }

  Scan& plan_;
  const Batches& batches_;
  std::size_t next_ = 0;
  std::int64_t row_ = 0;
  std::vector<std::uint8_t> mask_;  // Of the batch `next_`.
};

inline Result<std::unique_ptr<scan::BatchStream>> TestTable::Scan::OpenSplit(
    std::size_t index) {
  if (index >= table_.splits_.size()) return std::unique_ptr<scan::BatchStream>();
  ++table_.probe_.splits_opened;
  return std::unique_ptr<scan::BatchStream>(
      std::make_unique<Stream>(*this, table_.splits_[index]));
}

inline Result<std::unique_ptr<scan::ScanPlan>> TestTable::Plan(
    const base::Context&, const scan::ScanRequest& request) {
  FIRN_RETURN_IF_ERROR(probe_.on_plan());
  ++probe_.plans;
  std::vector<int> columns;
  if (request.columns) {
    for (const std::string& name : *request.columns) {
      const int column = schema_->GetFieldIndex(name);
      if (column < 0) return Status::NotFound("column " + name);
      columns.push_back(column);
    }
  } else {
    for (int i = 0; i < schema_->num_fields(); ++i) columns.push_back(i);
  }
  {
    std::lock_guard lock(probe_.mutex);
    probe_.predicate = request.predicate ? expr::ToString(*request.predicate) : "";
    probe_.columns = request.columns.value_or(std::vector<std::string>{"*"});
    probe_.parts = request.parts;
  }
  return std::unique_ptr<scan::ScanPlan>(
      std::make_unique<Scan>(*this, std::move(columns), request));
}

// Tables by name. Thread-safe.
class TestTables final : public scan::TableProvider {
 public:
  std::shared_ptr<TestTable> Add(const scan::TableName& name,
                                 std::shared_ptr<arrow::Schema> schema,
                                 std::vector<Batches> splits) {
    auto table = std::make_shared<TestTable>(std::move(schema), std::move(splits));
    Put(name, table);
    return table;
  }
  void Put(const scan::TableName& name, std::shared_ptr<scan::BatchSource> table) {
    std::lock_guard lock(mutex_);
    tables_[name] = std::move(table);
  }
  // Opening `name` fails with `status` from now on; it is still listed.
  void Break(const scan::TableName& name, const Status& status) {
    std::lock_guard lock(mutex_);
    tables_[name] = nullptr;
    broken_ = status;
  }

  Result<std::vector<scan::TableName>> ListTables(const base::Context&) override {
    std::lock_guard lock(mutex_);
    ++lists;
    FIRN_RETURN_IF_ERROR(list_status);
    std::vector<scan::TableName> names;
    for (const auto& [name, table] : tables_) names.push_back(name);
    return names;
  }
  Result<std::shared_ptr<scan::BatchSource>> OpenTable(
      const base::Context&, const scan::TableName& name) override {
    std::lock_guard lock(mutex_);
    ++opens;
    const auto found = tables_.find(name);
    if (found == tables_.end()) return Status::NotFound("table " + name.ToString());
    if (!found->second) return broken_;
    return found->second;
  }

  std::atomic<int> lists{0};
  std::atomic<int> opens{0};
  Status list_status;  // Set before the first query.

 private:
  std::mutex mutex_;
  std::map<scan::TableName, std::shared_ptr<scan::BatchSource>> tables_;
  Status broken_;
};

}  // namespace firn::sql
