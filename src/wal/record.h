// SPDX-License-Identifier: Apache-2.0
// record.h: what the log holds: records, and the offsets that name their ends.
#pragma once

#include <cstdint>
#include <string_view>

namespace firn::wal {

// A logical byte position from the log's beginning. It only grows, across segments,
// failures and restarts; where a write failed it skips what was given up.
using Offset = std::uint64_t;

// What a record holds; the log does not look inside. Do not change the numbers: they
// are on disk. New kinds are added at the end.
enum class RecordKind : std::uint8_t {
  kCheckpointBegin =
      1,               // The log's own: definitions up to kCheckpointEnd repeat old ones.
  kCheckpointEnd = 2,  // The log's own.
  kTrim = 3,           // The log's own: the offset below which records were given up.
  kSeries = 16,        // tsdb: defines series references.
  kSamples = 17,       // tsdb: samples by series reference.
  kMetadata = 18,      // tsdb: type, help and unit of metrics.
};

struct Record {
  RecordKind kind;
  std::string_view tenant;  // Borrowed, as payload is.
  std::string_view payload;
  Offset end = 0;  // The offset just past this record.
};

}  // namespace firn::wal
