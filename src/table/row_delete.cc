// SPDX-License-Identifier: Apache-2.0
#include "table/row_delete.h"

#include <arrow/array/array_primitive.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "expr/bind.h"
#include "expr/conjuncts.h"
#include "expr/select.h"
#include "iceberg/plan.h"
#include "iceberg/schema_arrow.h"
#include "table/table_source.h"
#include "table/table_writer.h"
#include "table/take_rows.h"
#include "table/write_properties.h"

namespace firn::table {
namespace {

using BatchPtr = std::shared_ptr<arrow::RecordBatch>;

// Which rows of a batch match, exactly.
class Matcher {
 public:
  // `predicate` may be null: every row matches.
  explicit Matcher(expr::PredicatePtr predicate) : predicate_(std::move(predicate)) {
    if (predicate_ != nullptr) negation_ = expr::MakePredicate(expr::Not{predicate_});
  }

  // mask[i] is 1 where row i matches. What is decided on statistics may err towards a
  // match; a row that is to go may not. So the condition and its opposite are asked for:
  // where both may hold, neither was decided.
  Status Match(const arrow::RecordBatch& batch, std::vector<std::uint8_t>& mask) {
    if (predicate_ == nullptr) {
      mask.assign(static_cast<std::size_t>(batch.num_rows()), 1);
      return Status::OK();
    }
    expr::SelectRows(*predicate_, batch, mask);
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
  expr::PredicatePtr predicate_;
  expr::PredicatePtr negation_;
  std::vector<std::uint8_t> opposite_;
};

// What is to become of one file.
struct FileFate {
  iceberg::DataFile file;
  std::int64_t matches = 0;
  std::int64_t rows = 0;
};

class Deletion {
 public:
  Deletion(const base::Context& context, const ImportEnvironment& environment,
           const DeleteRequest& request)
      : context_(context), environment_(environment), request_(request) {}

  Result<DeleteOutcome> Run() {
    for (int plan = 1;; ++plan) {
      outcome_ = {};
      const Status status = TryOnce();
      if (status.ok()) return std::move(outcome_);
      if (!status.Is(StatusCode::kConflict) || plan == kDeletePlansMax) return status;
    }
  }

 private:
  Status TryOnce() {
    FIRN_ASSIGN_OR_RETURN(
        outcome_.table, environment_.commit.catalog.LoadTable(context_, request_.table));
    const iceberg::TableMetadata& metadata = *outcome_.table.metadata;
    FIRN_ASSIGN_OR_RETURN(const auto schema,
                          iceberg::ToArrowSchema(metadata.current_schema()));
    FIRN_ASSIGN_OR_RETURN(predicate_, expr::BindToSchema(request_.predicate, *schema));
    const iceberg::Snapshot* const snapshot = metadata.current_snapshot();
    if (snapshot == nullptr) return Status::OK();
    FIRN_ASSIGN_OR_RETURN(const std::vector<FileFate> fates, Count(*snapshot));
    if (request_.dry_run || outcome_.rows == 0) return Status::OK();
    return Rewrite(*snapshot, fates);
  }

  io::Store& store() const { return outcome_.table.StoreOr(environment_.scan.store); }

  // The rows of one file, whatever they are.
  Result<std::unique_ptr<scan::ScanPlan>> PlanFile(
      const iceberg::DataFile& file, std::optional<std::vector<std::string>> columns) {
    scan::ScanRequest request;
    request.columns = std::move(columns);
    return PlanDataFiles(context_, environment_.scan.WithStore(store()), outcome_.table,
                         request, {file});
  }

  template <typename Visit>
  Status ForEachBatch(const iceberg::DataFile& file,
                      std::optional<std::vector<std::string>> columns,
                      const Visit& visit) {
    FIRN_ASSIGN_OR_RETURN(const std::unique_ptr<scan::ScanPlan> plan,
                          PlanFile(file, std::move(columns)));
    for (std::size_t i = 0; i < plan->split_count(); ++i) {
      FIRN_ASSIGN_OR_RETURN(const std::unique_ptr<scan::BatchStream> rows,
                            plan->OpenSplit(i));
      for (;;) {
        FIRN_RETURN_IF_ERROR(context_.Check());
        FIRN_ASSIGN_OR_RETURN(const BatchPtr batch, rows->Next());
        if (batch == nullptr) break;
        FIRN_RETURN_IF_ERROR(visit(*batch));
      }
    }
    return Status::OK();
  }

