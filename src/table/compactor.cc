// SPDX-License-Identifier: Apache-2.0
#include "table/compactor.h"

#include <arrow/record_batch.h>

#include <algorithm>
#include <utility>

#include "iceberg/metadata_file.h"
#include "table/table_source.h"
#include "table/table_writer.h"

namespace firn::table {
namespace {

using iceberg::DataFile;

constexpr std::size_t kReasonsMax = 10;

// A group and the files that are to take its place, which nothing names yet.
struct Rewritten {
  CompactionGroup group;
  std::vector<DataFile> files;
};

class Compactor {
 public:
  Compactor(const base::Context& context, const RowEnvironment& environment,
            const iceberg::LoadedTable& table, const CompactorOptions& options,
            CompactionReport* report)
      : context_(context),
        env_(environment),
        table_(table),
        options_(options),
        report_(*report) {}
  ~Compactor() {
    for (const Rewritten& rewritten : pending_) Remove(rewritten.files);
  }
  Compactor(const Compactor&) = delete;
  Compactor& operator=(const Compactor&) = delete;

  Status Run(CompactionPlan plan) {
    planned_on_ = plan.planned_on;
    sequence_number_ = plan.sequence_number;
    progress_.groups_total = std::ssize(plan.groups);
    const auto commits =
        static_cast<std::size_t>(std::max<std::int64_t>(options_.commits_max, 1));
    const std::size_t per_commit = (plan.groups.size() + commits - 1) / commits;
    for (CompactionGroup& group : plan.groups) {
      auto files = Rewrite(group);
      if (!files.ok()) {
        // A rival that replaced a file may also have removed it by now.
        FIRN_ASSIGN_OR_RETURN(const bool gone, IsGone(files.status()));
        if (!gone) return files.status();
        GiveUp(files.status());
      } else {
        pending_.push_back({std::move(group), std::move(files).value()});
      }
      ++progress_.groups;
      Show();
      if (pending_.size() >= per_commit) FIRN_RETURN_IF_ERROR(CommitPending());
    }
    return CommitPending();
  }

 private:
  io::Store& store() { return table_.StoreOr(env_.scan.store); }
  void Show() {
    if (options_.progress) options_.progress(progress_);
  }
  void Remove(const std::vector<DataFile>& files) {
    std::vector<std::string> locations;
    for (const DataFile& file : files) locations.push_back(file.file_path);
    iceberg::RemoveUnnamed(store(), locations);
  }
  void GiveUp(const Status& reason) {
    ++report_.groups_given_up;
    if (report_.reasons.size() < kReasonsMax) {
      report_.reasons.push_back(reason.ToString());
    }
  }

  Result<std::vector<DataFile>> Rewrite(const CompactionGroup& group) {
    FIRN_RETURN_IF_ERROR(context_.Check());
    TableWriterOptions writing = options_.writer;
    writing.file_bytes_target = group.file_bytes_target;
    writing.rotation_timeout_ms = 0;
    // Each file may be in order, and is not with the others.
    writing.sort_as_one = group.tasks.size() > 1;
    FIRN_ASSIGN_OR_RETURN(
        const std::unique_ptr<TableWriter> writer,
        TableWriter::Make({{context_, store(), env_.commit.clock, env_.ulids},
                           env_.spill_files,
                           env_.spill_directory},
                          table_, writing));
    FIRN_ASSIGN_OR_RETURN(
        const std::unique_ptr<scan::ScanPlan> plan,
        PlanTasks(context_, env_.scan, table_, scan::ScanRequest(), group.tasks));
    std::int64_t rows = 0;
    for (std::size_t split = 0;; ++split) {
      FIRN_ASSIGN_OR_RETURN(const std::unique_ptr<scan::BatchStream> stream,
                            plan->OpenSplit(split));
      if (stream == nullptr) break;
      while (true) {
        FIRN_RETURN_IF_ERROR(context_.Check());
        FIRN_ASSIGN_OR_RETURN(const std::shared_ptr<arrow::RecordBatch> batch,
                              stream->Next());
        if (batch == nullptr) break;
        FIRN_RETURN_IF_ERROR(writer->Write(*batch));
        rows += batch->num_rows();
        progress_.rows += batch->num_rows();
        Show();
      }
    }
    if (group.has_deletes ? rows > group.rows : rows != group.rows) {
      return Status::Corruption("files of " + table_.identifier.ToString() + " from " +
                                group.tasks.front().file.file_path + " on have " +
                                std::to_string(rows) + " rows, and the table says " +
                                std::to_string(group.rows));
    }
    return std::move(*writer).Finish();
  }

