// SPDX-License-Identifier: Apache-2.0
// table_changes.h: changes of a table that a person asks for: the way back to an earlier
// snapshot, names for snapshots, columns and layout, properties, expiry, its end. No row
// is read or written.
//
// Each is one commit, which is repeated on newer metadata where another came first, by
// the table's commit.retry.* properties. A running server keeps its tables meanwhile: it
// sees the change at its next settle.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
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

enum class RefKind : std::uint8_t { kBranch, kTag };

// How long a branch or tag and its snapshots are kept; absent: by the table's properties
// (history.expire.*).
struct RefRetention {
  std::optional<DurationMs> ref_age_max_ms;
  // Of branches alone.
  std::optional<std::int32_t> snapshots_min;
  std::optional<DurationMs> snapshot_age_max_ms;
};

struct NewRef {
  std::string name;
  RefKind kind = RefKind::kTag;
  std::optional<std::int64_t> snapshot_id;  // Absent: the current one.
  RefRetention retention;
  bool replace = false;  // A ref of this name and kind may be there, and is changed.
};

// Of properties by Iceberg's names, which the table's writers read: write.*, commit.*,
// history.expire.*, … Others are kept for whoever reads them.
using PropertyMap = std::map<std::string, std::string>;
struct PropertyChange {
  PropertyMap set;
  std::vector<std::string> removed;
};

enum class ColumnChangeKind : std::uint8_t {
  kAdd,           // `host.zone string 'where it stands'`
  kDrop,          // `host.zone`
  kRename,        // `host.zone=rack`
  kWiden,         // `size long`
  kMakeOptional,  // `size`
  kMove,          // `zone first`, `zone before name`, `zone after name`
  kDocument,      // `zone=where it stands`
};
// Columns are dotted paths (`labels.value`, `points.element.x`); a name that is no word,
// or has a dot in it, goes between double quotes. Types are those of TableRows::Create.
struct ColumnChange {
  ColumnChangeKind kind = ColumnChangeKind::kAdd;
  std::string text;
};

// What a table becomes, as one commit: all of it or nothing. Files that are there stay as
// they are, and read as what the table has become.
struct AlterTable {
  std::vector<ColumnChange> columns;  // One after the other.
  // Of files to come, by the names that columns have then: `day(ts), bucket(16, host)`
  // and `service, ts desc nulls last`. Empty: not partitioned, or not sorted. Absent: as
  // they are.
  std::optional<std::string> partition;
  std::optional<std::string> sort;
  // Check all of it, and change nothing.
  bool dry_run = false;
};

struct AlteredTable {
  TableDescription table;  // As it is afterwards, or would be.
  bool changed = false;    // False: it was so already.
};

// What is left of a table that the catalog has forgotten.
struct DroppedTable {
  std::string table;
  std::string location;  // Its files are here; empty where they could not be told.
  // The newest metadata file, which names all of them; empty where the catalog was made
  // of such files.
  std::string metadata_location;
};

struct ExpireOptions {
  // In place of the table's properties history.expire.*.
  std::optional<TimestampMs> older_than_ms;
  std::optional<std::int64_t> retain_last;
  // These go however young they are.
  std::vector<std::int64_t> snapshot_ids;
  // Say what would go, and change nothing.
  bool dry_run = false;
  // Called after each file that was (or would be) removed, with how many so far. May be
  // empty.
  std::function<void(std::int64_t)> on_progress;
};

struct ExpireReport {
  std::vector<std::int64_t> snapshot_ids;
  std::vector<std::string> refs;
  std::int64_t data_files = 0;
  std::int64_t delete_files = 0;
  std::int64_t manifests = 0;
  std::int64_t manifest_lists = 0;
  std::int64_t statistics = 0;
};

// Thread-safe. Errors common to all: NotFound for a table, snapshot or ref that is not
// there; Conflict and CommitUnknown of the commit; what the store or catalog returns.
class TableChanges {
 public:
  // Of `options` those count that name the warehouse, catalog and storage. NotFound where
  // the warehouse has no catalog.
  static Result<std::unique_ptr<TableChanges>> Open(const DbOptions& options);
  virtual ~TableChanges() = default;

  // Each returns the table as it is afterwards.

  // Go back to a snapshot of the current one's past. InvalidArgument for any other.
  virtual Result<TableSummary> RollbackTo(const base::Context& context,
                                          std::string_view table,
                                          std::int64_t snapshot_id) = 0;
  // Go back to what was current just before `before_ms`.
  virtual Result<TableSummary> RollbackToTime(const base::Context& context,
                                              std::string_view table,
                                              TimestampMs before_ms) = 0;
  // The summary is that of the ref's snapshot. AlreadyExists, unless it may replace.
  virtual Result<TableSummary> SetRef(const base::Context& context,
                                      std::string_view table, const NewRef& ref) = 0;
  // InvalidArgument for main, and for a ref of the other kind.
  virtual Result<TableSummary> DropRef(const base::Context& context,
                                       std::string_view table, const std::string& name,
                                       RefKind kind) = 0;
  // Move `branch` to where the ref `to` is, which must descend from it. The summary is
  // that of the snapshot that `branch` names then.
  virtual Result<TableSummary> FastForward(const base::Context& context,
                                           std::string_view table,
                                           const std::string& branch,
                                           const std::string& to) = 0;
  // Make what a snapshot off main appended part of main. AlreadyExists where it is.
  virtual Result<TableSummary> CherryPick(const base::Context& context,
                                          std::string_view table,
                                          std::int64_t snapshot_id) = 0;
  // Forget how far the log of a writer that is gone for good is in the table. NotFound
  // where the table knows no such writer; InvalidArgument for what is no writer's ULID.
  virtual Result<TableSummary> Retire(const base::Context& context,
                                      std::string_view table,
                                      std::string_view writer) = 0;

  virtual Result<PropertyMap> Properties(const base::Context& context,
                                         std::string_view table) = 0;
  // Returns them as they are afterwards. InvalidArgument, naming property and value, for
  // what writers would refuse, for a part of the metadata that is no property, and for
  // what is firn's own (firn.position.*); NotFound for one to remove that is not there.
  virtual Result<PropertyMap> ChangeProperties(const base::Context& context,
                                               std::string_view table,
                                               const PropertyChange& change) = 0;

  // NotFound for a column that is not there; AlreadyExists for a name that is taken;
  // InvalidArgument names the character of a text, or the change that the table does not
  // take and why. Changes after which its rows would not read are all named. Where a
  // server settles into the table, the columns that it needs keep their names.
  virtual Result<AlteredTable> Alter(const base::Context& context, std::string_view table,
                                     const AlterTable& change) = 0;

  // Have the catalog forget the table. Its files stay, but for the versions that a
  // catalog of files in the warehouse is made of. InvalidArgument where a server settles
  // into it: its position (Retire) goes first.
  virtual Result<DroppedTable> Drop(const base::Context& context,
                                    std::string_view table) = 0;

  // Forget snapshots and refs by the table's rules, or the options', and then remove the
  // files that only they needed. An error or a cancellation after the commit leaves some
  // of those files behind: the text says so.
  virtual Result<ExpireReport> Expire(const base::Context& context,
                                      std::string_view table,
                                      const ExpireOptions& options) = 0;
};

}  // namespace firn
