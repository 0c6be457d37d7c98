// SPDX-License-Identifier: Apache-2.0
#include "table/table_plan.h"

#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>

#include "base/assert.h"
#include "table/plan_deletes.h"
#include "table/scan_total.h"
#include "table/task_stream.h"

namespace firn::table {
namespace {

// The rows of the pieces of a split, one after the other.
class SplitStream final : public scan::BatchStream {
 public:
  using Open =
      std::function<Result<std::unique_ptr<scan::BatchStream>>(const SplitPiece& piece)>;

  SplitStream(std::shared_ptr<arrow::Schema> schema, Split split, Open open)
      : schema_(std::move(schema)), split_(std::move(split)), open_(std::move(open)) {}

  // Opens the first piece: what is wrong with it, opening the split says.
  Status Start() { return OpenNext(); }

  const std::shared_ptr<arrow::Schema>& schema() const override { return schema_; }
  scan::ScanStats stats() const override {
    scan::ScanStats stats = ended_;
    if (piece_ != nullptr) stats += piece_->stats();
    return stats;
  }

  Result<std::shared_ptr<arrow::RecordBatch>> Next() override {
    while (piece_ != nullptr) {
      FIRN_ASSIGN_OR_RETURN(std::shared_ptr<arrow::RecordBatch> batch, piece_->Next());
      if (batch != nullptr) return batch;
      ended_ += piece_->stats();
      piece_.reset();
      FIRN_RETURN_IF_ERROR(OpenNext());
    }
    return std::shared_ptr<arrow::RecordBatch>();
  }

 private:
  Status OpenNext() {
    if (next_ > 0) split_[next_ - 1].task.reset();
    if (next_ == split_.size()) return Status::OK();
    FIRN_ASSIGN_OR_RETURN(piece_, open_(split_[next_++]));
    return Status::OK();
  }

  const std::shared_ptr<arrow::Schema> schema_;
  Split split_;  // Those that were read are let go.
  const Open open_;
  std::size_t next_ = 0;
  std::unique_ptr<scan::BatchStream> piece_;
  scan::ScanStats ended_;
};

class TablePlan final : public scan::ScanPlan {
 public:
  TablePlan(const base::Context& context, std::shared_ptr<const SourceTable> table,
            std::shared_ptr<arrow::Schema> schema, ProjectedRead read, TaskFeed feed)
      : context_(context),
        table_(std::move(table)),
        schema_(std::move(schema)),
        read_(std::move(read)),
        total_(std::make_shared<ScanTotal>(scan::ScanStats())),
        deletes_(context, table_->environment, table_->mappings, table_->metadata(),
                 total_),
        planner_(std::move(feed.planned)),
        packer_(table_->sizes, table_->environment.threads) {
    for (iceberg::ScanTask& task : feed.given) {
      estimated_rows_ += task.file.record_count - RowsDeletedBy(task);
      packer_.Add(std::move(task));
    }
    if (planner_ != nullptr) estimated_rows_ = planner_->row_count();
    const std::lock_guard lock(mutex_);
    iceberg::PlanStats stats;
    stats.files_planned = static_cast<std::int64_t>(feed.given.size());
    CountPlanned(planner_ != nullptr ? planner_->stats() : stats);
    if (planner_ == nullptr) EndPlanning();
  }

  const std::shared_ptr<arrow::Schema>& schema() const override { return schema_; }
  scan::ScanStats stats() const override { return total_->Get(); }
  std::int64_t estimated_rows() const override {
    return std::max<std::int64_t>(0, estimated_rows_);
  }

  Result<bool> HasSplit(std::size_t index) override {
    std::unique_lock lock(mutex_);
    FIRN_RETURN_IF_ERROR(PlanUntil(index, lock));
    return index < split_count_;
  }

  Result<std::unique_ptr<scan::BatchStream>> OpenSplit(std::size_t index) override {
    Split split;
    {
      std::unique_lock lock(mutex_);
      FIRN_RETURN_IF_ERROR(PlanUntil(index, lock));
      if (index >= split_count_) return std::unique_ptr<scan::BatchStream>();
      auto found = splits_.extract(index);
      FIRN_ASSERT(!found.empty());  // Each is opened once.
      split = std::move(found.mapped());
    }
    auto stream = std::make_unique<SplitStream>(
        schema_, std::move(split),
        [this](const SplitPiece& piece) { return OpenPiece(piece); });
    FIRN_RETURN_IF_ERROR(stream->Start());
    return stream;
  }

 private:
  static std::int64_t RowsDeletedBy(const iceberg::ScanTask& task) {
    std::int64_t rows = 0;
    for (const iceberg::DeleteFilePtr& deletes : task.deletes) {
      if (deletes->is_vector()) rows += deletes->file.record_count;
    }
    return rows;
  }

