// SPDX-License-Identifier: Apache-2.0
#include "wal/segmented_log.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/assert.h"
#include "wal/replay.h"

namespace firn::wal {
namespace {

constexpr std::uint64_t kBoundMax = std::uint64_t{1} << 30;  // Sizes are 32 bits on disk.
// A full log needs segments that lie wholly below the trim point.
constexpr std::uint64_t kSegmentsPerLog = 4;

Status CheckOptions(const LogOptions& options) {
  if (options.record_bytes_max == 0 || options.record_bytes_max >= kBoundMax ||
      options.buffer_bytes_max == 0 || options.buffer_bytes_max >= kBoundMax) {
    return Status::InvalidArgument(
        "log: record_bytes_max and buffer_bytes_max must be above 0 and below 1 GB");
  }
  if (options.segment_bytes == 0 || options.log_bytes_max == 0) {
    return Status::InvalidArgument(
        "log: segment_bytes and log_bytes_max must be above 0");
  }
  return Status::OK();
}

// A full disk may have room again soon; of anything else only the retry is known.
Status AsFailure(const Status& status) {
  if (status.Is(StatusCode::kResourceExhausted)) return status.With("log");
  return Status::Unavailable("log: " + std::string(status.message()));
}

Status RefuseOwnKind(RecordKind kind) {
  return Status::InvalidArgument(
      "log: record kind " + std::to_string(static_cast<int>(kind)) + " is the log's own");
}

}  // namespace

Result<std::unique_ptr<Log>> Log::Open(io::FileSystem& files, std::string dir,
                                       const LogOptions& options,
                                       base::UlidSource& ulids) {
  FIRN_RETURN_IF_ERROR(CheckOptions(options));
  LogOptions bounded = options;
  bounded.segment_bytes =
      std::min(options.segment_bytes,
               std::max<std::uint64_t>(1, options.log_bytes_max / kSegmentsPerLog));
  FIRN_ASSIGN_OR_RETURN(RecoveredLog recovered,
                        RecoverDirectory(files, dir, bounded, ulids));
  FIRN_ASSIGN_OR_RETURN(
      std::unique_ptr<io::AppendFile> file,
      files.OpenAppend(SegmentPath(dir, recovered.segments.back().start)));
  return std::unique_ptr<Log>(std::make_unique<SegmentedLog>(
      files, std::move(dir), bounded, std::move(recovered), std::move(file)));
}

Result<std::optional<LogExtent>> Log::Inspect(io::FileSystem& files,
                                              const std::string& dir,
                                              const LogOptions& options) {
  FIRN_RETURN_IF_ERROR(CheckOptions(options));
  return InspectDirectory(files, dir, options);
}

SegmentedLog::SegmentedLog(io::FileSystem& files, std::string dir,
                           const LogOptions& options, RecoveredLog recovered,
                           std::unique_ptr<io::AppendFile> file)
    : files_(files),
      dir_(std::move(dir)),
      options_(options),
      id_(recovered.id),
      report_(std::move(recovered.report)),
      codec_(recovered.id),
      active_(options.buffer_bytes_max),
      writing_(options.buffer_bytes_max),
      active_start_(recovered.end),
      synced_(recovered.end),
      trim_(recovered.trim),
      segments_(std::move(recovered.segments)),
      file_(std::move(file)) {
  FIRN_ASSERT(file_->size_bytes() == segments_.back().size_bytes);
  for (const Segment& segment : segments_) disk_bytes_ += segment.size_bytes;
}

Status SegmentedLog::Replay(const std::function<Status(const Record&)>& visit) {
  ReplayRange range;
  {
    Lock lock(mutex_);
    range = {id_, segments_, trim_, synced_};
  }
  return ReplaySegments(files_, dir_, range, options_.record_bytes_max, visit)
      .With("log " + dir_);
}

Result<Offset> SegmentedLog::Append(RecordKind kind, std::string_view tenant,
                                    std::string_view payload) {
  if (IsOwnKind(kind)) return RefuseOwnKind(kind);
  return AppendRecord(kind, tenant, payload, nullptr);
}

// `own` is null for a caller's record.
Result<Offset> SegmentedLog::AppendRecord(RecordKind kind, std::string_view tenant,
                                          std::string_view payload,
                                          const OwnRecord* own) {
  if (payload.size() > options_.record_bytes_max || tenant.size() > kTenantBytesMax) {
    return Status::InvalidArgument(
        "log: a record of " + std::to_string(payload.size()) + " bytes for a tenant of " +
        std::to_string(tenant.size()) + " is above the bounds of " +
        std::to_string(options_.record_bytes_max) + " and " +
        std::to_string(kTenantBytesMax));
  }
  RecordHeader header;
  header.payload_size = static_cast<std::uint32_t>(payload.size());
  header.body_crc = RecordCodec::BodyCrc(tenant, payload);
  header.kind = kind;
  header.flags = own != nullptr ? kCheckpointFlag : 0;
  header.tenant_size = static_cast<std::uint16_t>(tenant.size());
  const std::uint64_t size = header.record_bytes();

  Lock lock(mutex_);
  FIRN_RETURN_IF_ERROR(MakeRoom(lock, size, own));
  const Offset start = AppendedLocked();
  header.group_distance = static_cast<std::uint32_t>(start - active_start_);
  char* out = active_.Extend(size);
  codec_.EncodeHeader(header, start, out);
  out += kRecordHeaderBytes;
  if (!tenant.empty()) std::memcpy(out, tenant.data(), tenant.size());
  if (!payload.empty()) std::memcpy(out + tenant.size(), payload.data(), payload.size());
  if (own != nullptr && own->trim) active_.trim = own->trim;
  ++counts_.records;
  return start + size;
}

// The log cannot tell which it is: waiting for a trim, or so small a bound that what a
// checkpoint must keep fills it.
Status SegmentedLog::RefuseFull(std::uint64_t held_bytes) const {
  return Status::ResourceExhausted(
      "log: it holds " + std::to_string(held_bytes) + " bytes, and log_bytes_max is " +
      std::to_string(options_.log_bytes_max) +
      ": settling makes room; where it stays full after that, the bound is too small for "
      "the definitions that every checkpoint keeps, and log_bytes_max is to be raised");
}

// Returns OK with room for the record in the active buffer, and the lock held since that
// was seen.
Status SegmentedLog::MakeRoom(Lock& lock, std::uint64_t size, const OwnRecord* own) {
  for (;;) {
    if (!failure_.ok()) return failure_;
    if (own != nullptr && own->recoveries != recoveries_) {
      return Status::Unavailable("log: a write failed while the checkpoint was written");
    }
    const std::uint64_t pending = active_.size() + (flushing_ ? writing_.size() : 0);
    if (own == nullptr && disk_bytes_ + pending + size > options_.log_bytes_max) {
      return RefuseFull(disk_bytes_ + pending);
    }
    if (active_.HasRoom(size)) return Status::OK();
    if (flushing_) {
      flushed_.wait(lock);
    } else {
      FlushActive(lock);
    }
  }
}

Status SegmentedLog::WaitSynced(Offset offset) {
  Lock lock(mutex_);
  if (offset > AppendedLocked()) {
    return Status::InvalidArgument("log: offset " + std::to_string(offset) +
                                   " was not appended; the last is " +
                                   std::to_string(AppendedLocked()));
  }
  for (;;) {
    if (lost_.Contains(offset)) {
      return Status::Unavailable("log: the record at offset " + std::to_string(offset) +
                                 " was given up after a failed write");
    }
    if (synced_ >= offset) return Status::OK();
    if (!failure_.ok()) return failure_;
    if (flushing_) {
      flushed_.wait(lock);
    } else {
      FlushActive(lock);
    }
  }
}

// Writes and syncs what is in the active buffer, without the lock meanwhile.
// REQUIRES: !flushing_, failure_ is OK, the active buffer is not empty.
void SegmentedLog::FlushActive(Lock& lock) {
  FIRN_ASSERT(!flushing_ && failure_.ok() && !active_.empty() && writing_.empty());
  const Offset start = active_start_;
  const TrimPoint trim = trim_;
  FIRN_ASSERT(synced_ == start);
  std::swap(active_, writing_);
  active_start_ = start + writing_.size();
  flushing_ = true;
  lock.unlock();
  const Status status = WriteGroup(start, trim);
  lock.lock();
  flushing_ = false;
  if (status.ok()) {
    synced_ = start + writing_.size();
    if (writing_.trim) trim_ = *writing_.trim;
    ++counts_.writes;
    counts_.bytes_written += writing_.size();
  } else {
    failure_ = AsFailure(status);
  }
  writing_.Clear();
  flushed_.notify_all();
}

// REQUIRES: the caller has set flushing_; the mutex is free.
Status SegmentedLog::WriteGroup(Offset start, const TrimPoint& trim) {
  const std::uint64_t size = writing_.size();
  const std::uint64_t held = file_->size_bytes();
  // Segments end between writes, so that the records of one write lie in one file.
  if (held > kSegmentHeaderBytes && held + size > options_.segment_bytes) {
    FIRN_RETURN_IF_ERROR(BeginSegment(start, start, trim));
  }
  Status status = file_->Append(writing_.view());
  if (status.ok()) status = file_->Sync();
  const std::uint64_t size_bytes = file_->size_bytes();
  Lock lock(mutex_);
  disk_bytes_ += size_bytes - segments_.back().size_bytes;
  segments_.back().size_bytes = size_bytes;
  return status.With("write " + SegmentName(segments_.back().start));
}

// REQUIRES: as WriteGroup.
Status SegmentedLog::BeginSegment(Offset start, Offset follows, const TrimPoint& trim) {
  FIRN_ASSIGN_OR_RETURN(
      const Segment segment,
      CreateSegment(files_, dir_, {id_, start, follows, trim}, std::string_view()));
  FIRN_ASSIGN_OR_RETURN(std::unique_ptr<io::AppendFile> file,
                        files_.OpenAppend(SegmentPath(dir_, start)));
  file_ = std::move(file);
  Lock lock(mutex_);
  segments_.push_back(segment);
  disk_bytes_ += segment.size_bytes;
  return Status::OK();
}

// The fresh segment begins past every offset that was handed out, and says that it
// follows the last synced one. So whatever the failed segment holds beyond that is never
// read, cut off or not; and no later record has the offset of a lost one.
Status SegmentedLog::Recover() {
  Lock lock(mutex_);
  flushed_.wait(lock, [this] { return !flushing_; });
  if (failure_.ok()) return Status::OK();
  const Offset follows = synced_;
  const Offset start = AppendedLocked();
  const TrimPoint trim = trim_;
  Segment failed = segments_.back();
  flushing_ = true;
  lock.unlock();

  // Gives the space back first, which a full disk needs.
  CutSegment(files_, dir_, failed, follows);
  const Status status = BeginSegment(start, follows, trim);

  lock.lock();
  flushing_ = false;
  for (Segment& segment : segments_) {
    if (segment.start != failed.start) continue;
    disk_bytes_ -= segment.size_bytes - failed.size_bytes;
    segment.size_bytes = failed.size_bytes;
  }
  if (status.ok()) {
    lost_.Add(follows, start);
    active_.Clear();
    active_start_ = start;
    synced_ = start;
    ++recoveries_;
    failure_ = Status::OK();
  }
  flushed_.notify_all();
  return status.ok() ? status : AsFailure(status.With("recover"));
}

Status SegmentedLog::failure() const {
  Lock lock(mutex_);
  return failure_;
}

Offset SegmentedLog::synced_offset() const {
  Lock lock(mutex_);
  return synced_;
}

Offset SegmentedLog::appended_offset() const {
  Lock lock(mutex_);
  return AppendedLocked();
}

Offset SegmentedLog::trim_offset() const {
  Lock lock(mutex_);
  return trim_.offset;
}

std::uint64_t SegmentedLog::size_bytes() const {
  Lock lock(mutex_);
  return disk_bytes_;
}

LogCounts SegmentedLog::counts() const {
  Lock lock(mutex_);
  LogCounts counts = counts_;
  counts.segments = segments_.size();
  return counts;
}

Status SegmentedLog::Trim(Offset offset,
                          const std::function<Status(const CheckpointAppender&)>& write) {
  std::lock_guard<std::mutex> one_at_a_time(trim_mutex_);
  bool wanted = false;
  {
    Lock lock(mutex_);
    if (offset > synced_) {
      return Status::InvalidArgument("log: trim at " + std::to_string(offset) +
                                     " is above the synced offset " +
                                     std::to_string(synced_));
    }
    wanted = offset > trim_.offset;
  }
  if (wanted) FIRN_RETURN_IF_ERROR(WriteCheckpoint(offset, write).With("trim"));
  return RemoveTrimmed().With("log " + dir_ + ": trim");
}

// Refused by the log where it was recovered in between: the checkpoint may then have lost
// a part, and its trim point must not be logged.
Status SegmentedLog::WriteCheckpoint(
    Offset offset, const std::function<Status(const CheckpointAppender&)>& write) {
  OwnRecord own;
  {
    Lock lock(mutex_);
    own.recoveries = recoveries_;
  }
  FIRN_ASSIGN_OR_RETURN(const Offset begin_end,
                        AppendRecord(RecordKind::kCheckpointBegin, "", "", &own));
  const CheckpointAppender append = [&](RecordKind kind, std::string_view tenant,
                                        std::string_view payload) {
    if (IsOwnKind(kind)) return RefuseOwnKind(kind);
    return AppendRecord(kind, tenant, payload, &own).status();
  };
  FIRN_RETURN_IF_ERROR(write(append));
  FIRN_RETURN_IF_ERROR(AppendRecord(RecordKind::kCheckpointEnd, "", "", &own).status());
  own.trim = TrimPoint{offset, begin_end - kRecordHeaderBytes};
  FIRN_ASSIGN_OR_RETURN(const Offset end,
                        AppendRecord(RecordKind::kTrim, "", EncodeTrim(*own.trim), &own));
  return WaitSynced(end);
}

// Oldest first, so that a crash in between leaves no gap.
Status SegmentedLog::RemoveTrimmed() {
  std::vector<Segment> removable;
  {
    Lock lock(mutex_);
    for (std::size_t i = 0; i + 1 < segments_.size(); ++i) {
      if (segments_[i + 1].follows > trim_.offset) break;
      removable.push_back(segments_[i]);
    }
  }
  if (removable.empty()) return Status::OK();
  for (const Segment& segment : removable) {
    FIRN_RETURN_IF_ERROR(files_.Remove(SegmentPath(dir_, segment.start)));
  }
  FIRN_RETURN_IF_ERROR(files_.SyncDirectory(dir_));
  Lock lock(mutex_);
  for (const Segment& segment : removable) disk_bytes_ -= segment.size_bytes;
  segments_.erase(segments_.begin(),
                  segments_.begin() + static_cast<std::ptrdiff_t>(removable.size()));
  return Status::OK();
}

}  // namespace firn::wal
