// SPDX-License-Identifier: Apache-2.0
// format.h: the bytes of segment headers and record headers (docs/format/wal.md).
//
// Do not change a layout: logs on disk are read for ever. All integers are little-endian.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/ulid.h"
#include "firn/status.h"
#include "wal/record.h"

namespace firn::wal {

inline constexpr std::uint32_t kFormatVersion = 1;
inline constexpr std::size_t kSegmentHeaderBytes = 64;
inline constexpr std::size_t kRecordHeaderBytes = 22;
inline constexpr std::size_t kTenantBytesMax = 65535;
// What a kTrim record holds.
inline constexpr std::size_t kTrimPayloadBytes = 16;

// Where the log begins to matter, and where its checkpoint stands.
struct TrimPoint {
  Offset offset = 0;      // Records that end at or below it were given up.
  Offset checkpoint = 0;  // Start of the kCheckpointBegin record; 0 where there is none.
  bool operator==(const TrimPoint&) const = default;
};

struct SegmentHeader {
  base::Ulid log;
  Offset start = 0;    // Of the first record; also the file's name.
  Offset follows = 0;  // Where the log before this segment ends: start, or less where
                       // a failed write was given up in between.
  TrimPoint trim;      // As synced when the segment was created.
  bool operator==(const SegmentHeader&) const = default;
};

std::string EncodeSegmentHeader(const SegmentHeader& header);
// Corruption where `bytes` does not begin with a whole, undamaged header; Unimplemented
// where it was written by a newer version of firn.
Result<SegmentHeader> DecodeSegmentHeader(std::string_view bytes);

// "00000000000000001234.wal", and back. Nothing for any other name.
std::string SegmentName(Offset start);
std::optional<Offset> ParseSegmentName(std::string_view name);

std::string EncodeTrim(const TrimPoint& trim);
Result<TrimPoint> DecodeTrim(std::string_view payload);

struct RecordHeader {
  std::uint32_t payload_size = 0;
  std::uint32_t body_crc = 0;        // CRC32C of tenant and payload.
  std::uint32_t group_distance = 0;  // From the start of the record's write to its own.
  std::uint8_t version = kFormatVersion;
  RecordKind kind{};
  std::uint16_t flags = 0;
  std::uint16_t tenant_size = 0;

  std::uint64_t record_bytes() const {
    return kRecordHeaderBytes + std::uint64_t{tenant_size} + payload_size;
  }
  bool operator==(const RecordHeader&) const = default;
};

// The kinds below the callers' are the log's own.
inline bool IsOwnKind(RecordKind kind) { return kind < RecordKind::kSeries; }

// The record belongs to a checkpoint.
inline constexpr std::uint16_t kCheckpointFlag = 1;

// Writes and checks record headers of one log. A header's CRC covers the log's ULID and
// the record's offset too, so that it is valid in its own place only: neither bytes of
// another log nor a log stored inside a payload are mistaken for a record. Immutable.
class RecordCodec {
 public:
  explicit RecordCodec(const base::Ulid& log);

  static std::uint32_t BodyCrc(std::string_view tenant, std::string_view payload);
  // Write kRecordHeaderBytes at `out` for a record that starts at `start`.
  void EncodeHeader(const RecordHeader& header, Offset start, char* out) const;
  // Nothing where the bytes are no header that was written for `start`.
  // REQUIRES: kRecordHeaderBytes are readable at `bytes`.
  std::optional<RecordHeader> DecodeHeader(const char* bytes, Offset start) const;

 private:
  std::uint32_t HeaderCrc(const char* bytes, Offset start) const;
  std::uint32_t log_crc_;
};

}  // namespace firn::wal
