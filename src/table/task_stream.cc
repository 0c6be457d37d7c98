// SPDX-License-Identifier: Apache-2.0
#include "table/task_stream.h"

#include <arrow/array/array_primitive.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <map>
#include <span>
#include <utility>

#include "table/take_rows.h"

namespace firn::table {
namespace {

// Equality deletes that compare the same columns.
struct EqualityGroup {
  RowKeyEncoder encoder;
  std::vector<const EqualitySet*> sets;
};

class TaskStream final : public scan::BatchStream {
 public:
  TaskStream(std::unique_ptr<scan::BatchStream> inner, int column_count,
             std::shared_ptr<const PositionSet> positions,
             std::vector<EqualityGroup> groups, iceberg::SequenceNumber number,
             std::shared_ptr<ScanTotal> total, arrow::MemoryPool* pool)
      : inner_(std::move(inner)),
        schema_(arrow::schema(
            arrow::FieldVector(inner_->schema()->fields().begin(),
                               inner_->schema()->fields().begin() + column_count))),
        positions_(std::move(positions)),
        groups_(std::move(groups)),
        number_(number),
        total_(std::move(total)),
        pool_(pool != nullptr ? pool : arrow::default_memory_pool()) {}

  const std::shared_ptr<arrow::Schema>& schema() const override { return schema_; }
  scan::ScanStats stats() const override {
    scan::ScanStats stats = inner_->stats();
    stats.rows_deleted += rows_deleted_;
    return stats;
  }

  Result<std::shared_ptr<arrow::RecordBatch>> Next() override {
    while (true) {
      FIRN_ASSIGN_OR_RETURN(const auto batch, inner_->Next());
      if (batch == nullptr) return std::shared_ptr<arrow::RecordBatch>();
      std::vector<bool> keep(static_cast<std::size_t>(batch->num_rows()), true);
      std::int64_t dropped = DropPositions(*batch, keep);
      for (const EqualityGroup& group : groups_) {
        FIRN_ASSIGN_OR_RETURN(const std::int64_t more, DropEqual(group, *batch, keep));
        dropped += more;
      }
      Count(dropped);
      if (dropped == batch->num_rows() && dropped > 0) continue;
      return KeptOf(*batch, keep, dropped);
    }
  }

 private:
  std::int64_t DropPositions(const arrow::RecordBatch& batch,
                             std::vector<bool>& keep) const {
    if (positions_ == nullptr) return 0;
    const auto& places =
        static_cast<const arrow::Int64Array&>(*batch.column(batch.num_columns() - 1));
    return positions_->Exclude({places.raw_values(), keep.size()}, keep);
  }

  Result<std::int64_t> DropEqual(const EqualityGroup& group,
                                 const arrow::RecordBatch& batch,
                                 std::vector<bool>& keep) const {
    FIRN_ASSIGN_OR_RETURN(const auto columns, group.encoder.Columns(batch, pool_));
    std::int64_t dropped = 0;
    std::string key;
    for (std::size_t row = 0; row < keep.size(); ++row) {
      if (!keep[row]) continue;
      key.clear();
      group.encoder.AppendKey(columns, static_cast<std::int64_t>(row), &key);
      if (std::none_of(group.sets.begin(), group.sets.end(), [&](const EqualitySet* set) {
            return set->Deletes(key, number_);
          })) {
        continue;
      }
      keep[row] = false;
      ++dropped;
    }
    return dropped;
  }

  // The kept rows of the columns asked for.
  Result<std::shared_ptr<arrow::RecordBatch>> KeptOf(const arrow::RecordBatch& batch,
                                                     const std::vector<bool>& keep,
                                                     std::int64_t dropped) const {
    const auto& all = batch.columns();
    std::vector<std::shared_ptr<arrow::Array>> columns(
        all.begin(), all.begin() + schema_->num_fields());
    if (dropped > 0) {
      std::vector<std::uint32_t> rows;
      rows.reserve(keep.size() - static_cast<std::size_t>(dropped));
      for (std::size_t row = 0; row < keep.size(); ++row) {
        if (keep[row]) rows.push_back(static_cast<std::uint32_t>(row));
      }
      FIRN_ASSIGN_OR_RETURN(columns, TakeRows(columns, rows, pool_));
    }
    return arrow::RecordBatch::Make(schema_, batch.num_rows() - dropped,
                                    std::move(columns));
  }

  void Count(std::int64_t dropped) {
    rows_deleted_ += dropped;
    scan::ScanStats more;
    more.rows_deleted = dropped;
    total_->Add(more);
  }

  const std::unique_ptr<scan::BatchStream> inner_;
  const std::shared_ptr<arrow::Schema> schema_;
  const std::shared_ptr<const PositionSet> positions_;  // Or null.
  const std::vector<EqualityGroup> groups_;
  const iceberg::SequenceNumber number_;  // Of the data file.
  const std::shared_ptr<ScanTotal> total_;
  arrow::MemoryPool* const pool_;
  std::int64_t rows_deleted_ = 0;
};

// The equality deletes of a task, by the columns they compare, which are added to `read`.
Result<std::vector<EqualityGroup>> GroupEqualities(const iceberg::TableMetadata& metadata,
                                                   const iceberg::ScanTask& task,
                                                   PlanDeletes& deletes,
                                                   ProjectedRead& read) {
  FIRN_ASSIGN_OR_RETURN(const auto equalities, deletes.EqualitiesOf(task));
  std::map<std::vector<iceberg::FieldId>, std::vector<const EqualitySet*>> by_columns;
  for (const PlanDeletes::Equality& equality : equalities) {
    // Keys are of the columns in the order in which the files name them.
    if (!equality.rows->empty()) by_columns[*equality.ids].push_back(equality.rows);
  }
  std::vector<EqualityGroup> groups;
  for (auto& [ids, sets] : by_columns) {
    FIRN_ASSIGN_OR_RETURN(const EqualityColumns columns,
                          FindEqualityColumns(metadata, ids));
    groups.push_back(
        {columns.EncoderAt(static_cast<int>(read.columns.size())), std::move(sets)});
    read.columns.insert(read.columns.end(), columns.fields.begin(), columns.fields.end());
  }
  return groups;
}

}  // namespace

Result<std::unique_ptr<scan::BatchStream>> OpenTask(
    const base::Context& context, const ScanEnvironment& environment,
    const NameMappings& mappings, const iceberg::TableMetadata& metadata,
    PlannedTask& planned, PlanDeletes& deletes, ProjectedRead read,
    std::shared_ptr<ScanTotal> total) {
  const iceberg::ScanTask& task = planned.task();
  const auto column_count = static_cast<int>(read.columns.size());
  FIRN_ASSIGN_OR_RETURN(auto positions, deletes.PositionsOf(planned));
  read.row_positions = positions != nullptr;
  FIRN_ASSIGN_OR_RETURN(std::vector<EqualityGroup> groups,
                        GroupEqualities(metadata, task, deletes, read));
  FIRN_ASSIGN_OR_RETURN(std::unique_ptr<scan::BatchStream> inner,
                        OpenProjected(context, environment, mappings, task.file,
                                      metadata.FindSpec(task.file.spec_id), read, total));
  if (positions == nullptr && groups.empty()) return inner;
  return std::make_unique<TaskStream>(
      std::move(inner), column_count, std::move(positions), std::move(groups),
      task.sequence_number, std::move(total), environment.pool);
}

}  // namespace firn::table
