// SPDX-License-Identifier: Apache-2.0
// replay.h: reads a log's segments back in the order Log::Replay promises.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/ulid.h"
#include "firn/status.h"
#include "io/file.h"
#include "wal/segment.h"

namespace firn::wal {

// The part of a log to read.
struct ReplayRange {
  base::Ulid log;
  std::vector<Segment> segments;
  TrimPoint trim;
  Offset end = 0;  // Records that end above it are left out.
};

// First the checkpoint that `range.trim` names, then the records above the trim point.
// See Log::Replay for what is visited and for the errors.
Status ReplaySegments(io::FileSystem& files, const std::string& dir,
                      const ReplayRange& range, std::uint64_t record_bytes_max,
                      const std::function<Status(const Record&)>& visit);

}  // namespace firn::wal
