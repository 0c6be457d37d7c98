// SPDX-License-Identifier: Apache-2.0
#include "wal/replay.h"

#include <algorithm>

namespace firn::wal {
namespace {

// What to do after a record.
enum class Then : std::uint8_t { kGoOn, kStop };

class Replay {
 public:
  Replay(io::FileSystem& files, const std::string& dir, const ReplayRange& range,
         std::uint64_t record_bytes_max,
         const std::function<Status(const Record&)>& visit)
      : files_(files),
        dir_(dir),
        range_(range),
        record_bytes_max_(record_bytes_max),
        visit_(visit) {}

  Status Checkpoint();
  Status Records();

 private:
  using Step = std::function<Result<Then>(const SegmentRecord&)>;
  Status Walk(Offset from, const Step& step);
  Result<Then> WalkSegment(std::size_t index, Offset from, const Step& step);
  // Where the records of a segment end.
  Offset LimitOf(std::size_t index) const {
    return index + 1 < range_.segments.size() ? range_.segments[index + 1].follows
                                              : range_.end;
  }
  Status Visit(const SegmentRecord& record, Offset end) const {
    return visit_({record.header.kind, record.tenant, record.payload, end});
  }

  io::FileSystem& files_;
  const std::string& dir_;
  const ReplayRange& range_;
  const std::uint64_t record_bytes_max_;
  const std::function<Status(const Record&)>& visit_;
};

bool IsInCheckpoint(const SegmentRecord& record) {
  return (record.header.flags & kCheckpointFlag) != 0;
}

Result<Then> Replay::WalkSegment(std::size_t index, Offset from, const Step& step) {
  const Segment& segment = range_.segments[index];
  FIRN_ASSIGN_OR_RETURN(const SegmentHeader header,
                        ReadSegmentHeader(files_, dir_, segment.start));
  if (header.log != range_.log || header.follows != segment.follows) {
    return Status::Corruption("segment " + SegmentName(segment.start) +
                              " changed after the log was opened");
  }
  SegmentReader reader(files_, dir_, header,
                       {.from = std::max(from, segment.start),
                        .limit = LimitOf(index),
                        .record_bytes_max = record_bytes_max_});
  for (;;) {
    FIRN_ASSIGN_OR_RETURN(const SegmentReader::Step next, reader.Next());
    if (next == SegmentReader::Step::kEnd) return Then::kGoOn;
    if (next == SegmentReader::Step::kBad) {
      return Status::Corruption(reader.Place() + ": " + reader.bad_reason());
    }
    FIRN_ASSIGN_OR_RETURN(const Then then, step(reader.record()));
    if (then == Then::kStop) return then;
  }
}

// Steps through the records from `from` on, which is where one starts or at or below
// where a segment does.
Status Replay::Walk(Offset from, const Step& step) {
  for (std::size_t i = 0; i < range_.segments.size(); ++i) {
    if (LimitOf(i) <= from) continue;
    FIRN_ASSIGN_OR_RETURN(const Then then, WalkSegment(i, from, step));
    if (then == Then::kStop) return Status::OK();
  }
  return Status::OK();
}

Status Replay::Checkpoint() {
  if (range_.trim.checkpoint == 0) return Status::OK();
  bool begun = false;
  bool ended = false;
  FIRN_RETURN_IF_ERROR(
      Walk(range_.trim.checkpoint, [&](const SegmentRecord& record) -> Result<Then> {
        if (!begun) {
          if (record.header.kind != RecordKind::kCheckpointBegin) return Then::kStop;
          begun = true;
          return Then::kGoOn;
        }
        if (!IsInCheckpoint(record)) return Then::kGoOn;  // Another thread's, in between.
        if (record.header.kind == RecordKind::kCheckpointEnd) {
          ended = true;
          return Then::kStop;
        }
        FIRN_RETURN_IF_ERROR(Visit(record, range_.trim.offset));
        return Then::kGoOn;
      }));
  if (ended) return Status::OK();
  return Status::Corruption("the checkpoint at offset " +
                            std::to_string(range_.trim.checkpoint) +
                            (begun ? " has no end" : " is not there"));
}

Status Replay::Records() {
  // The first segment is read from its beginning, to find where its records begin.
  Offset from = 0;
  for (std::size_t i = 0; i < range_.segments.size(); ++i) {
    if (LimitOf(i) <= range_.trim.offset) from = LimitOf(i);
  }
  return Walk(from, [&](const SegmentRecord& record) -> Result<Then> {
    const bool own = IsOwnKind(record.header.kind);
    if (record.end > range_.trim.offset && !own && !IsInCheckpoint(record)) {
      FIRN_RETURN_IF_ERROR(Visit(record, record.end));
    }
    return Then::kGoOn;
  });
}

}  // namespace

Status ReplaySegments(io::FileSystem& files, const std::string& dir,
                      const ReplayRange& range, std::uint64_t record_bytes_max,
                      const std::function<Status(const Record&)>& visit) {
  Replay replay(files, dir, range, record_bytes_max, visit);
  FIRN_RETURN_IF_ERROR(replay.Checkpoint());
  return replay.Records();
}

}  // namespace firn::wal
