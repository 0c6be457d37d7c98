// SPDX-License-Identifier: Apache-2.0
// recovery.h: what a directory holds of a log, mended so that appends can go on.
//
//   1. A last segment without a whole header holds no record: it is removed.
//   2. The last segment is scanned. Where no good record stands, the rest is a torn tail,
//      unless a record further on proves that the place had been synced: Corruption.
//   3. What the last write left is rewritten, by one atomic write, as a segment of its
//      own, since nothing tells whether it had reached the disk or only the page cache.
//   4. Segments at or below the trim point are removed.
//
// Invariants of the segments that remain, in order: one log; the first begins at or below
// the trim point; each is long enough to reach the place that the next one follows.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/ulid.h"
#include "firn/status.h"
#include "io/file.h"
#include "wal/log.h"
#include "wal/segment.h"

namespace firn::wal {

struct RecoveredLog {
  base::Ulid id;
  std::vector<Segment> segments;  // At least one; the last is the one to append to.
  TrimPoint trim;
  Offset end = 0;  // Past the last record. All of it is synced.
  RecoveryReport report;
};

// See Log::Open for the errors. May be called again after an error or a crash at any
// step.
Result<RecoveredLog> RecoverDirectory(io::FileSystem& files, const std::string& dir,
                                      const LogOptions& options, base::UlidSource& ulids);

// See Log::Inspect: steps 1 and 2 without their changes.
Result<std::optional<LogExtent>> InspectDirectory(io::FileSystem& files,
                                                  const std::string& dir,
                                                  const LogOptions& options);

}  // namespace firn::wal