  Result<std::unique_ptr<scan::BatchStream>> OpenPiece(const SplitPiece& piece) {
    ProjectedRead read = read_;
    read.threads = threads_of_split_;
    read.first_byte = piece.range.first_byte;
    read.end_byte = piece.range.end_byte;
    return OpenTask(context_, table_->environment, table_->mappings, table_->metadata(),
                    *piece.task, deletes_, std::move(read), total_);
  }

  // REQUIRES (all below): mutex_ is held.

  // Find splits until there is one of that number, or until there are no more; and before
  // the first is given out one for each thread. One thread plans, without the mutex; the
  // others wait for what it finds, and take what is there already.
  Status PlanUntil(std::size_t index, std::unique_lock<std::mutex>& lock) {
    const auto least = [&] {
      const std::size_t first =
          planned_first_ ? 0 : static_cast<std::size_t>(table_->environment.threads);
      return std::max(index + 1, first);
    };
    while (status_.ok() && !ended_ && split_count_ < least()) {
      if (is_planning_) {
        planned_.wait(lock);
      } else {
        PlanMore(lock);
      }
    }
    if (status_.ok() && !planned_first_) {
      BeginReading();
      planned_first_ = true;
      planned_.notify_all();
    }
    return status_;
  }

  void PlanMore(std::unique_lock<std::mutex>& lock) {
    is_planning_ = true;
    lock.unlock();
    auto tasks = planner_->Next();
    lock.lock();
    is_planning_ = false;
    CountPlanned(planner_->stats());
    status_ = tasks.status();
    if (tasks.ok()) {
      for (iceberg::ScanTask& task : *tasks) packer_.Add(std::move(task));
      if (tasks->empty() || planner_->at_end()) EndPlanning();
      TakeSplits();
    }
    planned_.notify_all();
  }

  void EndPlanning() {
    packer_.Finish();
    ended_ = true;
    TakeSplits();
  }

  void TakeSplits() {
    for (Split& split : packer_.Take()) splits_.emplace(split_count_++, std::move(split));
  }

  // What is known before the first split is read: fewer splits than threads let each have
  // several, and of all tasks it is known which deletes are theirs.
  void BeginReading() {
    if (!ended_) {
      deletes_.ExpectAny(planner_->deletes());
      return;
    }
    threads_of_split_ = table_->environment.ThreadsOfSplit(split_count_);
    const PlannedTask* last = nullptr;
    for (const auto& [index, split] : splits_) {
      for (const SplitPiece& piece : split) {
        if (piece.task.get() != last) deletes_.Expect(piece.task->task());
        last = piece.task.get();
      }
    }
  }

  // Add to the total what planning has found since.
  void CountPlanned(const iceberg::PlanStats& plan) {
    scan::ScanStats stats;
    stats.files_planned = plan.files_planned;
    stats.files_pruned = plan.files_pruned_by_partition + plan.files_pruned_by_metrics +
                         plan.files_in_pruned_manifests;
    stats.delete_files_planned = plan.delete_files_planned;
    scan::ScanStats more = stats;
    more -= counted_;
    total_->Add(more);
    counted_ = stats;
  }

  const base::Context& context_;
  const std::shared_ptr<const SourceTable> table_;
  const std::shared_ptr<arrow::Schema> schema_;
  const ProjectedRead read_;
  const std::shared_ptr<ScanTotal> total_;
  PlanDeletes deletes_;
  std::int64_t estimated_rows_ = 0;
  int threads_of_split_ = 1;  // Set before the first split is given out.

  std::mutex mutex_;
  std::condition_variable planned_;  // What a thread that waits may go on with.
  // All below: guarded by mutex_, and the planner by whoever set is_planning_.
  const std::unique_ptr<iceberg::PlanStream> planner_;  // Null: the tasks were given.
  bool is_planning_ = false;
  SplitPacker packer_;
  std::map<std::size_t, Split> splits_;  // Found and not opened yet.
  std::size_t split_count_ = 0;          // Found.
  bool planned_first_ = false;
  bool ended_ = false;
  Status status_;  // Of planning.
  scan::ScanStats counted_;
};

}  // namespace

std::unique_ptr<scan::ScanPlan> MakeTablePlan(const base::Context& context,
                                              std::shared_ptr<const SourceTable> table,
                                              std::shared_ptr<arrow::Schema> schema,
                                              ProjectedRead read, TaskFeed feed) {
  return std::make_unique<TablePlan>(context, std::move(table), std::move(schema),
                                     std::move(read), std::move(feed));
}

}  // namespace firn::table
