// SPDX-License-Identifier: Apache-2.0
// plan_stream.h: which files of a snapshot a scan must read, as they are found.
//
//   1. Manifests whose partition summaries exclude the predicate are skipped unread, and
//      so are those of delete files: what they delete from is skipped as well.
//   2. Delete files are read from theirs and indexed (delete_index.h).
//   3. Data files whose partition values exclude the predicate are skipped.
//   4. Data files whose column metrics exclude it are skipped.
//   5. Those left are planned, each with the delete files that apply.
//
// Pruning is inclusive (file_pruner.h): a file that may hold a matching row is always
// planned. Manifests are read side by side (manifest_ahead.h), and files come in the
// order of the manifest list and of the manifests, whatever the number of threads.
//
// Memory: the manifest list; on the context's budget the files of a few manifests,
// however many the table has, and all delete files that may apply.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/budget.h"
#include "base/context.h"
#include "expr/predicate.h"
#include "firn/status.h"
#include "iceberg/delete_index.h"
#include "iceberg/file_pruner.h"
#include "iceberg/manifest.h"
#include "iceberg/manifest_ahead.h"
#include "iceberg/manifest_io.h"
#include "iceberg/table_metadata.h"

namespace firn::iceberg {

struct PlanStats {
  std::int64_t manifests_total = 0;  // Of data files.
  std::int64_t manifests_pruned = 0;
  std::int64_t files_total = 0;  // Live files in the manifests read.
  std::int64_t files_pruned_by_partition = 0;
  std::int64_t files_pruned_by_metrics = 0;
  std::int64_t files_planned = 0;
  // Files in the manifests skipped unread, by their summaries.
  std::int64_t files_in_pruned_manifests = 0;
  std::int64_t delete_manifests_total = 0;
  std::int64_t delete_manifests_pruned = 0;
  std::int64_t delete_files_total = 0;    // In the manifests read.
  std::int64_t delete_files_planned = 0;  // Of those, that apply to some planned file.
  bool operator==(const PlanStats&) const = default;
};

// A data file and what of it was deleted later. The predicate is left to whoever reads.
struct ScanTask {
  // Its metrics are those of the columns that planning looked at, or that were asked for.
  DataFile file;
  SequenceNumber sequence_number;
  std::vector<DeleteFilePtr> deletes;  // A deletion vector first.
  // What the tasks of one manifest take together, until the last of them goes; null where
  // the context has no budget, which must outlive it.
  std::shared_ptr<const base::ByteReservation> memory{};
};

struct PlanOptions {
  // Of the files planned: the metrics of these columns, at least.
  MetricsOf metrics_of;
  // How many manifests are read side by side, by the caller and threads of the plan's
  // own. REQUIRES: > 0.
  int threads = 1;
};

// Thread-compatible. Dropped before its end it stops, and waits for what is being read.
class PlanStream {
 public:
  // The data files of `snapshot` that may hold a row for which `predicate` (null:
  // everything) is true. The predicate's column names are those of `schema` (the table's
  // current one, or the snapshot's own for time travel). Reads the manifest list.
  // `context`, `metadata` and the store of `manifests` must outlive the stream.
  static Result<std::unique_ptr<PlanStream>> Open(
      const base::Context& context, const ManifestIo& manifests,
      const TableMetadata& metadata, const Snapshot& snapshot, const Schema& schema,
      const expr::PredicatePtr& predicate, PlanOptions options = {});
  // Those that `snapshots` added, and no others: rows appended between two snapshots.
  // What was deleted of them later is not looked at. REQUIRES: they are appends
  // (history.h, AppendsBetween).
  static Result<std::unique_ptr<PlanStream>> OpenAppends(
      const base::Context& context, const ManifestIo& manifests,
      const TableMetadata& metadata, const std::vector<const Snapshot*>& snapshots,
      const Schema& schema, const expr::PredicatePtr& predicate,
      PlanOptions options = {});

  // The files of the next manifest that has any, after inheritance, with the delete files
  // that apply to each; none at the end. The first call reads the delete manifests. After
  // an error every call returns that. Corruption also where a delete file lacks what it
  // must say (delete_index.h), or a manifest has files that are not of its kind.
  Result<std::vector<ScanTask>> Next();
  // Whether it is known that the next call has none.
  bool at_end() const { return data_ != nullptr && data_->at_end(); }

  // So far. What was pruned with its manifest counts from the beginning.
  const PlanStats& stats() const { return stats_; }
  // The delete files that may apply to a file planned. Filled by the first Next().
  const DeleteIndex& deletes() const { return deletes_; }
  // Rows of the manifests that were not pruned, with those that were deleted since.
  std::int64_t row_count() const { return row_count_; }

 private:
  // A manifest to be read. Where `added_by` is given, of the files only what that
  // snapshot added.
  struct Source {
    ManifestFile manifest;
    const PartitionSpec* spec = nullptr;
    std::optional<SnapshotId> added_by;
  };
  // What is left of it.
  struct Part {
    std::vector<ScanTask> tasks;
    std::vector<ManifestEntry> deletes;
    PlanStats stats;
    std::shared_ptr<base::ByteReservation> memory;
    std::int64_t bytes_uncounted = 0;  // Of tasks, not in `memory` yet.
  };
  using Ahead = ManifestAhead<Part>;

  PlanStream(const base::Context& context, const ManifestIo& manifests,
             const TableMetadata& metadata, const Schema& schema,
             const expr::PredicatePtr& predicate, PlanOptions options);
  Status AddSource(ManifestFile manifest, std::optional<SnapshotId> added_by);
  Result<std::vector<ScanTask>> PlanNext();
  Status ReadDeletes();
  std::unique_ptr<Ahead> ReadAhead(const std::vector<Source>& sources) const;
  Result<Part> Read(const Source& source, const std::atomic<bool>& stopped) const;
  Status Visit(const Source& source, ManifestEntry&& entry, Part& part) const;
  Status PlanData(const Source& source, ManifestEntry&& entry, Part& part) const;

  const base::Context& context_;
  const ManifestIo manifests_;
  const TableMetadata& metadata_;
  const FilePruner pruner_;
  const int threads_;
  std::vector<Source> delete_sources_;
  std::vector<Source> data_sources_;
  MetricsOf metrics_of_;  // Of data files.
  DeleteIndex deletes_;
  std::vector<bool> is_planned_;  // By DeleteFile::index.
  std::int64_t row_count_ = 0;
  PlanStats stats_;
  Status failed_;
  std::unique_ptr<Ahead> data_;  // Last: its threads use all of the above.
};

}  // namespace firn::iceberg
