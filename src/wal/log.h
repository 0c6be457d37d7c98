// SPDX-License-Identifier: Apache-2.0
// log.h: the write-ahead log: opaque records, durable before they are acknowledged.
//
// The log is a sequence of segment files under one directory (docs/format/wal.md). An
// offset is a logical byte position from the log's beginning; it only grows, across
// segments and restarts, and names the end of a record: everything at or below a synced
// offset survives a power cut. The log's ULID tells one log from another, so that an
// offset of a lost log never reads as one of a new log.
//
// One process opens a log at a time; the caller holds the directory's lock.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ulid.h"
#include "firn/status.h"
#include "io/file.h"

namespace firn::wal {

using Offset = std::uint64_t;

// What a record holds; the log does not look inside. Do not change the numbers: they
// are on disk. New kinds are added at the end.
enum class RecordKind : std::uint8_t {
  kCheckpointBegin = 1,  // The log's own: definitions up to kCheckpointEnd repeat old ones.
  kCheckpointEnd = 2,
  kTrim = 3,             // The log's own: the offset below which records were given up.
  kSeries = 16,          // tsdb: defines series references.
  kSamples = 17,         // tsdb: samples by series reference.
  kMetadata = 18,        // tsdb: type, help and unit of metrics.
};

struct Record {
  RecordKind kind;
  std::string_view tenant;   // Borrowed, as payload is.
  std::string_view payload;
  Offset end = 0;            // The offset just past this record.
};

struct LogOptions {
  std::uint64_t segment_bytes = 64 << 20;
  // Above this much untrimmed log, Append returns ResourceExhausted.
  std::uint64_t log_bytes_max = std::uint64_t{16} << 30;
  // A larger record is InvalidArgument at append and Corruption at read.
  std::uint64_t record_bytes_max = 64 << 20;
};

// What opening found and mended.
struct RecoveryReport {
  bool created = false;            // There was no log here.
  std::uint64_t bytes_cut = 0;     // Torn tail removed from the last segment.
  std::string cut_reason;          // Empty where nothing was cut.
  Offset trim = 0;                 // Nothing below this offset is in the log.
  Offset end = 0;                  // Past the last good record.
};

// Thread-safe.
class Log {
 public:
  // Open the log under `dir`, or begin a new one named by a fresh ULID. The tail is
  // repaired: a torn last record is cut off and reported. `files` and `clock` must outlive
  // the log. Corruption where any record but the last ones of the last segment is
  // damaged; the text names segment and byte.
  static Result<std::unique_ptr<Log>> Open(io::FileSystem& files, std::string dir,
                                           const LogOptions& options,
                                           base::UlidSource& ulids);
  virtual ~Log() = default;

  virtual const base::Ulid& id() const = 0;
  virtual const RecoveryReport& recovery() const = 0;

  // Call `visit` for every record whose end is above `from`, in order, with the records
  // of the newest checkpoint at or below it first where `from` is the trim point (series
  // definitions that later records rely on). Stops at the first error from `visit`.
  // REQUIRES: no Append is running.
  virtual Status Replay(const std::function<Status(const Record&)>& visit) = 0;

  // Append one record to the log's buffer and return the offset past it. Not durable:
  // see WaitSynced. Records appended by one thread keep their order.
  // ResourceExhausted at log_bytes_max; Unavailable after a failed write or sync, from
  // then on and until Recover: the log refuses rather than guess.
  virtual Result<Offset> Append(RecordKind kind, std::string_view tenant,
                                std::string_view payload) = 0;

  // Return once everything up to `offset` is on disk. Callers that wait together share
  // one write and one fsync (group commit): the first to come does it for the others.
  virtual Status WaitSynced(Offset offset) = 0;

  // After a failed write or sync: cut back to the last synced offset in a fresh segment
  // and take appends again. What was appended and not synced is gone; its waiters got an
  // error. Fails while the disk still does.
  virtual Status Recover() = 0;

  virtual Offset synced_offset() const = 0;
  virtual Offset appended_offset() const = 0;
  virtual Offset trim_offset() const = 0;
  virtual std::uint64_t size_bytes() const = 0;  // Untrimmed bytes on disk.

  // Write a checkpoint (`write` appends records through its argument) and drop the
  // segments that hold only records at or below `offset`. The checkpoint and the trim
  // point are synced before anything is removed; a crash in between leaves the old
  // segments, and they are removed at the next open.
  // REQUIRES: offset <= synced_offset(), and every consumer has committed up to it.
  using CheckpointAppender =
      std::function<Status(RecordKind, std::string_view tenant, std::string_view payload)>;
  virtual Status Trim(Offset offset,
                      const std::function<Status(const CheckpointAppender&)>& write) = 0;
};

}  // namespace firn::wal
