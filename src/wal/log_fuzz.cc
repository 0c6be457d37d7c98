// SPDX-License-Identifier: Apache-2.0
// Opens and replays segments made of the input: records with arbitrary headers whose CRCs
// hold, so that the bounds behind the CRCs are reached, and raw bytes between them.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/ulid.h"
#include "io/memory_file_system.h"
#include "wal/format.h"
#include "wal/log.h"
#include "wal/segment.h"

namespace firn::wal {
namespace {

constexpr std::uint64_t kRecordBytesMax = 1 << 16;

// One segment's records from the input.
std::string MakeRecords(base::ByteReader& in, const RecordCodec& codec, Offset start) {
  std::string records;
  for (int count = in.U8() % 16; count > 0 && in.ok(); --count) {
    if (in.U8() % 4 == 0) {
      records += in.Text();
      continue;
    }
    const std::string body(in.Text());
    RecordHeader header;
    header.tenant_size = static_cast<std::uint16_t>(in.Varint());
    const bool honest = in.U8() % 4 != 0;
    if (honest && header.tenant_size > body.size()) header.tenant_size = 0;
    header.payload_size = honest ? body.size() - header.tenant_size : in.U32();
    header.body_crc = RecordCodec::BodyCrc(body, "");
    header.group_distance = static_cast<std::uint32_t>(in.Varint());
    header.version = in.U8() % 8 == 0 ? in.U8() : kFormatVersion;
    header.kind = static_cast<RecordKind>(in.U8() % 20);
    header.flags = in.U8() % 3;
    char bytes[kRecordHeaderBytes];
    codec.EncodeHeader(header, start + records.size(), bytes);
    records.append(bytes, sizeof bytes).append(body);
  }
  return records;
}

void OpenAndReplay(std::string_view input) {
  base::ByteReader in(input);
  base::Ulid id;
  id.bytes[0] = 1;
  const RecordCodec codec(id);
  io::MemoryFileSystem files;
  if (!files.CreateDirectories("wal").ok()) std::abort();
  Offset start = 0;
  for (int count = 1 + in.U8() % 3; count > 0; --count) {
    SegmentHeader header{id,
                         start,
                         start - (in.U8() % 4 == 0 ? in.U8() % (start + 1) : 0),
                         {in.Varint() % 64, in.Varint() % 256}};
    const std::string records = MakeRecords(in, codec, start);
    if (!CreateSegment(files, "wal", header, records).ok()) std::abort();
    start += records.size() + (in.U8() % 8 == 0 ? in.U8() : 0);
  }
  LogOptions options;
  options.record_bytes_max = kRecordBytesMax;
  base::ManualClock clock(0);
  base::UlidSource ulids(clock, 1);
  Result<std::unique_ptr<Log>> log = Log::Open(files, "wal", options, ulids);
  if (!log.ok()) return;
  Offset last = 0;
  std::uint64_t records = 0;
  const auto visit = [&](const Record& record) {
    if (record.end < last) std::abort();
    last = record.end;
    ++records;
    return Status::OK();
  };
  const Status status = (*log)->Replay(visit);
  if (last > (*log)->synced_offset()) std::abort();
  // What an open has mended, the next one finds in order.
  const std::uint64_t first_records = records;
  log->reset();
  log = Log::Open(files, "wal", options, ulids);
  if (!log.ok() || !(*log)->recovery().cut_reason.empty()) std::abort();
  last = records = 0;
  if ((*log)->Replay(visit) != status || records != first_records) std::abort();
}

}  // namespace
}  // namespace firn::wal

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  firn::wal::OpenAndReplay({reinterpret_cast<const char*>(data), size});
  return 0;
}
