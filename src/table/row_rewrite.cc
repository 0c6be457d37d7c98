// SPDX-License-Identifier: Apache-2.0
#include "table/row_rewrite.h"

#include <arrow/record_batch.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "iceberg/conflicts.h"
#include "iceberg/isolation_level.h"
#include "iceberg/new_snapshot.h"
#include "iceberg/plan.h"
#include "table/table_source.h"
#include "table/table_writer.h"
#include "table/take_rows.h"
#include "table/write_properties.h"

namespace firn::table {
namespace {

using BatchPtr = std::shared_ptr<arrow::RecordBatch>;

// What is to become of one file.
struct FileFate {
  iceberg::ScanTask task;
  std::int64_t matches = 0;
  std::int64_t rows = 0;  // Without those deleted before.
};

class Rewriting {
 public:
  Rewriting(const base::Context& context, const RowEnvironment& environment,
            const RewriteRequest& request)
      : context_(context), environment_(environment), request_(request) {}

  Result<RewriteOutcome> Run() {
    for (int plan = 1;; ++plan) {
      outcome_ = {};
      FIRN_RETURN_IF_ERROR(Load());
      const Status status = TryOnce();
      if (status.ok()) return std::move(outcome_);
      if (!status.Is(StatusCode::kConflict) || plan == kRewritePlansMax) return status;
    }
  }

 private:
  // The table as it is now, if it may be changed.
  Status Load() {
    FIRN_ASSIGN_OR_RETURN(
        outcome_.table, environment_.commit.catalog.LoadTable(context_, request_.table));
    const iceberg::TableMetadata& metadata = *outcome_.table.metadata;
    FIRN_RETURN_IF_ERROR(iceberg::CheckFilesAreWritable(metadata));
    FIRN_RETURN_IF_ERROR(CheckColumnsAreTheSame());
    FIRN_RETURN_IF_ERROR(request_.matcher.Bind(metadata.current_schema()));
    FIRN_ASSIGN_OR_RETURN(
        isolation_, iceberg::IsolationLevelOf(metadata, request_.isolation_property));
    const bool looks_back =
        request_.refuses_unseen && isolation_ == iceberg::IsolationLevel::kSerializable;
    return looks_back ? CheckAllSeen() : Status::OK();
  }

  // What was added has its columns by id, and the matcher finds its own by name and
  // compares values of the types that they had: both have to mean the same ones.
  Status CheckColumnsAreTheSame() const {
    if (request_.written_for == nullptr) return Status::OK();
    const iceberg::Schema& now = outcome_.table.metadata->current_schema();
    for (const std::string& name : request_.matcher.columns()) {
      const auto* const was = request_.written_for->current_schema().FindColumn(name);
      const auto* const is = now.FindColumn(name);
      if (is != nullptr && was != nullptr && is->id == was->id && is->type == was->type) {
        continue;
      }
      return Status::Conflict(request_.table.ToString() + ": column " + name +
                              " was changed meanwhile, and says which rows are replaced; "
                              "run it again");
    }
    return Status::OK();
  }

  // Planning anew would not help against what was added since the caller looked: it would
  // only replace it.
  Status CheckAllSeen() {
    const iceberg::TableMetadata& metadata = *outcome_.table.metadata;
    const iceberg::Snapshot* const snapshot = request_.written_for->current_snapshot();
    const iceberg::ManifestIo manifests(store());
    FIRN_ASSIGN_OR_RETURN(
        const auto since,
        iceberg::ConcurrentChanges::Since(
            context_, manifests, metadata, std::string(iceberg::kMainBranch),
            snapshot == nullptr ? std::nullopt : std::optional(snapshot->id)));
    return since.CheckNoneAdded(MayMatch()).With(request_.table.ToString());
  }

  iceberg::FileFilter MayMatch() const {
    const iceberg::TableMetadata& metadata = *outcome_.table.metadata;
    return iceberg::FilesThatMayMatch(metadata, metadata.current_schema(),
                                      request_.matcher.bounds());
  }