  // The files that hold rows that match, and how many.
  Result<std::vector<FileFate>> Count(const iceberg::Snapshot& snapshot) {
    const iceberg::TableMetadata& metadata = *outcome_.table.metadata;
    const iceberg::ManifestIo manifests(store());
    FIRN_ASSIGN_OR_RETURN(iceberg::FilePlan plan,
                          iceberg::PlanFiles(context_, manifests, metadata, snapshot,
                                             metadata.current_schema(), predicate_));
    std::vector<FileFate> fates;
    std::int64_t done = 0;
    for (iceberg::DataFile& file : plan.files) {
      FIRN_ASSIGN_OR_RETURN(FileFate fate, CountIn(std::move(file)));
      outcome_.rows += fate.matches;
      if (fate.matches > 0) fates.push_back(std::move(fate));
      ++done;
      if (request_.on_progress) {
        request_.on_progress(done, static_cast<std::int64_t>(plan.files.size()));
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

  Result<FileFate> CountIn(iceberg::DataFile file) {
    FileFate fate;
    Matcher matcher(predicate_);
    std::vector<std::uint8_t> mask;
    FIRN_RETURN_IF_ERROR(
        ForEachBatch(file, ColumnsRead(), [&](const arrow::RecordBatch& batch) {
          FIRN_RETURN_IF_ERROR(matcher.Match(batch, mask));
          fate.rows += batch.num_rows();
          for (const std::uint8_t bit : mask) fate.matches += bit;
          return Status::OK();
        }));
    fate.file = std::move(file);
    return fate;
  }

  // The top-level columns that the condition needs: of a path, the one it begins with.
  std::vector<std::string> ColumnsRead() const {
    std::set<std::string> columns;
    if (predicate_ != nullptr) {
      const iceberg::Schema& schema = outcome_.table.metadata->current_schema();
      for (const std::string& name : expr::ColumnsOf(*predicate_)) {
        columns.insert(TopLevelColumn(schema, name));
      }
    }
    return {columns.begin(), columns.end()};
  }

  // Names may hold dots themselves, so the longest one counts.
  static std::string TopLevelColumn(const iceberg::Schema& schema, std::string name) {
    for (;;) {
      for (const iceberg::NestedField& field : schema.fields()) {
        if (field.name == name) return name;
      }
      const std::size_t dot = name.rfind('.');
      if (dot == std::string::npos) return name;  // Which the scan tells.
      name.resize(dot);
    }
  }

  Status Rewrite(const iceberg::Snapshot& snapshot, const std::vector<FileFate>& fates) {
    const iceberg::TableMetadata& metadata = *outcome_.table.metadata;
    TableWriterOptions options;
    options.memory_bytes_max = request_.memory_bytes_max;
    FIRN_ASSIGN_OR_RETURN(options, WithWriteProperties(options, metadata.properties,
                                                       metadata.current_schema()));
    FIRN_ASSIGN_OR_RETURN(
        std::unique_ptr<TableWriter> writer,
        TableWriter::Make(
            {{context_, store(), environment_.commit.clock, environment_.ulids},
             environment_.spill_files,
             environment_.spill_directory},
            outcome_.table, options));
    iceberg::OverwriteFiles overwrite;
    overwrite.planned_on = snapshot.id;
    for (const FileFate& fate : fates) {
      overwrite.removed.push_back(fate.file);
      if (fate.matches < fate.rows) FIRN_RETURN_IF_ERROR(Keep(fate.file, *writer));
    }
    FIRN_ASSIGN_OR_RETURN(overwrite.added, std::move(*writer).Finish());
    return Commit(std::move(overwrite));
  }

  // Write the rows of `file` that do not match.
  Status Keep(const iceberg::DataFile& file, TableWriter& writer) {
    Matcher matcher(predicate_);
    std::vector<std::uint8_t> mask;
    std::vector<std::uint32_t> kept;
    return ForEachBatch(
        file, std::nullopt, [&](const arrow::RecordBatch& batch) -> Status {
          FIRN_RETURN_IF_ERROR(matcher.Match(batch, mask));
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
    BegunFiles written(store());
    for (const iceberg::DataFile& file : overwrite.added) written.Add(file.file_path);
    const auto committed = iceberg::CommitWithRetry(
        context_, environment_.commit, request_.table,
        [&](const iceberg::LoadedTable&,
            iceberg::Transaction& transaction) -> Result<iceberg::BuildDecision> {
          transaction.Add(overwrite);
          return iceberg::BuildDecision::kCommit;
        });
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
  const ImportEnvironment& environment_;
  const DeleteRequest& request_;
  expr::PredicatePtr predicate_;
  DeleteOutcome outcome_;
};

}  // namespace

Result<DeleteOutcome> DeleteRows(const base::Context& context,
                                 const ImportEnvironment& environment,
                                 const DeleteRequest& request) {
  return Deletion(context, environment, request).Run();
}

}  // namespace firn::table
