// SPDX-License-Identifier: Apache-2.0
#include "table/row_import.h"

#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <memory>
#include <set>
#include <string>
#include <utility>

#include "iceberg/apply_updates.h"
#include "iceberg/isolation_level.h"
#include "iceberg/new_snapshot.h"
#include "iceberg/schema_arrow.h"
#include "table/condition_check.h"
#include "table/data_files.h"
#include "table/dead_letter_table.h"
#include "table/file_source.h"
#include "table/key_set.h"
#include "table/partition_check.h"
#include "table/row_matcher.h"
#include "table/table_writer.h"
#include "table/write_properties.h"

namespace firn::table {
namespace {

constexpr std::string_view kStandardInput = "-";

struct Source {
  std::string location;
  RowFormat format;
};

Result<RowFormat> FormatOf(const std::string& location,
                           const std::optional<RowFormat>& said) {
  if (said.has_value()) return *said;
  const auto named = RowFormatOfName(location);
  if (named.has_value()) return *named;
  return Status::InvalidArgument(
      location +
      ": the name does not say the format; it is to be given: parquet, csv, "
      "tsv, ndjson or arrow");
}

// Whether tables that firn writes can have these columns.
Status CheckIsWritten(const iceberg::Schema& schema) {
  const int version = iceberg::kFormatVersionWrittenMax;
  const Status status = iceberg::CheckSchema(schema, version);
  if (status.ok() || !iceberg::CheckSchema(schema, iceberg::kFormatVersionMax).ok()) {
    return status;
  }
  return Status::InvalidArgument(
      std::string(status.message()) + ", and firn writes tables of version " +
      std::to_string(version) +
      ": leave the column out or cast it (nanoseconds to TIMESTAMP or TIMESTAMPTZ) with "
      "firn export --query \"SELECT …\" --to FILE, and import that file");
}

Result<std::vector<Source>> FindSources(const base::Context& context,
                                        const RowEnvironment& environment,
                                        const ImportRequest& request) {
  std::vector<Source> sources;
  std::set<std::string> locations;
  const auto add = [&](const std::string& location) -> Status {
    FIRN_ASSIGN_OR_RETURN(const RowFormat format, FormatOf(location, request.format));
    if (location == kStandardInput && format == RowFormat::kParquet) {
      return Status::InvalidArgument(
          "Parquet is read from its end, so not from standard input: name the file");
    }
    if (!locations.insert(location).second) {
      return Status::InvalidArgument(
          (location == kStandardInput ? "standard input" : location) +
          ": is named twice, and would be taken twice");
    }
    sources.push_back({location, format});
    return Status::OK();
  };
  for (const std::string& text : request.sources) {
    if (text == kStandardInput) {
      FIRN_RETURN_IF_ERROR(add(text));
      continue;
    }
    FIRN_ASSIGN_OR_RETURN(const DataFiles found,
                          FindDataFiles(context, environment.scan.store, text));
    for (const std::string& location : found.locations) {
      FIRN_RETURN_IF_ERROR(add(location));
    }
  }
  return sources;
}

// The rows of a plan's splits, one split after the other.
class SplitsStream final : public RowStream {
 public:
  SplitsStream(std::shared_ptr<scan::BatchSource> source,
               std::unique_ptr<scan::ScanPlan> plan)
      : source_(std::move(source)), plan_(std::move(plan)) {}

  const std::shared_ptr<arrow::Schema>& schema() const override {
    return plan_->schema();
  }
  scan::ScanStats stats() const override { return plan_->stats(); }
  std::int64_t RowNumber(std::int64_t row) const override { return first_row_ + row; }
  Result<std::shared_ptr<arrow::RecordBatch>> Next() override {
    for (;;) {
      if (split_ == nullptr) {
        FIRN_ASSIGN_OR_RETURN(split_, plan_->OpenSplit(next_++));
        if (split_ == nullptr) return std::shared_ptr<arrow::RecordBatch>();
      }
      FIRN_ASSIGN_OR_RETURN(std::shared_ptr<arrow::RecordBatch> batch, split_->Next());
      if (batch != nullptr) {
        first_row_ = next_row_;
        next_row_ += batch->num_rows();
        return batch;
      }
      split_.reset();
    }
  }