  Status TryOnce() {
    const iceberg::Snapshot* const snapshot = outcome_.table.metadata->current_snapshot();
    std::vector<FileFate> fates;
    if (snapshot != nullptr) {
      FIRN_ASSIGN_OR_RETURN(fates, Count(*snapshot));
    }
    const bool changes = outcome_.rows > 0 || !request_.added.empty();
    if (request_.dry_run || !changes) return Status::OK();
    return Rewrite(snapshot, fates);
  }

  io::Store& store() const { return outcome_.table.StoreOr(environment_.scan.store); }

  // The rows of one file, whatever they are.
  Result<std::unique_ptr<scan::ScanPlan>> PlanFile(
      const iceberg::ScanTask& task, std::optional<std::vector<std::string>> columns) {
    scan::ScanRequest request;
    request.columns = std::move(columns);
    return PlanTasks(context_, environment_.scan.WithStore(store()), outcome_.table,
                     request, {task});
  }

  template <typename Visit>
  Status ForEachBatch(const iceberg::ScanTask& task,
                      std::optional<std::vector<std::string>> columns,
                      const Visit& visit) {
    FIRN_ASSIGN_OR_RETURN(const std::unique_ptr<scan::ScanPlan> plan,
                          PlanFile(task, std::move(columns)));
    for (std::size_t i = 0;; ++i) {
      FIRN_ASSIGN_OR_RETURN(const std::unique_ptr<scan::BatchStream> rows,
                            plan->OpenSplit(i));
      if (rows == nullptr) return Status::OK();
      for (;;) {
        FIRN_RETURN_IF_ERROR(context_.Check());
        FIRN_ASSIGN_OR_RETURN(const BatchPtr batch, rows->Next());
        if (batch == nullptr) break;
        FIRN_RETURN_IF_ERROR(visit(*batch));
      }
    }
  }

  // The files that hold rows that match, and how many.
  Result<std::vector<FileFate>> Count(const iceberg::Snapshot& snapshot) {
    const iceberg::TableMetadata& metadata = *outcome_.table.metadata;
    const iceberg::ManifestIo manifests(store());
    FIRN_ASSIGN_OR_RETURN(
        iceberg::FilePlan plan,
        iceberg::PlanFiles(context_, manifests, metadata, snapshot,
                           metadata.current_schema(), request_.matcher.bounds(),
                           {{}, environment_.scan.ThreadsOfPlan(metadata.location)}));
    std::vector<FileFate> fates;
    std::int64_t done = 0;
    for (iceberg::ScanTask& task : plan.tasks) {
      FIRN_ASSIGN_OR_RETURN(FileFate fate, CountIn(std::move(task)));
      outcome_.rows += fate.matches;
      if (fate.matches > 0) fates.push_back(std::move(fate));
      ++done;
      if (request_.on_progress) {
        request_.on_progress(done, static_cast<std::int64_t>(plan.tasks.size()));
      }
    }
    for (const FileFate& fate : fates) {
      if (fate.matches == fate.rows) {
        ++outcome_.files_removed;
      } else {
        ++outcome_.files_rewritten;
        outcome_.rows_rewritten += fate.rows - fate.matches;
      }
    }
    return fates;
  }

  Result<FileFate> CountIn(iceberg::ScanTask task) {
    FileFate fate;
    std::vector<std::uint8_t> mask;
    FIRN_RETURN_IF_ERROR(ForEachBatch(
        task, request_.matcher.columns(), [&](const arrow::RecordBatch& batch) {
          FIRN_RETURN_IF_ERROR(request_.matcher.Match(batch, mask));
          fate.rows += batch.num_rows();
          for (const std::uint8_t bit : mask) fate.matches += bit;
          return Status::OK();
        }));
    fate.task = std::move(task);
    return fate;
  }

