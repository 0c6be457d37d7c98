// SPDX-License-Identifier: Apache-2.0
#include "db/compact.h"

#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include "base/ulid.h"
#include "io/file.h"
#include "table/compactor.h"
#include "table/write_properties.h"
#include "tsdb/settler.h"
#include "tsdb/tables.h"

namespace firn::db {
namespace {

constexpr int kCommitRetries = 60;
constexpr DurationMs kCommitWaitMsMax = 2000;

// A directory of one's own that goes with it.
class SpillDirectory {
 public:
  SpillDirectory(const std::string& parent, base::UlidSource& ulids) {
    std::error_code error;
    const std::filesystem::path base = parent.empty()
                                           ? std::filesystem::temp_directory_path(error)
                                           : std::filesystem::path(parent);
    path_ = (base / ("firn-compact-" + ulids.Next().ToString())).string();
  }
  ~SpillDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  SpillDirectory(const SpillDirectory&) = delete;
  SpillDirectory& operator=(const SpillDirectory&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// What a command says of sizes goes before the settings.
bool NamesSizes(const CompactOptions& options) {
  return options.target_file_bytes.has_value() || options.file_bytes_max.has_value();
}

table::CompactionOptions PlanOptions(const CompactOptions& options,
                                     const table::TableWriterOptions& writer) {
  table::CompactionOptions out;
  if (!NamesSizes(options)) out.output_bytes_max = writer.file_bytes_max;
  out.target_file_bytes = options.target_file_bytes;
  out.file_bytes_min = options.file_bytes_min;
  out.file_bytes_max = options.file_bytes_max;
  out.input_files_min = options.input_files_min.value_or(out.input_files_min);
  out.group_bytes_max = options.group_bytes_max.value_or(out.group_bytes_max);
  out.rewrite_all = options.rewrite_all;
  return out;
}

Result<table::TableWriterOptions> WriterOptions(const iceberg::LoadedTable& table,
                                                const CompactOptions& options,
                                                const table::TableWriterOptions& writer) {
  table::TableWriterOptions out = writer;
  out.on_invalid = table::OnInvalid::kFail;  // These rows are the table's own.
  // Firn's own tables keep the columns' form that settling gives them.
  if (table.metadata->FindProperty(tsdb::kSchemaVersionProperty) != nullptr) {
    if (table.identifier == tsdb::SamplesTable()) {
      out.parquet = tsdb::SamplesFileOptions(table.metadata->current_schema()).parquet;
    } else if (table.identifier == tsdb::SeriesTableName()) {
      out.parquet = tsdb::SeriesFileOptions().parquet;
    }
  }
  out.parquet.codec = writer.parquet.codec;
  out.parquet.codec_level = writer.parquet.codec_level;
  if (NamesSizes(options)) {
    out.file_bytes_max = table::TableWriterOptions().file_bytes_max;
  }
  out.memory_bytes_max = options.memory_bytes_max;
  return table::WithWriteProperties(std::move(out), table.metadata->properties,
                                    table.metadata->current_schema());
}

void Describe(const table::CompactionPlan& plan, CompactReport* report) {
  for (const table::CompactionGroup& group : plan.groups) {
    ++report->groups;
    report->files_removed += std::ssize(group.tasks);
    report->bytes_removed += group.bytes;
    report->rows += group.rows;
  }
}

}  // namespace

Result<CompactReport> Compact(const base::Context& context, Warehouse& warehouse,
                              std::string_view table, const CompactOptions& options,
                              const table::TableWriterOptions& writer) {
  FIRN_ASSIGN_OR_RETURN(const iceberg::LoadedTable loaded,
                        warehouse.LoadTable(context, table));
  const iceberg::ManifestIo manifests(loaded.StoreOr(warehouse.store()));
  FIRN_ASSIGN_OR_RETURN(table::CompactionPlan plan,
                        table::PlanCompaction(context, manifests, *loaded.metadata,
                                              PlanOptions(options, writer)));
  CompactReport report;
  report.files_before = plan.files;
  if (options.dry_run || plan.groups.empty()) {
    Describe(plan, &report);
    return report;
  }
  base::UlidSource ulids(warehouse.clock());
  const SpillDirectory spill(options.spill_directory, ulids);
  const iceberg::CommitEnvironment commit = warehouse.commit_environment();
  const table::ScanEnvironment scan = warehouse.scan_environment();
  const table::RowEnvironment environment{commit, scan, ulids, io::LocalFileSystem(),
                                          spill.path()};
  table::CompactorOptions compactor;
  FIRN_ASSIGN_OR_RETURN(compactor.writer, WriterOptions(loaded, options, writer));
  compactor.commits_max = options.commits_max;
  // Hours of work may hang on a commit: against busy rivals it is tried more often than
  // an append that is made again in no time.
  if (loaded.metadata->FindProperty(iceberg::kPropertyRetries) == nullptr) {
    compactor.commit.retries_max = kCommitRetries;
    compactor.commit.wait_max_ms = kCommitWaitMsMax;
  }
  compactor.progress = [&](const table::CompactionProgress& progress) {
    if (!options.on_progress) return;
    options.on_progress(progress.groups, progress.groups_total, progress.rows);
  };
  table::CompactionReport done;
  const Status status =
      table::Compact(context, environment, loaded, std::move(plan), compactor, &done);
  if (!status.ok()) {
    return done.commits == 0
               ? status
               : status.With(std::to_string(done.files_removed) +
                             " files were rewritten, and others are as they were");
  }
  report.groups = done.groups;
  report.files_removed = done.files_removed;
  report.bytes_removed = done.bytes_removed;
  report.rows = done.rows;
  report.files_added = done.files_added;
  report.bytes_added = done.bytes_added;
  report.commits = done.commits;
  report.groups_given_up = done.groups_given_up;
  report.reasons = std::move(done.reasons);
  return report;
}

}  // namespace firn::db