 private:
  const std::shared_ptr<scan::BatchSource> source_;
  const std::unique_ptr<scan::ScanPlan> plan_;
  std::unique_ptr<scan::BatchStream> split_;
  std::size_t next_ = 0;
  std::int64_t first_row_ = 1;
  std::int64_t next_row_ = 1;
};

Result<std::unique_ptr<RowStream>> OpenParquet(const base::Context& context,
                                               const RowEnvironment& environment,
                                               const std::string& location) {
  FIRN_ASSIGN_OR_RETURN(std::shared_ptr<scan::BatchSource> source,
                        MakeFileSource(context, environment.scan, location));
  FIRN_ASSIGN_OR_RETURN(std::unique_ptr<scan::ScanPlan> plan,
                        source->Plan(context, scan::ScanRequest()));
  return std::unique_ptr<RowStream>(
      std::make_unique<SplitsStream>(std::move(source), std::move(plan)));
}

Result<std::shared_ptr<RowBytes>> OpenBytes(const base::Context& context,
                                            const RowEnvironment& environment,
                                            const ImportRequest& request,
                                            const std::string& location) {
  if (location == kStandardInput) {
    return std::make_shared<RowBytes>(context, request.standard_input);
  }
  FIRN_ASSIGN_OR_RETURN(std::shared_ptr<io::ObjectReader> object,
                        environment.scan.store.OpenReader(context, location));
  return std::make_shared<RowBytes>(
      context,
      [object, offset = std::uint64_t{0}](std::int64_t size,
                                          char* out) mutable -> Result<std::int64_t> {
        const std::uint64_t count =
            std::min(static_cast<std::uint64_t>(size), object->size_bytes() - offset);
        if (count > 0) FIRN_RETURN_IF_ERROR(object->ReadAt(offset, count, out));
        offset += count;
        return static_cast<std::int64_t>(count);
      });
}

// One import under way.
class Import {
 public:
  Import(const base::Context& context, const RowEnvironment& environment,
         const ImportRequest& request)
      : context_(context),
        environment_(environment),
        request_(request),
        id_(environment.ulids.Next().ToString()),
        key_budget_("of the keys of an import", request.writer.memory_bytes_max) {}

  Result<ImportOutcome> Run() {
    FIRN_ASSIGN_OR_RETURN(sources_, FindSources(context_, environment_, request_));
    if (request_.writer.on_invalid == OnInvalid::kQuarantine) {
      letters_.emplace(context_, environment_, request_.table, id_);
    }
    FIRN_RETURN_IF_ERROR(LoadOrCreate());
    Status status = WriteAndCommit();
    if (!status.ok() && !status.Is(StatusCode::kCommitUnknown) && outcome_.created) {
      DropUnusedTable(environment_.commit.catalog, environment_.scan.store,
                      outcome_.table);
    }
    if (!status.ok()) return status;
    return std::move(outcome_);
  }

 private:
  // The rows of a source, text read as the types of `wanted` where that is not null.
  Result<std::unique_ptr<RowStream>> Open(const Source& source,
                                          std::shared_ptr<arrow::Schema> wanted) {
    if (source.format == RowFormat::kParquet) {
      return OpenParquet(context_, environment_, source.location);
    }
    FIRN_ASSIGN_OR_RETURN(std::shared_ptr<RowBytes> bytes,
                          OpenBytes(context_, environment_, request_, source.location));
    RowFileOptions options;
    options.format = source.format;
    options.wanted = std::move(wanted);
    options.pool = environment_.scan.pool;
    if (letters_.has_value()) {
      options.on_rejected = [this](const RejectedRow& row) {
        // What follows is no fault of the row's, and must not look like one.
        return letters_->Add(row).With("quarantine");
      };
    }
    return OpenRowFile(context_, std::move(bytes), source.location, options);
  }

  Status LoadOrCreate() {
    iceberg::Catalog& catalog = environment_.commit.catalog;
    Result<iceberg::LoadedTable> loaded = catalog.LoadTable(context_, request_.table);
    if (loaded.ok()) return Join(std::move(*loaded));
    if (!loaded.status().Is(StatusCode::kNotFound) || !request_.create.has_value()) {
      return loaded.status();
    }
    // The first source says which columns there are, and is then read on.
    FIRN_ASSIGN_OR_RETURN(first_, Open(sources_.front(), nullptr));
    FIRN_ASSIGN_OR_RETURN(iceberg::Schema schema,
                          iceberg::NewSchemaFromArrow(*first_->schema()));
    FIRN_RETURN_IF_ERROR(CheckIsWritten(schema).With(sources_.front().location));
    FIRN_ASSIGN_OR_RETURN(
        const iceberg::CreateTableRequest create,
        NewTableRequest(request_.table, std::move(schema), *request_.create));
    Result<iceberg::LoadedTable> made = MakeTable(context_, catalog, create);
    if (made.status().Is(StatusCode::kAlreadyExists)) {
      loaded = catalog.LoadTable(context_, request_.table);
      if (loaded.status().Is(StatusCode::kNotFound)) return made.status();  // A view's.
      FIRN_RETURN_IF_ERROR(loaded.status());
      return JoinRival(std::move(*loaded));
    }
    FIRN_ASSIGN_OR_RETURN(outcome_.table, std::move(made));
    outcome_.created = true;
    return Status::OK();
  }

