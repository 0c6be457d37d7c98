// SPDX-License-Identifier: Apache-2.0
#include "wal/segment.h"

#include <algorithm>

#include "base/assert.h"

namespace firn::wal {
namespace {

// Large enough that a call to the file system costs little beside the copy.
constexpr std::uint64_t kPieceBytes = 1 << 20;
constexpr std::uint16_t kKnownFlags = kCheckpointFlag;

}  // namespace

std::string SegmentPath(const std::string& dir, Offset start) {
  return dir + "/" + SegmentName(start);
}

std::string PlaceInSegment(Offset segment_start, Offset offset) {
  return "segment " + SegmentName(segment_start) + ": byte " +
         std::to_string(kSegmentHeaderBytes + (offset - segment_start));
}

Result<Segment> CreateSegment(io::FileSystem& files, const std::string& dir,
                              const SegmentHeader& header, std::string_view records) {
  std::string bytes = EncodeSegmentHeader(header);
  bytes.append(records);
  FIRN_RETURN_IF_ERROR(files.WriteAtomically(SegmentPath(dir, header.start), bytes)
                           .With("create segment " + SegmentName(header.start)));
  return Segment{header.start, header.follows, bytes.size()};
}

void CutSegment(io::FileSystem& files, const std::string& dir, Segment& segment,
                Offset end) {
  const std::uint64_t size_bytes = kSegmentHeaderBytes + (end - segment.start);
  if (size_bytes >= segment.size_bytes) return;
  Result<std::unique_ptr<io::AppendFile>> file =
      files.OpenAppend(SegmentPath(dir, segment.start));
  if (file.ok() && (*file)->Truncate(size_bytes).ok()) segment.size_bytes = size_bytes;
}

Result<SegmentHeader> ReadSegmentHeader(io::FileSystem& files, const std::string& dir,
                                        Offset start) {
  FIRN_ASSIGN_OR_RETURN(const std::string bytes,
                        files.ReadAt(SegmentPath(dir, start), 0, kSegmentHeaderBytes));
  Result<SegmentHeader> header = DecodeSegmentHeader(bytes);
  if (!header.ok()) return header.status().With("segment " + SegmentName(start));
  if (header->start != start) {
    return Status::Corruption("segment " + SegmentName(start) + ": its header names it " +
                              SegmentName(header->start));
  }
  return header;
}

SegmentReader::SegmentReader(io::FileSystem& files, const std::string& dir,
                             const SegmentHeader& header, const Options& options)
    : files_(files),
      path_(SegmentPath(dir, header.start)),
      header_(header),
      options_(options),
      codec_(header.log),
      position_(options.from) {
  FIRN_ASSERT(header.start <= options.from && options.from <= options.limit);
}

// At least `size` bytes at position(), or fewer where the file ends before that.
// REQUIRES: size <= limit - position.
Result<std::string_view> SegmentReader::Peek(std::uint64_t size) {
  const bool held =
      position_ >= piece_start_ && position_ + size <= piece_start_ + piece_.size();
  if (!held) {
    const std::uint64_t wanted =
        std::min(std::max(size, kPieceBytes), options_.limit - position_);
    FIRN_ASSIGN_OR_RETURN(
        piece_,
        files_.ReadAt(path_, kSegmentHeaderBytes + (position_ - header_.start), wanted));
    piece_start_ = position_;
  }
  return std::string_view(piece_).substr(position_ - piece_start_);
}

SegmentReader::Step SegmentReader::Bad(std::string reason) {
  bad_reason_ = std::move(reason);
  return Step::kBad;
}

// What a header says is true, since its CRC holds; that it can be taken is another
// matter.
Status SegmentReader::CheckBounds(const RecordHeader& header) const {
  if (header.version > kFormatVersion || (header.flags & ~kKnownFlags) != 0) {
    return Status::Unimplemented(
        Place() + ": a record of version " + std::to_string(header.version) +
        " and flags " + std::to_string(header.flags) + " was written by a newer firn");
  }
  if (header.payload_size > options_.record_bytes_max) {
    return Status::Corruption(
        Place() + ": a record of " + std::to_string(header.payload_size) +
        " bytes is above record_bytes_max " + std::to_string(options_.record_bytes_max));
  }
  if (header.version == 0 || header.group_distance > position_ - header_.start) {
    return Status::Corruption(Place() + ": record header contradicts itself");
  }
  return Status::OK();
}

Result<SegmentReader::Step> SegmentReader::Next() {
  if (position_ == options_.limit) return Step::kEnd;
  const std::uint64_t remaining = options_.limit - position_;
  if (remaining < kRecordHeaderBytes) return Bad("record header is cut short");
  FIRN_ASSIGN_OR_RETURN(std::string_view bytes, Peek(kRecordHeaderBytes));
  if (bytes.size() < kRecordHeaderBytes) return Bad("file ends inside a record header");
  const std::optional<RecordHeader> header = codec_.DecodeHeader(bytes.data(), position_);
  if (!header) return Bad("record header fails its CRC");
  FIRN_RETURN_IF_ERROR(CheckBounds(*header));

  const std::uint64_t size = header->record_bytes();
  if (size > remaining) return Bad("record is cut short");
  FIRN_ASSIGN_OR_RETURN(bytes, Peek(size));
  if (bytes.size() < size) return Bad("file ends inside a record");
  record_.header = *header;
  record_.tenant = bytes.substr(kRecordHeaderBytes, header->tenant_size);
  record_.payload =
      bytes.substr(kRecordHeaderBytes + header->tenant_size, header->payload_size);
  if (RecordCodec::BodyCrc(record_.tenant, record_.payload) != header->body_crc) {
    return Bad("record body fails its CRC");
  }
  record_.start = position_;
  record_.end = position_ + size;
  record_.group = position_ - header->group_distance;
  position_ = record_.end;
  return Step::kRecord;
}

Result<std::optional<Offset>> SegmentReader::FindProofOfSync() {
  const Offset bad = position_;
  std::optional<Offset> found;
  // Nothing is known of the bytes, so each place is tried. The CRC of a header covers its
  // place, which makes a match by chance one in 2^32 tries.
  while (!found && options_.limit - position_ > kRecordHeaderBytes) {
    ++position_;
    FIRN_ASSIGN_OR_RETURN(const std::string_view bytes, Peek(kRecordHeaderBytes));
    if (bytes.size() < kRecordHeaderBytes) break;
    const char* p = bytes.data();
    const std::size_t places = bytes.size() - kRecordHeaderBytes + 1;
    for (std::size_t i = 0; i < places; ++i, ++position_) {
      const std::optional<RecordHeader> header = codec_.DecodeHeader(p + i, position_);
      if (header && header->version == kFormatVersion &&
          header->group_distance < position_ - bad) {
        found = position_;
        break;
      }
    }
    if (!found) --position_;  // To the last place tried: the loop steps off it.
  }
  position_ = bad;
  return found;
}

}  // namespace firn::wal