  Status Rewrite(const iceberg::Snapshot* snapshot, const std::vector<FileFate>& fates) {
    const iceberg::TableMetadata& metadata = *outcome_.table.metadata;
    FIRN_ASSIGN_OR_RETURN(TableWriterOptions options,
                          WithWriteProperties(request_.writer, metadata.properties,
                                              metadata.current_schema()));
    options.on_invalid = OnInvalid::kFail;  // These rows are the table's own.
    FIRN_ASSIGN_OR_RETURN(
        std::unique_ptr<TableWriter> writer,
        TableWriter::Make(
            {{context_, store(), environment_.commit.clock, environment_.ulids},
             environment_.spill_files,
             environment_.spill_directory},
            outcome_.table, options));
    iceberg::OverwriteFiles overwrite;
    if (snapshot != nullptr) overwrite.planned_on = snapshot->id;
    overwrite.isolation = isolation_;
    overwrite.may_match = MayMatch();
    overwrite.summary = request_.summary;
    for (const FileFate& fate : fates) {
      overwrite.removed.push_back(fate.task.file);
      if (fate.matches < fate.rows) FIRN_RETURN_IF_ERROR(Keep(fate.task, *writer));
    }
    FIRN_ASSIGN_OR_RETURN(overwrite.added, std::move(*writer).Finish());
    return Commit(std::move(overwrite));
  }

  // Write the rows of a file that do not match.
  Status Keep(const iceberg::ScanTask& task, TableWriter& writer) {
    std::vector<std::uint8_t> mask;
    std::vector<std::uint32_t> kept;
    return ForEachBatch(
        task, std::nullopt, [&](const arrow::RecordBatch& batch) -> Status {
          FIRN_RETURN_IF_ERROR(request_.matcher.Match(batch, mask));
          kept.clear();
          for (std::size_t i = 0; i < mask.size(); ++i) {
            if (mask[i] == 0) kept.push_back(static_cast<std::uint32_t>(i));
          }
          if (kept.empty()) return Status::OK();
          FIRN_ASSIGN_OR_RETURN(auto columns,
                                TakeRows(batch.columns(), kept, environment_.scan.pool));
          return writer.Write(*arrow::RecordBatch::Make(
              batch.schema(), static_cast<std::int64_t>(kept.size()),
              std::move(columns)));
        });
  }

  Status Commit(iceberg::OverwriteFiles overwrite) {
    iceberg::CommitOptions options;
    options.table_uuid = (request_.written_for != nullptr ? request_.written_for
                                                          : outcome_.table.metadata.get())
                             ->table_uuid;
    BegunFiles written(store());
    for (const iceberg::DataFile& file : overwrite.added) written.Add(file.file_path);
    overwrite.added.insert(overwrite.added.end(), request_.added.begin(),
                           request_.added.end());
    const auto committed = iceberg::CommitWithRetry(
        context_, environment_.commit, request_.table,
        [&](const iceberg::LoadedTable&,
            iceberg::Transaction& transaction) -> Result<iceberg::BuildDecision> {
          transaction.Add(overwrite);
          return iceberg::BuildDecision::kCommit;
        },
        options);
    if (committed.ok() || committed.status().Is(StatusCode::kCommitUnknown)) {
      written.KeepAll();
    }
    FIRN_RETURN_IF_ERROR(committed.status());
    outcome_.table = committed->table;
    if (committed->snapshot.has_value()) {
      outcome_.snapshot_id = committed->snapshot->id;
    }
    return Status::OK();
  }

  const base::Context& context_;
  const RowEnvironment& environment_;
  const RewriteRequest& request_;
  iceberg::IsolationLevel isolation_ = iceberg::IsolationLevel::kSerializable;
  RewriteOutcome outcome_;
};

}  // namespace

Result<RewriteOutcome> RewriteRows(const base::Context& context,
                                   const RowEnvironment& environment,
                                   const RewriteRequest& request) {
  return Rewriting(context, environment, request).Run();
}

}  // namespace firn::table
