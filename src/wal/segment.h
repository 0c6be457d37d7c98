// SPDX-License-Identifier: Apache-2.0
// segment.h: one file of the log: created whole, read record by record.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "firn/status.h"
#include "io/file.h"
#include "wal/format.h"

namespace firn::wal {

struct Segment {
  Offset start = 0;              // As in SegmentHeader.
  Offset follows = 0;            // As in SegmentHeader.
  std::uint64_t size_bytes = 0;  // Of the file, header included.
  bool operator==(const Segment&) const = default;
};

std::string SegmentPath(const std::string& dir, Offset start);
// "segment 00000000000000000000.wal: byte 17": where `offset` lies.
std::string PlaceInSegment(Offset segment_start, Offset offset);

// Create the segment named by header.start with `records` behind its header, in place of
// a file of that name. Atomic and durable when it returns: header, records and name are
// there after a power cut or none of them is.
Result<Segment> CreateSegment(io::FileSystem& files, const std::string& dir,
                              const SegmentHeader& header, std::string_view records);
// Cut the file back to its records below `end`. Not durable, and an error is left to the
// size of the file: what lies behind the place that the next segment follows is never
// read.
void CutSegment(io::FileSystem& files, const std::string& dir, Segment& segment,
                Offset end);
// Corruption names the segment: a damaged header, or one that was written under another
// name.
Result<SegmentHeader> ReadSegmentHeader(io::FileSystem& files, const std::string& dir,
                                        Offset start);

// A record as it lies in a segment. Borrows from the reader until its next step.
struct SegmentRecord {
  RecordHeader header;
  Offset start = 0;
  Offset end = 0;
  Offset group = 0;  // Everything below was synced before this record was written.
  std::string_view tenant;
  std::string_view payload;
};

// Reads the records of one segment in order, in pieces: it holds the larger of 1 MB and
// one record. Thread-compatible; `files` must outlive it.
class SegmentReader {
 public:
  struct Options {
    Offset from = 0;   // Start of the first record to read.
    Offset limit = 0;  // Where the records end. Not included.
    std::uint64_t record_bytes_max = 0;
  };
  enum class Step : std::uint8_t {
    kRecord,  // record() is the next one.
    kEnd,     // The limit was reached, at the end of a record.
    kBad,     // No whole, undamaged record stands at position(); see bad_reason().
  };

  // REQUIRES: header.start <= options.from <= options.limit.
  SegmentReader(io::FileSystem& files, const std::string& dir,
                const SegmentHeader& header, const Options& options);

  // The error is of the file system, or Unimplemented for a record of a newer firn, or
  // Corruption for one that its own CRC vouches for and that breaks a bound.
  Result<Step> Next();
  const SegmentRecord& record() const { return record_; }
  Offset position() const { return position_; }
  const std::string& bad_reason() const { return bad_reason_; }
  std::string Place() const { return PlaceInSegment(header_.start, position_); }

  // After kBad: the start of a record further on whose write began only after the bytes
  // at position() had been synced. Where there is one, synced bytes were damaged; where
  // there is none, those bytes may be of a write that never completed. Reads to the
  // limit.
  Result<std::optional<Offset>> FindProofOfSync();

 private:
  Result<std::string_view> Peek(std::uint64_t size);
  Step Bad(std::string reason);
  Status CheckBounds(const RecordHeader& header) const;

  io::FileSystem& files_;
  const std::string path_;
  const SegmentHeader header_;
  const Options options_;
  const RecordCodec codec_;
  Offset position_;
  SegmentRecord record_;
  std::string bad_reason_;
  std::string piece_;
  Offset piece_start_ = 0;
};

}  // namespace firn::wal
