// SPDX-License-Identifier: Apache-2.0
// table_maintenance.h: upkeep that no reader sees: a table has the same rows afterwards.
//
// May run beside a server that settles into the table, and beside other engines: what
// came first stays, and what this would undo is given up. A cancelled call leaves the
// table whole, and the same call goes on with what is left to do. Expiry, which forgets
// snapshots, is in table_changes.h.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "firn/db.h"
#include "firn/status.h"
#include "firn/time.h"

namespace firn {

namespace base {
class Context;
}  // namespace base

struct OrphanFile {
  std::string location;
  std::int64_t bytes = 0;
  TimestampMs modified_ms = 0;  // By the store's clock.
};

inline constexpr DurationMs kOrphanAgeMsDefault = DurationMs{3} * 24 * 3'600'000;
// A writer may be under way for hours between its first file and its commit; one that
// loses its files then has committed a table that cannot be read.
inline constexpr DurationMs kOrphanAgeMsSafe = DurationMs{24} * 3'600'000;

struct OrphanOptions {
  // What is younger stays.
  DurationMs age_min_ms = kOrphanAgeMsDefault;
  // Take an age below kOrphanAgeMsSafe: the caller knows that no writer is under way.
  bool no_writers = false;
  // Say what would go, and change nothing.
  bool dry_run = false;
  // Called with each file that was (or would be) removed. May be empty.
  std::function<void(const OrphanFile&)> on_file;
};

struct OrphanReport {
  std::int64_t files = 0;
  std::int64_t bytes = 0;
  std::int64_t failed_files = 0;      // That could not be removed.
  std::vector<std::string> failures;  // Of the first ten, why.
};

struct RewriteManifestsOptions {
  // Of a manifest; absent: by the table's commit.manifest.target-size-bytes.
  std::optional<std::int64_t> target_bytes;
  // Say what would be written, and change nothing.
  bool dry_run = false;
};

struct RewriteManifestsReport {
  std::int64_t manifests_before = 0;
  std::int64_t manifests_after = 0;
  std::int64_t replaced = 0;  // Of those before; the others are in order already.
  std::int64_t created = 0;
  std::optional<std::int64_t> snapshot_id;  // Of the commit, where there was one.
};

// Which files are rewritten, by the names and defaults of Iceberg's own rewrite.
struct CompactOptions {
  std::optional<std::int64_t> target_file_bytes;  // Absent: write.target-file-size-bytes.
  std::optional<std::int64_t> file_bytes_min;     // Absent: 0.75 of the target.
  std::optional<std::int64_t> file_bytes_max;     // Absent: 1.8 of the target.
  std::optional<std::int64_t> input_files_min;    // Absent: 5.
  std::optional<std::int64_t> group_bytes_max;    // Absent: 100 GiB.
  bool rewrite_all = false;
  // Groups are committed together, in about so many commits.
  std::int64_t commits_max = 10;
  // For rows that are being sorted and written.
  std::int64_t memory_bytes_max = std::int64_t{512} << 20;
  // Where rows are spilled that do not fit; empty: a directory of the system's own for
  // temporary files. Gone when the call returns.
  std::string spill_directory;
  // Say what would be rewritten, and change nothing.
  bool dry_run = false;
  // Called now and then with groups done, groups in all, and rows read. May be empty.
  std::function<void(std::int64_t, std::int64_t, std::int64_t)> on_progress;
};

struct CompactReport {
  std::int64_t files_before = 0;  // Of the snapshot that was looked at.
  std::int64_t groups = 0;        // Rewritten, or that would be.
  std::int64_t files_removed = 0;
  std::int64_t bytes_removed = 0;
  std::int64_t rows = 0;
  // Of what was rewritten; 0 for a dry run.
  std::int64_t files_added = 0;
  std::int64_t bytes_added = 0;
  std::int64_t commits = 0;
  // Groups whose files somebody else changed meanwhile: that stays, and they wait for the
  // next time.
  std::int64_t groups_given_up = 0;
  std::vector<std::string> reasons;  // Of the first ten.
};

struct RelocateOptions {
  // The directory that was moved, and where it is now: locations. Both empty: the
  // warehouse moved, and from where is found out.
  std::string from;
  std::string to;
  // Look for everything, and change nothing.
  bool dry_run = false;
  // Told after each snapshot how many of how many are through. May be empty.
  std::function<void(std::int64_t done, std::int64_t snapshots)> on_progress;
};

struct RelocateReport {
  std::string from;
  std::string to;
  std::string metadata_location;    // Of the current file: the new one, but in a dry run.
  std::int64_t manifest_lists = 0;  // Written, or that would be.
  std::int64_t manifests = 0;
  std::int64_t files = 0;            // Live ones, named by their new place.
  std::int64_t files_elsewhere = 0;  // That lay elsewhere, and stay.
};

// Thread-safe. Errors common to all: NotFound for a table that is not there; Conflict and
// CommitUnknown of a commit; what the store or catalog returns.
class TableMaintenance {
 public:
  // As TableChanges::Open; `table_writes` counts for what Compact writes.
  static Result<std::unique_ptr<TableMaintenance>> Open(const DbOptions& options);
  virtual ~TableMaintenance() = default;

  // Remove what lies at the table's location and belongs to no snapshot: what writers
  // and expiries that died left behind. Nothing outside of the location is touched.
  // InvalidArgument where the age is not safe, where another table of the catalog, or the
  // warehouse, lies in the location or around it, or where names cannot be compared:
  // then nothing was removed.
  virtual Result<OrphanReport> RemoveOrphans(const base::Context& context,
                                             std::string_view table,
                                             const OrphanOptions& options) = 0;

  // Sort the entries of the current snapshot's manifests by partition, into manifests of
  // the target size, where they are not in order already.
  virtual Result<RewriteManifestsReport> RewriteManifests(
      const base::Context& context, std::string_view table,
      const RewriteManifestsOptions& options) = 0;

  // Write small files, those that are too large, and those of an older partition spec
  // anew, for the current spec and in the table's sort order. An error or a cancellation
  // keeps what was committed; the text says how much that is. Of rows that delete files
  // take away nothing is written. Unimplemented for a format version other than 2.
  virtual Result<CompactReport> Compact(const base::Context& context,
                                        std::string_view table,
                                        const CompactOptions& options) = 0;

  // Tell a table whose files were moved, by whatever means, where they are now: metadata
  // names them by whole locations. Nothing is moved here, and nothing has changed unless
  // it returns OK. NotFound names the first file that is not at its new place;
  // InvalidArgument where nothing has moved; Unimplemented for position deletes, deletion
  // vectors and encrypted manifests, and for a catalog whose server says where tables
  // are.
  virtual Result<RelocateReport> Relocate(const base::Context& context,
                                          std::string_view table,
                                          const RelocateOptions& options) = 0;
};

}  // namespace firn
