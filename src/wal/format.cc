// SPDX-License-Identifier: Apache-2.0
#include "wal/format.h"

#include <charconv>
#include <cstring>

#include "base/bytes.h"
#include "base/crc32c.h"

namespace firn::wal {
namespace {

// Do not change. The last byte catches transfers that rewrite line ends.
constexpr std::string_view kMagic = "firnwal\n";
constexpr std::string_view kSegmentSuffix = ".wal";
constexpr std::size_t kSegmentNameDigits = 20;

template <typename T>
void Store(char* out, T v) {
  std::memcpy(out, &v, sizeof v);
}

template <typename T>
T Load(const char* bytes) {
  T v;
  std::memcpy(&v, bytes, sizeof v);
  return v;
}

}  // namespace

std::string EncodeSegmentHeader(const SegmentHeader& header) {
  std::string out;
  out.reserve(kSegmentHeaderBytes);
  base::ByteWriter writer(out);
  writer.Raw(kMagic);
  writer.U32(kFormatVersion);
  writer.Raw({reinterpret_cast<const char*>(header.log.bytes.data()), 16});
  writer.U64(header.start);
  writer.U64(header.follows);
  writer.U64(header.trim.offset);
  writer.U64(header.trim.checkpoint);
  writer.U32(base::Crc32c(out));
  return out;
}

Result<SegmentHeader> DecodeSegmentHeader(std::string_view bytes) {
  if (bytes.size() < kSegmentHeaderBytes) {
    return Status::Corruption("segment header is cut short at byte " +
                              std::to_string(bytes.size()));
  }
  base::ByteReader reader(bytes.substr(0, kSegmentHeaderBytes));
  if (reader.Raw(kMagic.size()) != kMagic) {
    return Status::Corruption("not a segment of a firn log (bad magic at byte 0)");
  }
  const std::uint32_t version = reader.U32();
  SegmentHeader header;
  const std::string_view log = reader.Raw(header.log.bytes.size());
  std::memcpy(header.log.bytes.data(), log.data(), log.size());
  header.start = reader.U64();
  header.follows = reader.U64();
  header.trim.offset = reader.U64();
  header.trim.checkpoint = reader.U64();
  // Every version keeps magic, version and this CRC in place, so that damage to the
  // version does not read as a newer one.
  if (base::Crc32c(bytes.substr(0, kSegmentHeaderBytes - 4)) != reader.U32()) {
    return Status::Corruption("segment header fails its CRC");
  }
  if (version > kFormatVersion) {
    return Status::Unimplemented("log format " + std::to_string(version) +
                                 " was written by a newer firn; this one reads up to " +
                                 std::to_string(kFormatVersion));
  }
  if (version == 0 || header.follows > header.start) {
    return Status::Corruption("segment header contradicts itself");
  }
  return header;
}

std::string SegmentName(Offset start) {
  std::string digits = std::to_string(start);
  return std::string(kSegmentNameDigits - digits.size(), '0') + digits +
         std::string(kSegmentSuffix);
}

std::optional<Offset> ParseSegmentName(std::string_view name) {
  if (name.size() != kSegmentNameDigits + kSegmentSuffix.size() ||
      !name.ends_with(kSegmentSuffix)) {
    return std::nullopt;
  }
  const char* const end = name.data() + kSegmentNameDigits;
  Offset start = 0;
  const auto [stop, error] = std::from_chars(name.data(), end, start);
  if (error != std::errc() || stop != end) return std::nullopt;
  return start;
}

std::string EncodeTrim(const TrimPoint& trim) {
  std::string out;
  base::ByteWriter writer(out);
  writer.U64(trim.offset);
  writer.U64(trim.checkpoint);
  return out;
}

Result<TrimPoint> DecodeTrim(std::string_view payload) {
  base::ByteReader reader(payload);
  TrimPoint trim;
  trim.offset = reader.U64();
  trim.checkpoint = reader.U64();
  if (!reader.ok() || !reader.AtEnd() || trim.checkpoint < trim.offset) {
    return Status::Corruption("trim record contradicts itself");
  }
  return trim;
}

RecordCodec::RecordCodec(const base::Ulid& log)
    : log_crc_(base::Crc32c({reinterpret_cast<const char*>(log.bytes.data()), 16})) {}

std::uint32_t RecordCodec::BodyCrc(std::string_view tenant, std::string_view payload) {
  return base::Crc32c(payload, base::Crc32c(tenant));
}

std::uint32_t RecordCodec::HeaderCrc(const char* bytes, Offset start) const {
  char place[sizeof start];
  Store(place, start);
  const std::uint32_t seed = base::Crc32c({place, sizeof place}, log_crc_);
  return base::Crc32c({bytes + 4, kRecordHeaderBytes - 4}, seed);
}

void RecordCodec::EncodeHeader(const RecordHeader& header, Offset start,
                               char* out) const {
  Store(out + 4, header.payload_size);
  Store(out + 8, header.body_crc);
  Store(out + 12, header.group_distance);
  Store(out + 16, header.version);
  Store(out + 17, header.kind);
  Store(out + 18, header.flags);
  Store(out + 20, header.tenant_size);
  Store(out, HeaderCrc(out, start));
}

std::optional<RecordHeader> RecordCodec::DecodeHeader(const char* bytes,
                                                      Offset start) const {
  if (Load<std::uint32_t>(bytes) != HeaderCrc(bytes, start)) return std::nullopt;
  RecordHeader header;
  header.payload_size = Load<std::uint32_t>(bytes + 4);
  header.body_crc = Load<std::uint32_t>(bytes + 8);
  header.group_distance = Load<std::uint32_t>(bytes + 12);
  header.version = Load<std::uint8_t>(bytes + 16);
  header.kind = Load<RecordKind>(bytes + 17);
  header.flags = Load<std::uint16_t>(bytes + 18);
  header.tenant_size = Load<std::uint16_t>(bytes + 20);
  return header;
}

}  // namespace firn::wal