  // A rival was quicker, and its columns are the ones that count: a file is opened anew
  // for them. What was read of the standard input was read as other types, and is there
  // once.
  Status JoinRival(iceberg::LoadedTable table) {
    if (sources_.front().location == kStandardInput) {
      return Status::Conflict(request_.table.ToString() +
                              ": another made the table meanwhile, and the standard "
                              "input was begun for other columns; run it again");
    }
    first_.reset();
    return Join(std::move(table));
  }

  // The rows go into a table that is there.
  Status Join(iceberg::LoadedTable table) {
    outcome_.table = std::move(table);
    const iceberg::TableMetadata& metadata = *outcome_.table.metadata;
    if (request_.create.has_value()) {
      FIRN_RETURN_IF_ERROR(CheckLayout(*request_.create, metadata));
    }
    return iceberg::CheckFilesAreWritable(metadata);
  }

  Result<TableWriterOptions> WriterOptions() const {
    const iceberg::TableMetadata& metadata = *outcome_.table.metadata;
    return WithWriteProperties(request_.writer, metadata.properties,
                               metadata.current_schema());
  }

  Status WriteAndCommit() {
    io::Store& store = outcome_.table.StoreOr(environment_.scan.store);
    FIRN_ASSIGN_OR_RETURN(const TableWriterOptions options, WriterOptions());
    if (!request_.key.empty()) {
      FIRN_ASSIGN_OR_RETURN(KeySet keys,
                            KeySet::Make(outcome_.table.metadata->current_schema(),
                                         request_.key, key_budget_));
      keys_.emplace(std::move(keys));
    }
    FIRN_RETURN_IF_ERROR(MakeCondition());
    TableWriterEnvironment environment{
        {context_, store, environment_.commit.clock, environment_.ulids},
        environment_.spill_files,
        environment_.spill_directory,
        letters_.has_value() ? &*letters_ : nullptr};
    const RowStream* reading = nullptr;
    environment.row_name = [&reading](std::int64_t row) {
      return std::string(reading->RowWord()) + " " +
             std::to_string(reading->RowNumber(row));
    };
    const iceberg::TableMetadata& metadata = *outcome_.table.metadata;
    FIRN_ASSIGN_OR_RETURN(
        const PartitionCheck partitions,
        PartitionCheck::Make(metadata.default_spec(), metadata.current_schema()));
    environment.check_rows = [this, &partitions](CheckedBatch& rows) -> Status {
      FIRN_RETURN_IF_ERROR(partitions.Mark(rows, environment_.scan.pool));
      if (condition_.has_value()) FIRN_RETURN_IF_ERROR(condition_->Mark(rows));
      return keys_.has_value() ? keys_->Add(rows) : Status::OK();
    };
    FIRN_ASSIGN_OR_RETURN(const std::unique_ptr<TableWriter> writer,
                          TableWriter::Make(environment, outcome_.table, options));
    FIRN_ASSIGN_OR_RETURN(
        const std::shared_ptr<arrow::Schema> wanted,
        iceberg::ToArrowSchema(outcome_.table.metadata->current_schema()));
    progress_.sources = static_cast<std::int64_t>(sources_.size());
    for (const Source& source : sources_) {
      std::unique_ptr<RowStream> rows = std::move(first_);
      if (rows == nullptr) {
        FIRN_ASSIGN_OR_RETURN(rows, Open(source, wanted));
      }
      if (letters_.has_value()) {
        letters_->SetSource(source.location, [&rows = *rows](std::int64_t row) {
          return rows.RowNumber(row);
        });
      }
      reading = rows.get();
      const Status written = Write(*rows, *writer);
      if (!written.ok()) return WithLocation(written, source.location);
      ++progress_.sources_done;
      ShowProgress();
    }
    outcome_.rows = writer->stats().rows;
    FIRN_ASSIGN_OR_RETURN(std::vector<iceberg::DataFile> files,
                          std::move(*writer).Finish());
    return Commit(store, std::move(files));
  }

