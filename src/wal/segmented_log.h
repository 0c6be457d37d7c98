// SPDX-License-Identifier: Apache-2.0
// segmented_log.h: the log over segment files, with group commit.
//
// Two buffers. Appends fill the active one under the mutex. Whoever needs a sync and
// finds none running takes the active buffer away, writes and syncs it outside the mutex,
// and wakes the rest; appends meanwhile fill the other buffer.
//
//   append ─▶ active ──swap──▶ writing ──write, fdatasync──▶ segment
//                              (flushing_ is set)            synced_ moves, all wake
//
// Invariants
//   synced_ <= active_start_ <= appended_offset(), the last two apart by what is in
//   `active_`. One write runs at a time and is synced before the next begins, so all
//   below the start of a write is synced when it is issued: recovery relies on that.
//   While flushing_ is set, its setter alone touches file_ and writing_, outside the
//   mutex. After a failure nothing is written until Recover.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "wal/format.h"
#include "wal/group_buffer.h"
#include "wal/log.h"
#include "wal/lost_ranges.h"
#include "wal/recovery.h"
#include "wal/segment.h"

namespace firn::wal {

class SegmentedLog final : public Log {
 public:
  // `file` appends to the last segment of `recovered`. `files` must outlive the log.
  SegmentedLog(io::FileSystem& files, std::string dir, const LogOptions& options,
               RecoveredLog recovered, std::unique_ptr<io::AppendFile> file);

  const base::Ulid& id() const override { return id_; }
  const RecoveryReport& recovery() const override { return report_; }
  Status Replay(const std::function<Status(const Record&)>& visit) override;
  Result<Offset> Append(RecordKind kind, std::string_view tenant,
                        std::string_view payload) override;
  Status WaitSynced(Offset offset) override;
  Status Recover() override;
  Status failure() const override;
  Offset synced_offset() const override;
  Offset appended_offset() const override;
  Offset trim_offset() const override;
  std::uint64_t size_bytes() const override;
  LogCounts counts() const override;
  Status Trim(Offset offset,
              const std::function<Status(const CheckpointAppender&)>& write) override;

 private:
  using Lock = std::unique_lock<std::mutex>;
  // How the log's own records differ from a caller's.
  struct OwnRecord {
    std::uint64_t recoveries = 0;   // Refused where the log was recovered meanwhile.
    std::optional<TrimPoint> trim;  // Takes effect with the record.
  };

  Result<Offset> AppendRecord(RecordKind kind, std::string_view tenant,
                              std::string_view payload, const OwnRecord* own);
  Status RefuseFull(std::uint64_t held_bytes) const;
  Status MakeRoom(Lock& lock, std::uint64_t size, const OwnRecord* own);
  void FlushActive(Lock& lock);
  Status WriteGroup(Offset start, const TrimPoint& trim);
  Status BeginSegment(Offset start, Offset follows, const TrimPoint& trim);
  Status WriteCheckpoint(Offset offset,
                         const std::function<Status(const CheckpointAppender&)>& write);
  Status RemoveTrimmed();
  Offset AppendedLocked() const { return active_start_ + active_.size(); }

  io::FileSystem& files_;
  const std::string dir_;
  const LogOptions options_;
  const base::Ulid id_;
  const RecoveryReport report_;
  const RecordCodec codec_;

  std::mutex trim_mutex_;  // Held through Trim: one at a time. Taken before mutex_.

  // All below, save file_ and writing_ while flushing_ is set, is guarded by mutex_.
  mutable std::mutex mutex_;
  std::condition_variable flushed_;
  bool flushing_ = false;
  Status failure_;  // Of the last write or sync, until Recover.
  GroupBuffer active_;
  GroupBuffer writing_;
  Offset active_start_;
  Offset synced_;
  TrimPoint trim_;  // Synced.
  LostRanges lost_;
  std::uint64_t recoveries_ = 0;
  std::vector<Segment> segments_;
  std::uint64_t disk_bytes_ = 0;
  LogCounts counts_;
  std::unique_ptr<io::AppendFile> file_;
};

}  // namespace firn::wal