  // Whether a file is missing that the table, as it is by now, does not need.
  Result<bool> IsGone(const Status& status) {
    if (!status.Is(StatusCode::kNotFound)) return false;
    FIRN_ASSIGN_OR_RETURN(const iceberg::LoadedTable now,
                          env_.commit.catalog.LoadTable(context_, table_.identifier));
    return now.metadata->current_snapshot_id != planned_on_;
  }

  Status CommitPending() {
    if (pending_.empty()) return Status::OK();
    const Status together = Commit(0, pending_.size());
    if (together.ok()) {
      pending_.clear();
      return Status::OK();
    }
    if (!together.Is(StatusCode::kConflict)) return Failed(together);
    const bool is_one = pending_.size() == 1;
    while (!pending_.empty()) {
      const Status alone =
          is_one ? together : Commit(pending_.size() - 1, pending_.size());
      if (!alone.ok()) {
        if (!alone.Is(StatusCode::kConflict)) return Failed(alone);
        GiveUp(alone);
        Remove(pending_.back().files);
      }
      pending_.pop_back();
    }
    return Status::OK();
  }

  Status Failed(const Status& status) {
    // What may have been committed must stay; it is for the orphans' removal otherwise.
    if (status.Is(StatusCode::kCommitUnknown)) pending_.clear();
    return status;
  }

  // Commit the pending groups [begin, end).
  Status Commit(std::size_t begin, std::size_t end) {
    iceberg::ReplaceFiles action;
    action.planned_on = planned_on_;
    action.sequence_number = sequence_number_;
    std::int64_t bytes_in = 0;
    std::int64_t bytes_out = 0;
    std::int64_t rows = 0;
    for (std::size_t i = begin; i < end; ++i) {
      const Rewritten& rewritten = pending_[i];
      bytes_in += rewritten.group.bytes;
      rows += rewritten.group.rows;
      for (const DataFile& file : rewritten.files) bytes_out += file.file_size_bytes;
      action.folds_deletes |= rewritten.group.has_deletes;
      for (const iceberg::ScanTask& task : rewritten.group.tasks) {
        action.removed.push_back(task.file);
      }
      action.added.insert(action.added.end(), rewritten.files.begin(),
                          rewritten.files.end());
    }
    const auto outcome = iceberg::CommitWithRetry(
        context_, env_.commit, table_.identifier,
        [&](const iceberg::LoadedTable&,
            iceberg::Transaction& transaction) -> Result<iceberg::BuildDecision> {
          transaction.Add(action);
          return iceberg::BuildDecision::kCommit;
        },
        options_.commit);
    FIRN_RETURN_IF_ERROR(outcome.status());
    report_.groups += static_cast<std::int64_t>(end - begin);
    report_.files_removed += std::ssize(action.removed);
    report_.files_added += std::ssize(action.added);
    report_.bytes_removed += bytes_in;
    report_.bytes_added += bytes_out;
    report_.rows += rows;
    ++report_.commits;
    return Status::OK();
  }

  const base::Context& context_;
  const RowEnvironment& env_;
  const iceberg::LoadedTable& table_;
  const CompactorOptions& options_;
  CompactionReport& report_;
  std::optional<iceberg::SnapshotId> planned_on_;
  iceberg::SequenceNumber sequence_number_;
  CompactionProgress progress_;
  std::vector<Rewritten> pending_;
};

}  // namespace

Status Compact(const base::Context& context, const RowEnvironment& environment,
               const iceberg::LoadedTable& table, CompactionPlan plan,
               const CompactorOptions& options, CompactionReport* report) {
  return Compactor(context, environment, table, options, report)
      .Run(std::move(plan))
      .With("compact " + table.identifier.ToString());
}

}  // namespace firn::table