  // What the rows take the place of by a condition, and the check that they match it.
  Status MakeCondition() {
    const iceberg::TableMetadata& metadata = *outcome_.table.metadata;
    if (request_.overwrite_where != nullptr) {
      replaced_ = MakePredicateMatcher(request_.overwrite_where);
      FIRN_RETURN_IF_ERROR(
          replaced_->Bind(metadata.current_schema()).With("overwrite where"));
      condition_.emplace(*replaced_, expr::ToString(*request_.overwrite_where));
    } else if (request_.overwrite_partitions &&
               iceberg::IsUnpartitioned(metadata.default_spec())) {
      replaced_ = MakePredicateMatcher(nullptr);
    }
    return Status::OK();
  }

  Status Write(RowStream& rows, TableWriter& writer) {
    for (;;) {
      FIRN_RETURN_IF_ERROR(context_.Check());
      FIRN_ASSIGN_OR_RETURN(const std::shared_ptr<arrow::RecordBatch> batch, rows.Next());
      if (batch == nullptr) return Status::OK();
      FIRN_RETURN_IF_ERROR(writer.Write(*batch));
      FIRN_RETURN_IF_ERROR(writer.Tick());
      progress_.rows += batch->num_rows();
      ShowProgress();
    }
  }

  void ShowProgress() const {
    if (request_.on_progress) request_.on_progress(progress_);
  }

  // Streams of rows name their file already.
  static Status WithLocation(const Status& status, const std::string& location) {
    return status.message().starts_with(location + ": ") ? status : status.With(location);
  }

  Status Commit(io::Store& store, std::vector<iceberg::DataFile> files) {
    outcome_.sources = progress_.sources;
    for (const iceberg::DataFile& file : files) {
      outcome_.file_bytes += file.file_size_bytes;
    }
    outcome_.files = static_cast<std::int64_t>(files.size());
    BegunFiles written(store);
    for (const iceberg::DataFile& file : files) written.Add(file.file_path);
    if (letters_.has_value()) {
      FIRN_RETURN_IF_ERROR(letters_->Commit());
      outcome_.rows_quarantined = letters_->rows();
      outcome_.quarantine = letters_->identifier();
    }
    // Rows under a condition are replaced by none, too: but not where others were meant.
    if (files.empty() && !condition_.has_value()) return Status::OK();
    if (files.empty() && outcome_.rows_quarantined > 0) {
      return Status::InvalidArgument(
          "no row was taken: all " + std::to_string(outcome_.rows_quarantined) +
          " are in " + outcome_.quarantine.ToString() +
          ", and nothing was replaced; firn table delete removes rows by a condition");
    }
    const Status status = CommitFiles(std::move(files));
    if (status.ok() || status.Is(StatusCode::kCommitUnknown)) written.KeepAll();
    return status.Is(StatusCode::kCommitUnknown) ? LookForCommit(status) : status;
  }

  Status CommitFiles(std::vector<iceberg::DataFile> files) {
    if (keys_.has_value()) return Replace(std::move(files));
    if (replaced_ != nullptr) {
      return WithRemedy(ReplaceMatching(std::move(files)));
    }
    if (request_.overwrite_partitions) {
      return WithRemedy(ReplacePartitions(std::move(files)));
    }
    return Append(std::move(files));
  }

  static Status WithRemedy(const Status& status) {
    if (!status.Is(StatusCode::kConflict)) return status;
    return Status::Conflict(std::string(status.message()) +
                            "; nothing was changed: look at what others did, and run "
                            "the import again if it is to be replaced as well");
  }

  Status Append(std::vector<iceberg::DataFile> files) {
    iceberg::AppendFiles append;
    append.files = std::move(files);
    append.summary = {{kImportIdKey, id_}};
    return CommitBuilt(
        [&](const iceberg::LoadedTable&,
            iceberg::Transaction& transaction) -> Result<iceberg::BuildDecision> {
          transaction.Add(append);
          return iceberg::BuildDecision::kCommit;
        });
  }

  // Files that were written for the table go into that one, or none.
  Status CommitBuilt(const iceberg::TransactionBuilder& builder) {
    iceberg::CommitOptions options;
    options.table_uuid = outcome_.table.metadata->table_uuid;
    FIRN_ASSIGN_OR_RETURN(const iceberg::CommitOutcome committed,
                          iceberg::CommitWithRetry(context_, environment_.commit,
                                                   request_.table, builder, options));
    outcome_.table = committed.table;
    if (!committed.snapshot.has_value()) return Status::OK();
    const iceberg::Snapshot& made = *committed.snapshot;
    outcome_.snapshot_id = made.id;
    outcome_.rows_replaced = made.SummaryCount(iceberg::kSummaryDeletedRecords, 0);
    outcome_.files_replaced = made.SummaryCount(iceberg::kSummaryDeletedDataFiles, 0);
    return Status::OK();
  }

