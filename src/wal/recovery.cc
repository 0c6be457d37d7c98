// SPDX-License-Identifier: Apache-2.0
#include "wal/recovery.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/assert.h"

namespace firn::wal {
namespace {

// What the scan of the last segment found.
struct Tail {
  SegmentHeader header;
  std::uint64_t size_bytes = 0;
  Offset group = 0;  // Start of the last write of which a record was found.
  Offset end = 0;
  TrimPoint trim;
};

class Recovery {
 public:
  Recovery(io::FileSystem& files, const std::string& dir, const LogOptions& options)
      : files_(files), dir_(dir), options_(options) {}

  Result<RecoveredLog> Run(base::UlidSource& ulids);
  Result<std::optional<LogExtent>> Inspect();

 private:
  Status ListSegments();
  Status SetTornCreationsAside();
  Status RemoveTornCreations();
  Status BeginLog(base::UlidSource& ulids);
  Result<Tail> ScanTail();
  Status JudgeBadRecord(SegmentReader& reader);
  Status CheckOlderSegments(const SegmentHeader& last);
  Status RewriteTail(const Tail& tail);
  Status RemoveObsolete();

  io::FileSystem& files_;
  const std::string& dir_;
  const LogOptions& options_;
  std::vector<Offset> starts_;    // Of the segment files, ascending.
  std::vector<Offset> torn_;      // Without a header; newest first.
  std::vector<Offset> obsolete_;  // At or below the trim point.
  RecoveredLog result_;
};

Status Recovery::ListSegments() {
  FIRN_ASSIGN_OR_RETURN(const std::vector<std::string> names, files_.List(dir_));
  for (const std::string& name : names) {
    if (const std::optional<Offset> start = ParseSegmentName(name)) {
      starts_.push_back(*start);
    }
  }
  FIRN_ASSERT(std::is_sorted(starts_.begin(), starts_.end()));
  return Status::OK();
}

// Segments are created whole, so a file system that keeps its promises never shows one
// without its header. One that does not may leave an empty or zero-filled file.
Status Recovery::SetTornCreationsAside() {
  while (!starts_.empty()) {
    const Offset start = starts_.back();
    const std::string path = SegmentPath(dir_, start);
    FIRN_ASSIGN_OR_RETURN(const std::uint64_t size_bytes, files_.FileSize(path));
    if (size_bytes > kSegmentHeaderBytes) return Status::OK();
    FIRN_ASSIGN_OR_RETURN(const std::string bytes,
                          files_.ReadAt(path, 0, kSegmentHeaderBytes));
    const Result<SegmentHeader> header = DecodeSegmentHeader(bytes);
    if (header.ok() || !header.status().Is(StatusCode::kCorruption)) return Status::OK();
    if (starts_.size() == 1 && start != 0) {
      return header.status().With("segment " + SegmentName(start) + ", the only one");
    }
    torn_.push_back(start);
    result_.report.bytes_cut += size_bytes;
    result_.report.cut_reason = "segment " + SegmentName(start) + " has no header";
    starts_.pop_back();
  }
  return Status::OK();
}

// Each before the one that it follows, so that a crash in between leaves no lone later
// one.
Status Recovery::RemoveTornCreations() {
  for (const Offset start : torn_) {
    FIRN_RETURN_IF_ERROR(files_.Remove(SegmentPath(dir_, start)));
    FIRN_RETURN_IF_ERROR(files_.SyncDirectory(dir_));
  }
  return Status::OK();
}

Status Recovery::BeginLog(base::UlidSource& ulids) {
  result_.report.created = true;
  result_.id = ulids.Next();
  FIRN_ASSIGN_OR_RETURN(
      const Segment segment,
      CreateSegment(files_, dir_, {result_.id, 0, 0, TrimPoint{}}, std::string_view()));
  result_.segments.push_back(segment);
  return Status::OK();
}

// Corruption where the bytes had been synced; otherwise the tail is torn there.
Status Recovery::JudgeBadRecord(SegmentReader& reader) {
  FIRN_ASSIGN_OR_RETURN(const std::optional<Offset> proof, reader.FindProofOfSync());
  const std::string what = reader.Place() + ": " + reader.bad_reason();
  if (proof) {
    return Status::Corruption(what + ", though the record at offset " +
                              std::to_string(*proof) +
                              " was written after those bytes were synced");
  }
  result_.report.cut_reason = what;
  return Status::OK();
}

Result<Tail> Recovery::ScanTail() {
  const Offset start = starts_.back();
  Tail tail;
  FIRN_ASSIGN_OR_RETURN(tail.header, ReadSegmentHeader(files_, dir_, start));
  FIRN_ASSIGN_OR_RETURN(tail.size_bytes, files_.FileSize(SegmentPath(dir_, start)));
  FIRN_ASSERT(tail.size_bytes >= kSegmentHeaderBytes);
  tail.group = start;
  tail.trim = tail.header.trim;
  SegmentReader reader(files_, dir_, tail.header,
                       {.from = start,
                        .limit = start + (tail.size_bytes - kSegmentHeaderBytes),
                        .record_bytes_max = options_.record_bytes_max});
  for (;;) {
    FIRN_ASSIGN_OR_RETURN(const SegmentReader::Step step, reader.Next());
    if (step == SegmentReader::Step::kBad) FIRN_RETURN_IF_ERROR(JudgeBadRecord(reader));
    if (step != SegmentReader::Step::kRecord) break;
    const SegmentRecord& record = reader.record();
    if (record.group < tail.group) {
      return Status::Corruption(PlaceInSegment(start, record.start) +
                                ": a record of an older write follows a newer one");
    }
    tail.group = record.group;
    if (record.header.kind != RecordKind::kTrim) continue;
    Result<TrimPoint> trim = DecodeTrim(record.payload);
    if (!trim.ok()) return trim.status().With(PlaceInSegment(start, record.start));
    tail.trim = *trim;
  }
  tail.end = reader.position();
  result_.report.bytes_cut += tail.size_bytes - kSegmentHeaderBytes - (tail.end - start);
  return tail;
}

// Walks from the newest to the oldest, so that segments whose removal did not reach the
// disk are recognised before anything is asked of them.
Status Recovery::CheckOlderSegments(const SegmentHeader& last) {
  SegmentHeader next = last;
  while (!starts_.empty()) {
    const Offset start = starts_.back();
    if (next.follows <= result_.trim.offset) {
      obsolete_ = starts_;
      break;
    }
    FIRN_ASSIGN_OR_RETURN(const SegmentHeader header,
                          ReadSegmentHeader(files_, dir_, start));
    if (header.log != last.log) {
      return Status::Corruption(
          "segment " + SegmentName(start) + " is of log " + header.log.ToString() +
          ", but " + SegmentName(last.start) + " is of log " + last.log.ToString());
    }
    FIRN_ASSIGN_OR_RETURN(const std::uint64_t size_bytes,
                          files_.FileSize(SegmentPath(dir_, start)));
    if (start > next.follows || size_bytes - kSegmentHeaderBytes < next.follows - start) {
      return Status::Corruption(
          "segment " + SegmentName(start) + " of " + std::to_string(size_bytes) +
          " bytes does not reach offset " + std::to_string(next.follows) + ", which " +
          SegmentName(next.start) + " follows: records are missing");
    }
    result_.segments.push_back({start, header.follows, size_bytes});
    next = header;
    starts_.pop_back();
  }
  std::reverse(result_.segments.begin(), result_.segments.end());
  if (next.follows > result_.trim.offset) {
    return Status::Corruption("no segment holds offset " +
                              std::to_string(result_.trim.offset) + ", the trim point; " +
                              SegmentName(next.start) + " is the oldest");
  }
  return Status::OK();
}

Status Recovery::RewriteTail(const Tail& tail) {
  const Offset start = tail.header.start;
  const std::string path = SegmentPath(dir_, start);
  const bool whole = tail.group == start;
  FIRN_ASSIGN_OR_RETURN(const std::string records,
                        files_.ReadAt(path, kSegmentHeaderBytes + (tail.group - start),
                                      tail.end - tail.group));
  if (records.size() != tail.end - tail.group) {
    return Status::Unavailable("segment " + SegmentName(start) +
                               " shrank while it was read");
  }
  const Offset follows = whole ? tail.header.follows : tail.group;
  FIRN_ASSIGN_OR_RETURN(
      const Segment rewritten,
      CreateSegment(files_, dir_, {tail.header.log, tail.group, follows, tail.trim},
                    records));
  if (!whole) {
    Segment older{start, tail.header.follows, tail.size_bytes};
    CutSegment(files_, dir_, older, tail.group);
    result_.segments.push_back(older);
  }
  result_.segments.push_back(rewritten);
  return Status::OK();
}

// Oldest first, so that a crash in between leaves no gap.
Status Recovery::RemoveObsolete() {
  if (obsolete_.empty()) return Status::OK();
  for (const Offset start : obsolete_) {
    FIRN_RETURN_IF_ERROR(files_.Remove(SegmentPath(dir_, start)));
  }
  return files_.SyncDirectory(dir_);
}

Result<RecoveredLog> Recovery::Run(base::UlidSource& ulids) {
  FIRN_RETURN_IF_ERROR(files_.CreateDirectories(dir_));
  FIRN_RETURN_IF_ERROR(ListSegments());
  FIRN_RETURN_IF_ERROR(SetTornCreationsAside());
  FIRN_RETURN_IF_ERROR(RemoveTornCreations());
  if (starts_.empty()) {
    FIRN_RETURN_IF_ERROR(BeginLog(ulids));
    return std::move(result_);
  }
  FIRN_ASSIGN_OR_RETURN(const Tail tail, ScanTail());
  result_.id = tail.header.log;
  result_.trim = tail.trim;
  result_.end = tail.end;
  starts_.pop_back();
  FIRN_RETURN_IF_ERROR(CheckOlderSegments(tail.header));
  FIRN_RETURN_IF_ERROR(RewriteTail(tail));
  FIRN_RETURN_IF_ERROR(RemoveObsolete());
  result_.report.trim = result_.trim.offset;
  result_.report.end = result_.end;
  return std::move(result_);
}

Result<std::optional<LogExtent>> Recovery::Inspect() {
  FIRN_ASSIGN_OR_RETURN(const bool exists, files_.Exists(dir_));
  if (!exists) return std::optional<LogExtent>();
  FIRN_RETURN_IF_ERROR(ListSegments());
  FIRN_RETURN_IF_ERROR(SetTornCreationsAside());
  if (starts_.empty()) return std::optional<LogExtent>();
  FIRN_ASSIGN_OR_RETURN(const Tail tail, ScanTail());
  return std::optional<LogExtent>({tail.header.log, tail.trim.offset, tail.end});
}

}  // namespace

Result<std::optional<LogExtent>> InspectDirectory(io::FileSystem& files,
                                                  const std::string& dir,
                                                  const LogOptions& options) {
  Result<std::optional<LogExtent>> found = Recovery(files, dir, options).Inspect();
  if (!found.ok()) return found.status().With("log " + dir);
  return found;
}

Result<RecoveredLog> RecoverDirectory(io::FileSystem& files, const std::string& dir,
                                      const LogOptions& options,
                                      base::UlidSource& ulids) {
  Result<RecoveredLog> recovered = Recovery(files, dir, options).Run(ulids);
  if (!recovered.ok()) return recovered.status().With("log " + dir);
  return recovered;
}

}  // namespace firn::wal
