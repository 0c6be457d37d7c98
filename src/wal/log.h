// SPDX-License-Identifier: Apache-2.0
// log.h: the write-ahead log: opaque records, durable before they are acknowledged.
//
// The log is a sequence of segment files under one directory (docs/format/wal.md). An
// offset is a logical byte position from the log's beginning; it only grows, across
// segments and restarts, and names the end of a record: everything at or below a synced
// offset survives a power cut, save what a failed write gave up (see Recover). The log's
// ULID tells one log from another, so that an offset of a lost log never reads as one of
// a new log. To begin a new log, open an empty directory.
//
// One process opens a log at a time; the caller holds the directory's lock.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/ulid.h"
#include "firn/status.h"
#include "io/file.h"
#include "wal/record.h"

namespace firn::wal {

struct LogOptions {
  // A segment is closed before the write that would pass this size. Lowered to a quarter
  // of log_bytes_max where that is less, so that a full log has segments to trim.
  std::uint64_t segment_bytes = 64 << 20;
  // Above this much untrimmed log, Append returns ResourceExhausted.
  std::uint64_t log_bytes_max = std::uint64_t{16} << 30;
  // A larger record is InvalidArgument at append and Corruption at read. Below 1 GB.
  std::uint64_t record_bytes_max = 64 << 20;
  // Bytes that wait for one write. An append that finds no room syncs first, or waits for
  // the sync that runs. A larger record is written alone. Below 1 GB; two such buffers
  // are held.
  std::uint64_t buffer_bytes_max = 4 << 20;
};

// What opening found and mended.
struct RecoveryReport {
  bool created = false;         // There was no log here.
  std::uint64_t bytes_cut = 0;  // Torn tail removed from the last segment.
  std::string cut_reason;       // Empty where nothing was cut.
  Offset trim = 0;              // Nothing at or below this offset is replayed.
  Offset end = 0;               // Past the last good record.
};

// What a directory holds of a log.
struct LogExtent {
  base::Ulid id;
  Offset trim = 0;  // As in RecoveryReport.
  Offset end = 0;   // As in RecoveryReport.
  bool operator==(const LogExtent&) const = default;
};

// What the log did since it was opened.
struct LogCounts {
  std::uint64_t records = 0;        // Appended.
  std::uint64_t writes = 0;         // Groups written and synced.
  std::uint64_t bytes_written = 0;  // In those groups.
  std::uint64_t segments = 0;       // On disk now.
};

// Thread-safe. Destroying it syncs nothing: what was not waited for may be lost.
class Log {
 public:
  // Open the log under `dir`, or begin a new one named by a fresh ULID. The tail is
  // repaired: a torn last write is cut off and reported. What is left is durable when
  // this returns. `files` must outlive the log; `ulids` is not kept.
  //
  // Reads the header of each segment and the whole of the last one. Corruption where
  // synced records of the last segment are damaged, a segment is missing or short, or
  // segments of two logs lie in the directory; the text names segment and byte. Damage
  // inside an older segment is found by Replay. Unimplemented where a newer version of
  // firn wrote the log.
  static Result<std::unique_ptr<Log>> Open(io::FileSystem& files, std::string dir,
                                           const LogOptions& options,
                                           base::UlidSource& ulids);
  // What Open would find under `dir`, from reading alone: nothing is created, mended or
  // removed. Absent where Open would begin a new log. Reads the whole of the last
  // segment. Errors: as Open's, as far as they show there.
  static Result<std::optional<LogExtent>> Inspect(io::FileSystem& files,
                                                  const std::string& dir,
                                                  const LogOptions& options);
  virtual ~Log() = default;

  virtual const base::Ulid& id() const = 0;
  virtual const RecoveryReport& recovery() const = 0;

  // Call `visit` for
  //   1. the records of the checkpoint that Trim wrote with the trim point, if there is
  //      one, in their order, each with `end` set to trim_offset();
  //   2. every record whose end is above trim_offset() and at or below synced_offset(),
  //      in order, once. Checkpoint records and the log's own kinds are left out.
  // So `end` never falls, and a definition comes before the records that rely on it even
  // where the checkpoint was written after them. A caller whose consumers are ahead of
  // the trim point passes over the records at or below their position: it needs their
  // definitions all the same. Stops at the first error from `visit` and returns it.
  // Corruption where a record is damaged or missing; the text names segment and byte.
  // REQUIRES: no Trim or Recover is running.
  virtual Status Replay(const std::function<Status(const Record&)>& visit) = 0;

  // Append one record to the log's buffer and return the offset past it. Not durable:
  // see WaitSynced. Records appended by one thread keep their order. Costs a CRC and,
  // under the log's mutex, one copy; does no I/O unless the buffer is full.
  // InvalidArgument for a record above record_bytes_max, a tenant above 65535 bytes, or
  // one of the log's own kinds. ResourceExhausted at log_bytes_max, with a text that says
  // how much the log holds, the bound and its name. After a failed write or sync that
  // failure, from then on and until Recover: the log refuses rather than guess.
  virtual Result<Offset> Append(RecordKind kind, std::string_view tenant,
                                std::string_view payload) = 0;

  // Return once everything up to `offset` is on disk. Callers that wait together share
  // one write and one sync (group commit): the first to come does it for the others.
  // Unavailable where the write or sync failed (ResourceExhausted: the disk is full), for
  // everyone whose records were in it, and still so after Recover; whether those records
  // are found at the next open is then not known unless Recover has succeeded.
  // InvalidArgument above appended_offset().
  virtual Status WaitSynced(Offset offset) = 0;

  // After a failed write or sync: give up what was not synced, begin a fresh segment and
  // take appends again. Offsets that were handed out are not used a second time. Fails
  // while the disk still does, and may then be called again. OK where nothing failed.
  virtual Status Recover() = 0;
  // The failed write or sync for which Append refuses, or OK.
  virtual Status failure() const = 0;

  virtual Offset synced_offset() const = 0;
  virtual Offset appended_offset() const = 0;
  virtual Offset trim_offset() const = 0;
  virtual std::uint64_t size_bytes() const = 0;  // Of the segments on disk.
  virtual LogCounts counts() const = 0;

  // Write a checkpoint (`write` appends records through its argument) and drop the
  // segments that hold only records at or below `offset`. Others may append meanwhile.
  // The checkpoint and the trim point are synced before anything is removed; a crash in
  // between leaves the old segments, and they are removed at the next open. The
  // checkpoint may pass log_bytes_max: otherwise a full log could not be trimmed. OK, and
  // nothing is written, where `offset` is not above trim_offset(). An error after the
  // trim point was synced (a file that could not be removed) is returned though the trim
  // took effect. REQUIRES: offset <= synced_offset(); every consumer has committed up to
  // it; the checkpoint defines all that a record above `offset` relies on and that was
  // defined at or below it.
  using CheckpointAppender = std::function<Status(RecordKind, std::string_view tenant,
                                                  std::string_view payload)>;
  virtual Status Trim(Offset offset,
                      const std::function<Status(const CheckpointAppender&)>& write) = 0;
};

}  // namespace firn::wal