  // The files, in the place of the table's rows that have their keys.
  Status Replace(std::vector<iceberg::DataFile> files) {
    const std::unique_ptr<RowMatcher> matcher = MakeKeyMatcher(*keys_);
    RewriteRequest rewrite{request_.table, *matcher};
    rewrite.isolation_property = iceberg::kPropertyMergeIsolation;
    return CommitRewrite(std::move(rewrite), std::move(files));
  }

  // The files, in the place of the rows that `replaced_` matches.
  Status ReplaceMatching(std::vector<iceberg::DataFile> files) {
    RewriteRequest rewrite{request_.table, *replaced_};
    rewrite.isolation_property = iceberg::kPropertyUpdateIsolation;
    rewrite.refuses_unseen = true;
    return CommitRewrite(std::move(rewrite), std::move(files));
  }

  Status CommitRewrite(RewriteRequest rewrite, std::vector<iceberg::DataFile> files) {
    rewrite.added = std::move(files);
    rewrite.written_for = outcome_.table.metadata.get();
    rewrite.summary = {{kImportIdKey, id_}};
    rewrite.writer = request_.writer;
    FIRN_ASSIGN_OR_RETURN(const RewriteOutcome rewritten,
                          RewriteRows(context_, environment_, rewrite));
    outcome_.table = rewritten.table;
    outcome_.snapshot_id = rewritten.snapshot_id;
    outcome_.rows_replaced = rewritten.rows;
    outcome_.files_replaced = rewritten.files_removed + rewritten.files_rewritten;
    return Status::OK();
  }

  // The files, in the place of all others of their partitions.
  Status ReplacePartitions(std::vector<iceberg::DataFile> files) {
    iceberg::ReplacePartitions replace;
    replace.files = std::move(files);
    replace.summary = {{kImportIdKey, id_}};
    const iceberg::Snapshot* const seen = outcome_.table.metadata->current_snapshot();
    if (seen != nullptr) replace.planned_on = seen->id;
    return CommitBuilt(
        [&](const iceberg::LoadedTable& table,
            iceberg::Transaction& transaction) -> Result<iceberg::BuildDecision> {
          FIRN_ASSIGN_OR_RETURN(replace.isolation,
                                iceberg::IsolationLevelOf(
                                    *table.metadata, iceberg::kPropertyUpdateIsolation));
          transaction.Add(replace);
          return iceberg::BuildDecision::kCommit;
        });
  }

  Status LookForCommit(const Status& unknown) {
    auto loaded = environment_.commit.catalog.LoadTable(context_, request_.table);
    if (loaded.ok()) {
      for (const iceberg::Snapshot& snapshot : loaded->metadata->snapshots) {
        const auto id = snapshot.summary.find(kImportIdKey);
        if (id == snapshot.summary.end() || id->second != id_) continue;
        outcome_.table = std::move(*loaded);
        outcome_.snapshot_id = snapshot.id;
        // What was added beyond the rows taken was kept of the files that went.
        outcome_.rows_replaced =
            snapshot.SummaryCount(iceberg::kSummaryDeletedRecords, 0) + outcome_.rows -
            snapshot.SummaryCount(iceberg::kSummaryAddedRecords, outcome_.rows);
        outcome_.files_replaced =
            snapshot.SummaryCount(iceberg::kSummaryDeletedDataFiles, 0);
        return Status::OK();
      }
    }
    return Status::CommitUnknown(std::string(unknown.message()) +
                                 "; if the rows were taken, a snapshot of the "
                                 "table has the summary " +
                                 kImportIdKey + "=" + id_);
  }

  const base::Context& context_;
  const RowEnvironment& environment_;
  const ImportRequest& request_;
  const std::string id_;
  std::vector<Source> sources_;
  base::ByteBudget key_budget_;
  std::optional<KeySet> keys_;
  std::unique_ptr<RowMatcher> replaced_;     // By a condition, or all; else null.
  std::optional<ConditionCheck> condition_;  // Of `replaced_`, on the new rows.
  std::optional<DeadLetterTable> letters_;
  std::unique_ptr<RowStream> first_;  // Opened already, to see its columns.
  ImportProgress progress_;
  ImportOutcome outcome_;
};

}  // namespace

Result<ImportOutcome> ImportRows(const base::Context& context,
                                 const RowEnvironment& environment,
                                 const ImportRequest& request) {
  return Import(context, environment, request).Run();
}

}  // namespace firn::table
